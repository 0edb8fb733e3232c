"""Fits the odds of routes on gold plans: how much what is seen counts beside what the policy says.

    fit_odds.py collect STEPS.jsonl=KBS … --out SAID.jsonl [--policy SPEC] [--rows 300] [--minutes 20]
        [--pictures FOLDER]
    fit_odds.py fit SAID.jsonl [--dev SAID.dev.jsonl] [--out odds.toml] [--sources NAME …]
        [--before FOLDER]

`collect` asks the policy for every plan that goes on, as it is served, and keeps its label probabilities and what a
look with its sub-question sees, a line each; it goes on where it stopped, and ends after so many minutes. Without a
policy the gold sub-questions are looked with. STEPS are training steps (`write_collection_steps.py`, `r1router
synthesize --from-gold`), KBS what they search, or collections of it, of which a step's id says which; `--rows` of each
file are drawn. PICTURES are those that questions come with; without them they are left out.

`fit` needs seconds. A conditional logit is fitted by maximum likelihood with a small ridge, through torch; without a
policy in the file its weight is 0. Every source counts alike, however many lines it has. Prints accuracy and expected
calibration error (ten bins of equal width; Guo et al., 2017) before and after, by source. Gold histories are worded
otherwise than what a policy writes, so `later` comes out lower than it is worth: what ships was chosen on trajectories.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from r1router import open_policy, parse
from r1router.codec import from_dict, to_dict
from r1router.errors import R1RouterError
from r1router.images import load_image
from r1router.kb import open_kbs
from r1router.moves import is_picture_unseen, write_need
from r1router.prompts import Prompts, choose_prompts
from r1router.routing.odds import Odds, estimate_probabilities, fuse_odds, measure_features, read_odds
from r1router.routing.sights import LOOK, bring_less, describe_sights, name_records
from r1router.train.steps.step_file import TrainingStep, read_steps
from r1router.types import Card, KnowledgeBase, Policy, Query, Question, Sight, Step, Trajectory

NAMES = [field.name for field in fields(Odds)]
RIDGE = 0.001
FOUND = 5
"""Pieces that an earlier step is taken to have found."""
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Case:
    """One plan: what was seen of each knowledge base, what the policy said of each, and the right one."""

    id: str
    source: str
    sights: tuple[Sight, ...]
    cards: tuple[Card, ...]
    told: Mapping[str, float]
    right: str
    picture: bool

    @property
    def later(self) -> bool:
        """Whether it is of a step after the first."""
        return self.source.endswith(", later")

    @property
    def kbs(self) -> dict[str, Card]:
        return {card.name: card for card in self.cards}


# ── collect ────────────────────────────────────────────────────────────────────────────────────


def collect(given: argparse.Namespace) -> None:
    """Ask for the plans that are not in the file yet."""
    begun = {case.id for case in _read_cases(given.out)} if given.out.exists() else set[str]()
    wanted = [(step, place) for step, place in _draw(given.steps, given.rows, given.pictures) if step.id not in begun]
    asyncio.run(_ask_all(open_policy(given.policy) if given.policy else None, wanted, given))


def _draw(files: Sequence[str], rows: int, pictures: Path | None) -> list[tuple[TrainingStep, str]]:
    drawn = []
    for file, place in (given.rsplit("=", 1) for given in files):
        plans = [step for step in read_steps(Path(file)) if step.kind == "plan" and step.gold.sub_question]
        plans = [step for step in plans if pictures or not step.picture]
        drawn += [(step, place) for step in random.Random(0).sample(plans, min(rows, len(plans)))]
    return sorted(drawn, key=lambda row: row[0].id)  # the steps of a collection together, so that it is opened once


async def _ask_all(policy: Policy | None, wanted: list[tuple[TrainingStep, str]], given: argparse.Namespace) -> None:
    began, slots = time.monotonic(), asyncio.Semaphore(AT_ONCE)
    prompts = choose_prompts("", policy) if policy else Prompts()
    counts: Counter[str] = Counter()
    with given.out.open("a", encoding="utf-8") as out:

        async def one(step: TrainingStep, place: str) -> None:
            async with slots:
                if time.monotonic() - began > 60 * given.minutes:
                    return
                case = await _see(step, _open(place, step.id.partition("/")[0]), prompts, policy, given.pictures)
                counts["stopped" if case is None else case.source] += 1
                if case:
                    out.write(json.dumps(to_dict(case), ensure_ascii=False) + "\n")
                    out.flush()
                print(f"\r{counts.total()} of {len(wanted)} plans", end="", flush=True)

        await asyncio.gather(*(one(*row) for row in wanted))
    print(f"\n{dict(counts)} in {time.monotonic() - began:.0f} s")


@lru_cache(maxsize=8)
def _open(place: str, collection: str) -> Mapping[str, KnowledgeBase]:
    inside = Path(place, collection)
    return open_kbs(str(inside if inside.is_dir() else place))


async def _see(
    step: TrainingStep,
    kbs: Mapping[str, KnowledgeBase],
    prompts: Prompts,
    policy: Policy | None,
    pictures: Path | None,
) -> Case | None:
    """The plan as `r1router.moves.plan` makes it, as far as to the fusion; None where the policy does not go on."""
    cards = {name: kb.card for name, kb in kbs.items()}
    past = tuple(
        Step(sub_question=p.sub_question, routes=(p.kb,), answer=p.answer, evidence=_find(kbs, p.kb, p.sub_question))
        for p in step.history
    )
    image = load_image(pictures / step.picture) if pictures and step.picture else None
    trajectory = Trajectory(Question(step.question, image), past)
    shown = _look(kbs, Query(write_need(trajectory), image), past)
    asked, told = step.gold.sub_question or "", dict[str, float]()
    if policy:
        try:
            reply = await policy.reply(prompts.next_step(trajectory, cards, sights=shown))
            said = parse.read_step(reply, routes=prompts.labels(cards))
        except R1RouterError:
            return None
        if said.sub_question is None:
            return None
        asked, told = said.sub_question, said.probabilities or estimate_probabilities(said.routes[0], cards)
    sights = _look(kbs, Query(asked, image), past)
    if not past and bring_less(sights, shown):
        sights = shown
    source = f"{step.source}, {'later' if past else 'first'}"
    picture = is_picture_unseen(trajectory, cards)
    return Case(step.id, source, sights, tuple(cards.values()), told, step.gold.route, picture)


def _find(kbs: Mapping[str, KnowledgeBase], name: str, text: str) -> tuple[Any, ...]:
    return tuple(kbs[name].search([Query(text)], k=FOUND)[0]) if name in kbs else ()


def _look(kbs: Mapping[str, KnowledgeBase], wanted: Query, past: Sequence[Step]) -> tuple[Sight, ...]:
    found = {name: kb.search([wanted], k=LOOK)[0] for name, kb in kbs.items()}
    return describe_sights(wanted.text, found, name_records(past))


# ── fit ────────────────────────────────────────────────────────────────────────────────────────


def fit(given: argparse.Namespace) -> None:
    cases = _choose(_read_cases(given.said), given.sources)
    known = {"policy": any(case.told for case in cases), "pictured": any(case.picture for case in cases)}
    odds = fit_weights(cases, [name for name in NAMES if known.get(name, True)])
    print(json.dumps({name: round(value, 3) for name, value in asdict(odds).items()}))
    dev = _choose(_read_cases(given.dev), given.sources) if given.dev else []
    for name, told in (("fitted on", cases), ("dev", dev)):
        for source in ["", *sorted({case.source for case in told})] if told else []:
            part = [case for case in told if source in ("", case.source)]
            before, after = (_judge(weights, part) for weights in (given.before, odds))
            print(f"{name} {source or 'all'}: n={len(part)} right {before[0]:.3f} → {after[0]:.3f}, "
                  f"calibration error {before[1]:.3f} → {after[1]:.3f}")  # fmt: skip
    if given.out:
        lines = [f"{name} = {getattr(odds, name):.3f}\n" for name in NAMES]
        head = "# How routes are made up; fitted by recipes/router/fit_odds.py.\n"
        given.out.write_text(head + "".join(lines), encoding="utf-8")


def _read_cases(file: Path) -> list[Case]:
    return [from_dict(Case, json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def _choose(cases: list[Case], sources: Sequence[str]) -> list[Case]:
    """Those of these sources, of all where none is named, whose right knowledge base has something to see."""
    seen = [case for case in cases if case.right in {sight.kb for sight in case.sights if sight.line}]
    return [case for case in seen if not sources or case.source in sources]


def fit_weights(cases: Sequence[Case], names: Sequence[str]) -> Odds:
    """The weights of these features, fitted; those of the others are 0, but `pictured` is as it is without a fit."""
    import torch

    given = replace(Odds(**dict.fromkeys(NAMES, 0.0)), pictured=0.0 if "pictured" in names else Odds().pictured)
    fixed = torch.tensor([getattr(given, name) for name in NAMES], dtype=torch.float64)
    free = torch.tensor([float(name in names) for name in NAMES], dtype=torch.float64)
    weights = torch.zeros(len(NAMES), dtype=torch.float64, requires_grad=True)
    many = Counter(case.source for case in cases)
    rows = []
    for case in cases:
        seen = [s for s in case.sights if s.line]
        told = measure_features(seen, case.kbs, case.told, picture=case.picture, later=case.later)
        features = torch.tensor([[told[kb][name] for name in NAMES] for kb in told], dtype=torch.float64)
        rows.append((features, list(told).index(case.right), 1 / (len(many) * many[case.source])))
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def loss() -> Any:
        optimizer.zero_grad()
        both = fixed + free * weights
        value = sum(-torch.log_softmax(x @ both, 0)[right] * share for x, right, share in rows)
        value = value + RIDGE * (weights / torch.tensor([10.0] + [1.0] * (len(NAMES) - 1))).square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    fitted = dict(zip(NAMES, weights.detach().tolist(), strict=True))
    return replace(given, **{name: fitted[name] for name in names})


def _judge(odds: Odds, cases: Sequence[Case]) -> tuple[float, float]:
    """The share of right routes, and the calibration error of their probabilities."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for case in cases:
        told = fuse_odds(odds, case.sights, case.kbs, case.told, picture=case.picture, later=case.later)
        fused = {name: p for name, p in told.items() if name in case.kbs}
        best = max(fused, key=lambda name: fused[name])
        share = fused[best] / (sum(fused.values()) or 1.0)
        bins[min(9, int(share * 10))].append((share, best == case.right))
    right = sum(hit for told in bins.values() for _, hit in told) / len(cases)
    return right, sum(abs(sum(p - hit for p, hit in told)) for told in bins.values()) / len(cases)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    collecting = commands.add_parser("collect")
    collecting.add_argument("steps", nargs="+")
    collecting.add_argument("--out", type=Path, required=True)
    collecting.add_argument("--policy", default="")
    collecting.add_argument("--pictures", type=Path)
    collecting.add_argument("--rows", type=int, default=300)
    collecting.add_argument("--minutes", type=float, default=20)
    fitting = commands.add_parser("fit")
    fitting.add_argument("said", type=Path)
    fitting.add_argument("--dev", type=Path)
    fitting.add_argument("--out", type=Path)
    fitting.add_argument("--sources", nargs="+", default=[])
    fitting.add_argument("--before", type=Path, help="folder of the weights to compare with; the defaults without it")
    given = parser.parse_args()
    if given.command == "fit":
        given.before = read_odds(given.before) if given.before else Odds()
    {"collect": collect, "fit": fit}[given.command](given)


if __name__ == "__main__":
    main()
