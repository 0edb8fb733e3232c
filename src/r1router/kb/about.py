"""Keeps what is known of the sources of one knowledge base, each set of fields once, however many entries have it.

An entry has the id of its set. A set is the fields of a source, or adds to one what is known of a record alone. The id
follows from the content, so a set never changes and an id is never used again for another one: a search that holds an
older version of the entries still finds the sets that they had, or none, but never wrong ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from r1router.filters.tree import Fields, Value
from r1router.kb.stores.store import FieldSet, FieldSets

NOTHING = 0
"""The id of no set."""


class About:
    """The sets that a writer adds to those of its store."""

    def __init__(self, sets: FieldSets) -> None:
        self._sets = sets
        self._known: set[int] | None = None
        self._waiting: dict[int, FieldSet] = {}

    def put(self, fields: Fields, *, of: int = NOTHING) -> int:
        """The id of a set that adds these fields to the set `of`; it is stored at the next `flush`."""
        written = json.dumps(dict(sorted(fields.items())), ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(f"{of} {written}".encode("utf-8", "replace")).digest()
        id_ = int.from_bytes(digest[:8], "big", signed=True) or 1
        if self._known is None:
            self._known = {stored.id for stored in self._sets.read()}
        if id_ not in self._known:
            self._known.add(id_)
            self._waiting[id_] = FieldSet(id_, of, written)
        return id_

    def take(self, sets: Iterable[FieldSet]) -> None:
        """Sets of another store, with the ids that they have there; they are stored at the next `flush`."""
        if self._known is None:
            self._known = {stored.id for stored in self._sets.read()}
        self._waiting.update((each.id, each) for each in sets if each.id not in self._known)
        self._known.update(self._waiting)

    def flush(self) -> None:
        """Stores what waits. To be called before the entries are stored that have these ids."""
        if self._waiting:
            self._sets.put(list(self._waiting.values()))
            self._waiting = {}

    def forget_others(self, used: Collection[int]) -> None:
        """Removes the sets that no entry has any more, given the ids of all that some have."""
        stored = self._sets.read()
        bases = {each.of for each in stored if each.id in used}
        gone = {each.id for each in stored} - set(used) - bases
        if gone:
            self._sets.drop(gone)
        self._known = {each.id for each in stored} - gone


def read_all(sets: FieldSets) -> Iterator[tuple[int, dict[str, Value]]]:
    """Every set with all its fields; none before the first is stored. Raises `KnowledgeBaseError`."""
    stored = sets.read()
    wanted = {each.of for each in stored}
    bases: dict[int, Mapping[str, Value]] = {each.id: _read(each.fields) for each in stored if each.id in wanted}
    for each in stored:
        yield each.id, {**bases.get(each.of, {}), **_read(each.fields)}


def read_bases(sets: FieldSets) -> dict[int, dict[str, Value]]:
    """By the id of each set, the fields of the one that it adds to: of the whole source."""
    stored = sets.read()
    read = {each.id: _read(each.fields) for each in stored if not each.of}
    return {each.id: read.get(each.of or each.id, {}) for each in stored}


def _read(written: str) -> dict[str, Value]:
    read: dict[str, Any] = json.loads(written)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in read.items()}
