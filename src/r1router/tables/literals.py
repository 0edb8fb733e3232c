"""Fits the texts of a query to the columns that they are compared with, because people write 'norway' and '5 MW'.

A number with a unit or separators becomes the column's number, a date in words the date, a text that no cell equals the
one cell that differs from it in upper and lower case only. What is not surely meant so stays, and the engine says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from r1router.evidence.numbers import convert_unit, read_cell
from r1router.table import TableColumn
from r1router.tables.check import Tree
from r1router.tables.columns import read_date, read_seconds
from r1router.tables.names import quote_text

_PLAIN = re.compile(r"\s*[-+]?\d+(?:\.\d+)?\s*", re.ASCII)
_GROUPS = re.compile(r"\d+")


def fit_literals(
    tree: Tree,
    columns: Mapping[str, TableColumn],
    find_cells: Callable[[TableColumn, str], list[str]],
    parse: Callable[[str], Tree],
) -> dict[str, str]:
    """Changes the tree in place; what was written, and what now stands for it, as SQL writes them.

    `columns`: by their names in small letters. `find_cells`: up to two cells of a column that are a text but for case.
    """
    changed: dict[str, str] = {}
    for name, literal in _find_compared(tree):
        text = str(literal["literal"]["text"])
        column = columns.get(name.casefold())
        if column and (written := _fit(text, column, find_cells)) and written != quote_text(text):
            changed[quote_text(text)] = written
            alias = literal["alias"]
            literal.clear()
            literal.update({**parse(written), "alias": alias})
    return changed


def _fit(text: str, column: TableColumn, find_cells: Callable[[TableColumn, str], list[str]]) -> str:
    """What the text is in this column, as SQL writes it; "" where that is not known."""
    if column.kind == "text":
        cells = find_cells(column, text)
        return quote_text(cells[0]) if len(cells) == 1 else ""
    if _PLAIN.fullmatch(text):
        return ""
    if column.kind == "time":
        return "" if (seconds := read_seconds(text.strip())) is None else f"{seconds:g}"
    if column.kind == "date":
        date = read_date(text.strip()) if len(_GROUPS.findall(text)) > 1 else None  # not a month, which has many days
        return quote_text(date.isoformat()) if date else ""
    number = read_cell(text.strip(), decimal=".")
    factor = convert_unit(number.unit, column.unit) if number and number.unit else 1.0
    return repr(number.value * factor) if number and factor is not None else ""


def _find_compared(value: object) -> Iterator[tuple[str, Tree]]:
    """(name of a column, text that it is compared with) in all of a tree."""
    if isinstance(value, list):
        for item in value:
            yield from _find_compared(item)
    elif isinstance(value, dict):
        parts = {
            "COMPARISON": [value.get("left"), value.get("right")],
            "BETWEEN": [value.get("input"), value.get("lower"), value.get("upper")],
            "OPERATOR": value.get("children") if value.get("type") in ("COMPARE_IN", "COMPARE_NOT_IN") else None,
        }.get(str(value.get("class"))) or []
        names = [part["column_names"][-1] for part in parts if part and part["class"] == "COLUMN_REF"]
        if len(names) == 1:
            for part in parts:
                if part and part["class"] == "CONSTANT" and part["literal"].get("kind") == "STRING":
                    yield names[0], part
        for item in value.values():
            yield from _find_compared(item)
