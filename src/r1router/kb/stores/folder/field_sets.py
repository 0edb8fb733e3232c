"""Keeps the sets of fields of a folder's sources in SQLite: one row a set, with the set that it adds to."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from r1router.errors import KnowledgeBaseError
from r1router.kb.stores.store import FieldSet

FILE = "about.sqlite"


class SqliteFieldSets:
    """What `store.FieldSets` says, in a file of the folder."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the knowledge base."""
        self._path = folder / FILE

    def read(self) -> Iterator[FieldSet]:
        if not self._path.exists():
            return
        with self._open() as db:
            if not db.execute("select 1 from sqlite_master where name = 'about'").fetchone():
                return
            columns = "select id, of, fields from about where of"
            yield from map(FieldSet._make, db.execute(f"{columns} = 0 union all {columns} <> 0"))

    def put(self, sets: Sequence[FieldSet]) -> None:
        with self._open() as db, db:
            db.execute("create table if not exists about (id integer primary key, of integer, fields text)")
            db.executemany("insert or ignore into about values (?, ?, ?)", sets)

    def drop(self, ids: Collection[int]) -> None:
        with self._open() as db, db:
            db.executemany("delete from about where id = ?", [(id_,) for id_ in ids])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Raises `KnowledgeBaseError` for what SQLite does, and says what to do."""
        try:
            with closing(sqlite3.connect(self._path, timeout=30)) as db:
                yield db
        except sqlite3.DatabaseError as error:
            raise KnowledgeBaseError(f"{self._path}: {error}; mend it with: r1router kb check --repair") from error
