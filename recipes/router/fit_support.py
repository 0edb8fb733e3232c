"""Fits how an answer is judged by its evidence, on the readings of made folders, some of which hold no answer.

    fit_support.py collect STEPS.jsonl --out SAID.jsonl [--policy SPEC] [--rows 150] [--minutes 4]
    fit_support.py fit STEPS.jsonl SAID.jsonl --dev STEPS.dev.jsonl SAID.dev.jsonl [--out support.toml]

`collect` has the policy answer readings as it is served and keeps what it said with its probabilities, a line each; it
goes on where it stopped, and ends after so many minutes. Where the policy says that it does not know, it is asked what
it would say else. `fit` reads the features off that, so they can change without asking again, and needs seconds.

An answer is right where it is an accepted one; where the evidence holds none, every answer is wrong. A logistic
regression with a ridge is fitted by scikit-learn (`pip install scikit-learn`), its strength chosen by cross-validation
over folders. `lost` is the highest threshold below which at most `--declined` of the right answers fall, `sure` the
lowest above which at least `--precise` of the answers are right, both by the probabilities that the cross-validation
gives. What comes of it is printed for the dev folders, which nothing is fitted on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from r1router import open_policy, parse
from r1router.errors import R1RouterError
from r1router.evals.metrics import exact_match, numeric
from r1router.evidence.support import FEATURES, Support, judge, measure_support
from r1router.prompts import Prompts, choose_prompts
from r1router.tables.engine import compute
from r1router.tables.results import make_evidence, read_answer_off
from r1router.train.steps.render import render
from r1router.train.steps.step_file import TrainingStep, read_steps
from r1router.types import Policy, TableQuery

AT_ONCE = 2
BINS = 5


class Case(NamedTuple):
    """One answer that was given: what is told of it, whether it is right, whether the evidence has one at all."""

    told: Mapping[str, float]
    right: bool
    answerable: bool
    folder: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    collecting = commands.add_parser("collect")
    collecting.add_argument("steps", type=Path)
    collecting.add_argument("--policy", default="llamacpp:")
    collecting.add_argument(
        "--rows", type=int, default=150, help="of each kind: readings and tables, with an answer and without"
    )
    collecting.add_argument("--minutes", type=float, default=60)
    collecting.add_argument("--out", type=Path, required=True)
    fitting = commands.add_parser("fit")
    fitting.add_argument("files", type=Path, nargs=2)
    fitting.add_argument("--dev", type=Path, nargs=2, required=True)
    fitting.add_argument("--declined", type=float, default=0.05)
    fitting.add_argument("--precise", type=float, default=0.8)
    fitting.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.command == "collect":
        policy = open_policy(given.policy)
        asyncio.run(
            _collect(policy, _choose(given.steps, given.rows), given.out, time.monotonic() + 60 * given.minutes)
        )
    else:
        _report_fit(_read_cases(*given.files), _read_cases(*given.dev), given.declined, given.precise, given.out)


# ── what the policy says ───────────────────────────────────────────────────────────────────────


def _choose(file: Path, most: int) -> list[TrainingStep]:
    """At most so many rows of each kind, in an order that mixes the kinds, so that a part of them is balanced too."""
    of: dict[tuple[str, bool], list[TrainingStep]] = {}
    for row in read_steps(file):
        if row.kind in ("answer", "query") and (row.gold.answers or row.gold.query):
            of.setdefault((row.kind, _is_answerable(row)), []).append(row)
    chance = random.Random(0)
    drawn = [
        (place / len(rows), row)
        for rows in of.values()
        for place, row in enumerate(chance.sample(rows, min(most, len(rows))))
    ]
    return [row for _, row in sorted(drawn, key=lambda pair: pair[0])]


def _is_answerable(row: TrainingStep) -> bool:
    return not row.gold.answers or row.gold.answers[0] != parse.UNKNOWN


async def _collect(policy: Policy, rows: Sequence[TrainingStep], out: Path, until: float) -> None:
    prompts = choose_prompts(None, policy)
    prompts = Prompts(prompts.folder)
    prompts.support = prompts.support or Support()  # so that the doubt is asked for
    known = {json.loads(line)["id"] for line in out.read_text(encoding="utf-8").splitlines()} if out.exists() else set()
    left = [row for row in rows if row.id not in known]
    print(f"{len(rows)} rows, {len(known)} known", flush=True)
    begun, gate = time.monotonic(), asyncio.Semaphore(AT_ONCE)
    with out.open("a", encoding="utf-8") as file:

        async def one(row: TrainingStep) -> None:
            async with gate:
                if time.monotonic() > until:
                    return
                said = await _answer(policy, row, prompts)
                file.write(json.dumps({"id": row.id, **said}, ensure_ascii=False) + "\n")
                file.flush()

        await asyncio.gather(*map(one, left))
    print(f"{time.monotonic() - begun:.0f} s", flush=True)


async def _answer(policy: Policy, row: TrainingStep, prompts: Prompts) -> dict[str, Any]:
    """What the policy says, and in place of "unknown" what it would say else."""
    try:
        ask = render(row, prompts).ask
        said = parse.read_table_reply(await policy.reply(ask))
        if isinstance(said, TableQuery):
            return {"query": said.sql, "confidence": said.confidence}
        told = {"answer": said.text, "confidence": said.confidence, "doubt": said.doubt}
        if said.text.casefold() != parse.UNKNOWN or (other := prompts.insist(ask)) is None:
            return told
        instead = parse.read_answer(await policy.reply(other))
        return {**told, "answer": instead.text, "confidence": instead.confidence, "insisted": True}
    except R1RouterError as error:
        return {"error": str(error)}


# ── what tells a right answer ──────────────────────────────────────────────────────────────────


def _read_cases(steps: Path, said: Path) -> list[Case]:
    rows = {row.id: row for row in read_steps(steps)}
    cases = []
    with said.open(encoding="utf-8") as file:
        for line in map(json.loads, file):
            case = _read_case(rows[line["id"]], line) if line["id"] in rows and "error" not in line else None
            cases += [case] if case else []
    return cases


def _read_case(row: TrainingStep, said: Mapping[str, Any]) -> Case | None:
    evidence, answer = row.evidence, said.get("answer", "")
    if "query" in said:
        try:
            assert row.evidence[0].table is not None
            result = compute(row.evidence[0].table, said["query"])
        except R1RouterError:
            return None
        answer, evidence = read_answer_off(result), (make_evidence(row.evidence[0], result), *row.evidence)
    accepted = row.gold.answers or _read_gold(row)
    if not answer or not accepted:
        return None
    told = measure_support(
        row.sub_question, answer, evidence, confidence=said.get("confidence"), doubt=said.get("doubt")
    )
    right = _is_answerable(row) and (
        exact_match.score(answer, accepted) == 1.0 or numeric.score(answer, accepted) == 1.0
    )
    return Case(told, bool(right), _is_answerable(row), row.id.split("/")[0].rsplit("-", 1)[0].split("-", 2)[-1])


def _read_gold(row: TrainingStep) -> tuple[str, ...]:
    try:
        assert row.evidence[0].table is not None
        told = read_answer_off(compute(row.evidence[0].table, row.gold.query))
    except R1RouterError:
        return ()
    return (told,) if told else ()


# ── the fit ────────────────────────────────────────────────────────────────────────────────────


def _report_fit(
    learned: Sequence[Case], dev: Sequence[Case], declined: float, precise: float, out: Path | None
) -> None:
    support, told = _fit(learned)
    support = _with_thresholds(support, told, declined, precise)
    for name, cases in (("fitted on", learned), ("kept apart", dev)):
        print(
            f"{name}: {len(cases)} answers of {len({case.folder for case in cases})} folders, {_share(cases):.2f} right"
        )
        _show_endings(support, cases)
    _show_reliability([(judge(support, case.told)[0], case.right) for case in dev])
    lines = [f"{field.name} = {getattr(support, field.name):.3f}\n" for field in fields(Support)]
    print("".join(lines))
    if out:
        head = "# How an answer is judged by its evidence; fitted by recipes/router/fit_support.py.\n"
        out.write_text(head + "".join(lines), encoding="utf-8")


def _fit(cases: Sequence[Case]) -> tuple[Support, list[tuple[float, bool]]]:
    """The weights, and for each case the probability by weights without its folder, with whether it is right."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    from sklearn.model_selection import GroupKFold, cross_val_predict

    x = np.array([[case.told[name] for name in FEATURES] for case in cases])
    y, folders = np.array([case.right for case in cases]), [case.folder for case in cases]
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    folds = list(GroupKFold(min(5, len(set(folders)))).split(x, y, folders))
    chosen = LogisticRegressionCV(Cs=[0.01, 0.03, 0.1, 0.3, 1.0], cv=folds, scoring="neg_log_loss", max_iter=1000)
    chosen.fit(x / scale, y)
    model = LogisticRegression(C=float(np.ravel(chosen.C_)[0]), max_iter=1000)
    told = cross_val_predict(model, x / scale, y, cv=folds, method="predict_proba")[:, 1]
    model.fit(x / scale, y)
    weights = (model.coef_[0] / scale).tolist()
    support = Support(constant=float(model.intercept_[0]), **dict(zip(FEATURES, weights, strict=True)))
    return support, list(zip(told.tolist(), y.tolist(), strict=True))


