"""Tables inside documents (HTML, Word), with their spanning cells, to a header and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    columns: int = 1
    rows: int = 1
    """How far it spans."""
    heads: bool = False
    """Marked as a header cell."""


def spread(rows: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """Every cell repeated over the columns and rows that it spans; all rows of one length.

    A cell over the whole width (a line between groups) fills the first column only.
    """
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
    return [whole(line, width) for line in grid]


def whole(line: list[Cell], width: int) -> list[Cell]:
    """A row filled up to `width`, a cell that spans all of it put first."""
    if width > 1 and len(line) == width and all(cell is line[0] for cell in line):
        return [line[0], *[Cell("", heads=line[0].heads)] * (width - 1)]
    return [*line, *[Cell("")] * (width - len(line))]


def headed(grid: list[list[Cell]]) -> tuple[tuple[str, ...], list[tuple[str, ...]], str]:
    """Header, rows and the words of lines above the header.

    A table of two columns whose first names every row (an info box) is turned on its side. Without marked
    header cells the first row is the header; several header rows are joined column by column.
    """
    grid = [line for line in grid if any(cell.text for cell in line)]
    above: list[str] = []
    while len(grid) > 2 and len(grid[0]) > 1 and not any(cell.text for cell in grid[0][1:]):
        above.append(grid.pop(0)[0].text)
    if grid and len(grid[0]) == 2 and len(grid) > 1 and all(a.heads and not b.heads for a, b in grid):
        return tuple(a.text for a, _ in grid), [tuple(b.text for _, b in grid)], " ".join(above)
    heads = 0
    while heads < len(grid) - 1 and all(cell.heads for cell in grid[heads] if cell.text):
        heads += 1
    columns = zip(*grid[: heads or 1], strict=True) if grid else ()
    header = tuple(
        " ".join(dict.fromkeys(cell.text for cell in column if cell.text)) or f"column {number}"
        for number, column in enumerate(columns, 1)
    )
    return header, [tuple(cell.text for cell in line) for line in grid[heads or 1 :]], " ".join(above)
