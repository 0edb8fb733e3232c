"""Runs the campaign against r1router, because a claim of being hard to break needs a table of what was tried.

    python -m benchmarks.robust                       all parts, under half an hour on two quiet cores
    python -m benchmarks.robust files kills           some
    python -m benchmarks.robust --share 0.05          a twentieth of each, in a minute or two

Prints one line for each thing that was tried: how often, how often it was survived, and how often not. Whatever was
not survived is told on standard error, with what is needed to see it again. Needs the packages of the extra `dev`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

PARTS = ("files", "bombs", "bodies", "endpoints", "attacks", "faults", "kills", "load")
"""A module each, with `run(share, rng, folder)`, which yields `Row`s."""
MORE = ("injected",)
"""Takes longer than all others, since a model answers; asked for by name."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS + MORE))
    parser.add_argument("--share", type=float, default=1.0, help="of what is tried")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if unknown := set(given.parts) - {*PARTS, *MORE}:
        parser.error(f"unknown: {' '.join(sorted(unknown))}; known: {' '.join(PARTS + MORE)}")
    print("| part | what | tried | survived | lost | |\n|---|---|---|---|---|---|")
    lost = 0
    for name in given.parts or PARTS:
        part = importlib.import_module(f"benchmarks.robust.{name}")
        began, worked = time.monotonic(), _read_cpu()
        with tempfile.TemporaryDirectory() as folder:
            for row in part.run(given.share, random.Random(given.seed), Path(folder)):
                lost += row.tried - row.survived
                told = f"{row.tried} | {row.survived} | {row.tried - row.survived} | {row.note}"
                print(f"| {name} | {row.what} | {told} |", flush=True)
        load = os.getloadavg()[0]
        took = f"{time.monotonic() - began:.0f} s, {_read_cpu() - worked:.0f} s of CPU"
        print(f"{name}: {took}, load average {load:.1f}", file=sys.stderr, flush=True)
    return 1 if lost else 0


def _read_cpu() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    sys.exit(main())
