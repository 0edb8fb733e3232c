"""Finds the tables in plain text whose columns are made by blanks or bars, as programs and people write them.

What is found stays in the text, too. Only what is plainly a table is one: lines below each other with short pieces in
the same columns, and a line of dashes that says where the columns are, or a column of values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from r1router.ingest.parts import tabular
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.layout import is_listing
from r1router.ingest.parts.structure import Line, is_value
from r1router.ingest.records import Problem, Record
from r1router.types import Kind

_GAP = re.compile(r"\S(?: {2,}| ?[|│] ?)\S")
_RULE = re.compile(r"(?=.*[-=_─━═]{2})[-=_─━═+|│┼╪:\s]+")
_BARS = str.maketrans("|│+┼╪", "     ")
_LEAST_LINES = 3
_LEAST_GAP = 2
_LONG = 25
"""Characters of a usual piece, at most."""

Span = tuple[int, int]


def find_records(
    text: str, *, id: str, source: str, title: str, as_: Kind | None, page: int | None = None
) -> Iterator[Record | Problem]:
    """The records of the tables in a text, of which there are none as text: they are in it."""
    about: Any = {"source": source, "title": title, "as_": as_, "page": page}
    for number, lines in enumerate(_find_tables(text) if as_ != "text" else (), 1):
        yield from tabular.find_records(lines, id=f"{id}:table {number}", **about)


def _find_tables(text: str) -> Iterator[list[Line]]:
    """The lines of each table, by their numbers in the text."""
    run: list[tuple[int, str]] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        line = line.expandtabs().rstrip()
        if _GAP.search(line) or _RULE.fullmatch(line):
            run.append((number, line))
            continue
        yield from _read(run)
        run = []


def _read(run: Sequence[tuple[int, str]]) -> Iterator[list[Line]]:
    """The table that these lines are, if they are one."""
    rules = [place for place, (_, line) in enumerate(run) if _RULE.fullmatch(line)]
    said = [(place, number, line.translate(_BARS)) for place, (number, line) in enumerate(run) if place not in rules]
    if len(said) < _LEAST_LINES:
        return
    dashes = [spans for place in rules if len(spans := _find_pieces(run[place][1].translate(_BARS))) > 1]
    starts = [0, *(start for start, _ in dashes[0][1:])] if dashes else _find_columns([line for *_, line in said])
    if any(line[start - 1 : start].strip() for *_, line in said for start in starts[1:]):
        return  # words stand across
    edges = list(pairwise([*starts, None]))
    grid = [[write_cell(line[start:end]) for start, end in edges] for *_, line in said]
    is_headed = any(said[0][0] < place < said[1][0] for place in rules)
    if len(starts) > 1 and _is_table(grid) and (is_headed or (_has_values(grid) and not is_listing(grid))):
        heads = frozenset(range(len(starts))) if is_headed else frozenset[int]()
        yield [
            Line(number, tuple(row), heads=frozenset() if n else heads)
            for n, ((_, number, _), row) in enumerate(zip(said, grid, strict=True))
        ]


def _find_pieces(line: str) -> list[Span]:
    return [found.span() for found in re.finditer(r"\S+", line)]


def _find_columns(lines: Sequence[str]) -> list[int]:
    """Where columns begin: behind blanks that go through all lines."""
    filled = {at for line in lines for at, letter in enumerate(line) if letter != " "}
    places = sorted(filled)
    return [0, *(after for before, after in pairwise(places) if after - before > _LEAST_GAP)]


def _is_table(grid: Sequence[Sequence[str]]) -> bool:
    """Whether most rows have most cells, and the cells are short."""
    full = sum(1 for row in grid if sum(map(bool, row)) > len(row) / 2)
    return full > 0.6 * len(grid) and median(len(cell) for row in grid for cell in row if cell) <= _LONG


def _has_values(grid: Sequence[Sequence[str]]) -> bool:
    """Whether one of the columns holds numbers, but for its name."""
    columns = ([cell for cell in column[1:] if cell] for column in zip(*grid, strict=True))
    return any(len(cells) > 1 and all(map(is_value, cells)) for cells in columns)
