"""Fits how an answer is judged by its evidence, on the readings of made folders, some of which hold no answer.

    python recipes/router/fit_support.py STEPS.jsonl --dev STEPS.dev.jsonl [--policy SPEC] [--out support.toml]

The policy answers each reading as it is served. An answer is right where it is an accepted one; one that should
have been "unknown" is wrong. A logistic regression is fitted by maximum likelihood with a small ridge, through torch.
Then `lost` is the highest threshold below which at most `--declined` of the right answers fall, and `sure` the lowest
above which at least `--precise` of the answers are right. Both are chosen on the dev readings.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

from r1router import open_policy, parse
from r1router.errors import R1RouterError
from r1router.evals.metrics import exact_match
from r1router.evidence.support import FEATURES, Support, judge, measure_support
from r1router.prompts import Prompts
from r1router.tables.engine import compute
from r1router.tables.results import make_evidence, read_answer_off
from r1router.train.steps.rows import render
from r1router.train.steps.step_file import StepRow, read_steps
from r1router.types import Answer, Evidence, Policy, TableQuery

RIDGE = 0.01


class Case(NamedTuple):
    """One answer that was given: what is told of it, and whether it is right."""

    told: Mapping[str, float]
    right: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", type=Path)
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--policy", default="llamacpp:")
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--declined", type=float, default=0.05)
    parser.add_argument("--precise", type=float, default=0.8)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    policy = open_policy(given.policy)
    learned = asyncio.run(_answer_all(policy, _readings(given.steps, given.rows)))
    dev = asyncio.run(_answer_all(policy, _readings(given.dev, given.rows)))
    support = _fit(learned)
    support = _with_thresholds(support, dev, given.declined, given.precise)
    for name, cases in (("fitted on", learned), ("dev", dev)):
        endings = [(judge(support, case.told)[1], case.right) for case in cases]
        shown = {
            ending: f"{sum(e == ending for e, _ in endings)}, right {sum(e == ending and r for e, r in endings)}"
            for ending in ("supported", "unsure", "not_found")
        }
        print(f"{name}: {len(cases)} answers, {sum(case.right for case in cases)} right; {shown}")
    lines = [f"{field.name} = {getattr(support, field.name):.3f}\n" for field in fields(Support)]
    print("".join(lines))
    if given.out:
        head = "# How an answer is judged by its evidence; fitted by recipes/router/fit_support.py.\n"
        given.out.write_text(head + "".join(lines), encoding="utf-8")


def _readings(file: Path, most: int) -> list[StepRow]:
    rows = [
        row for row in read_steps(file) if row.kind in ("answer", "query") and row.gold.answers and not row.gold.query
    ]
    return random.Random(0).sample(rows, min(most, len(rows)))


async def _answer_all(policy: Policy, rows: Sequence[StepRow]) -> list[Case]:
    prompts = Prompts(policy.prompts) if policy.prompts else Prompts()
    prompts.support = prompts.support or Support()  # so that the doubt is asked for

    async def one(row: StepRow) -> Case | None:
        ask = render(row, prompts).ask
        try:
            said = parse.read_table_reply(await policy.reply(ask))
            answer, evidence = _computed(said, row) if isinstance(said, TableQuery) else (said, row.evidence)
        except R1RouterError:
            return None
        if answer.text.casefold() in ("", parse.UNKNOWN):
            return None
        told = measure_support(
            row.sub_question, answer.text, evidence, confidence=answer.confidence, doubt=answer.doubt
        )
        return Case(told, exact_match.score(answer.text, row.gold.answers) == 1.0)

    return [case for case in await asyncio.gather(*map(one, rows)) if case]


def _computed(query: TableQuery, row: StepRow) -> tuple[Answer, tuple[Evidence, ...]]:
    """What the query gives, and the evidence with it. Raises `QueryError`."""
    table = row.evidence[0].table
    assert table is not None
    result = compute(table, query.sql)
    answer = Answer(query.thought, read_answer_off(result), confidence=query.confidence)
    return answer, (make_evidence(row.evidence[0], result), *row.evidence)


def _fit(cases: Sequence[Case]) -> Support:
    import torch

    x = torch.tensor([[1.0, *(case.told[name] for name in FEATURES)] for case in cases], dtype=torch.float64)
    y = torch.tensor([float(case.right) for case in cases], dtype=torch.float64)
    weights = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=300)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(x @ weights, y)
        value = value + RIDGE * weights[1:].square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    constant, *rest = weights.detach().tolist()
    return Support(constant=constant, **dict(zip(FEATURES, rest, strict=True)))


def _with_thresholds(support: Support, cases: Sequence[Case], declined: float, precise: float) -> Support:
    told = sorted((judge(support, case.told)[0], case.right) for case in cases)
    right = [p for p, is_right in told if is_right]
    lost = right[int(declined * len(right))] if right else 0.0
    sure = 1.0
    for place in range(len(told)):
        above = told[place:]
        if sum(is_right for _, is_right in above) >= precise * len(above):
            sure = told[place][0]
            break
    return replace(support, lost=round(min(lost, sure), 3), sure=round(sure, 3))


if __name__ == "__main__":
    main()
