"""Makes records of the tables in a grid of cells, long ones in slices, so that they need not fit in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.sheets import write_place
from r1router.ingest.parts.structure import Found, Line, find_tables
from r1router.ingest.records import Passage, Problem, Record, Table
from r1router.types import Kind

SLICE_ROWS = 2_000
SLICE_CELLS = 200_000
SLICE_TEXT = 8_000_000
"""A table record holds at most so many rows, cells and characters. Only its last row may go beyond the characters. A
longer table becomes several records."""

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose rows are still a stream."""

    header: tuple[str, ...]
    rows: Iterable[Row]


def find_records(
    lines: Iterable[Line],
    *,
    id: str,
    source: str,
    title: str,
    as_: Kind | None,
    section: str = "",
    caption: str = "",
    page: int | None = None,
    is_sheet: bool = False,
    ragged: str = "",
) -> Iterator[Record | Problem]:
    """The records of all tables in a grid; the second has ":table 2" behind its id. Words below a table are a record
    of their own under its title; what was guessed is told.

    `is_sheet`: the grid is no table of a document, so that its first line above is its title, and the section says
    where it begins.
    """
    number = 0
    for found in find_tables(lines):
        number += bool(found.header)
        mine = id if number < 2 else f"{id}:table {number}"
        heading = found.titles[0] if is_sheet and found.titles else ""
        said = found.titles[1:] if heading else found.titles
        about: Any = {
            "source": source,
            "title": heading or title,
            "section": ", ".join(part for part in (section, _place(found, number) if is_sheet else "") if part),
            "caption": " ".join(part for part in (caption, *said) if part),
            "page": page,
        }
        where = about["section"] or "its table"
        none = True
        for item in make_records(Grid(found.header, found.rows), id=mine, as_=as_, ragged=ragged, **about):
            none = False
            yield item
        yield from make_notes_record(found.notes, id=f"{mine}:below", as_=as_, **about)
        if found.header and none:
            words = [] if is_sheet and not found.titles else [" ".join(found.header)]  # what stands above stays, too
            yield from make_notes_record(words, id=mine, as_=as_, **about)
            yield Problem(source, where, f"has names of columns ({', '.join(found.header)}) and no rows", read=True)
        elif found.remark:
            yield Problem(source, where, found.remark, read=True)


def _place(found: Found, number: int) -> str:
    """Where a table begins, as spreadsheets say it, unless that is plain: "from B4"."""
    if number < 2 and found.first_line == 1 and not found.left:
        return ""
    return f"from {write_place(found.first_line, found.left + 1)}"


def make_notes_record(
    notes: Sequence[str],
    *,
    id: str,
    source: str,
    title: str,
    as_: Kind | None,
    section: str = "",
    caption: str = "",
    page: int | None = None,
) -> Iterator[Record]:
    """What stands below a table or beside its cells, as an entry of its own under the table's title."""
    if not notes:
        return
    if as_ == "text":
        yield Passage(id, source, "\n".join(notes), title, page, section)
    else:
        yield Table(id, source, (), (), title, section, " ".join(part for part in (caption, *notes) if part), page)


def make_records(
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
    about: Mapping[str, Any] | None = None,
) -> Iterator[Record | Problem]:
    """Table records in slices that share `id`, or for `as_="text"` one passage a row, whose cells are its fields.

    `about`: what is known of the table alone. `ragged` names the place in a problem about rows of another length than
    the header; empty: not reported.
    """
    width = len(table.header)
    fitted = _Fit(width)
    rows = (fitted(row) for row in table.rows if any(row))
    if as_ == "text":
        for number, row in enumerate(rows, 1):
            text = "; ".join(f"{name}: {value}" for name, value in zip(table.header, row, strict=True) if value)
            own = {**dict(zip(table.header, row, strict=True)), **(about or {})}
            yield Passage(f"{id}:row {number}", source, text, title, page, section, about=own)
    else:
        first = 1
        while part := _take_slice(rows, max(1, min(SLICE_ROWS, SLICE_CELLS // max(width, 1)))):
            yield Table(id, source, table.header, part, title, section, caption, page, first, about or {})
            first += len(part)
    if ragged and fitted.problem:
        yield Problem(source, ragged, fitted.problem, read=True)


def _take_slice(rows: Iterator[tuple[str, ...]], most: int) -> tuple[tuple[str, ...], ...]:
    """The next rows, `most` at most, or fewer long ones."""
    part: list[tuple[str, ...]] = []
    text = 0
    for row in islice(rows, most):
        part.append(row)
        text += sum(map(len, row))
        if text > SLICE_TEXT:
            break
    return tuple(part)


class Writer:
    """Writes the values of rows as cells, and counts those that are bytes and no text, such as pictures."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._rows = 0
        self._binary = Counter[str]()

    def __call__(self, values: Iterable[object]) -> list[str]:
        self._rows += 1
        cells = []
        for place, value in enumerate(values):
            cells.append(write_cell(value))
            if isinstance(value, bytes) and value and not cells[-1]:
                self._binary[self._names[place]] += 1
        return cells

    def report(self, source: str, where: str) -> Iterator[Problem]:
        """What did not become text, once the rows are written."""
        for name, count in self._binary.items():
            said = f"{count:,} binary value{'s' * (count > 1)} of {name} left out"
            yield Problem(source, where, said, read=True)
        if not self._rows:
            yield Problem(source, where, f"has names of columns ({', '.join(self._names)}) and no rows", read=True)


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
