"""Fits the odds of routes on made folders: how much what is seen counts beside what the policy says.

    python recipes/router/fit_odds.py ASKED.jsonl [--dev ASKED.dev.jsonl] [--policy SPEC] [--out odds.toml]
        [--chains STEPS.jsonl … --kbs KBS]

ASKED is what `write_folder_steps.py` writes: for every sub-question what was seen of each knowledge base, and the right
one. A conditional logit is fitted by maximum likelihood with a small ridge, through torch. With `--policy` the policy
is asked for a plan of each question first, so that its label probabilities get their weight; without, that weight is 0.
CHAINS are gold steps of questions with several hops (`r1router synthesize --from-gold`); to their later plans the
weight against what earlier steps have found is fitted, the others staying as they are. Prints accuracy and expected
calibration error (ten bins of equal width; Guo et al., 2017) before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from r1router import open_policy, parse
from r1router.codec import from_dict
from r1router.kb import open_kbs
from r1router.prompts import Prompts
from r1router.routing.odds import Odds, fuse_odds, measure_features
from r1router.routing.sights import LOOK, describe_sights, name_records
from r1router.train.steps.step_file import TrainingStep, read_steps
from r1router.types import Card, KnowledgeBase, Policy, Query, Question, Sight, Step, Trajectory

NAMES = [field.name for field in fields(Odds)]
RIDGE = 0.02
MOST = 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("asked", type=Path)
    parser.add_argument("--dev", type=Path)
    parser.add_argument("--policy", default="")
    parser.add_argument("--chains", type=Path, nargs="+", default=[])
    parser.add_argument("--kbs", default="")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    policy = open_policy(given.policy) if given.policy else None
    learned = _read(given.asked, policy)
    odds = _fit(learned, [name for name in NAMES if name not in ("pictured", "again")], Odds(again=0.0))
    if given.chains:
        odds = _fit(_read_chains(given.chains, open_kbs(given.kbs)), ["again"], odds)
    print(json.dumps({name: round(value, 3) for name, value in asdict(odds).items()}))
    for name, cases in (("fitted on", learned), ("dev", _read(given.dev, policy) if given.dev else [])):
        for what, weights in (("defaults", Odds()), ("fitted", odds)):
            if cases:
                right, error = _right(weights, cases), _calibration(weights, cases)
                print(f"{name}, {what}: n={len(cases)} right {right:.3f} calibration error {error:.3f}")
    if given.out:
        lines = [f"{name} = {getattr(odds, name):.3f}\n" for name in NAMES]
        head = "# How routes are made up; fitted by recipes/router/fit_odds.py.\n"
        given.out.write_text(head + "".join(lines), encoding="utf-8")


Case = tuple[tuple[Sight, ...], Mapping[str, Card], Mapping[str, float], str]


def _read(file: Path, policy: Policy | None) -> list[Case]:
    """(sights, cards, the policy's probabilities, the right one) of every sub-question; of a random part of many."""
    cases: list[tuple[str, Case]] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        for hop in json.loads(line)["hops"]:
            sights = tuple(from_dict(Sight, sight) for sight in hop["sights"])
            cards = {s.kb: _card(s.kb) for s in sights}
            if hop["kb"] in cards:
                cases.append((hop["sub_question"], (sights, cards, {}, hop["kb"])))
    cases = random.Random(0).sample(cases, min(MOST, len(cases)))
    if policy is None:
        return [case for _, case in cases]
    return asyncio.run(_ask(policy, cases))


def _read_chains(files: Sequence[Path], kbs: Mapping[str, KnowledgeBase]) -> list[Case]:
    """The same of every later plan, looked for again with its gold sub-question and without a policy."""
    chains: dict[str, list[TrainingStep]] = defaultdict(list)
    for step in read_steps(*files):
        chains[step.id.partition("/")[0]].append(step)
    wanted = []
    for name in random.Random(0).sample(sorted(chains), min(MOST, len(chains))):
        found: list[Step] = []
        for step in chains[name]:
            if step.kind == "plan" and found and step.gold.route in kbs:
                wanted.append((step.gold.sub_question, name_records(found), step.gold.route))
            elif step.evidence:
                found.append(Step(evidence=step.evidence))
    queries = [Query(asked) for asked, _, _ in wanted]
    seen = {name: kb.search(queries, k=LOOK) for name, kb in kbs.items()}
    cards = {name: kb.card for name, kb in kbs.items()}
    return [
        (describe_sights(asked, {name: rankings[at] for name, rankings in seen.items()}, known), cards, {}, right)
        for at, (asked, known, right) in enumerate(wanted)
    ]


def _card(name: str) -> Card:
    kind: Any = name if name in ("text", "image", "table") else "text"
    return Card(name, kind, "")


async def _ask(policy: Policy, cases: list[tuple[str, Case]]) -> list[Case]:
    prompts = Prompts(policy.prompts) if policy.prompts else Prompts()

    async def one(question: str, case: Case) -> Case:
        sights, cards, _, right = case
        reply = await policy.reply(prompts.next_step(Trajectory(Question(question)), cards, sights=sights))
        said = parse.read_route_probabilities(reply.tokens, prompts.labels(cards))
        return sights, cards, said, right

    return list(await asyncio.gather(*(one(*case) for case in cases)))


def _fit(cases: list[Case], names: Sequence[str], given: Odds) -> Odds:
    """`given` with the weights of these features fitted."""
    import torch

    told = [measure_features([s for s in sights if s.line], cards, said) for sights, cards, said, right in cases]
    kept = [(t, right) for t, (_, _, _, right) in zip(told, cases, strict=True) if right in t]
    fixed = torch.tensor([0.0 if name in names else getattr(given, name) for name in NAMES], dtype=torch.float64)
    free = torch.tensor([float(name in names) for name in NAMES], dtype=torch.float64)
    weights = torch.zeros(len(NAMES), dtype=torch.float64, requires_grad=True)
    rows = [
        (torch.tensor([[t[kb][name] for name in NAMES] for kb in t], dtype=torch.float64), list(t).index(right))
        for t, right in kept
    ]
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def loss() -> Any:
        optimizer.zero_grad()
        both = fixed + free * weights
        value = sum(-torch.log_softmax(x @ both, 0)[right] for x, right in rows) / len(rows)
        value = value + RIDGE * (weights / torch.tensor([10.0] + [1.0] * (len(NAMES) - 1))).square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    fitted = dict(zip(NAMES, weights.detach().tolist(), strict=True))
    return replace(given, **{name: fitted[name] for name in names})


def _fused(odds: Odds, case: Case) -> tuple[float, bool]:
    sights, cards, said, right = case
    fused = {name: p for name, p in fuse_odds(odds, sights, cards, said).items() if name in cards}
    best = max(fused, key=lambda name: fused[name])
    total = sum(fused.values())
    return fused[best] / total if total else 0.0, best == right


def _right(odds: Odds, cases: list[Case]) -> float:
    return sum(right for _, right in (_fused(odds, case) for case in cases)) / len(cases)


def _calibration(odds: Odds, cases: list[Case]) -> float:
    told = [_fused(odds, case) for case in cases]
    error = 0.0
    for bin_ in range(10):
        inside = [(p, right) for p, right in told if bin_ <= min(9, int(p * 10)) < bin_ + 1]
        if inside:
            error += len(inside) / len(told) * abs(sum(p for p, _ in inside) - sum(r for _, r in inside)) / len(inside)
    return error


if __name__ == "__main__":
    main()
