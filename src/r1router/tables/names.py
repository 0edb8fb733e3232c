"""Names columns as queries see them, and quotes names and texts for SQL, because a header may hold anything."""

from __future__ import annotations

from collections.abc import Sequence

ROW = "row"
"""The column with the number of each row, unless the table has one of that name."""


def name_row(names: Sequence[str]) -> str:
    """The name of the column with the row numbers.

    >>> name_row(["Name", "Row"])
    'row number'
    """
    taken = {name.casefold() for name in names}
    return next(name for name in (ROW, "row number", *_numbered("row number", len(names))) if name not in taken)


def name_texts(names: Sequence[str]) -> list[str]:
    """The names of the columns with the texts of the cells, in the order of `names`.

    >>> name_texts(["Area", "Area (text)"])
    ['Area (text 2)', 'Area (text) (text)']
    """
    taken = {name.casefold() for name in names}
    made = []
    for name in names:
        wanted = [f"{name} (text)", *(f"{name} (text {number})" for number in range(2, len(names) + 3))]
        free = next(text for text in wanted if text.casefold() not in taken)
        taken.add(free.casefold())
        made.append(free)
    return made


def quote_name(name: str) -> str:
    """A column's or table's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name} {number}" for number in range(2, count + 3)]
