"""Sorts wrong answers over folders by their cause, because what is to be mended next is not seen in a mean.

    python benchmarks/causes.py FOLDER... --runs RUNS [--method NAME] [--shown 1000] [--list CAUSE]

A FOLDER holds `questions.jsonl`, whose `gold` names for each step its sub-question, knowledge base, answer and source
files; RUNS/NAME/trajectories.jsonl is what `r1router eval` wrote for it. Each wrong answer has the first cause of these
that holds:

  answered, though nothing says it     the question has no answer in the files
  not found                            no gold file among the evidence
  one step where two were needed       a gold file of a later step was never among the evidence
  lost at the end                      a step had the right answer, the final one is another
  too little, too much                 the answer is a part of an accepted one, or holds one among more words
  declined                             "unknown", with the gold file among the evidence
  not computed                         a count, sum, average, order or comparison over a table
  not shown                            the accepted answer stands in no line that was shown to the policy
  other piece read                     the answer stands in pieces of other files than the gold one
  other place read                     it stands in the gold file, in another place

What is shown is told by `evidence.shown.focus` with so many characters.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from r1router.codec import from_dict
from r1router.evals.metrics import contains, exact_match, numeric
from r1router.evidence.abstaining import abstains
from r1router.evidence.shown import focus
from r1router.scripts import cut_terms
from r1router.types import Evidence, Trajectory

COMPUTED = frozenset(["count", "sum", "average", "filter", "ordinal", "min", "max", "difference", "comparison", "list"])
NONE = "answered, though nothing says it"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--method", default="r1_router")
    parser.add_argument("--shown", type=int, default=1000, help="characters of evidence that a policy is shown")
    parser.add_argument("--list", help="name the questions of this cause")
    given = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    for folder in given.folders:
        for question, trajectory in _read(folder, given.runs / folder.name / "trajectories.jsonl", given.method):
            cause = tell_cause(question, trajectory, given.shown)
            counts[cause, question["type"]] += 1
            if cause == given.list:
                said = trajectory.answer.text if trajectory.answer else ""
                print(f"{question['id']}: {question['question']} → {said} (accepted: {question['answers'][0]})")
    kinds = sorted({kind for _, kind in counts})
    print(f"{'':<34}{'all':>6}" + "".join(f"{kind:>12}" for kind in kinds))
    for cause in sorted({cause for cause, _ in counts}, key=lambda c: -sum(counts[c, kind] for kind in kinds)):
        print(
            f"{cause:<34}{sum(counts[cause, k] for k in kinds):6d}" + "".join(f"{counts[cause, k]:12d}" for k in kinds)
        )


def _read(folder: Path, run: Path, method: str) -> Iterator[tuple[Mapping[str, Any], Trajectory]]:
    with run.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    told = {row["example"]["id"]: row["trajectory"] for row in rows if row.get("method", method) == method}
    with (folder / "questions.jsonl").open(encoding="utf-8") as file:
        for question in map(json.loads, file):
            if question["id"] in told:
                yield question, from_dict(Trajectory, told[question["id"]])


def tell_cause(question: Mapping[str, Any], trajectory: Trajectory, shown: int) -> str:
    """The first cause that holds; "right" for a right answer."""
    said = trajectory.answer.text if trajectory.answer else ""
    accepted, gold = tuple(question["answers"]), question["gold"]["steps"]
    if not gold:
        return "right" if abstains(said) else NONE
    if _is_right(said, accepted):
        return "right"
    pieces = [item for step in trajectory.steps for item in step.evidence]
    if not any(_is_of(item, gold[0]["sources"]) for item in pieces):
        return "not found"
    if not all(any(_is_of(item, step["sources"]) for item in pieces) for step in gold):
        return "one step where two were needed"
    if any(_is_right(step.answer, accepted) for step in trajectory.steps):
        return "lost at the end"
    if abstains(said):
        return "declined"
    if any(_holds(said, answer) for answer in accepted):
        return "too much"
    if any(_holds(answer, said) for answer in accepted):
        return "too little"
    if question["kind"] in COMPUTED:
        return "not computed"
    last = trajectory.steps[-1]
    lines = focus(last.sub_question or "", last.evidence, shown)
    if not any(_holds(text, answer) for _, text in lines for answer in accepted):
        return "not shown"
    read = {_is_of(item, gold[-1]["sources"]) for item, text in lines if _holds(text, said)}
    return "other place read" if True in read else "other piece read"


def _is_right(said: str, accepted: tuple[str, ...]) -> bool:
    if not said or abstains(said):
        return False
    return exact_match.score(said, accepted) == 1.0 or numeric.score(said, accepted) == 1.0 or _is_short(said, accepted)


def _is_short(said: str, accepted: tuple[str, ...]) -> bool:
    return len(cut_terms(said)) <= 12 and contains.score(said, accepted) == 1.0


def _holds(text: str, part: str) -> bool:
    return f" {' '.join(cut_terms(part))} " in f" {' '.join(cut_terms(text))} "


def _is_of(item: Evidence, sources: list[str]) -> bool:
    source = (item.location.source if item.location else "").replace("\\", "/")
    return any(source == wanted or source.endswith(f"/{wanted}") for wanted in sources)


if __name__ == "__main__":
    main()
