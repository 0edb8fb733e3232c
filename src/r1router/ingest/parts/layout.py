"""Puts the words of a page into reading order, and finds the tables among them, from where they stand.

A page is cut where white space goes through: into columns of prose from left to right, else from top to bottom. Lines
of short pieces that stand under each other are a table; so are the cells between ruled lines. Measures are points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

GUTTER = 8.0
"""White space between two columns of prose, at least."""
_PROSE = 25
"""Characters of a usual line of a column of prose; less is a table's."""
_MOST_BOXES = 5_000
_MOST_COMPARED = 300
"""Boxes of which each is compared with each."""
LEADERS = re.compile(r"(?:\s?\.){5,}")
"""Dots that lead the eye from words to a number."""
_LINES_LEFT_OUT = 2
"""Of a listing, one after the other, at most: a person cuts it, or they are empty."""
_SMALL = 0.6
"""Of the usual height of a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """Some words and where they stand; y grows upwards."""

    left: float
    bottom: float
    right: float
    top: float
    text: str = ""
    first: int = -1
    last: int = -1
    """Numbers of its first and last letter in the page's text, blanks counted; -1 where they are not known."""

    @property
    def middle(self) -> float:
        return (self.bottom + self.top) / 2


Line = list[Box]
"""Boxes beside each other, from left to right."""


def read_in_order(boxes: Sequence[Box]) -> list[Line]:
    """The lines of a page, column after column."""
    boxes = [box for box in boxes if box.text.strip()]
    if len(boxes) > _MOST_BOXES:
        return _lines(boxes)
    return [line for block in _blocks(boxes, 12) for line in _lines(block)]


def order_boxes(boxes: Sequence[Box]) -> list[Box]:
    """Boxes that were put on a page one by one, as they are read.

    The order given stays where it goes down and to the right, since an author may have chosen it for those who listen;
    else the page is cut where the widest white space goes through.
    """
    return list(boxes) if _goes_down_and_right(boxes) else _order_by_gaps(boxes)


def _goes_down_and_right(boxes: Sequence[Box]) -> bool:
    """Whether no box comes after one that stands below it, or right of it; only of boxes that stand so is it asked."""
    if len(boxes) > _MOST_COMPARED:
        return False
    for place, later in enumerate(boxes):
        for before in boxes[:place]:
            beside = _overlap(before.bottom, before.top, later.bottom, later.top)
            above = _overlap(before.left, before.right, later.left, later.right)
            if (above and not beside and later.middle > before.middle) or (
                beside and not above and later.left < before.left
            ):
                return False
    return True


def _overlap(start: float, end: float, other_start: float, other_end: float) -> bool:
    """Whether two spans have more than an edge in common: a fifth of the shorter one."""
    return min(end, other_end) - max(start, other_start) > min(end - start, other_end - other_start) / 5


def _order_by_gaps(boxes: Sequence[Box]) -> list[Box]:
    down, y = _find_gap([(-box.top, -box.bottom) for box in boxes])
    across, x = _find_gap([(box.left, box.right) for box in boxes])
    if max(down, across) <= 0:
        return sorted(boxes, key=lambda box: (-box.top, box.left))
    is_first = [-box.middle < y if down >= across else (box.left + box.right) / 2 < x for box in boxes]
    parts = ([box for box, first in zip(boxes, is_first, strict=True) if first is wanted] for wanted in (True, False))
    return [box for part in parts for box in _order_by_gaps(part)]


