"""Keeps which sources a folder has taken in completely, and with which content.

One row a source in `sources.sqlite`: written without a fingerprint before the source's first entries, and with
it after the last. A source without a fingerprint is unfinished and will be read again.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from r1router.errors import KnowledgeBaseError, NotWritten
from r1router.kb.stores.store import Taken

FILE = "sources.sqlite"
_ERRNO = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
}
"""What the system said, by what SQLite makes of it."""


class SqliteLedger:
    """What `store.Ledger` says, in a file of the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> dict[str, Taken]:
        """By source, sorted; empty before the first is complete."""
        if not self._path.exists():
            return {}
        with self._told(), closing(sqlite3.connect(self._path)) as db:
            found = db.execute("select source, path, fingerprint, entries, yields from sources order by source")
            return {s: Taken(s, p, f, n, tuple(y.split("/")) if y else ()) for s, p, f, n, y in found}

    def put(self, taken: Iterable[Taken]) -> None:
        rows = [(t.source, t.path, t.fingerprint, t.entries, "/".join(t.yields)) for t in taken]
        with self._writing() as db:
            db.executemany("insert or replace into sources values (?, ?, ?, ?, ?)", rows)

    def drop(self, sources: Iterable[str]) -> None:
        with self._writing() as db:
            db.executemany("delete from sources where source = ?", [(source,) for source in sources])

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises `KnowledgeBaseError` for what SQLite does, and says what to do."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            number = _ERRNO.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            if number:
                raise NotWritten(str(self._path), OSError(number, os.strerror(number))) from error
            raise KnowledgeBaseError(f"{self._path}: {error}; mend it with: r1router kb check --repair") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            self._create()
        with self._told(), closing(sqlite3.connect(self._path)) as db, db:
            yield db

    def _create(self) -> None:
        """Made beside its place and moved there, so that no reader meets a file without its table."""
        scratch = self._path.with_suffix(".new")
        scratch.unlink(missing_ok=True)
        with self._told(), closing(sqlite3.connect(scratch)) as db:
            db.execute(
                "create table sources "
                "(source text primary key, path text, fingerprint text, entries integer, yields text)"
            )
        scratch.replace(self._path)
