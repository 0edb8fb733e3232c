"""Writes the cells of a spreadsheet as lines, hidden ones left out, a merged cell's text in all that it covers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from r1router.ingest.parts.numbering import write_number
from r1router.ingest.parts.structure import Line

Rows = dict[int, dict[int, str]]
"""The text of each cell that has one, by row and column, from 1."""


class Span(NamedTuple):
    """Cells that were merged, from 1, the last ones included."""

    top: int
    bottom: int
    left: int
    right: int


def write_lines(
    rows: Rows,
    spans: Iterable[Span],
    *,
    hidden_rows: Collection[int],
    hidden_columns: Collection[int],
    bold_rows: Collection[int] = (),
) -> Iterator[Line]:
    """Rows without hidden rows and columns, a merged cell's text in each cell that it covers. Changes `rows`.

    Of rows that follow each other and are empty, one is written: a sheet of two cells may have a hundred million.
    """
    copied = _spread(spans, rows, max(rows, default=0))
    columns = [c for c in range(1, max(map(max, rows.values()), default=0) + 1) if c not in hidden_columns]
    before = 0
    for row, cells in sorted(rows.items()):
        if row not in hidden_rows:
            empty = next((between for between in range(before + 1, row) if between not in hidden_rows), None)
            if empty is not None:
                yield Line(empty, ("",) * len(columns))
            marks = copied.get(row, set())
            copies = frozenset(n for n, c in enumerate(columns) if c in marks)
            yield Line(row, tuple(cells.get(c, "") for c in columns), copies, is_bold=row in bold_rows)
            before = row


def _spread(spans: Iterable[Span], rows: Rows, last: int) -> dict[int, set[int]]:
    """Gives each cell under a merged one its text; the columns, by row, whose text comes from their left."""
    copied: dict[int, set[int]] = {}
    for span in spans:
        text = rows.get(span.top, {}).get(span.left)
        for row in range(span.top, min(span.bottom, last) + 1) if text else ():
            cells = rows.setdefault(row, {})
            cells.update(dict.fromkeys(range(span.left, span.right + 1), str(text)))
            copied.setdefault(row, set()).update(range(span.left + 1, span.right + 1))
    return copied


def write_place(row: int, column: int) -> str:
    """
    >>> write_place(4, 28)
    'AB4'
    """
    return f"{write_number(column, 'A')}{row}"
