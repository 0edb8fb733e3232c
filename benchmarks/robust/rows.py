"""Declares a line of the campaign's table, and tells what was not survived."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple

_LARGEST = 5
"""That are named where none is beyond its limit."""


class Row(NamedTuple):
    what: str
    tried: int
    survived: int
    note: str = ""


_ends = [math.inf]


def give_time(seconds: float) -> None:
    """A part of the campaign begins, and has so many seconds."""
    _ends[0] = time.monotonic() + seconds


def is_over() -> bool:
    """Whether the part's time is up: what is not tried by then is not counted."""
    return time.monotonic() > _ends[0]


def tell(what: str, why: object) -> None:
    """Says on standard error what was not survived."""
    said = str(why)
    print(f"LOST {what}: {said[:200]}{' … ' + said[-600:] if len(said) > 200 else ''}", file=sys.stderr, flush=True)


def show(what: str) -> None:
    """Says on standard error how far it is."""
    print(what, file=sys.stderr, flush=True)


def write_peaks(peaks: Mapping[str, int], most: int) -> tuple[int, str]:
    """How many of these stayed below so many MiB, and the names of those that did not; else the largest ones.

    >>> write_peaks({"a.zip": 300, "b.zip": 1200, "c.zip": 200}, 953)
    (2, 'beyond 953 MiB: b.zip 1200')
    >>> write_peaks({"a.zip": 300, "c.zip": 200}, 953)
    (2, 'MiB at most: a.zip 300, c.zip 200')
    """
    largest = sorted(peaks, key=lambda name: (-peaks[name], name))
    beyond = [name for name in largest if peaks[name] >= most]
    named = ", ".join(f"{name} {peaks[name]}" for name in beyond or largest[:_LARGEST])
    return len(peaks) - len(beyond), f"beyond {most} MiB: {named}" if beyond else f"MiB at most: {named}"


def is_clear(said: str) -> bool:
    """Whether an error's text is what a person can read: a line or two, and no traceback."""
    return bool(said.strip()) and len(said) < 1500 and said.count("\n") <= 3 and "Traceback" not in said
