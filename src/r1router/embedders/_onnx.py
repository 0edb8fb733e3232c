"""Spreads work over the cores batch by batch, because a model runs on one thread (`onnx_session`)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def count_cores(*, processes: int = 1) -> int:
    """Those that each of so many processes may use; no more than `OMP_NUM_THREADS` says, where it is set."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    share = cores // processes
    return max(1, min(share, int(told)) if told.isdecimal() else share)


def start_workers() -> ThreadPoolExecutor:
    """A thread for every core; threads start when there is work."""
    return ThreadPoolExecutor(count_cores(), thread_name_prefix="embed")


def map_in_turns(
    workers: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], *, ahead: int | None = None
) -> Iterator[R]:
    """The results, in order. At most `ahead` items are handed over at once (two for each core), so that a question
    waits for some batches of a file that is being indexed, and not for all of them."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        if len(waiting) >= (ahead or 2 * count_cores()):
            yield waiting.popleft().result()
        waiting.append(workers.submit(work, item))
    while waiting:
        yield waiting.popleft().result()
