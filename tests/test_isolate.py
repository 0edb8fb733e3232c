"""A file that is made to take all memory, all time or the process with it costs its own record only."""

from __future__ import annotations

import bz2
import gzip
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import r1router as rr
from r1router.errors import InputError, UnreadableFile
from r1router.ingest.isolate import LIMITS, Limits, ReadingProcess, choose_limits, open_reading_process
from r1router.ingest.parts import files
from r1router.ingest.records import Passage, Picture
from r1router.ingest.sources import SourceFile
from r1router.kb import open_kb
from r1router.types import KnowledgeBase, Query
from small_embedders import HashedWords

SMALL = Limits(memory=250_000_000, seconds=3.0, whole=3.0, output=2_000_000, entries=2_000)


def source(path: Path) -> SourceFile:
    return SourceFile(path, path.name, ("text",))


def open_words(folder: Path) -> KnowledgeBase:
    return open_kb(folder / "kbs" / "text", text_embedder=HashedWords())


def bomb(folder: Path) -> Path:
    """A page of a million paragraphs, in a few kilobytes."""
    import docx

    path = folder / "bomb.docx"
    document = docx.Document()
    document.add_paragraph("x")
    document.save(str(path))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    whole = parts["word/document.xml"]
    at = whole.index(b"<w:p>")
    end = whole.index(b"</w:p>") + len(b"</w:p>")
    parts["word/document.xml"] = whole[:at] + whole[at:end] * 1_500_000 + whole[end:]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_a_file_that_takes_too_much_memory_is_a_problem_and_the_next_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo is the capital of Norway.")
    with open_reading_process(SMALL) as process:
        with pytest.raises(UnreadableFile, match=r"takes (more than 250 MB|too long)"):
            list(process.read(source(bomb(tmp_path)), as_=None, ocr=False))
        *_, passage = process.read(source(tmp_path / "a.txt"), as_=None, ocr=False)
    assert passage.text == "Oslo is the capital of Norway."  # type: ignore[union-attr]


