"""A grid of cells to records: titles and header told from the data, long tables cut into slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from r1router.ingest.records import Passage, Problem, Record, Table
from r1router.types import Kind

SLICE_ROWS = 2_000
SLICE_CELLS = 200_000
"""A table record holds at most so many rows and cells; a longer table comes in several."""
_SAMPLE = 50
_MOST_TITLES = 3

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose rows are still a stream."""

    header: tuple[str, ...]
    rows: Iterable[Row]
    titles: tuple[str, ...] = ()
    """Lines that stood alone above the header."""


def grid(rows: Iterable[Row]) -> Grid | None:
    """Find the header: the first row that is not blank, past lone cells above a wider table. None if blank."""
    stream = (row for row in rows if any(row))
    head = list(islice(stream, _SAMPLE))
    if not head:
        return None
    widths = [_width(row) for row in head]
    usual = Counter(widths).most_common(1)[0][0]
    left = min(_margin(row) for row in head)
    titles: list[str] = []
    while len(head) > 1 and len(titles) < _MOST_TITLES and usual > left + 1 and _stands_alone(head[0], left):
        titles.append(head.pop(0)[left])
    first, data = head[0], head[1:]
    width = max(_width(first), usual)  # data wider than its header more often than not: unnamed columns
    header = tuple((first[i] if i < len(first) else "") or f"column {i + 1}" for i in range(width))
    return Grid(header, chain(data, stream), tuple(titles))


def records(
    table: Grid,
    *,
    id: str,
    source: str,
    title: str,
    as_: Kind | None,
    section: str = "",
    caption: str = "",
    page: int | None = None,
    ragged: str = "",
) -> Iterator[Record | Problem]:
    """Table records in slices that share `id`, or for `as_="text"` one passage a row.

    `ragged` names the place in a problem about rows of another length than the header; empty: not reported.
    """
    width = len(table.header)
    fitted = _Fit(width)
    rows = (fitted(row) for row in table.rows if any(row))
    if as_ == "text":
        for number, row in enumerate(rows, 1):
            text = "; ".join(f"{name}: {value}" for name, value in zip(table.header, row, strict=True) if value)
            yield Passage(f"{id}:row {number}", source, text, title, page, section)
    else:
        first = 1
        while part := tuple(islice(rows, max(1, min(SLICE_ROWS, SLICE_CELLS // max(width, 1))))):
            yield Table(id, source, table.header, part, title, section, caption, page, first)
            first += len(part)
    if ragged and fitted.problem:
        yield Problem(source, ragged, fitted.problem)


class _Fit:
    """Makes rows as long as the header, and remembers which were not."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._seen = 0
        self._short: list[int] = []
        self._long: list[int] = []
        self._counts = Counter[str]()

    def __call__(self, row: Row) -> tuple[str, ...]:
        self._seen += 1
        if len(row) == self._width:
            return tuple(row)
        if len(row) < self._width:
            self._note("short", self._short)
            return (*row, *[""] * (self._width - len(row)))
        if any(row[self._width :]):
            self._note("long", self._long)
            return (*row[: self._width - 1], " ".join(value for value in row[self._width - 1 :] if value))
        return tuple(row[: self._width])

    def _note(self, what: str, rows: list[int]) -> None:
        self._counts[what] += 1
        if len(rows) < 3:
            rows.append(self._seen)

    @property
    def problem(self) -> str:
        said = []
        for what, rows, done in (
            ("short", self._short, "filled up with empty cells"),
            ("long", self._long, "the surplus joined to their last cell"),
        ):
            if rows:
                which = ", ".join(map(str, rows)) + (", …" if self._counts[what] > len(rows) else "")
                said.append(f"{self._counts[what]} rows (data row {which}) are too {what}: {done}")
        return f"the header has {self._width} cells; " + "; ".join(said) if said else ""


def _width(row: Row) -> int:
    """Cells up to the last one that is not empty."""
    return next((i for i in range(len(row), 0, -1) if row[i - 1]), 0)


def _margin(row: Row) -> int:
    """Empty cells before the first one that is not."""
    return next(i for i, value in enumerate(row) if value)


def _stands_alone(row: Row, left: int) -> bool:
    """Whether the only cell that is not empty is the leftmost of the table."""
    return _margin(row) == left and _width(row) == left + 1
