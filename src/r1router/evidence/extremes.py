"""A question for the largest or the smallest to the cells of a table that hold it.

A small model reads well and compares badly. Which number of a column is the largest is arithmetic, so it is done here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from r1router.evidence.words import words

MOST = frozenset(
    ("largest", "biggest", "greatest", "highest", "longest", "most", "tallest", "deepest", "widest", "heaviest")
)
LEAST = frozenset(("smallest", "lowest", "shortest", "least", "fewest", "shallowest", "narrowest", "lightest"))
SHARE = 0.8
"""How much of a column must be numbers; those that are must all be of one unit."""

_ASKED = re.compile(
    rf"\b({'|'.join(sorted((MOST | LEAST) - {'most', 'least'}))}"
    r"|(?<=the )(?:most|least)(?! (?:recent|common|famous|important|likely|notable|well)\b))\b",
    re.IGNORECASE,
)
_SUMS = re.compile(r"\s*(?:(?:grand )?totals?|all|sum|world)\s*", re.IGNORECASE)
"""Names of rows that add up the others."""
_PLACES = re.compile(r"\b(?:year|date|day|rank|pos|position|(?:no|nr|number)\b(?!\.? of\b))\b|^#", re.IGNORECASE)
"""Columns whose numbers say when or in which place, not how much."""
_NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")
_SMALL = re.compile(r"\s*\d{1,3}\s*")
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
    names are nearest to the question, the first column, which names the rows, left out. Where all rows are equal, or
    only one is there, none is found; several that are equally large are all found.
    """
    if not (word := superlative(question)):
        return set()
    asked = set(words(question)) - {word}
    compared = [place for place, row in enumerate(rows) if row and not _SUMS.fullmatch(_ASIDE.sub("", row[0]))]
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
    """Whether all words of a cell are asked for; a small number, such as a rank, may be there by chance."""
    return any(told and asked >= told for told in (set(words(cell)) for cell in row if not _SMALL.fullmatch(cell)))


def _numbers(cells: dict[int, str]) -> dict[int, float]:
    """The numbers of a column by row; none where they are of several units or too many cells hold something else."""
    read = {place: number for place, cell in cells.items() if (number := _read(cell))}
    if len({unit for _, unit in read.values()}) != 1 or len(read) < SHARE * len(cells):
        return {}
    return {place: value for place, (value, _) in read.items()}


def _read(cell: str) -> tuple[float, str] | None:
    """(number, what else stands beside it) of a cell with one number, remarks in brackets left out; no 3rd, no date."""
    plain = _ASIDE.sub("", cell)
    found = _NUMBER.search(plain)
    unit = plain[: found.start()] + plain[found.end() :] if found else ""
    if found is None or _NO_UNIT.match(unit.strip()):
        return None
    return float(found[0].replace(",", "").replace("−", "-")), unit.strip()
