"""Chooses the most telling lines of evidence, because a small policy reads little and must not read past the answer.

Passages are cut at sentence ends, tables at rows; the title stays above what is kept. A row is shown with the names of
its columns in it (`Botswana | Capital: Gaborone`), so that a small model need not count columns. A line counts by the
rare words that it shares with the question, title words included, and by its entry's rank. Nothing is reworded and the
order stays, so a piece can still be cited by its number.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from r1router.evidence.words import Language, order_columns, read_words, tell_language
from r1router.scripts import find_sentence_end
from r1router.table import CELLS, TableBlock, join_lines, name_columns
from r1router.types import Evidence

RANK = 0.5
"""What a place further down costs, in the same unit as a shared word (nats). Chosen among 0, 0.2, 0.5, 1 and 2 by
how often the answer stays within 500 to 1,000 characters (docs/results-history.md)."""

MANY = 24
"""A row of more cells is shortened to some of them where it is too long for all of the room."""
WIDE = 3
"""It then takes this part of the room, so that others are shown, too."""

TITLE = 150
"""A first line of more characters is no title; it is prose to choose sentences from."""


@dataclass(frozen=True, slots=True)
class _Line:
    entry: int
    text: str
    words: frozenset[str]


def focus(question: str, evidence: Sequence[Evidence], chars: int) -> list[tuple[Evidence, str]]:
    """Each piece of evidence of which something is kept, in order, with what is kept of its text.

    Lines are taken, the most telling first, as long as they fit into `chars` characters together. The best line is
    kept even where it alone is longer than `chars`, cut at the end.
    """
    heads: list[str] = []
    lines: list[_Line] = []
    language = tell_language(question)
    asked = frozenset(read_words(question, language))
    for number, item in enumerate(evidence):
        head, body = _split(item, lambda table: _name_cells(table, asked, language, chars))
        heads.append(head)
        title = frozenset(read_words(head, language))
        lines += [_Line(number, text, title | set(read_words(text, language))) for text in body]
    kept = _choose(asked, lines, heads, chars)
    focused = []
    for number, item in enumerate(evidence):
        texts = [line.text for place, line in enumerate(lines) if place in kept and line.entry == number]
        if texts:
            text = "\n".join(([heads[number]] if heads[number] else []) + texts)
            focused.append((item, text[:chars]))
    return focused


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


def _split(item: Evidence, name_cells: Callable[[TableBlock], list[str]]) -> tuple[str, list[str]]:
    """(the title, which stays above; the lines to choose from: sentences, and the rows of a table).

    A table of one column, or without rows, reads as prose.
    """
    table = item.table if item.table and item.table.rows and len(item.table.header) > 1 else None
    above = list(table.above) if table else item.text.split("\n")
    rows = name_cells(table) if table else []
    titled = above and len(above[0]) <= TITLE and (rows or len(above) > 1)
    title, prose = (above[0], above[1:]) if titled else ("", above)
    return title, [s for line in prose for s in find_sentence_end().split(line) if s] + rows


def _name_cells(table: TableBlock, asked: frozenset[str], language: Language, chars: int) -> list[str]:
    """The rows, each cell called by its column, empty ones left out; the first is its row's name, unless a number.

    Of a row of very many cells that is longer than `chars`, and would be cut at its end, the first cell stays and those
    that share most with the words `asked`.
    """
    names = [name if own.strip() else "" for own, name in zip(table.header, name_columns(table.header), strict=True)]
    rows = []
    for row in table.rows:
        cells = [
            cell if not name or not cell or (place == 0 and not cell[:1].isdigit()) else f"{name}: {cell}"
            for place, (name, cell) in enumerate(zip_longest(names, map(join_lines, row), fillvalue=""))
        ]
        line = CELLS.join(filter(None, cells))
        fits = len(line) <= chars or len(cells) <= MANY
        rows.append(line if fits else _shorten(cells, names, asked, language, chars // WIDE))
    return rows


def _shorten(cells: Sequence[str], names: Sequence[str], asked: frozenset[str], language: Language, chars: int) -> str:
    """The most telling cells of a row, in their order, as many as fit."""
    told = list(zip_longest(names, cells, fillvalue=""))
    kept: dict[int, str] = {}
    for place in dict.fromkeys((0, *order_columns(asked, language, told))):
        if cells[place] and chars > 0:
            kept[place] = cells[place][:chars]
            chars -= len(kept[place]) + len(CELLS)
    return CELLS.join(kept[place] for place in sorted(kept))
