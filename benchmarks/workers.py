"""How much faster two processes index than one, each with one core: by the clock, and by what each process computes.

    python -m benchmarks.workers passages.jsonl.gz                 # three minutes on two quiet cores

Runs of one worker and of two take turns, each in a process and a folder of its own. Told are passages a second, of the
whole run and from the first packet on (then all is loaded), and the CPU seconds of the run's own process and of all
others, workers above all. From these follows what two free cores would do: with the run's own work r and the workers'
work w for an entry, one worker takes w, since the run works beside it, and two take (w + r) / 2.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import r1router as rr
from r1router.ingest.run import Progress


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path, help="JSON lines with an id and a text, gzipped")
    parser.add_argument("--entries", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(index(given.texts, given.one)))
        return
    runs: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "passages.jsonl")
        with gzip.open(given.texts, "rt", encoding="utf-8") as lines:
            file.write_text("".join(line for line, _ in zip(lines, range(given.entries), strict=False)))
        for _ in range(given.rounds):
            for workers, told in runs.items():
                command = [sys.executable, "-m", "benchmarks.workers", str(file), "--one", str(workers)]
                done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE)
                told.append(json.loads(done.stdout))
                print(f"{workers} workers: {tell(told[-1])}", flush=True)
    for what in ("whole", "after the first packet"):
        one, two = (statistics.median(run[what] for run in runs[workers]) for workers in runs)
        print(f"{what}: two workers are {two / one:.2f} times as fast as one, by the clock")
    own, theirs = (
        statistics.median(1000 * run[who] / run["entries"] for run in runs[2])
        for who in ("run, CPU-s", "workers, CPU-s")
    )
    print(f"a passage costs the run {own:.1f} CPU-ms and a worker {theirs:.1f}, all that is loaded included:")
    print(f"two workers on two free cores would be {theirs / ((theirs + own) / 2):.2f} times as fast as one")


def tell(run: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in run.items())


def index(file: Path, workers: int) -> dict[str, float]:
    """Passages a second, and CPU seconds."""
    began, first = time.perf_counter(), (0.0, 0)

    def watch(progress: Progress) -> None:
        nonlocal first
        if progress.entries and not first[1]:
            first = time.perf_counter(), progress.entries

    with tempfile.TemporaryDirectory() as folder:
        report = rr.index([file], folder, workers=workers, progress=watch)
    ended = time.perf_counter()
    entries: Any = report.kbs["text"].added
    ours, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "entries": entries,
        "whole": entries / (ended - began),
        "after the first packet": (entries - first[1]) / (ended - first[0]),
        "run, CPU-s": ours.ru_utime + ours.ru_stime,
        "workers, CPU-s": theirs.ru_utime + theirs.ru_stime,
    }


if __name__ == "__main__":
    main()
