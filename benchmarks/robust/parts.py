"""Runs each part of the campaign in a process of its own, since one that forks must not meet another one's threads."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.robust.rows import Row, give_time

PARTS = {
    "load": 240, "uploads": 360, "bombs": 540, "injected": 300, "faults": 200, "kills": 140, "files": 120,
    "endpoints": 90, "bodies": 45, "attacks": 45,
}  # fmt: skip
"""A module each, with `run(share, rng, folder)`, which yields `Row`s; and the seconds that it has. Together, with those
side by side that may be, they take 27 minutes at most, a little over where one is in the middle of something."""
ALONE = frozenset({"load", "uploads", "bombs"})
"""Parts that measure how soon a server answers, or use all cores."""
AT_ONCE = 2
"""Other parts that are run side by side."""


def run_parts(names: Sequence[str], share: float, seed: int) -> Iterator[tuple[str, Iterable[Row]]]:
    """The rows of each part: of those that are run alone one by one, as they come."""
    for name in [name for name in names if name in ALONE]:
        yield name, run_apart(name, share, seed)
    others = [name for name in names if name not in ALONE]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from zip(others, pool.map(lambda name: list(run_apart(name, share, seed)), others), strict=True)


def run_apart(name: str, share: float, seed: int) -> Iterator[Row]:
    """The rows of a part, which is ended where it takes twice its time and does not come to its end by itself."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    part = context.Process(target=_run_part, args=(name, share, seed, theirs))
    part.start()
    assert part.pid
    group = part.pid  # of processes: it leads the servers that it starts
    theirs.close()
    began = time.monotonic()
    try:
        while ours.poll(max(0.0, began + 2 * PARTS[name] - time.monotonic())):
            yield ours.recv()
        yield Row(f"{name} comes to its end", 1, 0)
    except EOFError:
        part.join()
        if part.exitcode:
            yield Row(f"{name} comes to its end", 1, 0, f"exit {part.exitcode}")
    finally:
        part.kill()
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    print(
        f"{name}: {time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True
    )


def _run_part(name: str, share: float, seed: int, pipe: Connection) -> None:
    os.setsid()
    give_time(PARTS[name])
    part = importlib.import_module(f"benchmarks.robust.{name}")
    with tempfile.TemporaryDirectory() as folder:
        for row in part.run(share, random.Random(seed), Path(folder)):
            pipe.send(row)
    pipe.close()