def _with_thresholds(support: Support, told: Sequence[tuple[float, bool]], declined: float, precise: float) -> Support:
    ordered = sorted(told)
    right = [p for p, is_right in ordered if is_right]
    lost = right[int(declined * len(right))] if right else 0.0
    sure = 1.0
    for place, (probability, _) in enumerate(ordered):
        above = ordered[place:]
        if sum(is_right for _, is_right in above) >= precise * len(above):
            sure = probability
            break
    return replace(support, lost=round(min(lost, sure), 3), sure=round(sure, 3))


def _show_endings(support: Support, cases: Sequence[Case]) -> None:
    """By ending, how many answers, and of them right; then what is given to questions that have no answer."""
    endings = [(judge(support, case.told)[1], case) for case in cases]
    for ending in ("supported", "unsure", "not_found"):
        some = [case for end, case in endings if end == ending]
        print(f"  {ending:<10} {len(some):4d}, right {_share(some):.2f}")
    without = [end for end, case in endings if not case.answerable]
    right = [end for end, case in endings if case.right]
    given = sum(end != "not_found" for end in without)
    print(f"  no answer is there: {given} of {len(without)} given one, {without.count('supported')} as supported")
    print(f"  right answers that are declined: {right.count('not_found')} of {len(right)}")


def _show_reliability(told: Sequence[tuple[float, bool]]) -> None:
    """Of answers in each of several bins of probability: how many, their mean probability, the share that is right."""
    error = 0.0
    for place in range(BINS):
        some = [(p, right) for p, right in told if place <= min(p * BINS, BINS - 1e-9) < place + 1]
        if some:
            mean, share = sum(p for p, _ in some) / len(some), sum(right for _, right in some) / len(some)
            error += abs(mean - share) * len(some) / len(told)
            print(f"  {place / BINS:.1f}–{(place + 1) / BINS:.1f} {len(some):4d} said {mean:.2f} right {share:.2f}")
    print(f"  expected calibration error {error:.3f}")


def _share(cases: Sequence[Case]) -> float:
    return sum(case.right for case in cases) / len(cases) if cases else 0.0


if __name__ == "__main__":
    main()
