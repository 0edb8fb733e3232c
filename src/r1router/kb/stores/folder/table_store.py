"""Reads the entries of one LanceDB table, wherever its files lie."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from r1router.kb.manifest import Manifest
from r1router.kb.rows import ABOUT, BATCH, SPACES, STORED
from r1router.kb.stores.folder import table as tables
from r1router.kb.stores.folder.home import Home
from r1router.kb.stores.folder.newest import Newest
from r1router.kb.stores.folder.vector_index import read_measured
from r1router.kb.stores.folder.vectors import ALL
from r1router.kb.stores.store import Equal, Row, Snapshot

T = TypeVar("T")


class TableStore:
    """What of `store.Store` is the same in a folder and in object storage."""

    def __init__(self, home: Home) -> None:
        self.name, self.place = home.name, home.place
        self.ledger, self.field_sets, self.tables = home.ledger, home.field_sets, home.tables
        self._home, self._newest = home, Newest(home)

    def read_manifest(self) -> Manifest:
        return self._home.read_manifest()

    def use(self, work: Callable[[Snapshot], T], *, empty: T) -> T:
        return self._newest.use(work, empty=empty)

    def count(self) -> int:
        with tables.explain_reading(self.place):
            table = self._home.open_table()
            return table.count_rows() if table is not None else 0

    def count_sources(self) -> Iterator[tuple[str, int | None, int]]:
        with tables.explain_reading(self.place):
            table = self._home.open_table()
            wanted = [name for name in ("source", ABOUT) if table is not None and name in table.schema.names]
            for batch in table.search().select(wanted).to_batches() if table is not None else ():
                known = batch.column(ABOUT).to_pylist() if ABOUT in wanted else [None] * len(batch)
                for source, id_ in zip(batch.column("source").to_pylist(), known, strict=True):
                    yield source, id_, 1

    def read_entries(
        self,
        equal: Equal,
        *,
        in_tables: bool = False,
        limit: int | None = None,
        columns: Sequence[str] | None = None,
        about: Collection[int] | None = None,
    ) -> list[Row]:
        return tables.read_entries(
            self._home.open_table,
            self.place,
            equal,
            in_tables=in_tables,
            limit=limit,
            columns=columns,
            about=about,
        )

    def read_batches(self, source: str) -> Iterator[list[Row]]:
        wanted = (*STORED, "digest", ABOUT, *SPACES)
        with tables.explain_reading(self.place):
            table = self._home.open_table()
            if table is None:
                return
            names = [name for name in wanted if name in table.schema.names]
            found = table.search().where(f"source = {tables.quote(source)}").select(names)
            for batch in found.to_batches():
                for start in range(0, len(batch), BATCH):
                    yield [dict.fromkeys(wanted) | row for row in batch.slice(start, BATCH).to_pylist()]

    def describe_index(self) -> tuple[str, float | None]:
        """How vectors are compared, and what share of the nearest that was found to find."""
        built = [each for each in read_measured(self._home).values() if each.kind]
        if not built:
            return "exact", None
        [worst, *_] = sorted(built, key=lambda each: each.recall or 0.0)
        parts = "all parts" if worst.parts >= ALL else f"{worst.parts} parts"
        return f"{worst.kind}, {parts} searched, built at {worst.entries:,} entries", worst.recall