def test_a_small_file_that_unpacks_to_very_much_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1234567890,abcdefghij\n" * 400_000))
    with open_reading_process(SMALL) as process, pytest.raises(UnreadableFile, match="unpacks to more"):
        list(process.read(source(path), as_=None, ocr=False))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_small_file_that_unpacks_to_very_much_text_is_refused_before_it_is_read(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_UNPACKED", 1_000_000)
    path = tmp_path / ("rows.csv.gz" if pack is gzip.compress else "wiki_00.bz2")
    path.write_bytes(pack(b"a,b\n" + b"1,2\n" * 400_000))
    with pytest.raises(UnreadableFile, match="unpacks to more than 1 MB"):
        files.find_encoding(source(path))
    path.write_bytes(pack(b"a,b\n" + b"".join(b"%d,2\n" % n for n in range(200_000))))
    assert files.find_encoding(source(path)).name == "utf-8"  # over 1 MB, and not a hundred times its size


def test_a_file_whose_records_come_one_by_one_for_too_long_is_a_problem(tmp_path: Path) -> None:
    """Each of them in time: pages may share one content, so that a small file has any number of slow ones."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "x"}\n')
    process = ReadingProcess()
    try:
        assert list(process.read(source(path), as_=None, ocr=False))  # what it imports is there now
        path.write_bytes(b'{"text": "x"}\n' * 400_000)
        process.limits = Limits(whole=0.5, seconds_per_mb=0.0)
        with pytest.raises(UnreadableFile, match="too long for its size"):
            list(process.read(source(path), as_=None, ocr=False))
        assert Limits().measure_time(path) == 112.0  # 20 seconds for each megabyte
    finally:
        process.stop()


def test_the_words_in_the_pictures_of_a_file_have_a_time_of_their_own(tmp_path: Path) -> None:
    """A scanned page takes seconds, and a few kilobytes of its file; one without words takes the file's own time."""
    from PIL import Image, ImageDraw

    page = Image.new("L", (500, 120), 255)
    ImageDraw.Draw(page).text((20, 30), "The harbour of 1931", fill=0, font_size=40)
    page.save(tmp_path / "one.tiff")
    page.save(tmp_path / "scan.tiff", save_all=True, append_images=[page] * 11)
    process = ReadingProcess()

    def read(name: str) -> list[bool]:
        items = process.read(SourceFile(tmp_path / name, name, ("image",)), as_="image", ocr=True)
        return ["harbour" in item.words for item in items if isinstance(item, Picture)]

    try:
        assert read("one.tiff") == [True]  # what it imports is there now
        before = process._cpu()
        assert read("scan.tiff") == [True] * 12
        # Without their words the pages take far less than half; with a quarter for each, half is missing.
        took = process._cpu() - before
        process.limits = Limits(whole=took / 2, seconds_per_mb=0.0)
        assert read("scan.tiff") == [True] * 12
        process.limits = Limits(whole=took / 4, seconds_per_mb=0.0, recognition_per_mb=0.0)
        with pytest.raises(UnreadableFile, match="too long for its size"):
            read("scan.tiff")
    finally:
        process.stop()


def test_a_record_that_is_too_large_to_hand_over_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo " * 1_000)
    process = ReadingProcess(Limits(piece=4_000))
    try:
        with pytest.raises(UnreadableFile, match="one piece of it"):
            list(process.read(source(tmp_path / "a.txt"), as_=None, ocr=False))
    finally:
        process.stop()


def test_a_small_file_of_very_many_entries_is_a_problem_and_one_with_a_long_header_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from r1router.ingest import isolate, run

    monkeypatch.setattr(run, "open_reading_process", lambda _: isolate.open_reading_process(SMALL))
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.csv").write_text("\n".join([",".join(f"{n}{'h' * 400}" for n in range(40)), *["1" + "," * 39] * 300]))
    (docs / "b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "x"}\n' * 3_000))
    (docs / "c.txt.gz").write_bytes(gzip.compress(b"a b c d " * 100_000))  # of which most is not embedded
    (docs / "z.txt").write_text("Bergen is a city in Norway.")
    report = rr.index([docs], kbs=tmp_path / "kbs", embedder=HashedWords(), ocr=False)
    assert Limits().count_entries(docs / "z.txt") == 4_000
    assert [problem.path for problem in report.problems] == ["docs/b.jsonl.gz", "docs/c.txt.gz"]
    assert all("too many or too large for its size" in problem.reason for problem in report.problems)
    assert report.kbs["table"].added > 0
    assert [kb.search([Query("Bergen")], k=1, mode="text")[0][0].title for kb in [open_words(tmp_path)]] == ["z"]


def test_a_process_that_dies_is_said_to_have_died_and_is_started_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo")
    process = ReadingProcess()
    try:
        assert list(process.read(source(tmp_path / "a.txt"), as_=None, ocr=False))[-1].text == "Oslo"
        assert process._child is not None
        os.kill(process._child.pid, signal.SIGSTOP)
        timer = threading.Timer(0.3, os.kill, (process._child.pid, signal.SIGKILL))
        timer.start()
        with pytest.raises(UnreadableFile, match="SIGKILL"):
            list(process.read(source(tmp_path / "a.txt"), as_=None, ocr=False))
        assert list(process.read(source(tmp_path / "a.txt"), as_=None, ocr=False))[-1].text == "Oslo"
    finally:
        process.stop()


def test_a_layout_model_has_limits_of_its_own() -> None:
    assert choose_limits("docling").memory > 10 * choose_limits("").memory
    assert choose_limits(None) == LIMITS


def test_a_process_lives_on_between_files_and_runs(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo")
    numbers = []
    for _ in range(2):
        with open_reading_process() as process:
            list(process.read(source(tmp_path / "a.txt"), as_=None, ocr=False))
            assert process._child is not None
            numbers.append(process._child.pid)
    assert numbers[0] == numbers[1]


def test_a_run_goes_on_after_a_file_that_takes_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from r1router.ingest import isolate, run

    monkeypatch.setattr(run, "open_reading_process", lambda _: isolate.open_reading_process(SMALL))
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("Oslo is the capital of Norway.")
    bomb(folder)
    (folder / "z.txt").write_text("Bergen is a city in Norway.")
    report = rr.index([folder], kbs=tmp_path / "kbs", ocr=False)
    assert [problem.path for problem in report.problems] == ["docs/bomb.docx"]
    assert len(open_kb(tmp_path / "kbs" / "text")) == 2


def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    for path in (tmp_path / "pipe.txt", Path("/dev/zero")):
        began = time.monotonic()
        with pytest.raises(InputError, match="a pipe or a device"):
            rr.index([path], kbs=tmp_path / "kbs")
        assert time.monotonic() - began < 60


def test_a_process_that_ended_while_it_waited_costs_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo")
    process = ReadingProcess()
    deaf = [sys.executable, "-c", "import os, time; os.close(0); print(flush=True); time.sleep(60)"]
    process._child = subprocess.Popen(deaf, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # as one that is just killed
    assert process._child.stdout is not None
    process._child.stdout.readline()
    try:
        assert process.is_ready
        read = process.read(source(tmp_path / "a.txt"), as_=None, ocr=False)
        assert [item.text for item in read if isinstance(item, Passage)] == ["Oslo"]
    finally:
        process.stop()


def test_what_is_raised_while_a_file_is_read_ends_the_reading(tmp_path: Path) -> None:
    def stop() -> None:
        raise InputError("enough")

    with open_reading_process(SMALL) as process:
        process.wait_with = stop
        with pytest.raises(InputError, match="enough"):
            list(process.read(source(bomb(tmp_path)), as_=None, ocr=False))
        assert not process.is_ready
    (tmp_path / "a.txt").write_text("Oslo")
    with open_reading_process(SMALL) as process:
        read = process.read(source(tmp_path / "a.txt"), as_=None, ocr=False)
        assert [item.text for item in read if isinstance(item, Passage)] == ["Oslo"]


def test_a_file_that_could_not_be_looked_into_is_read_when_it_is_whole_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    process = ReadingProcess()
    try:
        process.look(path, None)
        assert process._child is not None
        os.kill(process._child.pid, signal.SIGSTOP)
        threading.Timer(0.3, os.kill, (process._child.pid, signal.SIGKILL)).start()
        assert process.look(path, None) == (("table",), ())
        assert process._refused
        process.look(path, None)
        assert list(process.read(source(path), as_=None, ocr=False))
    finally:
        process.stop()
