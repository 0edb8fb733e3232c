"""Runs each part of the campaign in a process of its own, since one that forks must not meet another one's threads."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.robust.rows import Row, give_time

PARTS = {
    "load": 240, "uploads": 280, "bombs": 540, "files": 120, "bodies": 45, "endpoints": 90, "attacks": 45,
    "faults": 200, "kills": 140, "injected": 200,
}  # fmt: skip
"""A module each, with `run(share, rng, folder)`, which yields `Row`s; and the seconds that it has."""


def run_apart(name: str, share: float, seed: int) -> Iterator[Row]:
    """The rows of a part, which is ended where it takes twice its time and does not come to its end by itself."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    part = context.Process(target=_run_part, args=(name, share, seed, theirs))
    part.start()
    theirs.close()
    began = time.monotonic()
    try:
        while ours.poll(max(0.0, began + 2 * PARTS[name] - time.monotonic())):
            yield ours.recv()
        part.kill()
        yield Row(f"{name} comes to its end", 1, 0)
    except EOFError:
        part.join()
        if part.exitcode:
            yield Row(f"{name} comes to its end", 1, 0, f"exit {part.exitcode}")
    print(
        f"{name}: {time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True
    )


def _run_part(name: str, share: float, seed: int, pipe: Connection) -> None:
    give_time(PARTS[name])
    part = importlib.import_module(f"benchmarks.robust.{name}")
    with tempfile.TemporaryDirectory() as folder:
        for row in part.run(share, random.Random(seed), Path(folder)):
            pipe.send(row)
    pipe.close()
