"""A question for the largest or the smallest to the cells of a table that hold it.

A small model reads well and compares badly. Which number of a column is the largest is arithmetic, so it is done here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set

from r1router.words import words

MOST = frozenset(re.findall(r"\w+", "largest biggest greatest highest longest most tallest deepest widest heaviest"))
LEAST = frozenset(re.findall(r"\w+", "smallest lowest shortest least fewest shallowest narrowest lightest"))
SHARE = 0.8
"""How much of a column must be numbers of one unit."""

_ASKED = re.compile(rf"(?<!\bat )\b({'|'.join(sorted(MOST | LEAST))})\b", re.IGNORECASE)
_SUMS = re.compile(r"\s*(?:total|all|sum|world)\b", re.IGNORECASE)
"""Rows that add up the others."""
_PLACES = re.compile(r"\b(?:year|date|day|rank|no|nr|number|position|pos)\b|#", re.IGNORECASE)
"""Columns whose numbers say when or in which place, not how much."""
_NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")
_NO_UNIT = re.compile(r".*\d|(?:st|nd|rd|th)\b")
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")


def superlative(question: str) -> str:
    """The word that asks for the largest or the smallest of something, in small letters; empty where none does."""
    found = _ASKED.search(question)
    return found[1].lower() if found else ""


def extremes(question: str, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> set[tuple[int, int]]:
    """(row, column) of every cell with the number that the question's superlative asks for.

    Compared are the rows of which the question names a cell ("the largest share of the imports": those of imports), all
    where it names none; words of the table's title name no row. Looked at are the columns of numbers of one unit whose
    names are closest to the question, the first column, which names the rows, left out. Where all rows are equal, or
    only one is there, none is found; several that are equally large are all found.
    """
    if not (word := superlative(question)):
        return set()
    asked = set(words(question)) - {word}
    compared = [place for place, row in enumerate(rows) if row and not _SUMS.match(row[0])]
    named = [place for place in compared if _names_a_cell(asked - set(words(title)), rows[place])]
    found: dict[int, set[tuple[int, int]]] = {}
    for column in range(1, len(header)):
        cells = {place: rows[place][column].strip() for place in named or compared if column < len(rows[place])}
        values = {} if _PLACES.search(header[column]) else _numbers({k: cell for k, cell in cells.items() if cell})
        if len(set(values.values())) > 1:
            wanted = max(values.values()) if word in MOST else min(values.values())
            found[column] = {(place, column) for place, value in values.items() if value == wanted}
    near = {column: _nearness(asked, header[column]) for column in found}
    return {cell for column, cells in found.items() if near[column] == max(near.values()) for cell in cells}


def _nearness(asked: Set[str], name: str) -> tuple[int, int]:
    """(words of a column's name in the question; minus those that are not): "Population" before "Urban population"."""
    told = set(words(_ASIDE.sub("", name)))
    return (len(told & asked), -len(told - asked)) if told & asked else (0, 0)


def _names_a_cell(asked: Set[str], row: Sequence[str]) -> bool:
    return any(told and asked >= told for told in (set(words(cell)) for cell in row))


def _numbers(cells: dict[int, str]) -> dict[int, float]:
    """The numbers of the commonest unit, by row; none where too many cells hold something else."""
    read = {place: number for place, cell in cells.items() if (number := _read(cell))}
    units = Counter(unit for _, unit in read.values()).most_common(1)
    if not units or units[0][1] < SHARE * len(cells):
        return {}
    return {place: value for place, (value, unit) in read.items() if unit == units[0][0]}


def _read(cell: str) -> tuple[float, str] | None:
    """(number, what else stands beside it) of a cell with one number, remarks in brackets left out; no 3rd, no date."""
    plain = _ASIDE.sub("", cell)
    found = _NUMBER.search(plain)
    unit = plain[: found.start()] + plain[found.end() :] if found else ""
    if found is None or _NO_UNIT.match(unit.strip()):
        return None
    return float(found[0].replace(",", "").replace("−", "-")), unit.strip()
