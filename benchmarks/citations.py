"""Measures citations against the gold sources of questions over folders, because a wrong source is worse than none.

    python benchmarks/citations.py FOLDER... --kbs KBS [--runs RUNS]

A FOLDER holds `questions.jsonl`, whose `gold` names for each step its sub-question, knowledge base, answer and source
files; KBS/NAME are the knowledge bases of its `files/`. Without `--runs` no model takes part: each gold step is
searched in its knowledge base and answered with the gold answer, so that the numbers are those of `evidence.cite`
alone. With it, the answers of RUNS/NAME/trajectories.jsonl are cited anew.

  precision   of the cited files, the share that is gold
  recall      of the gold files that are among the evidence, the share that is cited
  given       the answers that do not say "unknown", which is cited from nothing
  of others   answers of other questions put in place of the right one that are given a source all the same
"""

from __future__ import annotations

import argparse
import json
import random
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import r1router as rr
from r1router.codec import from_dict
from r1router.evals.metrics import contains
from r1router.evidence.abstaining import abstains
from r1router.evidence.cite import cite
from r1router.types import Evidence, Query, Step, Trajectory

K = 5
OTHERS = 5
"""Other questions' answers that are tried in place of a right one."""


class Case(NamedTuple):
    kind: str
    steps: tuple[Step, ...]
    answer: str
    gold: frozenset[str]
    right: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--kbs", type=Path, required=True)
    parser.add_argument("--runs", type=Path)
    given = parser.parse_args()
    cases: list[Case] = []
    for folder in given.folders:
        with (folder / "questions.jsonl").open(encoding="utf-8") as file:
            questions = [json.loads(line) for line in file]
        asked = [question for question in questions if question["gold"]["steps"]]
        if given.runs:
            cases += _read_cases(asked, given.runs / folder.name / "trajectories.jsonl")
        else:
            cases += _make_cases(asked, rr.open_kbs(given.kbs / folder.name))
    print(f"{len(cases)} answers of questions that have one, {sum(case.right for case in cases)} right")
    given_ones = [case for case in cases if not abstains(case.answer)]
    for name, some in (("all", cases), ("given", given_ones), ("right", [case for case in cases if case.right])):
        print(name, _measure(some))
    for kind, count in Counter(case.kind for case in cases).most_common():
        print(f"  {kind:<16} {count:3d}", _measure([case for case in cases if case.kind == kind]))
    print("of others", _try_others(cases))


def _make_cases(questions: Iterable[Mapping[str, Any]], kbs: Mapping[str, Any]) -> list[Case]:
    """Every gold step searched where it belongs, and answered as it should be."""
    cases = []
    for question in questions:
        steps = []
        for gold in question["gold"]["steps"]:
            [found] = kbs[gold["kb"]].search([Query(gold["sub_question"])], k=K)
            steps.append(Step("", gold["sub_question"], (gold["kb"],), evidence=tuple(found), answer=gold["answer"]))
        sources = frozenset(map(_norm, question["gold"]["sources"]))
        cases.append(Case(question["kind"], tuple(steps), question["answers"][0], sources, True))
    return cases


def _read_cases(questions: Iterable[Mapping[str, Any]], file: Path) -> list[Case]:
    """What a run answered."""
    of = {question["id"]: question for question in questions}
    cases = []
    with file.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            question, path = of.get(row["example"]["id"]), from_dict(Trajectory, row["trajectory"])
            if question is None or path.answer is None:
                continue
            said = path.answer.text
            right = bool(contains.score(said, question["answers"]))
            cases.append(
                Case(question["kind"], path.steps, said, frozenset(map(_norm, question["gold"]["sources"])), right)
            )
    return cases


def _measure(cases: Sequence[Case]) -> str:
    good = cited = reached = there = 0
    for case in cases:
        found = set(map(_source, cite(case.steps, case.answer)))
        seen = {_source(item) for step in case.steps for item in step.evidence}
        wanted = {gold for gold in case.gold if any(_is_same(source, gold) for source in seen)}
        good += sum(any(_is_same(source, gold) for gold in case.gold) for source in found)
        cited += len(found)
        reached += sum(any(_is_same(source, gold) for source in found) for gold in wanted)
        there += len(wanted)
    precision, recall = (f"{part / whole:.3f}" if whole else "–" for part, whole in ((good, cited), (reached, there)))
    return f"precision {precision} of {cited}, recall {recall} of {there}"


def _try_others(cases: Sequence[Case]) -> str:
    chance = random.Random(0)
    answers = [step.answer for case in cases for step in case.steps]
    tried = [
        bool(cite([Step(step.thought, step.sub_question, evidence=step.evidence, answer=other)], other))
        for case in cases
        for step in case.steps
        for other in chance.sample(answers, min(OTHERS, len(answers)))
        if other != step.answer
    ]
    return f"{sum(tried)} of {len(tried)}"


def _source(item: Evidence) -> str:
    return _norm(item.location.source if item.location else "")


def _norm(path: str) -> str:
    return unicodedata.normalize("NFC", path.replace("\\", "/"))


def _is_same(source: str, gold: str) -> bool:
    return source == gold or source.endswith(f"/{gold}")


if __name__ == "__main__":
    main()
