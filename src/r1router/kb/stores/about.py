"""Keeps what is known of the sources of one knowledge base, each set of fields once, however many entries have it.

An entry has the id of its set. A set is the fields of a source, or adds to one what is known of a record alone. The id
follows from the content, so a set never changes and an id is never used again for another one: a search that holds an
older version of the entries still finds the sets that they had, or none, but never wrong ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from r1router.filters.tree import Fields, Value
from r1router.kb.stores.store import FieldSet, FieldSets

NOTHING = 0
"""The id of no set."""
TOGETHER = 8_192
"""Sets that are stored together at most, and remembered at least: a source has many entries of the same set."""


class About:
    """The sets that a writer adds to those of its store."""

    def __init__(self, sets: FieldSets) -> None:
        self._sets = sets
        self._stored: set[int] = set()
        """Ids of sets that were stored lately."""
        self._waiting: dict[int, FieldSet] = {}

    def put(self, fields: Fields, *, of: int = NOTHING) -> int:
        """The id of a set that adds these fields to the set `of`; it is stored at the next `flush`, or before."""
        written = json.dumps(dict(sorted(fields.items())), ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(f"{of} {written}".encode("utf-8", "replace")).digest()
        id_ = int.from_bytes(digest[:8], "big", signed=True) or 1
        self.take([FieldSet(id_, of, written)])
        return id_

    def take(self, sets: Iterable[FieldSet]) -> None:
        """Sets with the ids that they have, such as those of another store; as in `put`."""
        for each in sets:
            if each.id not in self._stored:
                self._waiting[each.id] = each
                if len(self._waiting) >= TOGETHER:
                    self.flush()

    def flush(self) -> None:
        """Stores what waits. To be called before the entries are stored that have these ids."""
        if self._waiting:
            self._sets.put(list(self._waiting.values()))
            if len(self._stored) > TOGETHER:
                self._stored = set()
            self._stored.update(self._waiting)
            self._waiting = {}

    def forget_others(self, used: Iterable[int]) -> None:
        """Removes the sets that no entry has any more, given the ids of all that some have."""
        pairs = ((each.id, each.of) for each in self._sets.read())
        stored = np.fromiter(pairs, [("id", np.int64), ("of", np.int64)])
        having = np.unique(np.fromiter(used, np.int64))
        bases = stored["of"][np.isin(stored["id"], having)]
        gone = np.setdiff1d(stored["id"], np.union1d(having, bases)).tolist()
        if gone:
            self._sets.drop(gone)
            self._stored.difference_update(gone)


def put_bases_first(sets: Iterable[FieldSet]) -> Iterator[FieldSet]:
    """Those first that add to no other, since readers know a set before what adds to it."""
    adding = []
    for each in sets:
        if each.of:
            adding.append(each)
        else:
            yield each
    yield from adding


def read_all(sets: FieldSets) -> Iterator[tuple[int, dict[str, Value]]]:
    """Every set with all its fields; none before the first is stored. Raises `KnowledgeBaseError`."""
    bases: dict[int, Mapping[str, Value]] = {}
    for each in sets.read():
        fields = _read(each.fields)
        if not each.of:
            bases[each.id] = fields
        yield each.id, {**bases.get(each.of, {}), **fields}


def read_bases(sets: FieldSets) -> dict[int, dict[str, Value]]:
    """By the id of each set, the fields of the one that it adds to: of the whole source."""
    stored = list(sets.read())
    read = {each.id: _read(each.fields) for each in stored if not each.of}
    return {each.id: read.get(each.of or each.id, {}) for each in stored}


def _read(written: str) -> dict[str, Value]:
    read: dict[str, Any] = json.loads(written)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in read.items()}
