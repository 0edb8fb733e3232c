"""Finds the evidence that a final answer rests on, because a source that does not say it is worse than none.

A piece is cited where it holds the answer, or one of the answers that a list is made of, or most of the words of a
sentence; where it holds them several times over, in the line that shares most words with the question. A number is
held by the same number, however it is written, and not by a part of another one. Yes and no stand in no piece: there
the one is cited that its words and its similarity say is about the question. What a query gave is the source of the
answer that was read off it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from r1router.evidence.abstaining import abstains, read_side
from r1router.evidence.numbers import NUMBER_WORDS, read_in_all_ways, read_quantities
from r1router.evidence.words import Language, read_words, tell_language
from r1router.scripts import cut_terms
from r1router.table import write_row
from r1router.types import Evidence, Step

ABOUT = 0.5
"""The share of a question's telling words that a piece holds which is cited for a yes or a no, …"""
LEADS = 0.3
"""… and that of one which leads in words and in similarity, since these two err in different ways."""
MOST = 0.7
"""The share of a sentence's telling words that must stand in the pieces cited for it."""
FEW = 3
"""Fewer telling words make no sentence: they must stand together."""
PIECES = 3
"""A sentence is cited from at most so many pieces."""

_MARK = re.compile(r"\s?\[(\d{1,2})\]")
_PIECE = r"(?:\^|(?:id|source|doc(?:ument)?|ref(?:erence)?|citation|chunk|context|passage|quelle)s?[ :#_-]{0,2})?"
_FOOTNOTE = re.compile(
    rf"(?<=\S)\s?(?:\[{_PIECE}\d{{1,3}}(?:\s?[,–-]\s?\d{{1,3}})*\]|【\d{{1,3}}[^】]{{0,40}}】|[¹²³⁴⁵⁶⁷⁸⁹⁰]+(?!\w)"
    r"|[(\[](?:sources?|quellen?|see|cf\.):?\s[^()\[\]]{1,80}[)\]])",
    re.IGNORECASE,
)
"""How programs mark where an answer is from; which piece they mean by a number, each counts its own way."""
_LIST = re.compile(r"(?<!\s)\s*[;\n|]\s*|,\s+|(?<!\s)\s+(?:and|und|et|y|&)\s+")
_NUMBER = re.compile(r"(?<![^\W\d_])\d+(?:[.,:/'’\u00a0\u202f–-]\d+)*")
_TRUTH = {True: "true", False: "false"}

Number = frozenset[str]
"""The ways to read one written number: "1.200" is 1.2 and 1200."""


def cite(steps: Sequence[Step], answer: str) -> tuple[Evidence, ...]:
    """The sources of an answer, last step first, since the last step usually holds the answer itself.

    Of every step: the pieces that its answer cites as [1], [2], … and that say it; else those that hold the step's
    answer; else those that hold the final one. None of a step whose pieces hold neither, and none at all for an answer
    that abstains.
    """
    if abstains(answer):
        return ()
    cited: dict[tuple[str, str], Evidence] = {}
    for step in reversed(steps):
        for evidence in _cite_step(step, answer):
            cited.setdefault((evidence.kb, evidence.id), evidence)
    return tuple(cited.values())


