"""Runs the campaign against r1router, because a claim of being hard to break needs a table of what was tried.

    python -m benchmarks.robust                                all parts, under half an hour on two quiet cores
    python -m benchmarks.robust --write docs/robustness.md     and the table written into that page
    python -m benchmarks.robust files kills                    some
    python -m benchmarks.robust --share 0.05                   a twentieth of each, in a few minutes

Prints one line for each thing that was tried: how often, how often it was survived, and how often not. Whatever was
not survived is told on standard error, with what is needed to see it again. Parts that measure times are run one after
the other, the others two at a time. A part has a number of seconds; what it has not tried by then is not counted. A
part that fails does not stop the others, and the page is written after each line, so that a campaign that is stopped
leaves what it has found. Needs the packages of the extra `dev`.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import time
from pathlib import Path

from benchmarks.robust.page import BEGIN, Table, write_page
from benchmarks.robust.parts import PARTS, run_parts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--share", type=float, default=1.0, help="of what is tried")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="page with a place for the table")
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"unknown: {' '.join(sorted(unknown))}; known: {' '.join(PARTS)}")
    if given.write and BEGIN not in given.write.read_text():
        parser.error(f"{given.write} has no line {BEGIN.strip()}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what has been found is written
    wanted = [name for name in PARTS if name in given.parts or not given.parts]
    table, started, cpu = Table(wanted), time.monotonic(), _read_cpu()

    def write(how: str) -> str:
        minutes, worked = (time.monotonic() - started) / 60, (_read_cpu() - cpu) / 60
        took = f"{minutes:.0f} minutes, {worked:.0f} of CPU, {len(os.sched_getaffinity(0))} cores"
        said = f"`--share {given.share:g} --seed {given.seed}`{how}: {took}; load average {os.getloadavg()[0]:.1f}."
        if given.write:
            write_page(given.write, table, said)
        return said

    print(table, flush=True)  # its head
    how = ""
    try:
        for name, row in run_parts(wanted, given.share, given.seed):
            print(table.add(name, row), flush=True)
            write(", not at its end yet")
    except KeyboardInterrupt:
        how = ", stopped before its end"
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what tells more than one process tells this one twice
    print(write(how))
    return 130 if how else int(table.lost > 0)


def _read_cpu() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    sys.exit(main())
