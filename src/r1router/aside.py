"""Runs a call in a thread that holds up nothing, because some calls cannot be interrupted, or never end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def wait_aside(work: Callable[[], T], seconds: float | None = None) -> T:
    """What `work` gives. An interrupt ends the waiting at once; so does `TimeoutError` after `seconds`, where given.

    The call then ends by itself, and the end of the process does not wait for it.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # handed to the one who waits
            done.set_exception(error)

    threading.Thread(target=run, name="r1router-aside", daemon=True).start()
    return done.result(seconds)
