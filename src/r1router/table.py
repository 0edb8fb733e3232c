"""Describes tables and what a query over one gives, because cells that stay apart need not be guessed back from text.

Only the standard library is imported here; `tables/` reads cells as typed columns and runs the queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CELLS = " | "
"""What stands between two cells of a row in text. A cell may hold it too, so text is never taken apart at it."""


@dataclass(frozen=True, slots=True)
class TableBlock:
    """Rows of one table that follow each other, with what stands above them."""

    title: str = ""
    section: str = ""
    caption: str = ""
    header: tuple[str, ...] = ()
    """Names of the columns as the file has them: some may be empty or equal; all empty where there are none."""
    rows: tuple[tuple[str, ...], ...] = ()
    first_row: int = 1
    """1-based number of `rows[0]` in the whole table (the header is not counted)."""

    @property
    def above(self) -> tuple[str, ...]:
        """The lines above the header: title and section, caption; those that are there."""
        heading = " — ".join(part for part in map(join_lines, (self.title, self.section)) if part)
        return tuple(line for line in (heading, join_lines(self.caption)) if line.strip(" |"))

    @property
    def text(self) -> str:
        """Title, caption, header and rows as lines, cells apart by " | ": what is embedded and searched by words."""
        header = write_row(self.header)
        return "\n".join([*self.above, *([header] if header.strip(" |") else []), *map(write_row, self.rows)])

    @property
    def last_row(self) -> int:
        """1-based number of the last row in the whole table; one less than `first_row` where there are none."""
        return self.first_row + len(self.rows) - 1


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column as queries see it."""

    name: str
    """As `name_columns` gives it; quoted, it is the column's name in SQL."""
    kind: str
    """"number", "date", "time" (a time of day or a duration, in seconds) or "text"."""
    unit: str = ""
    """Unit of all its numbers: "km", "%", "$"; empty where they have none."""
    unread: int = 0
    """Cells that hold something else than the kind; queries see no value there, the original text stays."""
    empty: int = 0
    """Cells that are empty or say that there is no value ("n/a", "–")."""


@dataclass(frozen=True, slots=True)
class TableResult:
    """What a query over a whole table gives."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Cells as text: the original one where a value is a cell, else the value; empty for no value."""
    source_rows: tuple[int, ...] = ()
    """1-based numbers of the rows of the table that the result rests on, in order, or the first of many."""
    resting_on: int | None = None
    """How many such rows there are; None where that cannot be told (joins, queries inside queries)."""
    more: bool = False
    """Whether there are more rows in the result than are given here."""


def name_columns(header: Sequence[str]) -> tuple[str, ...]:
    """Names by which columns are asked: the header's own, made unique; a column without one is called by its place.

    Two names that differ only in upper and lower case count as equal, since SQL takes them so; a NUL would end it.

    >>> name_columns(["Year", "", "year"])
    ('Year', 'column 2', 'year (2)')
    """
    plain = [join_lines(name.replace("\0", "")) for name in header]
    taken = {name.casefold() for name in plain}
    used: set[str] = set()
    names = []
    for place, own in enumerate(plain, 1):
        base = own or f"column {place}"
        name, number = base, 1
        while name.casefold() in used or ((number > 1 or not own) and name.casefold() in taken):
            number += 1
            name = f"{base} ({number})"
        used.add(name.casefold())
        names.append(name)
    return tuple(names)


def write_row(cells: Sequence[str]) -> str:
    """The cells as one line."""
    return CELLS.join(map(join_lines, cells))


def join_lines(text: str) -> str:
    """The text on one line, white space drawn together."""
    return " ".join(text.split())
