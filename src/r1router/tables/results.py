"""Turns what a query gave into an answer, because a number, a yes or a few cells need no further reading."""

from __future__ import annotations

import re
from dataclasses import replace

from r1router.table import TableBlock, TableResult, write_row
from r1router.types import Evidence, Location

CELLS = 12
"""A list of more cells is no answer; it is evidence to be read."""
_TRUTH = {"true": "yes", "false": "no"}
_ENDLESS = re.compile(r"-?(?=(?:\.?\d){10})\d+\.\d{3,}")
"""Of ten digits or more, as divisions give; a table's own cells have fewer."""
_MEAN = "avg("
"""What the column of a mean is called by."""


def read_answer_off(result: TableResult) -> str:
    """The answer that a result is: its one value, or its few different ones with commas; "" where it is none.

    A comparison says yes or no. A mean, and a number of ten digits or more, as divisions give, is rounded to two
    decimals, or to two digits where it is small.
    """
    if len(result.columns) != 1 or result.more:
        return ""
    cells = list(dict.fromkeys(row[0] for row in result.rows if row[0]))
    if len(cells) > CELLS:
        return ""
    if len(cells) == 1:
        is_mean = result.columns[0].casefold().startswith(_MEAN)
        return _TRUTH.get(cells[0], round_number(cells[0]) if is_mean else round_endless(cells[0]))
    return ", ".join(cells)


def round_endless(cell: str) -> str:
    """A number of ten digits or more with two decimals, or two digits where it is small; any other cell as it is."""
    return round_number(cell) if _ENDLESS.fullmatch(cell) else cell


def round_number(number: str) -> str:
    """A number with two decimals, or two digits where it is small; what is none as it is."""
    try:
        value = float(number)
    except ValueError:
        return number
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.1 or not value else f"{value:.2g}"


def make_evidence(table: Evidence, result: TableResult) -> Evidence:
    """What a query gave, as a piece of evidence beside the table that it is about: the query, then its rows.

    It lies in the rows that the result rests on, or in the whole table where not all of these are known.
    """
    block = TableBlock(table.title, header=result.columns, rows=result.rows)
    text = "\n".join([result.sql, *(write_row(row) for row in result.rows)])
    known = result.source_rows and len(result.source_rows) == result.resting_on
    rows = (min(result.source_rows), max(result.source_rows)) if known else None
    location = replace(table.location or Location(""), rows=rows)
    return replace(
        table, id=f"{table.id}?{result.sql}", text=text, location=location, table=block, result=result, similarity=None
    )


def find_asked(evidence: Evidence) -> tuple[str, tuple[int, ...]]:
    """The id of what is stored, and the rows of it that count: what a query gave is stored nowhere, its table is."""
    if evidence.result is None:
        return evidence.id, ()
    return evidence.id.removesuffix(f"?{evidence.result.sql}"), tuple(evidence.result.source_rows)
