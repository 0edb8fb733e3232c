"""What every store of knowledge bases does, a folder and PostgreSQL alike; then what only the second one does."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from reportlab.pdfgen.canvas import Canvas
from typer.testing import CliRunner

from r1router.cli import app
from r1router.errors import Busy, InputError, KnowledgeBaseError, NotWritten
from r1router.filters.parse import parse
from r1router.ingest import chunk
from r1router.ingest.left_out import read_left_out
from r1router.ingest.run import index
from r1router.kb import find_store, open_kbs
from r1router.kb.copy import copy_kb
from r1router.kb.stored import StoredKnowledgeBase
from r1router.kb.stores import open_catalog
from r1router.kb.stores.folder.home import FolderHome
from r1router.kb.stores.postgres.address import CONNECTIONS, explain_writing, open_connection, read, read_address
from r1router.kb.writer import open_writer
from r1router.types import Evidence, Location, Query
from small_embedders import HashedWords, NamedColours, plain_picture


@pytest.fixture(params=["folder", "s3", "postgres", "milvus"])
def kbs(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for knowledge bases with nothing in it."""
    if request.param == "folder":
        return str(tmp_path / "kbs")
    return make_place(request.getfixturevalue(request.param))


def make_place(location: str) -> str:
    """A place with nothing in it, of a server that other tests use too."""
    if location.startswith("postgresql"):
        return make_schema(location)
    return f"{location}{'?prefix=' if location.startswith('milvus') else ''}t{uuid.uuid4().hex}"


def make_schema(postgres: str) -> str:
    return f"{postgres}&schema=t{uuid.uuid4().hex}"


def take_in(path: Path, kbs: str, **options: bool) -> None:
    index([path], kbs, embedder=HashedWords(), image_embedder=NamedColours(), ocr=False, **options)


def open_text(kbs: str, kind: str = "text") -> StoredKnowledgeBase:
    return open_kbs(kbs, text_embedder=HashedWords(), image_embedder=NamedColours())[kind]


def find(kbs: str, words: str, k: int = 5) -> list[str]:
    return [read_body(found) for found in open_text(kbs).search([Query(words)], k=k)[0]]


def read_body(found: Evidence) -> str:
    """Its text without its title."""
    return found.text.rpartition("\n")[2]


