"""Opens a thing once for all threads, because `functools.cache` may call twice before it keeps the first result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def open_once(work: Callable[P, T]) -> Callable[P, T]:
    """As `functools.cache`, but who calls while another thread opens waits, and gets the same."""
    kept, opening = cache(work), threading.Lock()

    @wraps(work)
    def opened(*args: P.args, **options: P.kwargs) -> T:
        with opening:
            return kept(*args, **options)  # type: ignore[arg-type]

    return opened
