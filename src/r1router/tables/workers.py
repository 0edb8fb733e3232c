"""Keeps the queries of a process within bounds, because each may take half a gigabyte and seconds of a core.

`keep_in_bounds` is the bound itself: so many queries run at once, whoever asks, and each is interrupted when its time
is over. `run` is for servers and drivers, which wait for many queries: they stand in a queue, in which they hold no
thread, and a query that nobody waits for any more is interrupted, too.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from r1router.errors import QueryError
from r1router.once import open_once

T = TypeVar("T")
AT_ONCE = 2
"""Queries that run at the same time in this process."""
WAIT = 60.0
"""Seconds that a query waits for its turn before it is refused."""
_AGAIN = 0.05
"""Seconds between two interrupts: one that comes between two statements of a query is lost."""

_places = threading.BoundedSemaphore(AT_ONCE)


class _Wanted:
    """Whether somebody still waits for the queries of this context."""

    def __init__(self) -> None:
        self.stopped = False
        self.end = threading.Event()
        """Of the query that runs: it is over, or is to be."""

    def stop(self) -> None:
        self.stopped = True
        self.end.set()


_wanted: ContextVar[_Wanted | None] = ContextVar("wanted", default=None)


async def run(work: Callable[[], T]) -> T:
    """What `work` gives, from one of the threads. Where the wait is cancelled, its query is interrupted."""
    wanted = _Wanted()

    def job() -> T:
        before = _wanted.set(wanted)
        try:
            return work()
        finally:
            _wanted.reset(before)

    try:
        return await asyncio.wrap_future(_threads().submit(job))
    except asyncio.CancelledError:
        wanted.stop()
        raise


@contextmanager
def keep_in_bounds(interrupt: Callable[[], object], *, seconds: float, wait: float = WAIT) -> Iterator[None]:
    """A place among the queries that run. `interrupt` is called after `seconds`, and where nobody waits any more.

    Raises `QueryError` where no place is free for `wait` seconds, or nobody waits before it begins.
    """
    if not _places.acquire(timeout=wait):
        raise QueryError(f"other queries have taken the machine for {wait:g} seconds; ask again")
    try:
        wanted = _wanted.get() or _Wanted()
        wanted.end, done = threading.Event(), threading.Event()
        if wanted.stopped:
            raise QueryError("nobody waits for it any more")
        watch = threading.Thread(target=_watch, args=(wanted.end, done, seconds, interrupt), name="watch", daemon=True)
        watch.start()
        try:
            yield
        finally:
            done.set()
            wanted.end.set()
            watch.join()
    finally:
        _places.release()


def _watch(end: threading.Event, done: threading.Event, seconds: float, interrupt: Callable[[], object]) -> None:
    end.wait(seconds)
    while not done.is_set():
        interrupt()
        done.wait(_AGAIN)


@open_once
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="query")
