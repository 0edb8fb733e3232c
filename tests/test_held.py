"""What a writer knows of the entries that are stored: read when it is asked for, and kept on disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from r1router.filters.tree import Fields
from r1router.kb.entry import Entry
from r1router.kb.held import Held, HeldEntries
from r1router.kb.stores import about as abouts
from r1router.kb.stores.about import About, read_all
from r1router.kb.stores.store import FieldSet

STORED = [
    ("a.md", "a#0", "d1", 7),
    ("a.md", "a#1", "d2", 7),
    ("b.md", "b#0", "d3", None),
    ("b.md", "C##10", "d4", None),
]


@pytest.fixture
def held() -> Iterator[HeldEntries]:
    entries = HeldEntries(lambda: STORED)
    yield entries
    entries.close()


def test_nothing_is_read_before_it_is_asked_for() -> None:
    def read() -> Iterator[tuple[str, str, str, int | None]]:
        raise AssertionError("it was read")
        yield

    entries = HeldEntries(read)
    entries.begin()
    entries.close()
    with pytest.raises(AssertionError):
        entries.count("a.md")
    entries.close()


def test_what_a_source_does_not_have_any_more_is_what_was_not_met(held: HeldEntries) -> None:
    held.begin()
    assert held.meet("a.md", "a#1") == Held("d2", 7)
    assert held.meet("a.md", "a#1") is None  # met before
    assert held.meet("b.md", "a#0") is None  # of another source
    held.put([Entry("a#2", "a", "a.md", "new", "d5")])
    assert held.list_unmet("a.md") == ["a#0"]
    held.drop("a.md", ["a#0"])
    held.begin()
    assert held.list_unmet("a.md") == ["a#1", "a#2"]
    assert (held.drop_source("a.md"), held.count("a.md"), held.count("b.md")) == (2, 0, 2)


def test_a_record_of_another_source_gets_its_source_in_front(held: HeldEntries) -> None:
    held.begin()
    assert held.claim("a", "a.md") == ("a", 0)
    assert held.claim("a", "b.md") == ("b.md:a", 0)
    assert held.claim("C#", "a.md") == ("a.md:C#", 0)
    held.note_number("b.md:a", 3)
    assert held.claim("a", "b.md") == ("b.md:a", 3)  # it goes on
    held.begin()
    assert held.claim("a", "b.md") == ("b.md:a", 0)  # it is read again


class Sets:
    """Keeps sets of fields in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[int, FieldSet] = {}
        self.calls = 0

    def read(self) -> Iterator[FieldSet]:
        return iter(sorted(self.kept.values(), key=lambda each: bool(each.of)))

    def put(self, sets: list[FieldSet]) -> None:
        self.calls += 1
        self.kept.update((each.id, each) for each in sets)

    def drop(self, ids: list[int]) -> None:
        for id_ in ids:
            del self.kept[id_]


def test_sets_of_fields_are_stored_before_too_many_wait_and_forgotten_when_no_entry_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(abouts, "TOGETHER", 4)
    sets = Sets()
    about = About(sets)
    base = about.put({"path": "a.md"})
    ids = [about.put({"n": n}, of=base) for n in range(10)]
    assert len(sets.kept) >= 8
    about.flush()
    assert [about.put({"n": 9}, of=base), about.put({"n": 0}, of=base)] == [ids[9], ids[0]]
    about.flush()
    fields: dict[int, Fields] = dict(read_all(sets))
    assert fields[ids[3]] == {"path": "a.md", "n": 3}
    about.forget_others([ids[3]])
    assert sets.kept.keys() == {base, ids[3]}
    assert about.put({"n": 0}, of=base) == ids[0]
    about.flush()
    assert sets.kept.keys() == {base, ids[3], ids[0]}
