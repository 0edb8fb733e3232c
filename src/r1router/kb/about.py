"""Keeps what is known of the sources of one knowledge base, each set of fields once, however many entries have it.

One row a set in `about.sqlite`: its id, the set that it adds to, and its fields as JSON. An entry has the id of its
set. The id follows from the content, so a set never changes and an id is never used again for another one: a search
that holds an older version of the entries still finds the sets that they had, or none, but never wrong ones.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from r1router.errors import KnowledgeBaseError
from r1router.filters.tree import Fields, Value

FILE = "about.sqlite"
NOTHING = 0
"""The id of no set."""


class About:
    """The sets of one knowledge base. Only its writer calls `put`, `flush` and `forget_others`."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the knowledge base."""
        self._path = folder / FILE
        self._known: set[int] | None = None
        self._waiting: dict[int, tuple[int, str]] = {}

    def put(self, fields: Fields, *, of: int = NOTHING) -> int:
        """The id of a set that adds these fields to the set `of`; it is stored at the next `flush`."""
        written = json.dumps(dict(sorted(fields.items())), ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(f"{of} {written}".encode("utf-8", "replace")).digest()
        id_ = int.from_bytes(digest[:8], "big", signed=True) or 1
        if self._known is None:
            self._known = self._list_ids()
        if id_ not in self._known:
            self._known.add(id_)
            self._waiting[id_] = (of, written)
        return id_

    def flush(self) -> None:
        """Stores what waits. To be called before the entries are stored that have these ids."""
        if self._waiting:
            rows = [(id_, of, written) for id_, (of, written) in self._waiting.items()]
            with self._open() as db, db:
                db.execute("create table if not exists about (id integer primary key, of integer, fields text)")
                db.executemany("insert or ignore into about values (?, ?, ?)", rows)
            self._waiting = {}

    def forget_others(self, used: Collection[int]) -> None:
        """Removes the sets that no entry has any more, given the ids of all that some have."""
        known = self._list_ids()
        if known <= set(used):
            return
        with self._open() as db, db:
            bases = {of for id_, of in db.execute("select id, of from about") if id_ in used}
            gone = known - set(used) - bases
            db.executemany("delete from about where id = ?", [(id_,) for id_ in gone])
        self._known = known - gone

    def read_all(self) -> Iterator[tuple[int, dict[str, Value]]]:
        """Every set with all its fields; none before the first is stored. Raises `KnowledgeBaseError`."""
        if not self._path.exists():
            return
        with self._open() as db:
            if not db.execute("select 1 from sqlite_master where name = 'about'").fetchone():
                return
            bases: dict[int, Mapping[str, Value]] = {NOTHING: {}}
            wanted = "select id, fields from about where id in (select distinct of from about)"
            bases.update((id_, _read(fields)) for id_, fields in db.execute(wanted))
            for id_, of, fields in db.execute("select id, of, fields from about"):
                yield id_, {**bases.get(of, {}), **_read(fields)}

    def read_bases(self) -> dict[int, dict[str, Value]]:
        """By the id of each set, the fields of the one that it adds to: of the whole source."""
        if not self._path.exists():
            return {}
        with self._open() as db:
            held = {id_: (of, fields) for id_, of, fields in db.execute("select id, of, fields from about")}
        read = {id_: _read(fields) for id_, (of, fields) in held.items() if not of}
        return {id_: read.get(of or id_, {}) for id_, (of, _) in held.items()}

    def _list_ids(self) -> set[int]:
        return {id_ for id_, _ in self.read_all()}

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Raises `KnowledgeBaseError` for what SQLite does, and says what to do."""
        try:
            with closing(sqlite3.connect(self._path, timeout=30)) as db:
                yield db
        except sqlite3.DatabaseError as error:
            raise KnowledgeBaseError(f"{self._path}: {error}; mend it with: r1router kb check --repair") from error


def _read(written: str) -> dict[str, Value]:
    read: dict[str, Any] = json.loads(written)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in read.items()}
