"""Checks what only Milvus has: its locations, notes that wait for their turn, and files in pieces."""

from __future__ import annotations

import hashlib
import threading
import uuid
from pathlib import Path

import pytest

from r1router.errors import InputError, KnowledgeBaseError
from r1router.ingest.run import index
from r1router.kb import open_kbs
from r1router.kb.stores.milvus.address import read_address
from r1router.kb.stores.milvus.catalog import MilvusCatalog
from r1router.kb.stores.milvus.collections import Database, Part
from r1router.kb.stores.milvus.parts import MilvusFiles
from r1router.kb.stores.milvus.writer import hold_kb
from r1router.types import Query
from small_embedders import HashedWords


@pytest.fixture
def location(milvus: str) -> str:
    return f"{milvus}?prefix=m{uuid.uuid4().hex}"


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("milvus://host/?secure=True", "give secure=true"),
        ("milvus://host/?secure=1", "give secure=true"),
        ("milvus://somebody@host/", "MILVUS_TOKEN"),
    ],
)
def test_a_location_that_would_silently_mean_something_else_is_refused(location: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_address(location)


def test_a_location_says_whether_the_connection_is_encrypted() -> None:
    assert read_address("milvus://host/?secure=true").uri == "https://host:19530"
    assert read_address("milvus://host/?secure=false").uri == read_address("milvus://host/").uri == "http://host:19530"
    assert read_address("milvus://somebody:secret@host/").token == "somebody:secret"


def test_a_note_that_another_process_is_changing_is_changed_after_it(location: str) -> None:
    database, catalog = Database(read_address(location)), MilvusCatalog(location)
    database.make_parts()
    changing = threading.Thread(target=catalog.change_note, args=("left-out", lambda before: f"{before}ours"))
    with hold_kb(database, "the note left-out"):
        changing.start()
        changing.join(1.0)
        assert catalog.read_note("left-out") == ""
    changing.join(60)
    assert catalog.read_note("left-out") == "ours"


def test_a_file_that_lacks_a_piece_is_told_with_what_to_do(location: str, tmp_path: Path) -> None:
    database = Database(read_address(location))
    database.make_parts()
    files = MilvusFiles(database, lambda: "kb")
    (given := tmp_path / "rows.parquet").write_text(uuid.uuid4().hex)
    files.store("tables/rows.parquet", given)
    database.drop_pieces("kb", hashlib.sha256(given.read_bytes()).hexdigest(), 1)
    with pytest.raises(KnowledgeBaseError, match="lacks a part; remove its source"):
        files.fetch("tables/rows.parquet")
    files.store("tables/rows.parquet", given)
    kept = files.fetch("tables/rows.parquet")
    assert kept is not None
    assert kept.read_bytes() == given.read_bytes()


def test_what_is_short_of_many_rows_is_read_in_few_readings(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pymilvus.client.iterator.query_iterator import QueryIterator

    database = Database(read_address(location))
    database.make_parts()
    database.put_parts(Part("sent", "kb", f"n{number}", "") for number in range(1_300))
    readings, read = [], QueryIterator.next
    monkeypatch.setattr(QueryIterator, "next", lambda rows: readings.append(rows) or read(rows))
    assert len({row["name"] for row in database.read_all(database.parts, 'kb == "kb"', ["name"])}) == 1_300
    assert len(readings) == 2  # all, and that there are no more: Lite looks at all rows each time


def test_what_is_not_in_the_memory_of_the_server_is_loaded(location: str, tmp_path: Path) -> None:
    """As after Milvus Lite was started anew."""
    (note := tmp_path / "note.txt").write_text("The ferry leaves at noon.")
    index([note], location, embedder=HashedWords())
    client = Database(read_address(location)).client

    def release() -> None:
        for collection in client.list_collections():
            if collection.startswith(read_address(location).prefix):
                client.release_collection(collection)

    release()
    kb = open_kbs(location, text_embedder=HashedWords())["text"]
    [[found]] = kb.search([Query("ferry")])
    release()
    note.write_text("The ferry leaves at midnight.")
    index([note], location, embedder=HashedWords())
    [[newer]] = kb.search([Query("ferry")])
    assert (found.text[-5:], newer.text[-9:]) == ("noon.", "midnight.")