def test_a_document_that_changes_takes_the_place_of_what_it_was(kbs: str, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("# Ferry\nThe ferry leaves at noon.\n\n# Bridge\nThe bridge is closed.")
    take_in(note, kbs)
    kb = open_text(kbs)
    assert len(kb) == len(kb.search([Query("ferry bridge noon")], k=9)[0]) == 2
    note.write_text("# Ferry\nThe ferry leaves at midnight.")
    take_in(note, kbs)
    [[left]] = kb.search([Query("ferry bridge noon")], k=9)
    assert left.text.endswith("The ferry leaves at midnight.")
    assert len(kb) == 1
    assert kb.entry(left.id) == kb.record(left.record)[0]
    assert kb.entry("nothing#0") is None
    assert kb.record("nothing") == []


def test_a_search_asks_a_folder_for_its_version_only_after_a_change(tmp_path: Path) -> None:
    note, home = tmp_path / "note.md", FolderHome(tmp_path / "kbs" / "text")
    versions = home.folder / "index.lance" / "_versions"
    kb: StoredKnowledgeBase | None = None
    for number in range(3):
        assert home.find_stamp() is None  # nothing is there, or it has just changed, and may change again
        note.write_text(f"The ferry leaves at {number}.")
        take_in(note, str(tmp_path / "kbs"))
        kb = kb or open_text(str(tmp_path / "kbs"))
        for age in (0, 60):
            os.utime(versions, ns=(changed := time.time_ns() - age * 10**9, changed))
            [[found]] = kb.search([Query("ferry")])
            assert found.text.endswith(f"at {number}.")
        assert home.find_stamp() == home.find_stamp() is not None
        os.utime(versions)


def test_a_file_that_is_gone_is_told_and_pruned(kbs: str, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a", "b"):
        (docs / f"{name}.md").write_text(f"# {name}\nThe words of {name}.")
    take_in(docs, kbs)
    (docs / "b.md").unlink()
    take_in(docs, kbs)
    assert [source.source for source in open_text(kbs).list_sources()] == ["docs/a.md", "docs/b.md"]
    take_in(docs, kbs, prune=True)
    assert [source.source for source in open_text(kbs).list_sources()] == ["docs/a.md"]
    assert open_text(kbs).card.holds == "1 passage: a"


def test_a_source_is_complete_once_it_was_taken_in_whole(kbs: str, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\nThe words of {name}.")
        take_in(tmp_path / f"{name}.md", kbs)
    ledger = find_store(kbs, "text").ledger
    half, unknown, whole = sorted(ledger.read())
    ledger.put([replace(ledger.read()[half], fingerprint="")])  # as an interrupted run leaves it
    ledger.drop([unknown])
    listed = {known.source: (known.entries, known.complete) for known in open_text(kbs).list_sources()}
    assert listed == {half: (1, False), unknown: (1, False), whole: (1, True)}


def test_evidence_says_on_which_page_of_its_source_it_stands(kbs: str, tmp_path: Path) -> None:
    paper = Canvas(str(tmp_path / "a.pdf"))
    for words in ("Oslo is a city in the south of Norway.", "Lima is a city on the coast of Peru."):
        paper.drawString(72, 700, words)
        paper.showPage()
    paper.save()
    take_in(tmp_path / "a.pdf", kbs)
    kb = open_text(kbs)
    [[found]] = kb.search([Query("Lima")], k=1, mode="text")
    assert found.location == Location((tmp_path / "a.pdf").as_posix(), page=2)
    assert kb.entry(found.id) == replace(found, score=0.0)


def test_rows_that_are_found_by_their_words_alone_have_no_similarity(
    kbs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk, "EMBEDDED", 1)
    (tmp_path / "orders.csv").write_text("order,country\n" + "".join(f"{n},Land {n}\n" for n in range(200)))
    take_in(tmp_path / "orders.csv", kbs)
    kb = open_text(kbs, "table")
    assert [len(found) for found in kb.search([Query("order")], k=99, mode="vector")] == [1]
    [[last, *_]] = kb.search([Query('"Land 199"')], k=5, mode="text")
    [found] = kb.search([Query('"Land 199"')], k=5)
    assert "Land 199" in last.text
    assert {item.id.endswith("#0"): item.similarity is not None for item in found} == {True: True, False: False}
    assert last.id in {item.id for item in found}


def test_nothing_is_embedded_again_that_is_known(kbs: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"id": n, "text": f"word {n}"}) for n in "abc"))
    embedder = HashedWords()
    index([tmp_path / "rows.jsonl"], kbs, embedder=embedder)
    assert len(embedder.passages) == 3
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"id": n, "text": f"word {n}"}) for n in "acd"))
    index([tmp_path / "rows.jsonl"], kbs, embedder=embedder)
    assert embedder.passages[3:] == ["word d"]
    assert sorted(find(kbs, "word")) == ["word a", "word c", "word d"]


