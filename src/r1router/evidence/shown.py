"""A ranking of evidence to its most telling lines: what a small policy reads instead of all of it.

Passages are cut at sentence ends, tables at rows; the title stays above what is kept. A row is shown with the names of
its columns in it (`Botswana | Capital: Gaborone`), so that a small model need not count columns. Where the question
asks for the largest or smallest of something and a table tells (see `extremes`), only the rows that are it are kept,
and the cell says so in the question's word: `Niger | Area (km²): 1,267,000 (largest)`. A line counts by the rare words
that it shares with the question, title words included, and by its entry's rank. Nothing is reworded and the order
stays, so a piece can still be cited by its number.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from r1router.evidence.extremes import extremes, superlative
from r1router.evidence.words import words
from r1router.scripts import sentence_end
from r1router.types import Evidence

RANK = 0.5
"""What a place further down costs, in the same unit as a shared word (nats). Chosen among 0, 0.2, 0.5, 1 and 2 by
how often the answer stays within 500 to 1,000 characters (docs/results.md)."""

TITLE = 150
"""A first line of more characters is no title; it is prose to choose sentences from."""

_CELLS = " | "


@dataclass(frozen=True, slots=True)
class _Line:
    entry: int
    text: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Table:
    above: list[str]
    """Title and caption."""
    header: str
    rows: list[tuple[int, list[str]]]
    """(number of the piece of evidence that it came in, cells) of each."""


def focus(question: str, evidence: Sequence[Evidence], chars: int) -> list[tuple[Evidence, str]]:
    """Each piece of evidence of which something is kept, in order, with what is kept of its text.

    Lines are taken, the most telling first, as long as they fit into `chars` characters together. The best line is
    kept even where it alone is longer than `chars`, cut at the end.
    """
    heads: list[str] = []
    lines: list[_Line] = []
    for number, text in enumerate(_compared(question, evidence)):
        head, body = _split(text)
        heads.append(head)
        title = frozenset(words(head))
        lines += [_Line(number, text, title | set(words(text))) for text in body]
    kept = _choose(frozenset(words(question)), lines, heads, chars)
    focused = []
    for number, item in enumerate(evidence):
        texts = [line.text for place, line in enumerate(lines) if place in kept and line.entry == number]
        if texts:
            text = "\n".join(([heads[number]] if heads[number] else []) + texts)
            focused.append((item, text[:chars]))
    return focused


def _compared(question: str, evidence: Sequence[Evidence]) -> list[str]:
    """The texts; where the question asks for the largest or smallest of something, no more of tables than those rows.

    Of several tables those count whose titles and columns share most words with the question, at least one. Where no
    table has such a row, the texts stay as they are.
    """
    texts = [item.text for item in evidence]
    shown: dict[int, str] = {}
    nearest = 1
    for table in _tables(evidence) if superlative(question) else ():
        shared, rows = _extreme_rows(question, table)
        if rows and shared >= nearest:
            shown = rows if shared > nearest else shown | rows
            nearest = shared
    if shown:
        texts = [shown.get(n, "") if _header(text.split("\n")) is not None else text for n, text in enumerate(texts)]
    return texts


def _tables(evidence: Sequence[Evidence]) -> list[_Table]:
    """The tables, each with all of its rows that are there, in whichever pieces."""
    tables: dict[tuple[str, str, str], _Table] = {}
    for number, item in enumerate(evidence):
        lines = item.text.split("\n")
        if (header := _header(lines)) is not None:
            key = (item.kb, item.record or item.id, lines[header])
            table = tables.setdefault(key, _Table(lines[:header], lines[header], []))
            table.rows.extend((number, _cells(line)) for line in lines[header + 1 :])
    return list(tables.values())


def _extreme_rows(question: str, table: _Table) -> tuple[int, dict[int, str]]:
    """(words that title and columns share with the question, the table cut to the rows asked for by piece)."""
    word, names = superlative(question), _cells(table.header)
    rows = [list(cells) for _, cells in table.rows]
    found = extremes(question, " ".join(table.above), names, rows)
    for place, column in found:
        rows[place][column] += f" ({word})"
    told = words(" ".join([*table.above, *(names[column] for _, column in found)]))
    lines: dict[int, list[str]] = {}
    for place in sorted({place for place, _ in found}):
        lines.setdefault(table.rows[place][0], [*table.above, table.header]).append(_CELLS.join(rows[place]))
    shared = (set(words(question)) - {word}) & set(told)
    return len(shared), {number: "\n".join(piece) for number, piece in lines.items()}


def _choose(asked: frozenset[str], lines: Sequence[_Line], heads: Sequence[str], chars: int) -> set[int]:
    spread = Counter(word for line in lines for word in line.words)

    def telling(place: int) -> float:
        line = lines[place]
        shared = math.fsum(math.log(1 + len(lines) / spread[word]) for word in asked & line.words)  # in any order
        return shared - RANK * line.entry

    kept: set[int] = set()
    opened: set[int] = set()
    left = chars
    for place in sorted(range(len(lines)), key=telling, reverse=True):  # stable: earlier lines win a draw
        line = lines[place]
        cost = len(line.text) + 1 + (0 if line.entry in opened else len(heads[line.entry]) + 6)
        if cost <= left or not kept:
            kept.add(place)
            opened.add(line.entry)
            left -= cost
    return kept


def _split(text: str) -> tuple[str, list[str]]:
    """(the title, which stays above; the lines to choose from: sentences, and the rows of a table)."""
    lines = text.split("\n")
    header = _header(lines)
    above = lines if header is None else lines[:header]
    rows = [] if header is None else [_labelled(lines[header], row) for row in lines[header + 1 :]]
    titled = above and len(above[0]) <= TITLE and (rows or len(above) > 1)
    title, prose = (above[0], above[1:]) if titled else ("", above)
    return title, [s for line in prose for s in sentence_end().split(line) if s] + rows


def _header(lines: Sequence[str]) -> int | None:
    """Where the line with the names of the columns is: the first of those with cells, where nothing else follows."""
    first = next((place for place, line in enumerate(lines) if _CELLS in line), len(lines))
    return first if first + 1 < len(lines) and all(_CELLS in line for line in lines[first:]) else None


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in (line + " ").split(_CELLS)]  # a last cell may be empty


def _labelled(header: str, row: str) -> str:
    """The row with each cell called by its column, empty ones left out; the first is its name, unless a number."""
    names, cells = _cells(header), _cells(row)
    if len(names) != len(cells):
        return row
    named = [
        cell if not name or (place == 0 and not cell[:1].isdigit()) else f"{name}: {cell}"
        for place, (name, cell) in enumerate(zip(names, cells, strict=True))
        if cell
    ]
    return _CELLS.join(named)
