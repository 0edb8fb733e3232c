"""Index runs on real files: what is added, kept, changed, removed, and what an interruption leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

import r1router
from r1router.errors import Busy, EmbedderMismatch, InputError, KnowledgeBaseError
from r1router.ingest.feed import BATCH
from r1router.ingest.left_out import read_left_out
from r1router.ingest.run import IndexReport, Progress, index
from r1router.kb import open_kb
from r1router.kb.stores.folder.catalog import FolderCatalog
from r1router.kb.stores.folder.ledger import SqliteLedger
from r1router.kb.stores.folder.store import FolderStore
from r1router.kb.stores.folder.table import open_table
from r1router.kb.stores.folder.writer import hold_lock
from r1router.types import Query
from small_embedders import HashedWords, Thumbnails, plain_picture


def run(tmp_path: Path, *paths: Path, embedder: HashedWords | None = None, **options: object) -> IndexReport:
    return index(
        paths or [tmp_path / "docs"],
        tmp_path / "kbs",
        embedder=embedder or HashedWords(),
        image_embedder=Thumbnails(),
        ocr=False,
        **options,  # type: ignore[arg-type]
    )


def stored(tmp_path: Path, name: str = "text") -> dict[str, str]:
    """Text by entry id, straight from the table."""
    table = open_table(tmp_path / "kbs" / name)
    rows = table.to_arrow().to_pylist() if table is not None else []
    assert len({row["id"] for row in rows}) == len(rows), "an entry is stored twice"
    return {row["id"]: row["text"] for row in rows}


def found(tmp_path: Path, words: str, name: str = "text") -> list[str]:
    kb = open_kb(tmp_path / "kbs" / name, text_embedder=HashedWords(), image_embedder=Thumbnails())
    return [e.record for e in kb.search([Query(words)], k=3, mode="text")[0]]


def write_rows(path: Path, texts: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps({"id": id, "text": text}) for id, text in texts.items()))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "oslo.txt").write_text("Oslo is the capital of Norway.")
    (folder / "lima.txt").write_text("Lima is the capital of Peru.")
    (folder / "rivers.csv").write_text("River,Length\nShannon,360\nDanube,2850\n")
    return folder


# ── what a run does ────────────────────────────────────────────────────────────────────────────


def test_records_go_to_the_knowledge_base_of_their_kind(tmp_path: Path, docs: Path) -> None:
    (docs / "red.png").write_bytes(plain_picture("red").data)
    report = run(tmp_path)
    assert {name: counts.added for name, counts in report.kbs.items()} == {"text": 2, "table": 1, "image": 1}
    assert (report.read, report.skipped, report.problems) == (4, 0, ())
    assert stored(tmp_path, "table") == {"docs/rivers.csv#0": "rivers\nRiver | Length\nShannon | 360\nDanube | 2850"}


def test_a_second_run_reads_and_embeds_nothing(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    version = open_table(tmp_path / "kbs" / "text").version
    embedder = HashedWords()
    report = run(tmp_path, embedder=embedder)
    assert (report.read, report.skipped, embedder.passages) == (0, 3, [])
    assert open_table(tmp_path / "kbs" / "text").version == version


def test_a_run_by_a_release_with_a_changed_reader_reads_known_files_again(tmp_path: Path, docs: Path) -> None:
    """Runs a copy of the package, and then the copy with another reader of texts."""
    package, copy = Path(r1router.__file__).parent, tmp_path / "release" / "r1router"
    shutil.copytree(package / "ingest", copy / "ingest")
    for part in package.iterdir():
        if part.name not in ("ingest", "__pycache__"):
            (copy / part.name).symlink_to(part)

    def index_by_copy() -> None:
        command = [sys.executable, "-m", "r1router", "index", "docs", "--kbs", "kbs"]
        done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(copy.parent)}, check=False)
        assert done.returncode == 0

    index_by_copy()
    before = stored(tmp_path)
    index_by_copy()
    assert stored(tmp_path) == before
    reader = copy / "ingest" / "readers" / "text.py"
    changed = reader.read_text(encoding="utf-8").replace("def read(", "def _read(") + dedent("""
        def read(file, *, as_, ocr):
            from dataclasses import replace
            for record in _read(file, as_=as_, ocr=ocr):
                yield replace(record, text=f"{record.text} Read anew.") if hasattr(record, "text") else record
    """)
    reader.write_text(changed, encoding="utf-8")
    index_by_copy()
    assert stored(tmp_path) == {id: f"{text} Read anew." for id, text in before.items()}


def test_what_is_added_later_is_found(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    (docs / "rome.txt").write_text("Rome was not built in a day.")
    report = run(tmp_path)
    assert (report.read, report.kbs["text"].added) == (1, 1)
    assert found(tmp_path, "Rome")[0].startswith("docs/rome.txt")


def test_only_the_entry_that_changed_is_embedded_again(tmp_path: Path) -> None:
    rows = {f"r{i}": f"passage number {i}" for i in range(30)}
    write_rows(tmp_path / "docs" / "rows.jsonl", rows)
    run(tmp_path)
    rows["r7"] = "something else entirely"
    del rows["r8"]
    rows["r30"] = "a new one"
    write_rows(tmp_path / "docs" / "rows.jsonl", rows)
    embedder = HashedWords()
    counts = run(tmp_path, embedder=embedder).kbs["text"]
    assert sorted(embedder.passages) == ["a new one", "something else entirely"]
    assert (counts.added, counts.changed, counts.removed, counts.kept) == (1, 1, 1, 28)
    assert stored(tmp_path) == {f"{id}#0": text for id, text in rows.items()}
    assert found(tmp_path, "something entirely") == ["r7"]


def test_a_file_that_is_gone_stays_until_the_run_prunes(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    (docs / "lima.txt").unlink()
    run(tmp_path)
    assert found(tmp_path, "Peru")
    report = run(tmp_path, prune=True)
    assert (report.pruned, report.kbs["text"].removed) == (1, 1)
    assert found(tmp_path, "Peru") == []
    assert list(SqliteLedger(tmp_path / "kbs" / "text").read()) == ["docs/oslo.txt"]


def test_pruning_leaves_alone_what_lies_elsewhere(tmp_path: Path, docs: Path) -> None:
    write_rows(tmp_path / "more" / "rows.jsonl", {"a": "elsewhere"})
    run(tmp_path, docs, tmp_path / "more")
    (tmp_path / "more" / "rows.jsonl").unlink()
    assert run(tmp_path, docs, prune=True).pruned == 0
    assert found(tmp_path, "elsewhere") == ["a"]


def test_pruning_reaches_a_kind_of_which_no_file_is_left(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    (docs / "rivers.csv").unlink()
    assert run(tmp_path, prune=True).pruned == 1
    assert stored(tmp_path, "table") == {}
    for path in docs.iterdir():
        path.unlink()
    assert run(tmp_path, name="text", prune=True).pruned == 2


def test_a_source_that_was_removed_comes_back_with_the_next_run(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    FolderStore(tmp_path / "kbs" / "table").remove()
    assert not (tmp_path / "kbs" / "table").exists()
    report = run(tmp_path)
    assert (report.read, report.kbs["table"].added) == (1, 1)


def test_progress_is_told_after_every_file(tmp_path: Path, docs: Path) -> None:
    told: list[Progress] = []
    run(tmp_path, progress=told.append)
    files = dict.fromkeys(p.files for p in told if p.of_files and p.written == 0)  # the same comes while one is read
    assert [number for number in files if number] == [1, 2, 3]
    assert (told[-1].files, told[-1].of_files, told[-1].entries, told[-1].written) == (3, 3, 3, 3)


# ── names, kinds and cards ─────────────────────────────────────────────────────────────────────


def test_a_name_fills_one_knowledge_base_and_holds_says_what_it_has(tmp_path: Path, docs: Path) -> None:
    run(tmp_path, docs / "rivers.csv", name="geo-tables", holds="Rivers of the world")
    card = open_kb(tmp_path / "kbs" / "geo-tables").card
    assert (card.name, card.kind, card.holds) == ("geo-tables", "table", "Rivers of the world")
    (docs / "lakes.csv").write_text("Lake,Depth\nBaikal,1642\n")
    run(tmp_path, docs / "lakes.csv", name="geo-tables")
    assert open_kb(tmp_path / "kbs" / "geo-tables").card.holds == "Rivers of the world"


def test_a_card_without_a_persons_words_counts_and_gives_examples(tmp_path: Path) -> None:
    write_rows(tmp_path / "docs" / "a.jsonl", {f"r{i}": f"text {i}" for i in range(1200)})
    run(tmp_path)
    assert open_kb(tmp_path / "kbs" / "text").card.holds == "1,200 passages"
    for names, holds in (
        (("Alps", "Baltic", "Crete"), "3 tables: Alps (a, b), Baltic (a, b), Crete (a, b)"),
        (("Danube", "Elbe", "Fuji", "Ghent"), "7 tables such as Baltic, Danube, Fuji"),
    ):
        for name in names:
            (tmp_path / "docs" / f"{name}.csv").write_text("a,b\n1,2\n")
        run(tmp_path)
        assert open_kb(tmp_path / "kbs" / "table").card.holds == holds


def test_one_name_for_several_kinds_says_which_and_what_to_do(tmp_path: Path, docs: Path) -> None:
    with pytest.raises(InputError, match=r"text and table.*--as text or --as table"):
        run(tmp_path, name="all")
    run(tmp_path, name="all", as_="text")
    assert len(stored(tmp_path, "all")) == 4


def test_a_knowledge_base_of_another_kind_is_not_filled(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    with pytest.raises(InputError, match="holds text and cannot take table"):
        run(tmp_path, docs / "rivers.csv", name="text")
    with pytest.raises(InputError, match="cannot name a knowledge base"):
        run(tmp_path, docs / "oslo.txt", name="../up")


def test_another_embedder_is_refused_and_none_given_means_the_builders(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    with pytest.raises(EmbedderMismatch, match=r"'hashed-words:'.*'other:'"):
        run(tmp_path, embedder=HashedWords("other:"))
    assert index([docs], tmp_path / "kbs", ocr=False).skipped == 3


# ── what cannot be read, and ids that meet ─────────────────────────────────────────────────────


def test_an_unreadable_file_is_reported_and_the_rest_is_indexed(tmp_path: Path, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    (docs / "program.exe").write_bytes(b"MZ")
    report = run(tmp_path)
    assert {problem.path for problem in report.problems} == {"docs/broken.pdf"}
    assert report.unsupported == {".exe": 1}
    assert all(problem.reason for problem in report.problems)
    assert len(stored(tmp_path)) == 2


def test_a_file_that_becomes_unreadable_keeps_what_it_had(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    (docs / "rivers.csv").write_bytes(b"")
    assert [problem.path for problem in run(tmp_path, prune=True).problems] == ["docs/rivers.csv"]
    assert len(stored(tmp_path, "table")) == 1


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        run(tmp_path, tmp_path / "nowhere")


def test_nothing_readable_makes_no_knowledge_base(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "program.exe").write_bytes(b"MZ")
    assert run(tmp_path).unsupported == {".exe": 1}
    assert len(run(tmp_path, tmp_path / "docs" / "program.exe").problems) == 1
    assert not (tmp_path / "kbs").exists()


def test_two_files_that_claim_the_same_record_are_both_kept(tmp_path: Path) -> None:
    write_rows(tmp_path / "docs" / "a.jsonl", {"x": "alpha", "y": "beta"})
    write_rows(tmp_path / "docs" / "b.jsonl", {"x": "gamma"})
    for _ in range(2):
        run(tmp_path)
        assert stored(tmp_path) == {"x#0": "alpha", "y#0": "beta", "docs/b.jsonl:x#0": "gamma"}
    assert found(tmp_path, "gamma") == ["x"]


def test_two_files_that_are_shown_alike_are_told_apart(tmp_path: Path) -> None:
    for owner in ("anna", "ben"):
        write_rows(tmp_path / owner / "docs" / "notes.jsonl", {"": f"notes of {owner}"})
    for _ in range(2):
        for owner in ("anna", "ben"):
            run(tmp_path, tmp_path / owner / "docs")
        assert sorted(stored(tmp_path).values()) == ["notes of anna", "notes of ben"]


def test_a_file_keeps_its_name_however_it_is_given(tmp_path: Path, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    monkeypatch.chdir(docs)
    assert run(tmp_path, Path("oslo.txt")).skipped == 1
    (docs / "oslo.txt").write_text("Oslo lies on a fjord.")
    run(tmp_path, Path("oslo.txt"))
    assert stored(tmp_path)["docs/oslo.txt#0"].endswith("Oslo lies on a fjord.")
    assert len(stored(tmp_path)) == 2


def test_a_long_table_that_comes_in_parts_is_one_record(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    rows = [f"{i},{i * i}" for i in range(1, 5001)]
    (tmp_path / "docs" / "squares.csv").write_text("\n".join(["n,square", *rows]))
    run(tmp_path)
    table = open_table(tmp_path / "kbs" / "table").to_arrow().to_pylist()
    assert {row["record"] for row in table} == {"docs/squares.csv"}
    covered = [n for row in table for n in range(row["first_row"], row["last_row"] + 1)]
    assert sorted(covered) == list(range(1, 5001))
    assert sorted(stored(tmp_path, "table")) == sorted(f"docs/squares.csv#{i}" for i in range(len(table)))


def test_pictures_are_stored_once_and_forgotten_with_their_last_entry(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name, colour in (("a", "red"), ("b", "red"), ("c", "blue")):
        (tmp_path / "docs" / f"{name}.png").write_bytes(plain_picture(colour).data)
    run(tmp_path)
    kept = tmp_path / "kbs" / "image" / "pictures"
    assert len(list(kept.iterdir())) == 2
    for name, left in (("a", 2), ("c", 1)):
        (tmp_path / "docs" / f"{name}.png").unlink()
        run(tmp_path, prune=True)
        assert len(list(kept.iterdir())) == left


# ── several processes ──────────────────────────────────────────────────────────────────────────

SLOWLY = """
    import sys, time
    sys.path.insert(0, sys.argv[1])
    from pathlib import Path
    from small_embedders import HashedWords
    from r1router.ingest.run import index

    class Slow(HashedWords):
        def embed_texts(self, texts, *, query=False):
            time.sleep(0.2)
            return super().embed_texts(texts, query=query)

    docs, kbs = map(Path, sys.argv[2:4])
    index([docs], kbs, embedder=Slow(), progress=lambda p: print(p.written, flush=True))
