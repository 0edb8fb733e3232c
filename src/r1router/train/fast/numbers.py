"""Measures which number format and how many threads train fastest on this machine, because no flag tells.

Some CPUs multiply bfloat16 matrices twice as fast as float32 ones, others many times more slowly. And torch's threads
wait for each other by spinning: one thread more than there are idle CPUs makes training several times slower.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

GAIN = 1.25
"""How many times faster bfloat16 must be to be taken: it rounds, so that a draw goes to float32."""
WATCHED = 0.5
"""Seconds for which the CPUs are watched."""


def measure_fastest_dtype(*, device: str = "") -> Any:
    """`torch.bfloat16` or `torch.float32`, by a race of one product of the size that a small model makes.

    On a GPU it is bfloat16 without a race. `device` is "cpu" or "cuda"; by itself cuda where there is one.
    """
    import torch

    if device.startswith("cuda") or (not device and torch.cuda.is_available()):
        return torch.bfloat16
    seconds = {dtype: _seconds(dtype) for dtype in (torch.float32, torch.bfloat16)}
    gain = seconds[torch.float32] / seconds[torch.bfloat16]
    log.info("a product in bfloat16 takes 1/%.1f of the time of one in float32", gain)
    return torch.bfloat16 if gain >= GAIN else torch.float32


def _seconds(dtype: Any, *, tokens: int = 512, width: int = 576, inner: int = 1536) -> float:
    """CPU-seconds of this thread for a product; the best of a few, the first of which warms up."""
    import torch

    x, weights = torch.ones(tokens, width, dtype=dtype), torch.ones(inner, width, dtype=dtype)
    best = float("inf")
    for _ in range(5):
        began = time.thread_time()
        torch.nn.functional.linear(x, weights)
        best = min(best, time.thread_time() - began)
    return best


def use_free_threads() -> int:
    """Lets torch use as many threads as there are idle CPUs, at least one; how many. `OMP_NUM_THREADS` overrules it."""
    import torch

    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(count_free_threads())
    log.info("training on %d threads", torch.get_num_threads())
    return int(torch.get_num_threads())


def count_free_threads() -> int:
    """How many of the CPUs that are ours have been idle, watched for half a second; at least 1."""
    import psutil

    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no such file, or "max" for no quota
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        ours = min(ours, max(1, int(quota) // int(period)))
    idle: float = (os.cpu_count() or 1) * psutil.cpu_times_percent(interval=WATCHED).idle / 100
    return max(1, min(ours, round(idle)))
