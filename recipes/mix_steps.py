"""Files of training steps to one file with so many of each kind, spread over questions as evenly as it goes.

    python recipes/mix_steps.py OUT.jsonl geo.jsonl:plan=800,answer=400,final=150 wtq.jsonl:plan=100 … [--seed 0]

Plan steps are balanced over their gold routes: a rare route gives all it has before a frequent one fills up.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from r1router.train.steps import StepRow, read_steps, write_steps


def pick(rows: Sequence[StepRow], count: int, rng: random.Random) -> list[StepRow]:
    """`count` of the rows (all, where there are no more), as equal in number for each gold route as they allow."""
    by_route: dict[str, list[StepRow]] = defaultdict(list)
    for row in rows:
        by_route[row.gold.route].append(row)
    for group in by_route.values():
        rng.shuffle(group)
    picked: list[StepRow] = []
    while len(picked) < count and any(by_route.values()):
        picked += [group.pop() for group in by_route.values() if group]
    return picked[:count]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("parts", nargs="+", metavar="FILE:KIND=COUNT,…")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    mixed: list[StepRow] = []
    for part in given.parts:
        name, _, counts = part.rpartition(":")
        steps = read_steps(Path(name))
        for kind, count in (pair.split("=") for pair in counts.split(",")):
            mixed += pick([step for step in steps if step.kind == kind], int(count), rng)
    rng.shuffle(mixed)
    print(f"{write_steps(mixed, given.out)} steps in {given.out}")
