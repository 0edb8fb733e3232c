"""Reads accepted answers as the strings that a prediction is compared with; a numeric range is one too.

A range is written as one string, `"6.75 [6.5, 7.0]"` (the value shown to people, then the bounds), or
`"[6.5, 7.0]"`, so that `Example.answers` stays a tuple of strings, every metric on strings works on it, and a
person who reads a report can read it. Any number inside, bounds included, is right. `read_range` and
`write_range` are inverses; integers stay integers, since the published metric treats them otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from r1router.evidence.numbers import read_numerals
from r1router.types import Example, Trajectory

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"(?:({_NUMBER}) )?\[({_NUMBER}), ({_NUMBER})\]")
_LOOKS_LIKE_RANGE = re.compile(r"\[[^\[\]]*,[^\[\]]*\]$")


@dataclass(frozen=True, slots=True)
class Range:
    low: float
    high: float
    """Both bounds are inside."""
    value: float | None = None
    """The single best value, where the data set gives one."""

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high


def write_range(low: float, high: float, value: float | None = None) -> str:
    """
    >>> write_range(6.5, 7.0, 6.75)
    '6.75 [6.5, 7.0]'
    """
    shown = "" if value is None else f"{value!r} "
    return f"{shown}[{low!r}, {high!r}]"


def read_range(answer: str) -> Range | None:
    """The range that an accepted answer stands for; None for every other answer."""
    if not _LOOKS_LIKE_RANGE.search(answer):
        return None
    found = _RANGE.fullmatch(answer)
    if not found:
        return None
    value, low, high = found.groups()
    return Range(_number(low), _number(high), None if value is None else _number(value))


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def list_references(prediction: str, answers: Sequence[str]) -> list[str]:
    """The strings to compare `prediction` with: a range becomes those of its numerals that lie inside.

    A range that none of them hits becomes its value (or its lower bound), which then does not match. Numerals
    are given as they stand in the prediction but for thousands separators.

    >>> list_references("about 6.8 km, not 9", ["6.75 [6.5, 7.0]", "some"])
    ['6.8', 'some']
    """
    found: list[str] = []
    for answer in answers:
        span = read_range(answer)
        if span is None:
            found.append(answer)
        else:
            inside = [n for n in dict.fromkeys(n.digits for n in read_numerals(prediction)) if float(n) in span]
            found.extend(inside or [str(span.low if span.value is None else span.value)])
    return found


# ── from strings to rows ───────────────────────────────────────────────────────────────────────

Score = Callable[..., float | None]
"""`score(prediction, answers, *, question="")`: an answer metric on strings, in [0, 1]."""


def read_prediction(trajectory: Trajectory) -> str:
    """The text of the final answer; "" where there is none."""
    return trajectory.answer.text if trajectory.answer else ""


def judge_answer(score: Score, trajectory: Trajectory, example: Example) -> float | None:
    """`score` of a trajectory's final answer; None where the example says no accepted answer."""
    if not example.answers:
        return None
    return score(read_prediction(trajectory), example.answers, question=example.question.text)
