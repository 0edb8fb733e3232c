"""How much faster two processes index than one, each with one core: by the clock, and by what each process computes.

    python -m benchmarks.workers passages.jsonl.gz                 # three minutes on two quiet cores

Runs of one worker and of two take turns, each in a process and a folder of its own. Told are passages a second, of the
whole run and from the first ones on (then all is loaded), the CPU seconds of the run's own process from then on, and
those of all other processes, workers above all. From these follows what two free cores would do: with the run's own
work r and the workers' work w for an entry, one worker takes w, since the run works beside it, and two (w + r) / 2.
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
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1)
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
    for what in ("whole", "from the first on"):
        one, two = (statistics.median(run[what] for run in runs[workers]) for workers in runs)
        print(f"{what}: two workers are {two / one:.2f} times as fast as one, by the clock")
    own, theirs = (statistics.median(run[of] for run in runs[2]) for of in ("the run's CPU-ms", "the others' CPU-ms"))
    print(f"by CPU time, on two free cores: {theirs / ((theirs + own) / 2):.2f} times")


def tell(run: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in run.items())


def index(file: Path, workers: int) -> dict[str, float]:
    """Passages a second, and CPU seconds."""
    began, first = time.perf_counter(), (0.0, 0.0, 0)

    def watch(progress: Progress) -> None:
        nonlocal first
        if progress.entries and not first[2]:
            first = time.perf_counter(), time.process_time(), progress.entries

    with tempfile.TemporaryDirectory() as folder:
        report = rr.index([file], folder, workers=workers, progress=watch)
    ended, cpu = time.perf_counter(), time.process_time()
    entries: Any = report.kbs["text"].added
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "entries": entries,
        "whole": entries / (ended - began),
        "from the first on": (entries - first[2]) / (ended - first[0]),
        "the run's CPU-ms": 1000 * (cpu - first[1]) / (entries - first[2]),
        "the others' CPU-ms": 1000 * (theirs.ru_utime + theirs.ru_stime) / entries,
    }


if __name__ == "__main__":
    main()
