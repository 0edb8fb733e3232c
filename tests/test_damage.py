"""What is killed, full, damaged or refused is told in one line, mended where it can be, and stops nothing beside it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import r1router as rr
from policy_backends import model_file
from r1router.cli import app
from r1router.errors import InputError, KnowledgeBaseError, ParseError
from r1router.kb import open_kb, open_kbs
from r1router.kb.manifest import check_name, read, write
from r1router.kb.stores.folder.catalog import list_kb_folders
from r1router.kb.stores.folder.check import check
from r1router.kb.stores.folder.ledger import SqliteLedger
from r1router.kb.stores.folder.store import FolderStore
from r1router.kb.stores.folder.writer import UNFINISHED, sweep
from r1router.parse import read_route
from r1router.types import Query, Reply

MAIN = "from r1router.cli import main; main()"


@pytest.fixture
def kbs(tmp_path: Path) -> Path:
    (tmp_path / "norway.md").write_text("# Norway\nOslo is the capital of Norway.")
    (tmp_path / "cities.csv").write_text("city,people\nOslo,717710\nBergen,291940\n")
    rr.index([tmp_path / "norway.md", tmp_path / "cities.csv"], kbs=tmp_path / "kbs", ocr=False)
    return tmp_path / "kbs"


def test_a_removal_that_was_interrupted_is_finished_by_the_next_run(kbs: Path) -> None:
    (kbs / "text").rename(kbs / ".removed-text-12345678")  # as far as a killed removal may come
    assert list(list_kb_folders(kbs)) == ["table"]
    sweep(kbs)
    assert not list(kbs.glob(".removed-*"))
    FolderStore(kbs / "table").remove()
    assert not (kbs / "table").exists()
    with pytest.raises(KnowledgeBaseError, match="not a knowledge base"):
        FolderStore(kbs / "table").remove()


@pytest.mark.parametrize("name", ["None", "no", "NULL", "na", "Nothing"])
def test_a_name_that_means_none_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="choose none"):
        check_name(name)


def test_names_that_differ_in_punctuation_are_both_routable() -> None:
    routes = {"geo-tables": "geo-tables", "geo_tables": "geo_tables"}
    for name in routes:
        assert read_route(Reply(f"<ret>{name}</ret>"), routes).routes == (name,)
    with pytest.raises(ParseError):
        read_route(Reply("<ret>geo tables</ret>"), routes)


def test_the_card_of_a_run_that_was_killed_is_written_by_the_next(kbs: Path, tmp_path: Path) -> None:
    holds = read(kbs / "text").holds
    write(kbs / "text", replace(read(kbs / "text"), holds=""))
    (kbs / "text" / UNFINISHED).touch()
    rr.index([tmp_path / "norway.md"], kbs=kbs, ocr=False)
    assert read(kbs / "text").holds == holds
    assert not (kbs / "text" / UNFINISHED).exists()


def test_one_damaged_knowledge_base_does_not_stop_the_others(kbs: Path, caplog: pytest.LogCaptureFixture) -> None:
    (kbs / "table" / "kb.json").write_text('{"format": 1')
    assert list(open_kbs(kbs)) == ["text"]
    assert "table is left out" in caplog.text
    done = CliRunner().invoke(app, ["kb", "list", "--kbs", str(kbs)])
    assert done.exit_code == 0
    assert "table" in done.output
    (kbs / "text" / "kb.json").write_text("")
    with pytest.raises(KnowledgeBaseError, match=r"kb\.json"):
        open_kbs(kbs)


def test_a_check_finds_what_is_damaged_and_mends_what_it_can(kbs: Path) -> None:
    def check(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["kb", "check", "--kbs", str(kbs), *more])
        return done.exit_code, " ".join(done.output.split())

    assert check() == (0, "table is whole text is whole")
    (kbs / "text" / "sources.sqlite").write_bytes(b"no data base at all")
    code, said = check()
    assert code == 1
    assert "text: " in said
    assert "sources.sqlite" in said
    assert check("--repair")[0] == 0
    assert check()[0] == 0
    assert open_kb(kbs / "text").search([Query("capital of Norway")], k=1)[0]


@pytest.mark.parametrize("repair", [False, True])
def test_a_card_that_is_damaged_is_told_and_not_called_mended(kbs: Path, repair: bool) -> None:
    (kbs / "text" / "kb.json").write_text('{"format": 1')
    [damaged] = check(kbs / "text", repair=repair)
    assert "remove it with `r1router kb rm`, and index the files again" in damaged.what
    assert not damaged.mended


def test_a_check_names_a_source_that_must_be_read_again_and_counts_the_others(kbs: Path, tmp_path: Path) -> None:
    for name in ("b.md", "a.md", "c.md"):
        (tmp_path / name).write_text(f"# {name}\nWords of {name}.")
    rr.index([tmp_path / name for name in ("b.md", "a.md", "c.md")], kbs=kbs, ocr=False)
    ledger = SqliteLedger(kbs / "text")
    sources = sorted(ledger.read())
    ledger.put([replace(ledger.read()[sources[0]], entries=9)])
    [apart] = check(kbs / "text")
    assert apart.what == f"{sources[0]} is not whole in the table; index it again"
    ledger.put(replace(taken, entries=9) for taken in ledger.read().values())
    [apart] = check(kbs / "text")
    assert apart.what == f"{sources[0]} (and 3 more) is not whole in the table; index it again"


def test_an_index_that_cannot_be_read_becomes_its_newest_version_that_can(kbs: Path, tmp_path: Path) -> None:
    before = {path for path in (kbs / "text" / "index.lance").rglob("*") if path.is_file()}
    (tmp_path / "more.md").write_text("# Lima\nLima is in Peru.")
    rr.index([tmp_path / "more.md"], kbs=kbs, ocr=False)
    for path in (kbs / "text" / "index.lance" / "data").iterdir():
        if path not in before:
            path.write_bytes(b"")
    [broken, *_] = check(kbs / "text")
    assert "where --repair finds no earlier one" in broken.what
    assert not broken.mended
    [broken, *_] = check(kbs / "text", repair=True)
    assert re.search(r"version \d+ is taken again", broken.what)
    assert broken.mended
    assert open_kb(kbs / "text").search([Query("capital of Norway")], k=1)[0]


@pytest.mark.parametrize("pattern", ["*.lance", "metadata.lance"])
def test_a_full_text_index_that_is_damaged_is_told_in_one_line_and_made_again(kbs: Path, pattern: str) -> None:
    for path in (kbs / "text" / "index.lance" / "_indices").rglob(pattern):
        path.write_bytes(path.read_bytes()[:10])
    line = [sys.executable, "-c", MAIN, "kb", "search", "text", "capital of Norway", "--kbs", str(kbs)]
    unset = {name: value for name, value in os.environ.items() if name != "LANCEDB_LOG"}  # as a user's
    done = subprocess.run(line, capture_output=True, text=True, env=unset)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "kb check --repair" in done.stderr
    assert ".rs:" not in done.stderr
    [damaged] = check(kbs / "text", repair=True)
    assert "has a full-text index that cannot be read" in damaged.what
    assert damaged.mended
    assert check(kbs / "text") == []
    assert open_kb(kbs / "text").search([Query("capital of Norway")], k=1, mode="text")[0]


def test_a_reader_is_never_refused_while_a_writer_tidies(kbs: Path, tmp_path: Path) -> None:
    kb, stop, failed, searched = open_kb(kbs / "text"), threading.Event(), [], 0

    def search() -> None:
        nonlocal searched
        while not stop.is_set():
            try:
                kb.search([Query("capital of Norway")], k=2, mode="text")
                searched += 1
            except KnowledgeBaseError as error:
                failed.append(error)

    thread = threading.Thread(target=search)
    thread.start()
    try:
        for number in range(6):
            (tmp_path / "norway.md").write_text(f"# Norway\nOslo is the capital of Norway, {number}.")
            rr.index([tmp_path / "norway.md"], kbs=kbs, ocr=False)
    finally:
        stop.set()
        thread.join()
    assert searched
    assert not failed


def test_a_folder_that_may_not_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo")
    (tmp_path / "kbs").write_text("a file where a folder should be")
    line = [sys.executable, "-c", "from r1router.cli import main; main()"]
    done = subprocess.run([*line, "index", "a.txt", "--kbs", "kbs/x"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "give a folder" in done.stderr


@pytest.mark.parametrize("after", [0.15, 0.6])
def test_an_interrupt_in_the_first_second_ends_without_a_traceback(after: float, tmp_path: Path) -> None:
    line = [sys.executable, "-c", "from r1router.cli import main; print('on', flush=True); main()"]
    process = subprocess.Popen([*line, "kb", "list"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert b"Traceback" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="files are limited otherwise there")
@pytest.mark.parametrize("most", [2_000, 20_000, 60_000])
def test_what_the_disk_refuses_is_told_in_one_line_and_the_next_run_goes_on(most: int, tmp_path: Path) -> None:
    """A file that may not grow stands in for a disk that is full; the store hears of it at another place each time."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(4):
        (docs / f"{number}.md").write_text("\n\n".join(f"# Town {number} {n}\nIt has {n} towers." for n in range(30)))
    (docs / "towers.csv").write_text("town,height\n" + "".join(f"Town {n},{n * 7919 % 10007}\n" for n in range(3000)))
    limited = (
        "import resource, sys; from r1router.cli import main; import lancedb; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most})); main()"
    )
    (tmp_path / "hashed").mkdir()
    (tmp_path / "hashed" / "words.py").write_text("from small_embedders import HashedWords\n")
    embedder = "hashed.words:HashedWords"
    line = ["index", str(docs), "--kbs", str(tmp_path / "kbs"), "--no-ocr", "--embedder", embedder]
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", limited, *line], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be written: File too large" in done.stderr
    told = [line for line in done.stderr.splitlines() if not line.startswith("indexing: ")]
    assert [line.startswith("error: ") for line in told] == [True]
    line[1] = str(docs / "0.md")
    done = subprocess.run([sys.executable, "-c", MAIN, *line], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert check(tmp_path / "kbs" / "text") == []


_HELD = """
import ctypes, signal, sys
from r1router.interrupts import take_interrupts_at_once, watch_interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.argv[1] == "ends":
    take_interrupts_at_once()
with watch_interrupts():
    print("on", flush=True)
    ctypes.PyDLL(None).sleep(600)  # holds Python's lock, as llama.cpp does while it loads; any signal ends it
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("who", ["ends", "goes on"])
def test_an_interrupt_is_heard_while_a_call_holds_pythons_lock(who: str) -> None:
    """By the command line at once; a program of others gets its KeyboardInterrupt after the call."""
    line = [sys.executable, "-c", _HELD, who]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGINT
    assert (b"KeyboardInterrupt" in said) == (who == "goes on")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("command", [["ask", "Where is Oslo?"], ["serve", "--port", "0"]])
def test_an_interrupt_while_the_model_loads_ends_without_a_traceback(command: list[str], kbs: Path) -> None:
    line = [sys.executable, "-c", MAIN, "-v", *command, "--kbs", str(kbs), "--policy", f"llamacpp:{model_file()}"]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = next(text for text in process.stderr if "loading" in text)  # raises where it ends before
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=300)
    assert "Traceback" not in said + rest
    assert process.returncode in (130, -signal.SIGINT), rest
