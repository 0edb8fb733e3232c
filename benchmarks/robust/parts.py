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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from benchmarks.robust.rows import Row, give_time

PARTS = {
    "load": 220, "uploads": 340, "bombs": 690, "injected": 400, "faults": 200, "kills": 140, "files": 120,
    "endpoints": 90, "bodies": 45, "attacks": 45,
}  # fmt: skip
"""A module each, with `run(share, rng, folder)`, which yields `Row`s; and the seconds that it has. Together, with those
side by side that may be, they take 29 minutes at most, a little over where one is in the middle of something."""
ALONE = frozenset({"load", "uploads", "bombs"})
"""Parts that measure how soon a server answers, or use all cores."""
AT_ONCE = 2
"""Other parts that are run side by side."""
GRACE = 150.0
"""Seconds beyond its time after which a part is ended that does not come to its end by itself."""


class _Running(NamedTuple):
    """A part at work. Its process leads the group of those that it starts, which end with it."""

    name: str
    process: BaseProcess
    pipe: Connection
    began: float
    ends: float
    """When it is killed, whatever it does."""

    @property
    def left(self) -> float:
        """Seconds until it is killed."""
        return self.ends - time.monotonic()


def run_parts(
    names: Sequence[str], share: float, seed: int, *, seconds: Mapping[str, float] = PARTS, grace: float = GRACE
) -> Iterator[tuple[str, Row]]:
    """(part, row), as they come. What goes wrong in one part does not keep the others from being run.

    `seconds` that each part has; `grace` seconds later it is killed.
    """
    waiting = sorted(names, key=lambda name: name not in ALONE)
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and _may_start(waiting[0], running):
                name = waiting.pop(0)
                running.append(_start(name, share, seed, seconds[name], grace))
            ready = wait([part.pipe for part in running], max(0.0, min(part.left for part in running)))
            for part in list(running):
                if part.pipe in ready:
                    with suppress(EOFError, OSError):
                        yield part.name, part.pipe.recv()
                        continue
                elif part.left > 0:
                    continue
                running.remove(part)
                yield part.name, _end(part)
    finally:
        for part in running:
            _kill(part)


def _may_start(name: str, running: Sequence[_Running]) -> bool:
    if name in ALONE:
        return not running
    return len(running) < AT_ONCE and not any(part.name in ALONE for part in running)


def _start(name: str, share: float, seed: int, seconds: float, grace: float) -> _Running:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run_part, args=(name, share, seed, seconds, theirs))
    process.start()
    theirs.close()
    began = time.monotonic()
    return _Running(name, process, ours, began, began + seconds + grace)


def _end(part: _Running) -> Row:
    """Whether it came to its end by itself, and how long it took."""
    late = part.left <= 0
    if not late:
        part.process.join(30)  # it has said all; its threads may still end
    code = part.process.exitcode
    _kill(part)
    took = f"{time.monotonic() - part.began:.0f} s, load average {os.getloadavg()[0]:.1f}"
    fault = "ended because it took too long" if late else "" if code == 0 else f"exit {code}"
    print(f"{part.name}: {fault or 'done'}, {took}", file=sys.stderr, flush=True)
    return Row("the part comes to its end", 1, int(not fault), ", ".join(filter(None, (fault, took))))


def _kill(part: _Running) -> None:
    """Ends it, and whatever it has started."""
    part.process.kill()
    assert part.process.pid
    with suppress(ProcessLookupError):
        os.killpg(part.process.pid, signal.SIGKILL)
    part.process.join()


def _run_part(name: str, share: float, seed: int, seconds: float, pipe: Connection) -> None:
    os.setsid()
    give_time(seconds)
    part = importlib.import_module(f"benchmarks.robust.{name}")
    with tempfile.TemporaryDirectory() as folder:
        for row in part.run(share, random.Random(seed), Path(folder)):
            pipe.send(row)
    pipe.close()
