"""Declares a line of the campaign's table, and tells what was not survived."""

from __future__ import annotations

import math
import sys
import time
from typing import NamedTuple


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


def is_clear(said: str) -> bool:
    """Whether an error's text is what a person can read: a line or two, and no traceback."""
    return bool(said.strip()) and len(said) < 1500 and said.count("\n") <= 3 and "Traceback" not in said