def test_of_no_entries_nothing_is_found_and_one_is_enough(kbs: str, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("A lonely heron.")
    take_in(tmp_path / "one.txt", kbs)
    assert find(kbs, "heron") == ["A lonely heron."]
    store = find_store(kbs, "text")
    with open_writer(store, store.read_manifest()) as writer:
        assert writer.drop_source(next(iter(store.ledger.read()))) == 1
        writer.finish()
    kb = open_text(kbs)
    assert len(kb) == 0
    for mode in ("fused", "vector", "text"):
        assert kb.search([Query("heron"), Query('"a heron"')], k=3, mode=mode) == [[], []]
    assert kb.list_sources() == []
    assert kb.card.holds == "0 passages"


def test_all_scripts_and_signs_come_back_as_they_were(kbs: str, tmp_path: Path) -> None:
    rows = {
        "tokyo": "東京 は 首都 です。", "cat": "กรุงเทพ เป็น เมืองหลวง", "quote": "It's \"quoted\" \\ 100 % {x} $1 🗼",
        "O'Hara": "Kraków, Łódź and Ærø", "ids #/?": "مدينة القاهرة",
    }  # fmt: skip
    (tmp_path / "rows.jsonl").write_text(
        "\n".join(json.dumps({"id": id, "text": text, "title": id}) for id, text in rows.items())
    )
    take_in(tmp_path / "rows.jsonl", kbs)
    kb = open_text(kbs)
    for words, id in [("東京", "tokyo"), ("เมืองหลวง", "cat"), ("quoted 100", "quote"), ("lodz aero", "O'Hara")]:
        best = kb.search([Query(words)], k=1, mode="text")[0][0]
        assert (best.record, best.text) == (id, f"{id}\n{rows[id]}")
    assert [entry.record for entry in kb.record("O'Hara")] == ["O'Hara"]


def test_one_writer_at_a_time_and_the_next_when_it_has_ended(kbs: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo")
    take_in(tmp_path / "a.txt", kbs)
    store = find_store(kbs, "text")
    with open_writer(store, store.read_manifest()):
        with pytest.raises(Busy, match="another process is writing"):
            take_in(tmp_path / "a.txt", kbs)
        with pytest.raises(Busy):
            store.remove()
        assert find(kbs, "Oslo") == ["Oslo"]
    take_in(tmp_path / "a.txt", kbs)
    store.remove()
    assert open_catalog(kbs).list_stores() == {}
    with pytest.raises(KnowledgeBaseError, match="knowledge base"):
        store.remove()


def test_a_reader_beside_a_writer_is_never_refused(kbs: str, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("version 0 heron")
    take_in(note, kbs)
    kb, stop, seen, failed = open_text(kbs), threading.Event(), set[str](), list[Exception]()

    def search() -> None:
        while not stop.is_set():
            try:
                seen.add(read_body(kb.search([Query("heron")], k=3)[0][0]))
            except Exception as error:  # told by the test
                failed.append(error)

    thread = threading.Thread(target=search)
    thread.start()
    try:
        for number in range(1, 4):
            note.write_text(f"version {number} heron")
            take_in(note, kbs)
    finally:
        stop.set()
        thread.join()
    assert not failed
    assert seen <= {f"version {number} heron" for number in range(4)}
    assert find(kbs, "heron") == ["version 3 heron"]


def test_pictures_and_long_tables_are_kept_with_the_entries(kbs: str, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(plain_picture("red").data)
    (tmp_path / "orders.csv").write_text("order,country\n" + "".join(f"{n},Land {n % 7}\n" for n in range(3000)))
    take_in(tmp_path / "red.png", kbs)
    take_in(tmp_path / "orders.csv", kbs)
    pictures, tables = open_text(kbs, "image"), open_text(kbs, "table")
    [[found]] = pictures.search([Query(image=plain_picture("red", size=50))], k=1)
    assert found.image is not None
    assert pictures.open_picture(found.image).data == plain_picture("red").data
    with pytest.raises(KnowledgeBaseError, match="has no picture"):
        pictures.open_picture("0.png")
    [table] = tables.tables.list_all()
    result = tables.compute(table.id, "SELECT count(*), max(\"order\") FROM t WHERE country = 'Land 3'")
    assert result.rows == (("429", "2999"),)
    find_store(kbs, "image").remove()
    assert list(open_catalog(kbs).list_stores()) == ["table"]


def test_what_is_in_a_knowledge_base_is_told_alike_in_every_store(kbs: str, tmp_path: Path) -> None:
    for name in ("ferries", "harbours", "tides"):
        rows = "\n".join(f"{n} {name},{n} €" for n in range(400))
        (tmp_path / f"{name}.csv").write_text(f"{name},price\n{rows}\n")
    for n in range(24):
        said = ("ferry sails", "baker bakes")[n % 2]
        (tmp_path / f"note {n}.md").write_text(f"# Note {n}\nThe {said} in 19{n + 10}.")
    sources = sorted(tmp_path.glob("*.*"))
    for location in (kbs, str(tmp_path / "beside")):
        index(sources, location, embedder=HashedWords(), ocr=False)
    for name in ("text", "table"):
        told = open_text(kbs, name).card.details
        assert told == open_text(str(tmp_path / "beside"), name).card.details
        assert f" entries from {len(sources) - 3 if name == 'text' else 3} files" in told
    store = find_store(kbs, "table")
    with store.open_writer(store.read_manifest()) as writer:
        first = list(writer.sample_rows(9, ["title", "first_row", "vector"], of_tables=True))
        assert len(list(writer.sample_rows(4, ["id"]))) == 4
        assert len(list(writer.sample_rows(2, ["id"], of_tables=True))) == 2
    assert sorted(row["title"] for row in first) == ["ferries", "harbours", "tides"]
    assert {row["first_row"] for row in first} == {1}
    assert all(len(row["vector"]) == HashedWords().dim for row in first)


def test_a_sample_of_long_entries_is_never_in_memory_at_once(kbs: str, tmp_path: Path) -> None:
    for n in range(160):
        names = ",".join(f"{n} {column} {'h' * 490}" for column in range(200))  # some 50 KB of each table
        (tmp_path / f"wide {n}.csv").write_text(f"{names}\n{','.join(['1'] * 200)}\n")
    index([tmp_path], kbs, embedder=HashedWords(), ocr=False)
    store = find_store(kbs, "table")
    with store.open_writer(store.read_manifest()) as writer:
        tracemalloc.start()
        try:
            read = sum(len(row["text"]) for row in writer.sample_rows(160, ["text", "cells"], of_tables=True))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert read > 160 * 49_000
    assert most < 1.5 * read  # text and cells of all of them have twice as much, and on their way more


def test_the_commands_work_wherever_the_knowledge_bases_are(kbs: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Norway\nOslo is the capital.")
    (tmp_path / "broken.json").write_text("{")
    index([tmp_path], kbs)

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["kb", *words, "--kbs", kbs], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    assert "1 passage: Norway" in run("list")
    assert json.loads(run("show", "text", "--json"))["bytes"] > 0
    assert "Oslo is the capital" in run("search", "text", "capital")
    assert "broken.json" in run("sources")
    assert run("check") == "text is whole"
    assert run("describe", "text", "What is known of Norway").startswith("text: What is known of Norway")
    run("rename", "text", "norway")
    assert "removed 1 entry" in run("rm", "norway", "--source", f"{tmp_path.name}/a.md", "-y")
    assert run("rm", "norway", "-y") == "removed norway"
    assert read_left_out(open_catalog(kbs))


def test_how_it_is_stored_is_shown(kbs: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Norway\nOslo is the capital.")
    before = datetime.now(tz=UTC) - timedelta(seconds=5)
    take_in(tmp_path / "a.md", kbs)
    store = find_store(kbs, "text")
    inspected = store.inspect()
    index = "HNSW" if kbs.startswith("milvus") else "exact"
    assert (inspected.index, inspected.recall) == (index, None)
    assert inspected.written is not None
    assert before < inspected.written < datetime.now(tz=UTC) + timedelta(seconds=5)
    done = CliRunner().invoke(app, ["kb", "show", "text", "--kbs", kbs, "--json"], catch_exceptions=False)
    assert json.loads(done.output)["index"] == index


def test_the_stamps_of_all_are_those_of_each_and_none_where_all_is_gone(kbs: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Norway\nOslo is the capital.")
    (tmp_path / "red.png").write_bytes(plain_picture("red").data)
    take_in(tmp_path, kbs)
    catalog = open_catalog(kbs)
    stamps = catalog.list_stamps()
    assert stamps == {name: find_store(kbs, name).find_stamp() for name in ("image", "text")}
    with open_writer(find_store(kbs, "text"), find_store(kbs, "text").read_manifest()) as writer:
        writer.finish(holds="something else")
    assert {name for name, stamp in catalog.list_stamps().items() if stamp != stamps[name]} == {"text"}
    if kbs.startswith("postgresql"):
        import psycopg

        with psycopg.connect(kbs.partition("&")[0], autocommit=True) as db:
            db.execute(f"drop schema {kbs.rpartition('=')[2]} cascade")
        assert catalog.list_stamps() == {}
        with pytest.raises(KnowledgeBaseError, match="there is no knowledge base"):
            find_text(kbs)


def find_text(kbs: str) -> None:
    open_catalog(kbs).get_store("text").read_manifest()


KILLED = """
import os, signal, sys
from small_embedders import HashedWords
from r1router.ingest.run import index
class Killed(HashedWords):
    def embed_texts(self, texts, *, query=False):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed_texts(texts, query=query)
embedder = Killed()
embedder.left = int(sys.argv[3])
def tell(progress):
    if progress.written and embedder.left == 0 and sys.argv[4] == "written":
        os.kill(os.getpid(), signal.SIGKILL)
index([sys.argv[1]], sys.argv[2], embedder=embedder, progress=tell)
"""


@pytest.mark.parametrize(("batches", "when"), [(0, "embedding"), (1, "embedding"), (1, "written")])
def test_what_a_killed_writer_left_is_made_whole_by_the_next(kbs: str, tmp_path: Path, batches: int, when: str) -> None:
    rows = [{"id": str(n), "text": f"heron {n}"} for n in range(600)]  # two batches
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    line = [sys.executable, "-c", KILLED, str(tmp_path / "rows.jsonl"), kbs, str(batches), when]
    done = subprocess.run(line, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if "text" in open_catalog(kbs).list_stores():
        assert len(open_text(kbs)) in (0, 512)
        assert all(not source.complete for source in open_text(kbs).list_sources())
    take_in(tmp_path / "rows.jsonl", kbs)
    kb = open_text(kbs)
    assert len(kb) == 600
    assert {entry.record for entry in kb.search([Query("heron")], k=1000)[0]} == {row["id"] for row in rows}
    assert kb.store.check(repair=False) == []


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with texts of two sources, a picture and a long table."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "a.jsonl").write_text("\n".join(json.dumps({"id": f"a{n}", "text": f"heron {n}"}) for n in range(600)))
    (folder / "b.txt").write_text("A lonely stork.")
    (folder / "red.png").write_bytes(plain_picture("red").data)
    (folder / "orders.csv").write_text("order,country\n" + "".join(f"{n},Land {n % 7}\n" for n in range(3000)))
    take_in(folder, str(folder / "kbs"))
    return str(folder / "kbs")


def test_a_copy_there_and_back_is_what_the_original_is(mixed: str, postgres: str, tmp_path: Path) -> None:
    middle, back = make_schema(postgres), str(tmp_path / "back")
    for source, target in ((mixed, middle), (middle, back)):
        done = CliRunner().invoke(app, ["kb", "copy", source, target], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    for place in (middle, back):
        for kind in ("text", "image", "table"):
            ours, theirs = open_text(mixed, kind), open_text(place, kind)
            assert ours.card == theirs.card
            assert ours.list_sources() == theirs.list_sources()
            assert ours.store.ledger.read() == theirs.store.ledger.read()
            [best] = ours.search([Query("lonely stork red order 17")], k=3)
            [copied] = theirs.search([Query("lonely stork red order 17")], k=3)
            assert [entry.id for entry in best][:1] == [entry.id for entry in copied][:1]
        [table] = open_text(place, "table").tables.list_all()
        assert open_text(place, "table").compute(table.id, "SELECT count(*) FROM t").rows == (("3000",),)
        [[red]] = open_text(place, "image").search([Query(image=plain_picture("red"))], k=1)
        assert open_text(place, "image").open_picture(red.image or "").data == plain_picture("red").data
    embedder = HashedWords()
    index([Path(mixed).parent / "a.jsonl"], back, embedder=embedder)
    assert embedder.passages == []


def test_a_copy_that_was_interrupted_goes_on_and_other_sources_are_not_lost(
    mixed: str, postgres: str, tmp_path: Path
) -> None:
    source, target = find_store(mixed, "text"), open_catalog(make_schema(postgres)).get_store("text")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_kb(source, target, tell=stop)
    assert target.count() == 512
    assert copy_kb(source, target) == 601 - 512
    assert copy_kb(source, target) == 0
    (tmp_path / "own.txt").write_text("own words")
    take_in(tmp_path / "own.txt", str(tmp_path / "own"))
    with pytest.raises(InputError, match=r"has .*, which is not in what is copied"):
        copy_kb(find_store(str(tmp_path / "own"), "text"), target)


def test_vectors_of_many_entries_are_found_by_an_index_of_the_data_base(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from r1router.kb.stores.postgres import snapshot

    lines = [{"id": str(n), "text": f"the word w{n} and the word w{n % 7}", "index": n % 7} for n in range(300)]
    (tmp_path / "words.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    exact, indexed = make_schema(postgres), make_schema(postgres)
    take_in(tmp_path / "words.jsonl", exact)
    monkeypatch.setattr(snapshot, "EXACT_BELOW", 100)
    take_in(tmp_path / "words.jsonl", indexed)
    by_index = open_text(f"{indexed}&options=-c%20enable_seqscan%3Doff%20-c%20enable_sort%3Doff")
    part = by_index.narrow(parse("index = 3"))
    for words in ("w17", "w251 word", "w3 and w4"):
        [best] = open_text(exact).search([Query(words)], k=5, mode="vector")
        [found] = by_index.search([Query(words)], k=5, mode="vector")
        assert found[0].similarity == pytest.approx(best[0].similarity)
        near = [each for each in found if each.similarity >= best[-1].similarity - 1e-6]
        assert len(near) >= 4  # of five: an index of this kind is not exact
        [ranking] = part.search([Query(words)], k=40, mode="vector")
        assert len(ranking) == 40
        assert {int(each.record) % 7 for each in ranking} == {3}
    import psycopg

    with psycopg.connect(postgres.partition("&")[0]) as db:
        made = db.execute("select indexname from pg_indexes where schemaname = %s", [indexed.rpartition("=")[2]])
        assert any(name.endswith("_vector_hnsw") for (name,) in made)


class Scattered(HashedWords):
    """A vector that chance gives to each text: far from all others, as a question is from passages."""

    dim = 48

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        drawn = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=48) for text in texts]
        return np.array([vector / np.linalg.norm(vector) for vector in drawn], np.float32)


def test_an_index_of_the_data_base_finds_what_is_far_from_a_question(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from r1router.kb.stores.postgres import snapshot

    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps({"id": str(n), "text": f"w{n}"}) + "\n" for n in range(2_000))
    )
    place = make_schema(postgres)
    monkeypatch.setattr(snapshot, "EXACT_BELOW", 100)
    index([tmp_path / "rows.jsonl"], place, embedder=Scattered())
    queries = Scattered().embed_texts([f"question {n}" for n in range(20)])

    def rank(place: str) -> list[list[int]]:
        store = open_catalog(place).get_store("text")
        return store.use(lambda shot: shot.find_nearest("vector", queries, 10), empty=[])

    exact = rank(f"{place}&options=-c%20enable_indexscan%3Doff")
    found = rank(f"{place}&options=-c%20enable_seqscan%3Doff%20-c%20enable_sort%3Doff")
    assert np.mean([len(set(ours) & set(best)) / 10 for ours, best in zip(found, exact, strict=True)]) > 0.95


def test_a_copy_made_again_has_the_card_of_what_is_copied_and_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("own words")
    take_in(tmp_path / "own.txt", str(tmp_path / "own"))
    source, target = find_store(str(tmp_path / "own"), "text"), open_catalog(tmp_path / "copies").get_store("words")
    copy_kb(source, target)
    with open_writer(source, source.read_manifest()) as writer:
        writer.finish(holds="few words", label="W")
    assert copy_kb(source, target) == 0
    card = open_text(str(tmp_path / "copies"), "words").card
    assert (card.name, card.holds, card.label) == ("words", "few words", "W")
    [taken] = target.ledger.read().values()
    assert taken.yields == ("words",)


def test_the_stores_rank_alike_up_to_ties(postgres: str, tmp_path: Path) -> None:
    chance, words = random.Random(1), [f"w{n}" for n in range(60)]
    rows = [
        {"id": str(n), "text": " ".join(chance.choices(words, range(1, 61), k=chance.randrange(20, 60)))}
        for n in range(80)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    places = [str(tmp_path / "kbs"), make_schema(postgres)]
    for place in places:
        take_in(tmp_path / "rows.jsonl", place)
    queries = [Query(" ".join(chance.choices(words, k=4))) for _ in range(10)] + [Query('"w50 w59" w3')]
    for mode in ("vector", "text", "fused"):
        here, there = (open_text(place).search(queries, k=8, mode=mode) for place in places)
        for ours, theirs in zip(here, there, strict=True):
            assert [e.similarity for e in ours] == pytest.approx([e.similarity for e in theirs], abs=1e-5)
            if mode != "vector":  # where many are equally near
                assert [e.id for e in ours] == [e.id for e in theirs]


def test_a_source_of_one_batch_is_seen_whole_or_not_at_all(postgres: str, tmp_path: Path) -> None:
    kbs, rows = make_schema(postgres), tmp_path / "rows.jsonl"

    def write(version: int) -> None:
        rows.write_text("\n".join(json.dumps({"id": str(n), "text": f"heron v{version}"}) for n in range(20)))
        take_in(rows, kbs)

    write(0)
    kb, stop, mixed = open_text(kbs), threading.Event(), list[set[str]]()

    def search() -> None:
        while not stop.is_set():
            texts = [entry.text for entry in kb.search([Query("heron")], k=50)[0]]
            if len(texts) != 20 or len(set(texts)) != 1:
                mixed.append(set(texts))

    thread = threading.Thread(target=search)
    thread.start()
    try:
        for version in range(1, 4):
            write(version)
    finally:
        stop.set()
        thread.join()
    assert not mixed


# ── locations ──────────────────────────────────────────────────────────────────────────────────


def test_a_password_is_used_and_never_shown() -> None:
    address = read_address("postgresql://ann:s3cret@db.example:5433/kbs?schema=ours&sslmode=require&password=s3cret")
    assert address.place == "postgresql://ann@db.example:5433/kbs?sslmode=require&schema=ours"
    assert "s3cret" not in repr(address)
    assert "s3cret" in address.conninfo
    assert read_address("postgresql:///kbs?service=team").place == "postgresql:///kbs?service=team"


def test_a_data_base_that_cannot_be_reached_is_told_in_one_line_without_the_password() -> None:
    with pytest.raises(KnowledgeBaseError, match=r"ann@localhost:1/kbs cannot be read: .*refused") as raised:
        open_kbs("postgresql://ann:s3cret@localhost:1/kbs")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "location",
    [
        "mysql://host/db",
        "s3://key:secret@bucket/kbs",
        "gs:///kbs",
        "milvus://host/db?prefix=no-name",
        "milvus://host/db?index=best",
        "postgresql://host/db?schema=No%20schema",
    ],
)
def test_a_place_that_cannot_be_is_refused_in_words(location: str) -> None:
    with pytest.raises(InputError, match=r"no place for knowledge bases|cannot be a|is no index"):
        open_kbs(location)


def test_schemas_of_one_data_base_share_its_connections(postgres: str, tmp_path: Path) -> None:
    import psycopg

    asked = "select count(*) from pg_stat_activity where backend_type = 'client backend'"
    (tmp_path / "a.txt").write_text("Oslo")
    places = [make_schema(postgres) for _ in range(CONNECTIONS + 2)]
    with psycopg.connect(postgres, autocommit=True) as db:
        [(before,)] = db.execute(asked).fetchall()  # of this test and of others
        for kbs in places:
            take_in(tmp_path / "a.txt", kbs)
        assert [find(kbs, "Oslo") for kbs in (*places, places[0])] == [["Oslo"]] * (len(places) + 1)
        (tmp_path / "a.txt").write_text("Bergen")
        take_in(tmp_path / "a.txt", places[0])
        assert [find(kbs, "Oslo") for kbs in places[:2]] == [["Bergen"], ["Oslo"]]
        for _ in range(100):  # a connection that was closed is counted a little longer
            [(held,)] = db.execute(asked).fetchall()
            if held <= before + CONNECTIONS:
                break
            time.sleep(0.1)
    assert held <= before + CONNECTIONS


def test_readers_go_on_at_once_where_the_data_base_has_ended_all_their_connections(postgres: str) -> None:
    address, together = read_address(make_schema(postgres)), threading.Barrier(CONNECTIONS)

    def hold() -> None:
        with read(address):
            together.wait(30)

    holders = [threading.Thread(target=hold) for _ in range(CONNECTIONS)]
    for holder in holders:
        holder.start()
    for holder in holders:
        holder.join()
    end_other_connections(postgres)
    with read(address) as db:
        assert db.execute("select 1").fetchone() == (1,)


def test_what_only_a_folder_can_do_is_refused_in_words(postgres: str, tmp_path: Path) -> None:
    kbs = make_schema(postgres)
    with pytest.raises(InputError, match=r"no knowledge bases: the data base .* is empty of them; make some with"):
        open_kbs(kbs)
    (tmp_path / "a.txt").write_text("Oslo")
    take_in(tmp_path / "a.txt", kbs)
    done = CliRunner().invoke(app, ["kb", "export", "text", str(tmp_path / "x.tar.gz"), "--kbs", kbs])
    assert isinstance(done.exception, InputError)
    assert "only a folder can be packed" in str(done.exception)


def test_what_the_data_base_refuses_is_told_and_leaves_nothing_half_done(postgres: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Oslo")
    kbs = make_schema(postgres)
    take_in(tmp_path / "a.txt", kbs)
    store = find_store(kbs, "text")

    def drop_and_be_cut_off() -> None:
        with open_writer(store, store.read_manifest()) as writer, writer.group_writes():
            writer.drop_source(next(iter(store.ledger.read())))
            end_other_connections(postgres)
            writer.finish()

    with pytest.raises(NotWritten, match=r"terminating connection.*see that the data base runs"):
        drop_and_be_cut_off()
    assert find(kbs, "Oslo") == ["Oslo"]


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        (
            "begin; create role nobody; set role nobody; create schema forbidden",
            "ask who runs the data base",
        ),
        ("begin read only; create schema forbidden", "give the address of the one that is written to"),
        ("select 1 / 0", "kb check --repair"),
    ],
)
def test_what_the_data_base_refuses_comes_with_what_to_do_about_it(postgres: str, sql: str, advice: str) -> None:
    address = read_address(postgres)

    def write() -> None:
        with open_connection(address) as db, explain_writing(address):
            db.execute(sql)

    with pytest.raises(NotWritten, match=advice):
        write()


def end_other_connections(postgres: str) -> None:
    import psycopg

    with psycopg.connect(postgres) as db:
        db.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
