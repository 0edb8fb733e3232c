"""Opens the tables of one knowledge base for queries: short ones from the entries, long ones from their files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from r1router.errors import InputError, KnowledgeBaseError, UnknownName
from r1router.kb.rows import read_block
from r1router.kb.stores.store import Equal, Row, Store
from r1router.table import TableBlock, TableColumn, TableResult, name_columns
from r1router.tables.blocks import join_blocks
from r1router.tables.engine import TABLE, Tables
from r1router.tables.inspect import inspect_table
from r1router.tables.view import TableView

TOGETHER = 20
"""Tables of one source that can be queried together. Of more, a query has those that it names."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of a knowledge base, without its rows."""

    id: str
    """Of its first entry."""
    source: str
    record: str
    title: str
    section: str
    rows: int

    @property
    def name(self) -> str:
        """What tells it from the others of its source: the sheet of a workbook, a data base's own; else its title."""
        return self.record.removeprefix(self.source).lstrip(":") or self.title or self.record


class StoredTables:
    """The tables of a knowledge base. Reads the newest version at every call."""

    def __init__(self, store: Store, *, allow: Callable[[], Collection[int] | None] = lambda: None) -> None:
        """`allow`: tells whose tables may be seen, as ids of what is known of their sources; None for all."""
        self._store, self._allow = store, allow

    def list_all(self, *, source: str | None = None) -> list[StoredTable]:
        """All tables, or those of one source, by source and in the order of their names."""
        equal: Equal = {} if source is None else {"source": source}
        columns = ("id", "source", "record", "title", "section", "last_row")
        found = self._store.read_entries(equal, in_tables=True, columns=columns, about=self._allow())
        tables: dict[tuple[str, str], Row] = {}
        for row in found:
            known = tables.setdefault((row["source"], row["record"]), row)
            known["last_row"] = max(known["last_row"], row["last_row"])
        return [
            StoredTable(
                row["id"].rpartition("#")[0] + "#0", row["source"], row["record"], row["title"], row["section"] or "",
                row["last_row"],
            )
            for _, row in sorted(tables.items())
        ]  # fmt: skip

    def find(self, named: str | None) -> StoredTable:
        """The table that a person means by its title, its name or an id; the only one where nothing is named.

        Raises `UnknownName`, and `InputError` where several are meant.
        """
        tables = self.list_all()
        fitting = [table for table in tables if named is None or named in (table.id, table.record)]
        if named is not None:
            said = named.casefold()
            fitting = (
                fitting
                or [table for table in tables if table.name == named]
                or [table for table in tables if said in (table.title.casefold(), table.name.casefold())]
                or [table for table in tables if said == f"{table.title} — {table.section}".casefold()]
            )
        if not fitting:
            raise UnknownName("table", named or "", [table.title for table in tables])
        if len(fitting) > 1:
            shown = ", ".join(repr(table.record) for table in fitting[:10])
            meant = f"{len(fitting)} tables are called {named!r}" if named else f"there are {len(fitting)} tables"
            raise InputError(f"{meant}; name one: {shown}{', …' if len(fitting) > 10 else ''}")
        return fitting[0]

    def columns(self, id: str) -> tuple[TableColumn, ...]:
        """The columns of a table. Raises `KnowledgeBaseError` where there is none of this id."""
        with self.open(id) as tables:
            return tables.columns[TABLE]

    def compute(self, id: str, sql: str, *, joined: bool = False) -> TableResult:
        """What a query over a table, called "t" in it, gives; `joined`: it may name the other tables of its source too.

        Raises `QueryError` where the query is wrong or too costly, `KnowledgeBaseError` where there is no such table.
        """
        with self.open(id, joined=joined, sql=sql) as tables:
            return tables.query(sql)

    def inspect(self, id: str, question: str, *, joined: bool = False, likely: int = 0) -> TableView:
        """What a question touches in a whole table; `joined`: with the other tables of its source; `likely`:
        with so many likely queries.

        Raises `KnowledgeBaseError` where there is none of this id.
        """
        found = self._find(id)
        others = self._list_others(found["source"]) if joined else {}
        asked = self._whole(found["source"], found["record"], id)
        return inspect_table(
            asked,
            question,
            {name: self._whole(t.source, t.record, t.id) for name, t in others.items() if t.record != found["record"]},
            likely=likely,
        )

    def open(self, id: str, *, joined: bool = False, sql: str = "") -> Tables:
        """A whole table, called "t"; `joined`: and those of its source, each by its name; of many, those that `sql`
        names. `id`: of an entry or record."""
        found = self._find(id)
        named = {TABLE: self._whole(found["source"], found["record"], id)}
        if joined:
            for name, table in self._find_joined(found["source"], sql).items():
                named[name] = self._whole(table.source, table.record, table.id)
        return Tables(named)

    def read_whole(self, id: str) -> TableBlock | Path:
        """A whole table, or its file where it is long. `id`: of an entry or record. Raises `KnowledgeBaseError`."""
        found = self._find(id)
        return self._whole(found["source"], found["record"], id)

    def _list_others(self, source: str) -> dict[str, StoredTable]:
        """The tables of a source by the names that queries call them; none of a source with very many, a corpus."""
        first: Equal = {"first_row": 1, "source": source}
        if len(self._store.read_entries(first, columns=("id",), limit=TOGETHER + 1)) > TOGETHER:
            return {}
        return _name(self.list_all(source=source))

    def _find_joined(self, source: str, sql: str) -> dict[str, StoredTable]:
        """The tables of a source that a query may name, all of them where they are few."""
        named = _name(self.list_all(source=source))
        said = sql.casefold()
        if len(named) > TOGETHER:
            named = {name: table for name, table in named.items() if name.casefold() in said}
        return dict(list(named.items())[:TOGETHER])

    def _find(self, id: str) -> Row:
        about = self._allow()
        for column in ("id", "record"):
            wanted = ("source", "record")
            if found := self._store.read_entries({column: id}, limit=1, columns=wanted, about=about):
                return found[0]
        raise KnowledgeBaseError(f"there is no table {id!r}")

    def _whole(self, source: str, record: str, id: str) -> TableBlock | Path:
        if path := self._store.tables.find(source, record):
            return path
        rows = self._store.read_entries({"record": record, "source": source})
        rows.sort(key=lambda row: int(row["id"].rpartition("#")[2]))
        is_table = bool(rows) and rows[0]["first_row"] is not None  # a writer may just have taken it out
        return join_blocks([read_block(row) for row in rows], f"{id!r} of {source}", is_table)


def _name(tables: Sequence[StoredTable]) -> dict[str, StoredTable]:
    """Tables of one source by the names that queries call them."""
    names = name_columns([TABLE, *(table.name for table in tables)])[1:]
    return dict(zip(names, tables, strict=True))