def _find_gap(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(width, middle) of the widest gap between spans, a tenth of each given to the gaps beside it; boxes may touch."""
    widest, end = (0.0, 0.0), float("inf")
    for start, stop in sorted((start + (stop - start) / 10, stop - (stop - start) / 10) for start, stop in spans):
        widest = max(widest, (start - end, (start + end) / 2))
        end = stop if end == float("inf") else max(end, stop)
    return widest


def find_grids(lines: Sequence[Line]) -> Iterator[list[list[str]]]:
    """The tables that are made by white space alone: at least three lines of at least two pieces in columns; a list of
    contents, whose dots lead to the pages, is none, and no listing with the numbers of its lines."""
    run: list[Line] = []
    for line in [*lines, []]:
        pieces = _pieces(line)
        if any(LEADERS.search(piece.text) for piece in pieces):
            pieces = []
        if len(pieces) > 1 and (not run or abs(line[0].middle - run[-1][0].middle) < 4 * _height(line)):
            run.append(pieces)
            continue
        if len(run) > 2 and (grid := _columns(run)) and not is_listing(grid):
            yield grid
        run = [pieces] if len(pieces) > 1 else []


def is_listing(grid: Sequence[Sequence[str]]) -> bool:
    """Whether it has nothing but lines with their numbers, which count up, and no names of columns."""
    numbers = [int(row[0]) if row[0].isdecimal() and len(row[0]) < 7 else -1 for row in grid]
    return (
        len(grid[0]) == 2 and min(numbers) >= 0 and all(0 < b - a <= _LINES_LEFT_OUT + 1 for a, b in pairwise(numbers))
    )


def find_ruled(rules: Sequence[Box]) -> Iterator[tuple[list[float], list[float]]]:
    """(edges of columns from left, edges of rows from top) of each table that has ruled lines around its cells."""
    for group in _touching(rules):
        across = [rule for rule in group if rule.right - rule.left > rule.top - rule.bottom]
        down = [rule for rule in group if rule.top - rule.bottom >= rule.right - rule.left]
        columns = _distinct([rule.left for rule in down] + [rule.right for rule in down])
        rows = _distinct([rule.top for rule in across] + [rule.bottom for rule in across])[::-1]
        if len(columns) > 2 and len(rows) > 2:
            yield columns, rows


def find_edges(box: Box) -> list[Box]:
    """A drawn shape as ruled lines: itself where it is thin, else its four sides."""
    if box.right - box.left < 3 or box.top - box.bottom < 3:
        return [box]
    return [
        Box(box.left, box.bottom, box.right, box.bottom),
        Box(box.left, box.top, box.right, box.top),
        Box(box.left, box.bottom, box.left, box.top),
        Box(box.right, box.bottom, box.right, box.top),
    ]


def _measure(text: str) -> int:
    """Its length in letters of an alphabet; a sign of Chinese, Japanese or Korean is as wide as two."""
    return len(text) + sum(1 for letter in text if letter >= "\u2e80")


def write(line: Line) -> str:
    """Its words; no blank between boxes of which the file has none between their letters."""
    said = ""
    for place, box in enumerate(line):
        text = box.text.strip()
        said += text if not place or _is_next(line[place - 1], box) else f" {text}"
    return said


def _is_next(one: Box, other: Box) -> bool:
    if one.text[-1:].isspace() or other.text[:1].isspace() or _is_note_mark(one, other):
        return False
    return one.last >= 0 and other.first == one.last + 1


def _is_note_mark(one: Box, other: Box) -> bool:
    """Whether a raised number follows the end of a sentence: it is no part of it."""
    ends = one.text[-1:] in '.,;:!?)]”’"' and other.text.strip().isdigit()
    return ends and other.bottom > one.bottom + 0.2 * (one.top - one.bottom)


def _blocks(boxes: list[Box], depth: int) -> Iterator[list[Box]]:
    """Pieces of the page in reading order."""
    if len(boxes) < 6 or not depth:
        yield boxes
        return
    gutter = _gutter(boxes)
    if gutter is not None:
        yield from _blocks([box for box in boxes if box.right <= gutter], depth - 1)
        yield from _blocks([box for box in boxes if box.right > gutter], depth - 1)
        return
    for part in _above_and_below(boxes):
        if len(part) == len(boxes):
            yield boxes
        else:
            yield from _blocks(part, depth - 1)


def _gutter(boxes: list[Box]) -> float | None:
    """Where white space from top to bottom parts two columns of prose; None where nothing does."""
    spans: list[list[float]] = []
    for box in sorted(boxes, key=lambda box: box.left):
        if spans and box.left < spans[-1][1] + GUTTER:
            spans[-1][1] = max(spans[-1][1], box.right)
        else:
            spans.append([box.left, box.right])
    for before, _ in pairwise(spans):
        left = [box for box in boxes if box.right <= before[1]]
        if _is_prose(left) and _is_prose([box for box in boxes if box.right > before[1]]):
            return before[1]
    return None


def _is_prose(boxes: Sequence[Box]) -> bool:
    """Whether these are some lines of running text."""
    lines = _lines(boxes)
    return len(lines) > 2 and median(_measure(write(line)) for line in lines) >= _PROSE


def _above_and_below(boxes: list[Box]) -> list[list[Box]]:
    """Cut at one level: where a part below it has columns that all of it together has not."""
    ordered = sorted(boxes, key=lambda box: -box.top)
    floor = ordered[0].bottom
    gaps: list[tuple[float, int]] = []
    for place, box in enumerate(ordered[1:], 1):
        if box.top < floor - 0.5:
            gaps.append((floor - box.top, place))
        floor = min(floor, box.bottom)
    for _, place in sorted(gaps, reverse=True)[:8]:
        if _gutter(ordered[:place]) is not None or _gutter(ordered[place:]) is not None:
            return [ordered[:place], ordered[place:]]
    return [boxes]


def _lines(boxes: Sequence[Box]) -> list[Line]:
    """Marks that are far lower than letters (commas, quotes, raised figures) go to the line that they reach into."""
    usual = median(box.top - box.bottom for box in boxes) if boxes else 0.0
    small: list[Box] = []
    large: list[Box] = []
    for box in boxes:
        (small if box.top - box.bottom < _SMALL * usual else large).append(box)
    lines: list[Line] = []
    for box in sorted(large, key=lambda box: -box.middle):
        last = lines[-1] if lines else None
        if last and _is_beside(last[0], box):
            last.append(box)
        else:
            lines.append([box])
    heights = [(max(box.top for box in line), min(box.bottom for box in line)) for line in lines]
    for box in sorted(small, key=lambda box: -box.middle):
        low, high = box.bottom, box.top
        shares = [
            (min(high, top) - max(low, bottom), -place)
            for place, (top, bottom) in enumerate(heights)
            if top > low and bottom < high
        ]
        share, best = max(shares, default=(0.0, 0))
        if shares and share >= 0.4 * (high - low):
            lines[-best].append(box)
        else:
            lines.append([box])
            heights.append((box.top, box.bottom))
    lines.sort(key=lambda line: -max(line, key=lambda box: box.top - box.bottom).middle)
    return [sorted(line, key=lambda box: box.left) for line in lines]


def _is_beside(one: Box, other: Box) -> bool:
    """Whether each reaches over the middle of the other."""
    return one.bottom - 1 <= other.middle <= one.top + 1 and other.bottom - 1 <= one.middle <= other.top + 1


def _pieces(line: Line) -> Line:
    """The line's boxes, those joined that stand as near as words of a sentence do."""
    pieces: Line = []
    for box in line:
        if pieces and box.left - pieces[-1].right < 0.9 * _height(line):
            last = pieces[-1]
            low, high = min(last.bottom, box.bottom), max(last.top, box.top)
            pieces[-1] = Box(last.left, low, box.right, high, write([last, box]), last.first, box.last)
        else:
            pieces.append(box)
    return pieces


def _height(line: Line) -> float:
    return max((box.top - box.bottom for box in line), default=0.0)


def _columns(run: Sequence[Line]) -> list[list[str]]:
    """The run as rows of cells; empty where its pieces stand in no columns, or are prose."""
    spans: list[list[float]] = []
    for box in sorted((box for line in run for box in line), key=lambda box: box.left):
        if spans and box.left < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], box.right)
        else:
            spans.append([box.left, box.right])
    if len(spans) < 2 or median(_measure(box.text) for line in run for box in line) > _PROSE:
        return []
    grid = [[" ".join(b.text.strip() for b in line if left <= b.left < right) for left, right in spans] for line in run]
    full = sum(1 for row in grid if sum(map(bool, row)) > len(spans) / 2)
    return grid if full > 0.6 * len(grid) else []


def _touching(rules: Sequence[Box]) -> list[list[Box]]:
    """Ruled lines that meet, directly or through others."""
    groups: list[tuple[Box, list[Box]]] = []
    for rule in sorted(rules, key=lambda rule: (-rule.top, rule.left)):
        around, members = rule, [rule]
        kept = []
        for bounds, group in groups:
            apart = (
                bounds.left > around.right + 3 or around.left > bounds.right + 3
                or bounds.bottom > around.top + 3 or around.bottom > bounds.top + 3
            )  # fmt: skip
            if apart:
                kept.append((bounds, group))
                continue
            members += group
            around = Box(
                min(bounds.left, around.left),
                min(bounds.bottom, around.bottom),
                max(bounds.right, around.right),
                max(bounds.top, around.top),
            )
        groups = [*kept, (around, members)]
    return [members for _, members in groups]


def _distinct(values: Sequence[float]) -> list[float]:
    """Sorted, those that are nearer than 3 points to the one before left out."""
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > 3:
            found.append(value)
    return found