"""


def index_slowly(tmp_path: Path) -> subprocess.Popen[str]:
    """An index run in another process that prints how many entries are written."""
    here = Path(__file__).parent
    arguments = [str(here), str(tmp_path / "docs"), str(tmp_path / "kbs")]
    return subprocess.Popen(
        [sys.executable, "-c", dedent(SLOWLY), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(here.parent / "src")},
    )


def many_rows(tmp_path: Path, batches: int) -> dict[str, str]:
    rows = {f"r{i}": f"passage number {i} about w{i % 97}" for i in range(BATCH * batches)}
    half = len(rows) // 3
    write_rows(tmp_path / "docs" / "a.jsonl", dict(list(rows.items())[:half]))
    write_rows(tmp_path / "docs" / "b.jsonl", dict(list(rows.items())[half:]))
    return rows


def wait_for(process: subprocess.Popen[str], written: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= written:
            return
    raise AssertionError("the run ended too early")


def test_a_killed_run_is_finished_by_the_next_without_embedding_again_losing_or_doubling(tmp_path: Path) -> None:
    rows = many_rows(tmp_path, 6)
    for written in (2 * BATCH, BATCH):
        process = index_slowly(tmp_path)
        wait_for(process, written)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    before = len(stored(tmp_path))
    assert 3 * BATCH <= before < len(rows)
    assert open_kb(tmp_path / "kbs" / "text", text_embedder=HashedWords()).search([Query("w5")], k=1)[0]
    embedder = HashedWords()
    run(tmp_path, embedder=embedder)
    assert len(embedder.passages) == len(rows) - before
    assert stored(tmp_path) == {f"{id}#0": text for id, text in rows.items()}


def test_readers_see_whole_batches_while_another_process_writes_and_a_second_writer_is_refused(
    tmp_path: Path,
) -> None:
    rows = many_rows(tmp_path, 6)
    process = index_slowly(tmp_path)
    wait_for(process, BATCH)
    with pytest.raises(Busy, match="another process is writing"):
        run(tmp_path)
    with pytest.raises(Busy):
        FolderStore(tmp_path / "kbs" / "text").remove()
    kb = open_kb(tmp_path / "kbs" / "text", text_embedder=HashedWords())
    sizes = []
    while process.poll() is None:
        rankings = kb.search([Query("passage about w11"), Query("number 40")], k=5)
        assert all(len(ranking) == 5 for ranking in rankings)
        assert all(e.text == rows[e.record] for ranking in rankings for e in ranking)
        sizes.append(len(kb))
        time.sleep(0.02)
    process.communicate()
    assert process.returncode == 0
    assert sizes == sorted(sizes)
    assert {size % BATCH for size in sizes} == {0}
    assert len(kb) == len(rows)


def test_an_open_knowledge_base_finds_what_a_run_adds_before_it_is_in_the_word_index(tmp_path: Path) -> None:
    many_rows(tmp_path, 1)
    run(tmp_path)
    kb = open_kb(tmp_path / "kbs" / "text", text_embedder=HashedWords())
    assert [e.record for e in kb.search([Query("zebra")], k=1, mode="text")[0]] == []
    write_rows(tmp_path / "docs" / "c.jsonl", {"z": "the zebra"})
    run(tmp_path)
    [word_index] = open_table(tmp_path / "kbs" / "text").list_indices()
    assert word_index.num_unindexed_rows == 1
    deadline = time.monotonic() + 30
    while not (ranking := kb.search([Query("zebra")], k=1, mode="text")[0]):
        assert time.monotonic() < deadline
    assert ranking[0].record == "z"


def test_a_lock_is_free_again_when_its_holder_is_done(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_lock(tmp_path), pytest.raises(Busy), hold_lock(tmp_path):
            raise AssertionError("two hold the lock")


def test_what_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match=r"no kb\.json"):
        FolderStore(tmp_path).remove()


# ── what becomes of files ──────────────────────────────────────────────────────────────────────


def test_what_a_file_no_longer_yields_goes_whatever_kind_it_had(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    (docs / "rivers.csv").write_text("title,text\nShannon,A river of words.\n")
    run(tmp_path)
    assert stored(tmp_path, "table") == {}
    assert run(tmp_path).skipped == 3


def test_what_a_file_held_goes_when_it_holds_nothing_and_is_told_in_every_run(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    before = (docs / "rivers.csv").read_text()
    (docs / "rivers.csv").write_text("River,Length\n")
    for _ in range(2):
        [problem] = run(tmp_path).problems
        assert problem.path == "docs/rivers.csv"
        assert stored(tmp_path, "table") == {}
    (docs / "rivers.csv").write_text(before)
    run(tmp_path)
    assert stored(tmp_path, "table")


def test_what_a_damaged_file_held_stays(tmp_path: Path, docs: Path) -> None:
    (docs / "a.jsonl").write_text('{"text": "Bergen"}\n')
    run(tmp_path)
    known = stored(tmp_path)
    (docs / "a.jsonl").write_text("{broken\n")
    [problem] = run(tmp_path).problems
    assert problem.path == "docs/a.jsonl"
    assert stored(tmp_path) == known


def test_a_source_that_is_gone_is_told_in_every_run(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    (docs / "lima.txt").unlink()
    assert run(tmp_path).gone == ("docs/lima.txt",)
    assert run(tmp_path).gone == ("docs/lima.txt",)
    assert run(tmp_path, prune=True).gone == ()


def test_a_folder_that_is_deleted_is_pruned_by_its_name(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    for path in docs.iterdir():
        path.unlink()
    docs.rmdir()
    with pytest.raises(InputError, match="does not exist"):
        run(tmp_path)
    assert run(tmp_path, prune=True).pruned == 3
    with pytest.raises(InputError, match=r"nothing in .* came from it"):
        run(tmp_path, tmp_path / "never there", prune=True)


def test_a_folder_that_moved_keeps_its_entries_and_can_be_pruned_where_it_is(tmp_path: Path, docs: Path) -> None:
    run(tmp_path)
    moved = tmp_path / "elsewhere" / "docs"
    moved.parent.mkdir()
    docs.rename(moved)
    report = run(tmp_path, moved, prune=True)
    assert (report.skipped, report.pruned, len(stored(tmp_path))) == (3, 0, 2)
    (moved / "lima.txt").unlink()
    assert run(tmp_path, moved, prune=True).pruned == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told_and_nothing_of_it_pruned(tmp_path: Path, docs: Path) -> None:
    locked = docs / "locked"
    locked.mkdir()
    (locked / "a.txt").write_text("Kept.")
    run(tmp_path)
    locked.chmod(0)
    try:
        report = run(tmp_path, prune=True)
    finally:
        locked.chmod(0o700)
    assert (report.pruned, [problem.path[-6:] for problem in report.problems]) == (0, ["locked"])


def test_a_name_that_is_not_utf8_is_one_problem(tmp_path: Path, docs: Path) -> None:
    (tmp_path / "docs" / os.fsdecode(b"caf\xe9.txt")).write_text("The cafe opens at nine.")
    [problem] = run(tmp_path).problems
    assert (problem.path, len(stored(tmp_path))) == ("docs/caf\ufffd.txt", 2)


def test_what_was_left_out_is_remembered_until_the_file_changes(tmp_path: Path, docs: Path) -> None:
    (docs / "rivers.csv").write_text("Shannon,Ireland,360\nDanube,Germany,2850\n")
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    for _ in range(2):
        run(tmp_path)
        left_out = read_left_out(FolderCatalog(tmp_path / "kbs"))
        assert [problem.read for problem in left_out["docs/rivers.csv"]] == [True]
        assert [problem.read for problem in left_out["docs/broken.pdf"]] == [False]
    (docs / "rivers.csv").write_text("River,Length\nShannon,360\n")
    (docs / "broken.pdf").unlink()
    run(tmp_path)
    assert "docs/rivers.csv" not in read_left_out(FolderCatalog(tmp_path / "kbs"))
