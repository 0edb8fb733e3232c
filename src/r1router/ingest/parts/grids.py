"""Fills lines with a cell for each column where cells span columns and rows, as on web pages and in Word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from r1router.ingest.parts.structure import Line

MOST_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    columns: int = 1
    rows: int = 1
    """How far it spans."""
    heads: bool = False
    """Marked as a header cell."""
    is_bold: bool = False


def spread_cells(rows: Sequence[Sequence[Cell]]) -> Iterator[Line]:
    """Every cell repeated over the columns and rows that it spans; all lines of one length."""
    grid: list[list[Cell]] = []
    pending: dict[int, tuple[Cell, int]] = {}  # column → a cell from above and the rows that it still covers
    for number, row in enumerate(rows):
        line: list[Cell] = []
        given = iter(row)
        cell = next(given, None)
        while cell is not None or len(line) in pending or any(column > len(line) for column in pending):
            column = len(line)
            if column >= MOST_COLUMNS:
                break
            if column in pending:
                above, left = pending.pop(column)
                line.append(above)
                if left > 1:
                    pending[column] = (above, left - 1)
            elif cell is None:
                line.append(Cell(""))
            else:
                for _ in range(min(cell.columns, MOST_COLUMNS - column)):
                    if cell.rows > 1:
                        pending[len(line)] = (cell, min(cell.rows, len(rows) - number) - 1)
                    line.append(cell)
                pending = {place: kept for place, kept in pending.items() if kept[1] > 0}
                cell = next(given, None)
        grid.append(line)
    width = max(map(len, grid), default=0)
    for number, line in enumerate(grid, 1):
        cells = [*line, *[Cell("")] * (width - len(line))]
        yield Line(
            number,
            tuple(cell.text for cell in cells),
            frozenset(c for c in range(1, width) if cells[c] is cells[c - 1] and cells[c].text),
            frozenset(c for c, cell in enumerate(cells) if cell.heads),
            all(cell.is_bold for cell in cells if cell.text),
        )
