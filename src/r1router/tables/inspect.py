"""Looks into a whole table for what a question touches, because what a query may hold must really be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from r1router.evidence.words import read_words
from r1router.table import TableBlock, TableColumn
from r1router.tables.columns import Value, read_columns
from r1router.tables.engine import Tables
from r1router.tables.names import quote_name, quote_text
from r1router.tables.store import read_table_info
from r1router.tables.view import LONGEST, OtherTable, TableView, view_other, view_table

FIRST, NAMED = 1000, 300
"""Rows of a long table that are looked at: the first, and those that the question names. One without more is looked at
whole, in some 50 ms of CPU (eleven columns of 400 rows)."""
WORDS = 12
"""Words of a question that a long table is searched for, the longest first."""


def inspect_table(
    table: TableBlock | Path,
    question: str,
    others: Mapping[str, TableBlock | Path] | None = None,
    *,
    likely: int = 0,
) -> TableView:
    """The view of a whole table, in memory or in a file that `store` wrote. Raises `KnowledgeBaseError`.

    `others`: by their names, the tables that a query may join with it. `likely`: how many of the likeliest queries are
    told at most; those of a long table are ranked by the rows of it that are looked at.
    """
    told = tuple(_inspect_other(name, other, question) for name, other in (others or {}).items())
    return replace(_inspect(table, question, likely), others=told)


def _inspect_other(name: str, table: TableBlock | Path, question: str) -> OtherTable:
    if isinstance(table, Path):
        info = read_table_info(table)
        return view_other(question, name, info.columns, info.rows)
    readers, _ = read_columns(table.header, table.rows)
    return view_other(question, name, [reader.column for reader in readers], len(table.rows))


def _inspect(table: TableBlock | Path, question: str, likely: int) -> TableView:
    if isinstance(table, TableBlock):
        readers, values = read_columns(table.header, table.rows)
        return _view(question, table, [reader.column for reader in readers], values, None, likely)
    info = read_table_info(table)
    asked = sorted({word for word in read_words(question) if len(word) < LONGEST}, key=lambda w: (-len(w), w))[:WORDS]
    texts = [quote_name(column.name) for column in info.columns if column.kind == "text"]
    named = " OR ".join(f"{name} ILIKE {quote_text(f'%{word}%')}" for word in asked for name in texts)
    selected = ", ".join(quote_name(column.name) for column in info.columns)
    with Tables(table) as opened:
        first = f"SELECT {selected} FROM t LIMIT {FIRST}"
        rows = list(opened.query(first, rows=FIRST, longest=len(first)).rows)
        if named and info.rows > FIRST:
            telling = f"SELECT {selected} FROM t WHERE {named} LIMIT {NAMED}"
            rows += opened.query(telling, rows=NAMED, longest=len(telling)).rows
    rows = list(dict.fromkeys(rows))
    readers, values = read_columns(info.header, rows)
    # A column whose few rows look like another kind than all of its rows offers nothing to compare with.
    known: list[Sequence[Value]] = [
        found if reader.column.kind == column.kind else [None] * len(rows)
        for reader, column, found in zip(readers, info.columns, values, strict=True)
    ]
    block = TableBlock(info.title, info.section, info.caption, info.header, tuple(rows))
    return _view(question, block, info.columns, known, info.rows, likely)


def _view(
    question: str, block: TableBlock, columns: Sequence[TableColumn], values: Sequence[Sequence[Value]],
    count: int | None, likely: int,
) -> TableView:  # fmt: skip
    view = view_table(question, block, columns, values, count=count)
    if not likely:
        return view
    from r1router.tables.likely import rank_queries  # numpy, which looking alone does not need

    return replace(view, likely=rank_queries(view, block, columns, values, most=likely))
