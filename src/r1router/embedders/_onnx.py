"""Opens an ONNX model as a session of one thread, because work is spread over cores batch by batch."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import onnxruntime  # type: ignore[import-untyped]

T = TypeVar("T")
R = TypeVar("R")
ASSETS = Path(__file__).resolve().parent.parent / "assets"


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """One thread inside: whole batches side by side use the cores better than the parts of one batch."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def count_cores() -> int:
    """Those that this process may use; no more than `OMP_NUM_THREADS` says, which those set that share out cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(told))) if told.isdecimal() else cores


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
