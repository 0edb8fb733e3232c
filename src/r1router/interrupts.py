"""Takes an interrupt at once inside a call that holds Python's lock, because Python hears of it only afterwards.

llama.cpp holds the lock while it loads a model, for seconds or minutes. A program that imports this package keeps its
`KeyboardInterrupt`, after the call; the command line asks for the end of the process.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ending = False


def take_interrupts_at_once() -> None:
    """From now on an interrupt inside `watch_interrupts` ends this process."""
    global _ending
    _ending = True


@contextmanager
def watch_interrupts() -> Iterator[None]:
    """Around a call that holds Python's lock.

    An interrupt then ends the process at once, where `take_interrupts_at_once` was called and this is the main thread,
    which alone may choose that; elsewhere nothing changes.
    """
    if not _ending or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