def find_sources(question: str, answer: str, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The pieces that say this answer to this question, in the order of the answer's parts; [] where none does."""
    said = _FOOTNOTE.sub("", _MARK.sub("", answer)).strip()
    if abstains(said) or not evidence:
        return []
    pieces = [_read_piece(item) for item in evidence]
    asked = frozenset(read_words(question, language := tell_language(question)))
    if _says_result(evidence[0], said):
        return [evidence[0]]
    takes_side = read_side(said) is not None
    is_bare = takes_side and len(_cut(said)) == 1  # a "no" that stands in a piece is seldom the no to this question
    if not is_bare and (whole := _best_holder(said, asked, pieces, language)) is not None:
        return [evidence[whole]]
    if takes_side:
        about = _most_about(asked, evidence, pieces, language)
        return [] if about is None else [evidence[about]]
    parts = [part for part in _LIST.split(said) if _cut(part)]
    places = [_best_holder(part, asked, pieces, language) for part in parts]
    found = [place for place in places if place is not None]
    if len(parts) > 1 and 2 * len(found) > len(parts):
        return [evidence[place] for place in dict.fromkeys(found)]
    return [evidence[place] for place in _cover(said, asked, pieces, language)]


def _cite_step(step: Step, final: str) -> list[Evidence]:
    asked = step.sub_question or ""
    if marked := _find_marked(step):
        return marked
    for said in (step.answer, final):
        if found := find_sources(asked, said, step.evidence):
            return found
    return []


def _find_marked(step: Step) -> list[Evidence]:
    """The pieces that the step's words name by number and that say something of its answer.

    A mark that was copied from a piece, as a document's own "[3]", names none.
    """
    said = " ".join(f"{step.answer_thought} {step.answer}".split())
    texts = [" ".join(item.text.split()).casefold() for item in step.evidence]
    numbers = []
    for mark in _MARK.finditer(said):
        before = said[: mark.end()].rsplit(" ", 1 if said[mark.start()] != " " else 2)[-1].casefold()
        copied = before != f"[{mark[1]}]" and any(before in text for text in texts)
        if not copied and 1 <= int(mark[1]) <= len(step.evidence):
            numbers.append(int(mark[1]) - 1)
    return [
        step.evidence[place]
        for place in dict.fromkeys(numbers)
        if find_sources(step.sub_question or "", step.answer, [step.evidence[place]])
    ]


# ── what a piece holds ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Piece:
    head: str
    """Its title, and the names of its columns: they belong to each of its lines."""
    lines: tuple[str, ...]
    cut: tuple[tuple[str | Number, ...], ...]
    """The terms and numbers of each line."""


@lru_cache(maxsize=256)
def _read_lines(title: str, text: str, columns: str) -> _Piece:
    lines = tuple(line for line in _FOOTNOTE.sub("", text).split("\n") if line.strip())
    return _Piece(f"{title}\n{columns}", lines, tuple(map(_cut, lines)))


def _read_piece(item: Evidence) -> _Piece:
    columns = write_row(item.table.header) if item.table else ""
    return _read_lines(item.title, item.text, columns)


def _best_holder(said: str, asked: frozenset[str], pieces: Sequence[_Piece], language: Language) -> int | None:
    """The piece that holds these words, in the line that shares most with the question; None where none does.

    They stand together, or they are a number and its unit, which a table has in the name of its column. A number
    stands everywhere: it counts only in a line, or under a title, that shares a word with the question.
    """
    wanted = _cut(said)
    numbers = [term for term in wanted if isinstance(term, frozenset)]
    unit = frozenset(read_words(" ".join(term for term in wanted if isinstance(term, str)), language))
    best, most = None, -1
    for place, piece in enumerate(pieces):
        for line, cut in zip(piece.lines, piece.cut, strict=True):
            together = _stands_in(wanted, cut) or _is_unspaced(said, line)
            if not together and not (numbers and all(_is_held(number, cut) for number in numbers)):
                continue
            words = set(read_words(f"{piece.head}\n{line}", language))
            near = len(asked & words)
            if near > most and (near or (together and len(numbers) < len(wanted))) and (together or unit <= words):
                best, most = place, near
    return best


def _most_about(
    asked: frozenset[str], evidence: Sequence[Evidence], pieces: Sequence[_Piece], language: Language
) -> int | None:
    """The piece that words and similarity together say is most about the question, where they say enough."""
    if not asked:
        return None
    shares = [
        len(asked & set(read_words("\n".join((piece.head, *piece.lines)), language))) / len(asked) for piece in pieces
    ]
    near = [item.similarity or 0.0 for item in evidence]
    best = max(range(len(shares)), key=lambda place: shares[place] + near[place])
    leads = shares[best] == max(shares) and 0 < near[best] == max(near)
    return best if shares[best] >= (LEADS if leads else ABOUT) else None


def _cover(said: str, asked: frozenset[str], pieces: Sequence[_Piece], language: Language) -> list[int]:
    """The fewest pieces, found greedily, that hold most telling words of a sentence and all of its numbers."""
    numbers = {term for term in _cut(said) if isinstance(term, frozenset)}
    words = {word for word in read_words(said, language) if not word.isdigit()} - asked
    wanted: set[str | Number] = {*words, *numbers}
    if len(wanted) < FEW:
        return []
    held = [
        {term for cut in piece.cut for term in cut if isinstance(term, frozenset)}
        | set(read_words("\n".join((piece.head, *piece.lines)), language))
        for piece in pieces
    ]
    has = [{want for want in wanted if _is_held(want, terms)} for terms in held]
    chosen: list[int] = []
    covered: set[str | Number] = set()
    while len(chosen) < PIECES:
        best = max(range(len(has)), key=lambda place: len(has[place] - covered))
        if not has[best] - covered:
            break
        chosen.append(best)
        covered |= has[best]
    return chosen if numbers <= covered and len(covered) >= MOST * len(wanted) else []


def _is_held(want: str | Number, terms: Iterable[str | Number]) -> bool:
    return any(_equals(want, term) for term in terms)


def _says_result(item: Evidence, said: str) -> bool:
    """Whether a query gave this answer: its cells, their side, or its number rounded."""
    if item.result is None:
        return False
    cells = [cell for row in item.result.rows for cell in row if cell]
    side = read_side(said)
    if side is not None and len(cells) == 1:
        return cells[0].casefold() == _TRUTH[side] or read_side(cells[0]) is side
    numbers = {quantity.low for cell in cells for quantity in read_quantities(cell)}
    wanted = read_quantities(said)
    if len(wanted) == 1 and any(abs(wanted[0].low - number) <= 0.01 * abs(number) for number in numbers):
        return True
    held = tuple(term for cell in cells for term in _cut(cell))
    return all(_stands_in(_cut(part), held) for part in _LIST.split(said) if _cut(part))


# ── words and numbers ──────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=4096)
def _cut(text: str) -> tuple[str | Number, ...]:
    """The terms of a text in order, each number as all that it may mean."""
    found: list[str | Number] = []
    end = 0
    for match in _NUMBER.finditer(text):
        found += _cut_words(text[end : match.start()])
        found.append(read_in_all_ways(match[0]))
        end = match.end()
    return (*found, *_cut_words(text[end:]))


def _cut_words(text: str) -> list[str | Number]:
    return [frozenset((NUMBER_WORDS[term],)) if term in NUMBER_WORDS else term for term in cut_terms(text)]


def _stands_in(wanted: Sequence[str | Number], held: Sequence[str | Number]) -> bool:
    size = len(wanted)
    if not size:
        return False
    return any(
        all(_equals(a, b) for a, b in zip(wanted, held[at : at + size], strict=True))
        for at in range(len(held) - size + 1)
    )


def _equals(a: str | Number, b: str | Number) -> bool:
    if isinstance(a, frozenset) and isinstance(b, frozenset):
        return bool(a & b)
    return a == b


def _is_unspaced(said: str, line: str) -> bool:
    """Whether the line holds these letters, in a script whose words are not parted, where a single one is no term."""
    return len(said) == 1 and not said.isascii() and said in line
