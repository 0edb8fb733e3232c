"""Files of training steps to one file with so many of each kind.

    python recipes/router/mix_steps.py OUT.jsonl geo.jsonl:plan=800,answer=400,final=150 wtq.jsonl:stated@table=80 … \
      [--seed 0]

A kind is plan, answer, final, query, or stated: those answers that stand word for word in the evidence; or later: plans
that go on after a first hop. `@NAME` takes the plans with that gold route, the answers read in that knowledge base;
`query@asked` takes those where a query is right, `query@read` those where reading is. Plans without it are balanced
over their gold routes: a rare route gives all it has before a frequent one fills up. A file may be named twice, for
rows seen twice.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from r1router.train.steps.render import find_stated_answers
from r1router.train.steps.step_file import TrainingStep, read_steps, write_steps


def pick(rows: Sequence[TrainingStep], count: int, rng: random.Random) -> list[TrainingStep]:
    """`count` of the rows (all, where there are no more), as equal in number for each gold route as they allow."""
    by_route: dict[str, list[TrainingStep]] = defaultdict(list)
    for row in rows:
        by_route[row.gold.route].append(row)
    for group in by_route.values():
        rng.shuffle(group)
    picked: list[TrainingStep] = []
    while len(picked) < count and any(by_route.values()):
        picked += [group.pop() for group in by_route.values() if group]
    return picked[:count]


def is_of(step: TrainingStep, wanted: str) -> bool:
    """Whether a step is of a kind such as `plan`, `plan@text`, `answer@table`, `stated@table` or `query@asked`."""
    kind, _, where = wanted.partition("@")
    if kind == "later":
        return step.kind == "plan" and bool(step.history) and not step.stops
    if step.kind != ("answer" if kind == "stated" else kind):
        return False
    if kind == "stated" and not find_stated_answers(step):
        return False
    if kind == "query" and where:
        return bool(step.gold.query) == (where == "asked")
    return not where or where == (step.gold.route if kind == "plan" else step.evidence[0].kb if step.evidence else "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("parts", nargs="+", metavar="FILE:KIND=COUNT,…")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    mixed: list[TrainingStep] = []
    for part in given.parts:
        name, _, counts = part.rpartition(":")
        steps = read_steps(Path(name))
        for kind, count in (pair.split("=") for pair in counts.split(",")):
            found = [step for step in steps if is_of(step, kind)]
            if not found:
                raise SystemExit(f"{name} has no step of the kind {kind!r}")
            mixed += pick(found, int(count), rng)
    rng.shuffle(mixed)
    seen: Counter[str] = Counter()
    for place, step in enumerate(mixed):
        seen[step.id] += 1
        if seen[step.id] > 1:
            trajectory, index, kind = step.id.rsplit("/", 2)
            mixed[place] = replace(step, id=f"{trajectory}~{seen[step.id]}/{index}/{kind}")
    print(f"{write_steps(mixed, given.out)} steps in {given.out}")
