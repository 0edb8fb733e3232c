"""Answers SQL queries over whole tables, because a count, a sum or a comparison needs every row.

The engine is DuckDB inside this process. A query sees the tables that were opened and nothing else: no file, no
network, no setting, no other table; it writes nothing, and it ends within bounds of time, memory and rows.

    "Country", "Area"      the columns, by the names of their header (`name_columns`); numbers, dates, seconds or text
    "Area (text)"          what the cell says, for a column that is not text
    "row"                  1-based number of the row
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from r1router.errors import KnowledgeBaseError, QueryError
from r1router.table import TableBlock, TableColumn, TableResult
from r1router.tables.check import LONGEST, Tree, check_query
from r1router.tables.columns import read_columns
from r1router.tables.literals import fit_literals
from r1router.tables.names import name_row, name_texts, quote_name
from r1router.tables.store import read_table_info
from r1router.tables.trace import MOST_ROWS, Traced, trace_distinct, trace_query
from r1router.tables.workers import keep_in_bounds

if TYPE_CHECKING:
    import duckdb

TABLE = "t"
"""What one table is called in its queries."""
SECONDS = 5.0
"""A query is stopped after so long."""
MEMORY_MB = 512
"""Memory of a query; nothing is written to disk beyond it. So many run at once: `workers.AT_ONCE`."""
RESULT_ROWS = 100
"""Rows of a result that are given."""
LONGEST_TEXT = 2_000
"""Characters of one cell of a result."""

SQL_TYPES = {"integer": "BIGINT", "decimal": "DOUBLE", "date": "DATE", "moment": "TIMESTAMP", "text": "VARCHAR"}


def compute(table: TableBlock | Path, sql: str, *, seconds: float = SECONDS, rows: int = RESULT_ROWS) -> TableResult:
    """What a query over one table, called "t" in it, gives. Raises `QueryError` where it is wrong or not allowed."""
    with Tables(table) as tables:
        return tables.query(sql, seconds=seconds, rows=rows)


class Tables:
    """Tables that are open for queries. Several queries may run at once; close it when the last is done."""

    def __init__(self, tables: TableBlock | Path | Mapping[str, TableBlock | Path]) -> None:
        """One table, which queries call "t", or several by their names; a `Path` is a file that `store` wrote.

        Raises `KnowledgeBaseError` for a file that cannot be read.
        """
        import duckdb

        named = {TABLE: tables} if isinstance(tables, TableBlock | Path) else dict(tables)
        files = {name: read_table_info(table) for name, table in named.items() if isinstance(table, Path)}
        self.columns: dict[str, tuple[TableColumn, ...]] = {}
        """The columns of each table, by its name."""
        self.row: dict[str, str] = {}
        """The name of the column with the row numbers, "row" unless the table has one of that name."""
        self._texts: dict[str, dict[str, str]] = {}
        """Quoted name of the column with the texts, by the name of the column in small letters, by table."""
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": "1",
                "memory_limit": f"{MEMORY_MB}MB",
                "temp_directory": "",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
            },
        )
        try:
            paths = [str(table.absolute()) for table in named.values() if isinstance(table, Path)]
            self._connection.execute("SET allowed_paths = ?", [paths])
            for number, (name, table) in enumerate(named.items()):
                data = f"data_{number}"
                if isinstance(table, Path):
                    columns = files[name].columns
                    path = str(table.absolute()).replace("'", "''")
                    self._connection.execute(f"CREATE VIEW {data} AS SELECT * FROM read_parquet('{path}')")
                else:
                    columns = self._load(data, table)
                self._show(name, data, columns)
            for setting in ("enable_external_access = false", "lock_configuration = true"):
                self._connection.execute(f"SET {setting}")
        except duckdb.Error as error:
            self.close()
            raise KnowledgeBaseError(f"the table cannot be opened for queries: {error}") from error

    def query(
        self, sql: str, *, seconds: float = SECONDS, rows: int = RESULT_ROWS, longest: int = LONGEST
    ) -> TableResult:
        """What one SELECT of up to `longest` characters gives, with the rows of the table that it rests on.

        It waits for its turn where others run (`workers`); `seconds` count from then.
        Raises `QueryError` where it is wrong, not allowed, or needs more time or memory than a query has.
        """
        import duckdb

        if len(sql) > longest:
            raise QueryError(f"it is longer than {longest:,} characters")
        with self._connection.cursor() as cursor:
            try:
                with keep_in_bounds(cursor.interrupt, seconds=seconds):
                    return self._run(cursor, sql, rows)
            except duckdb.InterruptException as error:
                raise QueryError(f"it took longer than {seconds:g} seconds") from error
            except duckdb.OutOfMemoryException as error:
                raise QueryError(f"it needs more than {MEMORY_MB} MB of memory") from error
            except duckdb.Error as error:
                raise QueryError(_first_line(error)) from error

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _load(self, data: str, block: TableBlock) -> tuple[TableColumn, ...]:
        """Puts the rows of a block into the engine, laid out as in a file of `store`."""
        readers, values = read_columns(block.header, block.rows)
        texts = [[row[n] if n < len(row) else "" for row in block.rows] for n in range(len(readers))]
        lists: list[Sequence[object]] = [range(block.first_row, block.last_row + 1)]
        parts = ["unnest(?::BIGINT[]) AS r"]
        for place, (reader, value, text) in enumerate(zip(readers, values, texts, strict=True)):
            parts.append(f"unnest(?::{SQL_TYPES[reader.stored]}[]) AS v{place}")
            lists.append(value)
            if reader.column.kind != "text":
                parts.append(f"unnest(?::VARCHAR[]) AS t{place}")
                lists.append(text)
        self._connection.execute(f"CREATE TABLE {data} AS SELECT {', '.join(parts)}", [list(items) for items in lists])
        return tuple(reader.column for reader in readers)

    def _show(self, name: str, data: str, columns: Sequence[TableColumn]) -> None:
        """Makes the view that queries see."""
        self.columns[name] = tuple(columns)
        names = [column.name for column in columns]
        self.row[name] = name_row(names)
        self._texts[name] = {}
        parts = [f"r AS {quote_name(self.row[name])}"]
        for place, (column, text) in enumerate(zip(columns, name_texts(names), strict=True)):
            if column.kind == "text":
                parts.append(f"nullif(v{place}, '') AS {quote_name(column.name)}")
            else:
                parts += [f"v{place} AS {quote_name(column.name)}", f"t{place} AS {quote_name(text)}"]
                self._texts[name][column.name.casefold()] = quote_name(text)
        self._connection.execute(f"CREATE VIEW {quote_name(name)} AS SELECT {', '.join(parts)} FROM {data}")

    def _run(self, cursor: duckdb.DuckDBPyConnection, sql: str, most: int) -> TableResult:
        import duckdb

        def parse(expression: str) -> Tree:
            tree: Tree = json.loads(_parse(cursor, f"SELECT {expression}"))
            [item] = tree["statements"][0]["node"]["select_list"]
            return dict(item)

        tree = check_query(_parse(cursor, sql), self.columns)
        if tree["type"] == "SELECT_NODE":
            tree = self._spell_out(tree, parse)
        table = self._find_table(tree)
        sql = self._fit(cursor, tree, table, sql, parse) if table else sql
        row = quote_name(self.row.get(table, ""))
        traced = trace_query(tree, texts=self._texts.get(table, {}), row=row, parse=parse)
        try:
            cursor.execute(_write(cursor, traced.tree))
        except duckdb.BinderException:  # what was added does not fit; if the query itself is wrong, this says so
            traced = Traced(tree, {}, None, False)
            cursor.execute(_write(cursor, tree))
        width = len(tree["select_list"]) if traced.rows is not None else len(cursor.description)
        columns = tuple(str(column[0]).replace("count_star()", "count(*)") for column in cursor.description[:width])
        found = cursor.fetchmany(most + 1)
        more, found = len(found) > most, found[:most]
        shown = tuple(
            tuple(_write_value(line[traced.texts.get(place, place)], line[place]) for place in range(width))
            for line in found
        )
        if distinct := trace_distinct(tree, row=row, parse=parse):
            numbers, count = cursor.execute(_write(cursor, distinct)).fetchall()[0]
            return TableResult(sql, columns, shown, tuple(numbers or ()), count, more)
        return TableResult(sql, columns, shown, *_count_rows(traced, found, more), more)

    def _spell_out(self, tree: Tree, parse: Any) -> Tree:
        """`SELECT *` from one table as the columns of its header."""
        table = self._find_table(tree)
        selected: list[Tree] = []
        for expression in tree["select_list"]:
            plain = expression["class"] == "STAR" and not any(
                expression.get(part) for part in ("exclude_list", "replace_list", "columns", "expr", "rename_list")
            )
            if plain and table:
                names = [column.name for column in self.columns[table]]
                selected += [parse(quote_name(name)) for name in names]
            else:
                selected.append(expression)
        return {**tree, "select_list": selected}

    def _fit(self, cursor: duckdb.DuckDBPyConnection, tree: Tree, table: str, sql: str, parse: Any) -> str:
        """Fits the texts of a query over one table to its columns (`literals`); the query as it then is."""

        def find_cells(column: TableColumn, text: str) -> list[str]:
            name = quote_name(column.name)
            wanted = f"SELECT DISTINCT {name} FROM {quote_name(table)} WHERE lower({name}) = lower(?) LIMIT 2"
            return [row[0] for row in cursor.execute(wanted, [text]).fetchall()]

        columns = {column.name.casefold(): column for column in self.columns[table]}
        for said, meant in fit_literals(tree, columns, find_cells, parse).items():
            sql = sql.replace(said, meant)
        return sql

    def _find_table(self, tree: Tree) -> str:
        """Our name of the one table that a query is over; empty where it is over several or none."""
        said = (tree.get("from_table") or {}).get("table_name", "").casefold()
        return next((name for name in self.columns if name.casefold() == said), "")


def _parse(cursor: duckdb.DuckDBPyConnection, sql: str) -> str:
    found = cursor.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    return str(found[0][0])


def _write(cursor: duckdb.DuckDBPyConnection, tree: Tree) -> str:
    """The tree as SQL again: what runs is what was checked."""
    statement = json.dumps({"error": False, "statements": [{"node": tree, "named_param_map": []}]})
    return str(cursor.execute("SELECT json_deserialize_sql(?::JSON)", [statement]).fetchall()[0][0])


def _count_rows(traced: Traced, found: Sequence[Sequence[Any]], more: bool) -> tuple[tuple[int, ...], int | None]:
    """The numbers of the rows that the result rests on, and how many there are, where that can be told."""
    if traced.rows is None:
        return (), None
    if not traced.aggregate:
        return tuple(line[traced.rows] for line in found[:MOST_ROWS]), None if more else len(found)
    numbers = sorted({number for line in found for number in line[traced.rows] or ()})
    return tuple(numbers[:MOST_ROWS]), None if more else sum(line[traced.rows + 1] for line in found)


def _write_value(text: object, value: object) -> str:
    """A value of a result as text: the cell's own where it is one."""
    match value:
        case _ if isinstance(text, str):
            written = text
        case None:
            return ""
        case bool():
            written = "true" if value else "false"
        case float():
            written = str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(value, ".12g")
        case Decimal():
            written = format(value.normalize(), "f")
        case datetime.datetime():
            written = value.isoformat(" ", "seconds")
        case datetime.date() | datetime.time():
            written = value.isoformat()
        case list() | tuple():
            written = ", ".join(_write_value(item, item) for item in value)
        case dict():
            written = ", ".join(_write_value(item, item) for item in value.values())
        case _:
            written = str(value)
    return written if len(written) <= LONGEST_TEXT else written[: LONGEST_TEXT - 1] + "…"


def _first_line(error: Exception) -> str:
    """The engine's own words, without the query repeated below them."""
    message = str(error).split("\n\nLINE ")[0]
    return " ".join(message.split())
