"""Runs the campaign against r1router, because a claim of being hard to break needs a table of what was tried.

    python -m benchmarks.robust                                all parts, under half an hour on two quiet cores
    python -m benchmarks.robust --write docs/robustness.md     and the table written into that page
    python -m benchmarks.robust files kills                    some
    python -m benchmarks.robust --share 0.05                   a twentieth of each, in a minute or two

Prints one line for each thing that was tried: how often, how often it was survived, and how often not. Whatever was
not survived is told on standard error, with what is needed to see it again. Parts that measure times are run one after
the other, the others two at a time. A part has a number of seconds; what it has not tried by then is not counted. Needs
the packages of the extra `dev`.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

from benchmarks.robust.parts import PARTS, run_parts

HEAD = "| part | what | tried | survived | lost | |\n|---|---|---|---|---|---|"
BEGIN, END = "<!-- campaign -->\n", "<!-- end of campaign -->\n"
"""What stands around the table in a page."""


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
    print(HEAD)
    lines, lost, started, cpu = [HEAD], 0, time.monotonic(), _read_cpu()
    for name, rows in run_parts(given.parts or list(PARTS), given.share, given.seed):
        for row in rows:
            lost += row.tried - row.survived
            told = f"{row.tried} | {row.survived} | {row.tried - row.survived} | {row.note}"
            lines.append(f"| {name} | {row.what} | {told} |")
            print(lines[-1], flush=True)
    minutes, worked = (time.monotonic() - started) / 60, (_read_cpu() - cpu) / 60
    said = f"{minutes:.0f} minutes, {worked:.0f} of CPU, {len(os.sched_getaffinity(0))} cores"
    load = f"load average at the end {os.getloadavg()[0]:.1f}"
    lines += ["", f"`--share {given.share:g} --seed {given.seed}`: {said}; {load}."]
    print("\n".join(lines[-2:]))
    if given.write:
        before, _, rest = given.write.read_text().partition(BEGIN)
        given.write.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + rest.partition(END)[2])
    return 1 if lost else 0


def _read_cpu() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    sys.exit(main())
