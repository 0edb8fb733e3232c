"""Collects the slices of a long table in its file, because a query needs all rows of it."""

from __future__ import annotations

from r1router.ingest.records import Table
from r1router.kb.stores.store import LongTables
from r1router.table import TableBlock
from r1router.tables.store import TableFile


class Slices:
    """The tables of one source while it is read: `put` each record, `finish` last. A table of one slice has no file."""

    def __init__(self, tables: LongTables) -> None:
        self.records: set[str] = set()
        """Ids of the tables that have a file."""
        self._tables = tables
        self._last: Table | None = None
        self._file: TableFile | None = None

    def put(self, table: Table) -> None:
        if self._last is None or self._last.id != table.id or table.first_row == 1:
            self.finish()
        elif self._file is None:
            first = self._last
            block = TableBlock(first.title, first.section, first.caption, first.header)
            self._file = self._tables.begin(first.source, first.id, block)
            self._file.add(first.rows)
        if self._file is not None:
            self._file.add(table.rows)
        self._last = table

    def finish(self) -> None:
        """The last table has come to its end."""
        if self._file is not None and self._last is not None:
            self._file.finish()
            self.records.add(self._last.id)
        self._last = self._file = None

    def give_up(self) -> None:
        """The source could not be read to its end: the file from before stays."""
        if self._file is not None:
            self._file.give_up()
        self._last = self._file = None
