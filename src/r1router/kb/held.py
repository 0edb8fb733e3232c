"""Keeps a list of what a knowledge base holds in a scratch file, because a run compares its entries with all of them.

SQLite makes the file, keeps `CACHE` of it in memory, and deletes it with the connection. So what a
writer knows of ten million entries takes as much memory as of ten thousand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from r1router.kb.entry import Entry

CACHE = 32 << 20
"""Bytes of the file in memory."""
_RECORD = "substr(id, 1, length(rtrim(id, '0123456789')) - 1)"
"""What an id starts with: it ends in "#" and a number."""


class Held(NamedTuple):
    """An entry that is stored."""

    digest: str
    about: int | None


class HeldEntries:
    """What a store holds, and which of it a run has met again. Nothing is read before it is asked for."""

    def __init__(self, read: Callable[[], Iterable[tuple[str, str, str, int | None]]]) -> None:
        """`read`: source, id, digest and set of fields of every entry that is stored."""
        self._read = read
        self._opened: sqlite3.Connection | None = None
        self._visit = 0
        """Number of the source that is being read, counted over the run."""

    @property
    def _db(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = _open()
            self._opened.executemany("insert or replace into held values (?, ?, ?, ?, 0)", self._read())
            self._opened.execute(f"insert or ignore into records select {_RECORD}, source, 0, 0 from held")
        return self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def begin(self) -> None:
        """A source is read from its beginning: none of its entries has been met."""
        self._visit += 1

    def claim(self, record: str, source: str) -> tuple[str, int]:
        """What the ids of a record's entries start with, and the number of the next one.

        It is the record's id, with the source in front where another source of this knowledge base has the same.
        """
        key = record
        while True:
            found = self._db.execute("select source, visit, number from records where key = ?", [key]).fetchone()
            if found is None:
                self._db.execute("insert into records values (?, ?, ?, 0)", [key, source, self._visit])
                return key, 0
            owner, visit, number = found
            if owner == source:
                return key, number if visit == self._visit else 0
            key = f"{source}:{key}"

    def note_number(self, key: str, number: int) -> None:
        """The next entry of this record has this number, if one comes."""
        self._db.execute("update records set visit = ?, number = ? where key = ?", [self._visit, number, key])

    def meet(self, source: str, id_: str) -> Held | None:
        """The entry of a source, which has been met now; None where none is stored, or was before this run met it."""
        unmet = "source = ? and id = ? and visit <> ?", [source, id_, self._visit]
        found = self._db.execute(f"select digest, about from held where {unmet[0]}", unmet[1]).fetchone()
        if found is None:
            return None
        self._db.execute(f"update held set visit = ? where {unmet[0]}", [self._visit, *unmet[1]])
        return Held(*found)

    def list_unmet(self, source: str) -> list[str]:
        """Ids of the entries of the source that was begun last which it does not have any more."""
        unmet = "select id from held where source = ? and visit <> ? order by id"
        return [id_ for (id_,) in self._db.execute(unmet, [source, self._visit])]

    def list_digests(self, source: str) -> list[str]:
        """Of the entries that a source has."""
        return [digest for (digest,) in self._db.execute("select digest from held where source = ?", [source])]

    def count(self, source: str) -> int:
        found: tuple[int] = self._db.execute("select count(*) from held where source = ?", [source]).fetchone()
        return found[0]

    def put(self, entries: Sequence[Entry]) -> None:
        """They are stored now, or something else is known of them."""
        rows = [(e.source, e.id, e.digest, e.about, self._visit) for e in entries]
        self._db.executemany("insert or replace into held values (?, ?, ?, ?, ?)", rows)

    def drop(self, source: str, ids: Sequence[str]) -> None:
        self._db.executemany("delete from held where source = ? and id = ?", [(source, id_) for id_ in ids])

    def drop_source(self, source: str) -> int:
        """How many entries it had."""
        return self._db.execute("delete from held where source = ?", [source]).rowcount


def _open() -> sqlite3.Connection:
    db = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # a file without a name
    db.execute(f"pragma cache_size = -{CACHE >> 10}")
    db.execute("pragma journal_mode = off")
    db.execute("pragma synchronous = off")
    db.execute(
        "create table held (source text, id text, digest text, about integer, visit integer, primary key (source, id)) "
        "without rowid"
    )
    db.execute("create table records (key text primary key, source text, visit integer, number integer) without rowid")
    db.execute("begin")  # and never committed: it is all scratch
    return db
