"""Keeps what a knowledge base in PostgreSQL has beside its entries: ledger, sets of fields, pictures, long tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from r1router.cache import keep_file
from r1router.kb.stores.store import FieldSet, Taken

PIECE = 8 << 20
"""Bytes of a file that are sent and held together."""
STREAMED = 4_096
"""Rows that are fetched together where all are read."""

Open = Callable[[], AbstractContextManager[tuple[Any, int]]]
"""Gives a connection and the id of the knowledge base in it, 0 for none."""


class PostgresLedger:
    """What `store.Ledger` says, as rows of `sources`."""

    def __init__(self, read: Open, write: Open) -> None:
        self._read, self._write = read, write

    def read(self) -> dict[str, Taken]:
        with self._read() as (db, kb):
            if not kb:
                return {}
            found = db.execute("select source, path, fingerprint, entries, yields from sources where kb = %s", [kb])
            taken = [Taken(s, p, f, n, tuple(y)) for s, p, f, n, y in found]
        return {each.source: each for each in sorted(taken, key=lambda each: each.source)}

    def put(self, taken: Iterable[Taken]) -> None:
        rows = [(t.source, t.path, t.fingerprint, t.entries, list(t.yields)) for t in taken]
        with self._write() as (db, kb), db.cursor() as cursor:
            cursor.executemany(
                "insert into sources values (%s, %s, %s, %s, %s, %s) on conflict (kb, source) do update set "
                "path = excluded.path, fingerprint = excluded.fingerprint, entries = excluded.entries, "
                "yields = excluded.yields",
                [(kb, *row) for row in rows],
            )

    def drop(self, sources: Iterable[str]) -> None:
        with self._write() as (db, kb):
            db.execute("delete from sources where kb = %s and source = any(%s)", [kb, list(sources)])


class PostgresFieldSets:
    """What `store.FieldSets` says, as rows of `about`."""

    def __init__(self, read: Open, write: Open) -> None:
        self._read, self._write = read, write

    def read(self) -> Iterator[FieldSet]:
        with self._read() as (db, kb):
            if kb:
                found = "select id, of, fields from about where kb = %s order by of <> 0"
                yield from map(FieldSet._make, stream(db, found, [kb]))

    def put(self, sets: Sequence[FieldSet]) -> None:
        with self._write() as (db, kb), db.cursor() as cursor:
            cursor.executemany(
                "insert into about values (%s, %s, %s, %s) on conflict do nothing", [(kb, *each) for each in sets]
            )

    def drop(self, ids: Collection[int]) -> None:
        with self._write() as (db, kb):
            db.execute("delete from about where kb = %s and id = any(%s)", [kb, list(ids)])


class Files:
    """Pictures and long tables: kept in pieces, and copied into the cache of this machine when they are read."""

    def __init__(self, read: Open, write: Open) -> None:
        self._read, self._write = read, write

    def fetch(self, name: str) -> Path | None:
        """The copy of a file; None where there is none of this name."""
        with self._read() as (db, kb):
            found = db.execute("select digest from files where kb = %s and name = %s", [kb, name]).fetchone()
            if found is None:
                return None

            def write(stream: BinaryIO) -> None:
                pieces = "select data from pieces where kb = %s and name = %s and number = %s"
                number = 0
                while piece := db.execute(pieces, [kb, name, number]).fetchone():
                    stream.write(piece[0])
                    number += 1

            return keep_file(f"{found[0]}{Path(name).suffix}", write)

    def store(self, name: str, file: Path, *, source: str = "", record: str = "") -> None:
        """Replaces what has this name, at once."""
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        with self._write() as (db, kb), db.transaction(), file.open("rb") as stream:
            db.execute("delete from files where kb = %s and name = %s", [kb, name])
            row = (kb, name, source, record, digest, file.stat().st_size)
            db.execute("insert into files values (%s, %s, %s, %s, %s, %s)", row)
            number = 0
            while data := stream.read(PIECE):
                db.execute("insert into pieces values (%s, %s, %s, %s)", [kb, name, number, data])
                number += 1

    def keep(self, name: str, data: bytes) -> None:
        """Stores a file whose name follows from its content, where it is not there."""
        with self._write() as (db, kb), db.transaction():
            row = (kb, name, "", "", Path(name).stem, len(data))
            added = db.execute("insert into files values (%s, %s, %s, %s, %s, %s) on conflict do nothing", row)
            if added.rowcount:
                db.execute("insert into pieces values (%s, %s, 0, %s)", [kb, name, data])

    def list_tables(self) -> list[tuple[str, str]]:
        """Source and record of each long table."""
        with self._read() as (db, kb):
            found = "select source, record from files where kb = %s and name like 'tables/%%' order by source, record"
            return [(source, record) for source, record in db.execute(found, [kb])]

    def drop_table_files(self, source: str, *, but: Collection[str]) -> None:
        """Those of the long tables of a source, but those of these records."""
        with self._write() as (db, kb):
            db.execute(
                "delete from files where kb = %s and name like 'tables/%%' and source = %s and record <> all(%s)",
                [kb, source, list(but)],
            )


def stream(
    db: Any, query: str, values: Sequence[Any] | Mapping[str, Any] = (), *, together: int = STREAMED
) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, so many of them in memory at a time."""
    with db.transaction(), db.cursor(name="stream") as cursor:
        cursor.execute(query, values)
        while rows := cursor.fetchmany(together):
            yield from rows


@contextmanager
def use_connection(db: Any, kb: int) -> Iterator[tuple[Any, int]]:
    """One that is open already, and stays so."""
    yield db, kb
