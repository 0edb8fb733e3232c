"""Writes lines that are set in letters of one width as they stand, because code is read by its indentation.

A PDF has no blanks at the start of a line and only one between words; where each letter begins tells how many there
were. Such lines are known by that alone: fonts have any name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from r1router.ingest.parts.layout import Box, Line

FEWEST = 5
"""Different letters that show by themselves that all are of one width."""
_SLACK = 0.1
"""Of a letter's width, by which it may stand beside its place."""
_WORD = re.compile(r"[!-~]{4}")
_MOST_GAP = 7.0
"""From the top of a line to that of the next of its run, in widths of a letter; a line is some two of them high."""

Find = Callable[[Box, int, int], list[float]]
"""Where the letters of a box's text from one to before another begin, in points from the left; empty where nobody
knows."""


class _Set(NamedTuple):
    number: str
    """Of the line in a listing, where it is set in other letters; "" elsewhere."""
    letters: list[tuple[float, str]]
    top: float


def write_lines(lines: Sequence[Line], find: Find) -> list[str]:
    """Each line with its blanks, where it is one of a run of such lines; "" for the others."""
    written = [""] * len(lines)
    done = 0
    for place, line in enumerate(lines):
        if place < done or not (width := _find_width(line, find)):
            continue
        first, done = place, place + 1
        run = [_measure(line, find)]
        numbered = bool(run[0].number)
        while first > 0 and not written[first - 1]:
            other = _measure(lines[first - 1], find, numbered=numbered)
            if not _goes_on(run[0], other, width):
                break
            run.insert(0, other)
            first -= 1
        while done < len(lines):
            other = _measure(lines[done], find, numbered=numbered)
            if not _goes_on(run[-1], other, width):
                break
            run.append(other)
            done += 1
        written[first:done] = _write(run, width)
    return written


def _find_width(line: Line, find: Find) -> float:
    """Of the line's letters, where all have one and they show it; else 0."""
    for box in line:
        if word := _WORD.search(box.text.strip()):
            begins = find(box, *word.span())
            steps = [after - before for before, after in pairwise(begins)]
            if not steps or steps[0] <= 0 or any(abs(step - steps[0]) > _SLACK / 4 * steps[0] for step in steps):
                return 0.0
            letters = _measure(line, find).letters
            various = {letter for _, letter in letters if letter.isalpha()}
            return steps[0] if len(various) >= FEWEST and _is_even(letters, steps[0]) else 0.0
    return 0.0


def _measure(line: Line, find: Find, *, numbered: bool = False) -> _Set:
    """Its letters, none where one is unknown; apart from them the number before them, which may be all where lines are
    `numbered`."""
    is_apart = line[0].last + 1 < line[1].first if len(line) > 1 else numbered
    number = line[0].text.strip() if is_apart and line[0].text.strip().isdecimal() else ""
    letters: list[tuple[float, str]] = []
    for box in line[1:] if number else line:
        text = box.text.strip()
        begins = find(box, 0, len(text))
        if not begins:
            return _Set("", [], 0.0)
        letters += [(x, letter) for x, letter in zip(begins, text, strict=True) if not letter.isspace()]
    return _Set(number, letters, max(box.top for box in line))


def _goes_on(one: _Set, other: _Set, width: float) -> bool:
    """Whether two lines stand near each other and on the same places."""
    if abs(one.top - other.top) > _MOST_GAP * width or bool(one.number) != bool(other.number):
        return False
    between = [(one.letters[0][0], ""), other.letters[0]] if one.letters and other.letters else []
    return bool(other.letters or other.number) and _is_even([*between, *other.letters[1:]], width)


def _is_even(letters: Sequence[tuple[float, str]], width: float) -> bool:
    steps = [(after - before, letter) for (before, letter), (after, _) in pairwise(letters)]
    return all(letter >= "\u2e80" or _is_on_place(step, width) for step, letter in steps)


def _is_on_place(step: float, width: float) -> bool:
    return abs(step - round(step / width) * width) < _SLACK * width


def _write(run: Sequence[_Set], width: float) -> list[str]:
    left = min(line.letters[0][0] for line in run if line.letters)
    longest = max(len(line.number) for line in run)
    written = []
    for line in run:
        text, end = "", left
        for x, letter in line.letters:
            text += " " * round((x - end) / width) + letter
            end = x + width * (2 if letter >= "\u2e80" else 1)
        written.append(f"{line.number:>{longest}} {text}" if longest else text)
    return written
