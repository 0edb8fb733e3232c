"""Reads one knowledge base from PostgreSQL: each use in one transaction, so that a writer is never seen half-way."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from r1router.errors import InputError, KnowledgeBaseError
from r1router.kb import manifest as manifests
from r1router.kb.manifest import Manifest
from r1router.kb.rows import BATCH, PICTURES, SPACES, STORED
from r1router.kb.stores.allowed_sets import KeptFilters
from r1router.kb.stores.postgres import address as addresses
from r1router.kb.stores.postgres.address import Address, explain_writing, open_connection
from r1router.kb.stores.postgres.check import check
from r1router.kb.stores.postgres.parts import Files, PostgresFieldSets, PostgresLedger, use_connection
from r1router.kb.stores.postgres.snapshot import PostgresSnapshot, Version
from r1router.kb.stores.postgres.tables import COLUMNS, State, read_states, write_equal
from r1router.kb.stores.postgres.writer import open_postgres_writer, take_lock
from r1router.kb.stores.sent_tables import SentTables
from r1router.kb.stores.store import Equal, Finding, Inspection, Row, Snapshot, StoreWriter

T = TypeVar("T")


class PostgresStore:
    """What `store.Store` says, for one row of `kbs` and what belongs to it."""

    def __init__(self, address: Address, name: str) -> None:
        self.name = name
        self._address, self._filters = address, KeptFilters[Version](replaces=operator.gt)
        self.ledger = PostgresLedger(self._read_part, self._write_part)
        self.field_sets = PostgresFieldSets(self._read_part, self._write_part)
        self._files = Files(self._read_part, self._write_part)
        self.tables = SentTables(self._files)

    @property
    def place(self) -> str:
        return f"{self.name} at {self._address.place}"

    def exists(self) -> bool:
        with addresses.read(self._address) as db:
            return bool(read_states(db, self._address, self.name))

    def read_manifest(self) -> Manifest:
        with self._read() as (_, state):
            return manifests.parse(state.manifest, place=self.place)

    def find_stamp(self) -> Hashable:
        with self._read() as (_, state):
            return state.stamp

    def use(self, work: Callable[[Snapshot], T], *, empty: T) -> T:
        with self._read() as (db, state):
            if state.dim is None:
                return empty
            sets = PostgresFieldSets(lambda: use_connection(db, state.id), self._write_part)
            return work(PostgresSnapshot(db, state, sets, self._filters))

    def count(self) -> int:
        with self._read() as (_, state):
            return state.entries

    def count_sources(self) -> Iterator[tuple[str, int | None, int]]:
        with self._read() as (db, state):
            if state.dim is None:
                return
            counted = f"select source, about, count(*) from {state.entries_table} group by source, about"
            found = db.execute(f"{counted} order by source, about").fetchall()
        yield from found

    def read_entries(
        self,
        equal: Equal,
        *,
        in_tables: bool = False,
        limit: int | None = None,
        columns: Sequence[str] | None = None,
        about: Collection[int] | None = None,
    ) -> list[Row]:
        wanted = columns or STORED
        condition, values = write_equal(equal)
        condition += " and first_row is not null" if in_tables else ""
        if about is not None:
            condition += " and about = any(%s)"
            values.append(list(about))
        with self._read() as (db, state):
            if state.dim is None:
                return []
            found = db.execute(
                f"select {', '.join(wanted)} from {state.entries_table} where {condition} order by row limit %s",
                [*values, limit],
            )
            return [dict(zip(wanted, row, strict=True)) for row in found]

    def read_batches(self, source: str) -> Iterator[list[Row]]:
        with self._read() as (db, state):
            if state.dim is None:
                return
            widths = zip(SPACES, (state.dim, state.image_dim), strict=True)
            vectors = ", ".join(f"{space if numbers else 'null'}::real[]" for space, numbers in widths)
            condition, values = write_equal({"source": source})
            with db.cursor(name="batches") as cursor:
                cursor.execute(
                    f"select {', '.join(COLUMNS)}, {vectors} from {state.entries_table} where {condition} order by row",
                    values,
                )
                while rows := cursor.fetchmany(BATCH):
                    yield [dict(zip((*COLUMNS, *SPACES), row, strict=True)) for row in rows]

    def find_picture(self, name: str) -> Path | None:
        return self._files.fetch(f"{PICTURES}/{name}")

    def measure(self) -> int:
        with self._read() as (db, state):
            kept = db.execute("select coalesce(sum(bytes), 0)::bigint from files where kb = %s", [state.id])
            size: int = kept.fetchone()[0]
            for table in (state.entries_table, state.words_table) if state.dim is not None else ():
                size += db.execute("select pg_total_relation_size(%s::regclass)", [table]).fetchone()[0]
            return size

    def inspect(self) -> Inspection:
        with self._read() as (db, state):
            named = "select indexname from pg_indexes where schemaname = %s and tablename = %s and indexname like %s"
            found = db.execute(named, [self._address.schema, state.entries_table, "%\\_hnsw"]).fetchone()
            row = db.execute("select to_jsonb(kbs) ->> 'written' from kbs where id = %s", [state.id]).fetchone()
            written = datetime.fromisoformat(row[0]) if row[0] else None  # an older schema has no such column
            return Inspection("HNSW" if found else "exact", None, written)

    def open_writer(self, manifest: Manifest) -> AbstractContextManager[StoreWriter]:
        return open_postgres_writer(self._address, self.name, manifest)

    def remove(self) -> None:
        with self._change() as (db, state):
            db.execute(f"drop table if exists {state.entries_table}, {state.words_table}")
            db.execute("delete from kbs where id = %s", [state.id])

    def rename(self, name: str) -> None:
        with self._change() as (db, state):
            if read_states(db, self._address, name):
                raise InputError(f"{name} is at {self._address.place} already; choose another name")
            renamed = replace(manifests.parse(state.manifest, place=self.place), name=name)
            db.execute(
                "update kbs set name = %s, manifest = %s where id = %s", [name, manifests.render(renamed), state.id]
            )

    def check(self, *, repair: bool) -> list[Finding]:
        with self._change() as (db, state):
            ledger = PostgresLedger(lambda: use_connection(db, state.id), lambda: use_connection(db, state.id))
            return list(check(db, state, ledger, repair=repair))

    @contextmanager
    def _read(self) -> Iterator[tuple[Any, State]]:
        """Raises `KnowledgeBaseError` where there is none, or where the data base cannot be read."""
        with addresses.read(self._address) as db:
            states = read_states(db, self._address, self.name)
            if not states:
                raise KnowledgeBaseError(f"there is no knowledge base {self.name!r} at {self._address.place}")
            yield db, states[0]

    @contextmanager
    def _read_part(self) -> Iterator[tuple[Any, int]]:
        with addresses.read(self._address) as db:
            states = read_states(db, self._address, self.name)
            yield db, states[0].id if states else 0

    @contextmanager
    def _write_part(self) -> Iterator[tuple[Any, int]]:
        """For what is changed outside of a run, at once and whole."""
        with explain_writing(self._address), open_connection(self._address) as db, db.transaction():
            states = read_states(db, self._address, self.name)
            if not states:
                raise KnowledgeBaseError(f"there is no knowledge base {self.name!r} at {self._address.place}")
            yield db, states[0].id

    @contextmanager
    def _change(self) -> Iterator[tuple[Any, State]]:
        """The right to change all of it, in one transaction. Raises `Busy`, `KnowledgeBaseError`."""
        with explain_writing(self._address), open_connection(self._address) as db, db.transaction():
            states = read_states(db, self._address, self.name)
            if not states:
                raise KnowledgeBaseError(f"there is no knowledge base {self.name!r} at {self._address.place}")
            take_lock(db, self._address, states[0])
            yield db, states[0]
