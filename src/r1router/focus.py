"""A ranking of evidence to its most telling lines: what a small policy reads instead of all of it.

Passages are cut at sentence ends, tables at rows; a table keeps its title and header above the rows that stay.
A line counts by the rare words that it shares with the question, title words included, and by its entry's rank.
Nothing is reworded and the order stays, so a piece can still be cited by its number.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from r1router.types import Evidence

RANK = 0.5
"""What a place further down costs, in the same unit as a shared word (nats). Chosen among 0, 0.2, 0.5, 1 and 2 by
how often the answer stays within 500 to 1,000 characters (docs/results.md)."""

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_ENDINGS = ("ing", "ies", "es", "ed", "s")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "the a an of in is are was were what which who how many much does do did to on for and by that this it its "
        "with from at as or be has have had",
    )
)


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
    for number, item in enumerate(evidence):
        head, body = _split(item.text)
        heads.append(head)
        title = frozenset(_words(head.partition("\n")[0]))
        lines += [_Line(number, text, title | set(_words(text))) for text in body]
    kept = _choose(frozenset(_words(question)), lines, heads, chars)
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
        shared = sum(math.log(1 + len(lines) / spread[word]) for word in asked & line.words)
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
    """(what stays above, the lines to choose from): title and header of a table, the title of a passage."""
    lines = text.split("\n")
    if len(lines) > 2 and " | " in lines[1]:
        return "\n".join(lines[:2]), lines[2:]
    if len(lines) > 1:
        return lines[0], [s for line in lines[1:] for s in _SENTENCE.split(line) if s]
    return "", [s for s in _SENTENCE.split(text) if s]


def _words(text: str) -> list[str]:
    return [_stem(word) for word in map(str.casefold, _WORD.findall(text)) if word not in _COMMON]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word[: -len(ending)]
    return word
