"""What indexing costs: entries per second and per CPU-second, peak memory, size on disk, and a run without changes.

    python benchmarks/index_bench.py FOLDER_OR_FILE… --kbs DIR

Goes on where an interrupted run stopped; then the figures are those of the rest.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

from r1router.ingest.run import IndexReport, Progress, index

EVERY = 30.0
"""Seconds between lines of progress."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--kbs", type=Path, required=True)
    parser.add_argument("--no-ocr", action="store_true")
    parser.add_argument("--workers", type=int, help="processes that embed; then their CPU is told, too")
    given = parser.parse_args()
    for title in ("first run", "run without changes"):
        measure(title, given.paths, given.kbs, ocr=not given.no_ocr, workers=given.workers)
    for folder in sorted(path for path in given.kbs.iterdir() if path.is_dir()):
        print(f"{folder.name}: {size(folder) / 1e6:.1f} MB on disk")


def measure(title: str, paths: list[Path], kbs: Path, *, ocr: bool, workers: int | None = None) -> IndexReport:
    started, cpu, said = time.perf_counter(), time.process_time(), 0.0

    def tell(progress: Progress) -> None:
        nonlocal said
        now = time.perf_counter() - started
        if now - said >= EVERY:
            said = now
            print(f"  {now:6.0f} s  {time.process_time() - cpu:6.0f} CPU-s  {progress.written} written", flush=True)

    report = index(paths, kbs, ocr=ocr, workers=workers, progress=tell)
    spent, wall = time.process_time() - cpu, report.seconds
    written = sum(counts.added + counts.changed for counts in report.kbs.values())
    print(
        f"{title}: {written} entries embedded in {wall:.1f} s ({spent:.1f} CPU-s): "
        f"{written / wall:.1f} per s, {written / spent:.1f} per CPU-s; "
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )
    if workers:
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"  processes that have ended, the workers among them: {ended.ru_utime + ended.ru_stime:.1f} CPU-s so far"
        )
    for name, counts in report.kbs.items():
        print(f"  {name}: {counts}")
    for problem in report.problems:
        print(f"  could not read {problem.path} {problem.where}: {problem.reason}")
    return report


def size(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
