"""Checks what only object storage has: the objects of others, its lock, and places that are not there."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from r1router.errors import InputError, KnowledgeBaseError, NotWritten
from r1router.ingest.run import index
from r1router.kb.stores import open_catalog
from r1router.kb.stores.bucket.home import hold_bucket
from r1router.kb.stores.bucket.objects import Objects
from r1router.kb.stores.bucket.parts import BucketFiles
from r1router.kb.stores.lease import Lease
from small_embedders import HashedWords


@pytest.fixture
def kbs(s3: str) -> str:
    return f"{s3}b{uuid.uuid4().hex}"


def take_in(tmp_path: Path, kbs: str) -> None:
    (tmp_path / "a.txt").write_text("Bolts are tightened to 22 Nm.")
    index([tmp_path / "a.txt"], kbs, embedder=HashedWords(), ocr=False)


@pytest.mark.parametrize("other", ["text/photo.jpg", "text/pictures/holidays.jpg", "text/tables/sales.csv"])
def test_objects_of_others_are_named_and_never_deleted(kbs: str, other: str, tmp_path: Path) -> None:
    Objects(kbs).write(other, b"theirs")
    with pytest.raises(InputError, match=rf"{re.escape(other)} is not of a knowledge base"):
        take_in(tmp_path, kbs)
    assert [each.name for each in Objects(kbs).list_all()] == [other]


def test_a_knowledge_base_beside_which_others_put_something_is_neither_removed_nor_renamed(
    kbs: str, tmp_path: Path
) -> None:
    take_in(tmp_path, kbs)
    Objects(kbs).write("text/notes.md", b"theirs")
    store = open_catalog(kbs).get_store("text")
    for change in (store.remove, lambda: store.rename("manuals")):
        with pytest.raises(InputError, match=r"notes\.md is not of a knowledge base"):
            change()
    assert store.count() == 1
    Objects(kbs).drop(["text/notes.md"])
    store.rename("manuals")
    assert [each.name for each in Objects(kbs).list_all() if each.name.startswith("text/")] == ["text/write.lock"]
    open_catalog(kbs).get_store("manuals").remove()
    assert open_catalog(kbs).list_stores() == {}


def test_what_an_interrupted_removal_left_is_cleared_by_the_next_writer(kbs: str, tmp_path: Path) -> None:
    take_in(tmp_path, kbs)
    Objects(kbs).drop(["text/kb.json"])
    take_in(tmp_path, kbs)
    assert open_catalog(kbs).get_store("text").count() == 1


def test_a_name_that_another_process_took_meanwhile_is_not_overwritten(
    kbs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(tmp_path, kbs)
    target = Objects(kbs).open_below("manuals")

    @contextmanager
    def hold_late(objects: Objects) -> Iterator[Lease]:
        with hold_bucket(objects) as lease:
            if objects.place == target.place:  # until now the other had it
                target.write("kb.json", b"{}")
            yield lease

    monkeypatch.setattr("r1router.kb.stores.bucket.store.hold_bucket", hold_late)
    with pytest.raises(InputError, match="manuals is there already"):
        open_catalog(kbs).get_store("text").rename("manuals")
    assert target.read("kb.json") == b"{}"
    assert open_catalog(kbs).get_store("text").count() == 1


def test_a_bucket_that_does_not_exist_is_told_as_such(s3: str, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError) as told:
        take_in(tmp_path, f"s3://no-such-bucket-{uuid.uuid4().hex}/kbs")
    assert "another process" not in str(told.value)


def test_a_table_that_cannot_be_read_is_told_in_words(kbs: str, tmp_path: Path) -> None:
    take_in(tmp_path, kbs)
    below = Objects(kbs).open_below("text")
    below.drop([each.name for each in below.list_all() if ".lance/data/" in each.name])
    store = open_catalog(kbs).get_store("text")
    for read in (
        store.ledger.read,
        lambda: list(store.field_sets.read()),
        lambda: list(store.count_sources()),
        lambda: list(store.read_batches("a.txt")),
    ):
        with pytest.raises(KnowledgeBaseError, match="cannot be read"):
            read()


class LostAnswers:
    """A note in memory whose answers are lost, in the ways in which an answer can be."""

    def __init__(self) -> None:
        self.text, self.lose, self.renewed = "", "", threading.Event()

    def read(self) -> str:
        return self.text

    def replace(self, before: str, after: str, *, is_taken: bool) -> bool:
        if self.text != before:
            return False
        self.text = after
        if not is_taken and after:
            self.renewed.set()
        if self.lose == "refused":  # the client tried again by itself, and found its own text
            return False
        if self.lose == "broken":
            raise KnowledgeBaseError("the connection was broken")
        return True


@pytest.mark.parametrize("how", ["refused", "broken"])
def test_the_right_to_write_outlives_an_answer_that_was_lost(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r1router.kb.stores.lease.RENEWED", 0.02)
    note = LostAnswers()
    lease = Lease(note, "here")
    lease.take()
    for _ in range(2):
        note.lose = how
        note.renewed.clear()
        assert note.renewed.wait(30)
        lease.check()
    note.lose = ""
    note.renewed.clear()
    assert note.renewed.wait(30)
    lease.check()
    lease.give_back()
    assert note.text == ""


def test_who_lost_the_right_is_told_whether_another_process_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    note = LostAnswers()
    lease = Lease(note, "here")
    lease.take()
    monkeypatch.setattr("r1router.kb.stores.lease.KEPT", 0.0)
    with pytest.raises(NotWritten, match="could not be renewed"):
        lease.check()
    note.text = '{"owner": "another", "beats": 1}'
    with pytest.raises(NotWritten, match="another process took over"):
        lease.check()
    lease.give_back()
    assert "another" in note.text


def test_a_picture_that_is_removed_while_it_is_fetched_is_told_as_none(
    kbs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = Objects(kbs).open_below("text")
    below.write("pictures/p.png", b"a picture")
    files = BucketFiles(below)
    version = below.find_version("pictures/p.png")
    kept = files.fetch("pictures/p.png")
    assert kept is not None
    assert kept.read_bytes() == b"a picture"
    kept.unlink()
    below.drop(["pictures/p.png"])
    monkeypatch.setattr(below, "find_version", lambda name: version)  # as it was a moment before
    assert files.fetch("pictures/p.png") is None
    assert not kept.exists()
