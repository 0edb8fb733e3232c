"""Gold steps of question sets to training steps that read one answer, because a reader of folders alone forgets these.

    python recipes/router/write_set_readings.py BENCH KBS OUT.jsonl [--split train] [--each 300]

BENCH holds questions/{geo,ottqa,wtq}.{train,dev}.jsonl, KBS its knowledge bases. A step is a sub-question (OTT-QA and
WikiTableQuestions have none: their whole question), the gold piece that holds the answer word for word, and up to three
others that the same search found. Where the search does not find the gold piece there is no step, nor where a short
answer stands in it so often that most places are not meant.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from r1router.kb import open_kbs
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.types import Query

FOUND = 5
OTHERS = 3
SHORT, OFTEN = 3, 2
"""Of an answer of fewer characters, more places in the piece are too many."""


class Asked(NamedTuple):
    id: str
    question: str
    kb: str
    gold: tuple[str, ...]
    answer: str


def read_asked(bench: Path, split: str) -> Iterator[Asked]:
    for line in (bench / f"questions/geo.{split}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for step in row["gold"]["steps"] or ():
            if not row.get("template_held_out") and step["kb"] in ("text", "table") and step.get("answer"):
                yield Asked(row["id"], step["sub_question"], step["kb"], tuple(step["evidence_ids"]), step["answer"])
    for line in (bench / f"questions/ottqa.{split}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for hop in row["gold"].get("hops") or ():
            if hop["kb"] == "text" and hop.get("answer"):
                yield Asked(row["id"], row["question"], "text", tuple(hop["evidence_ids"]), hop["answer"])
    for line in (bench / f"questions/wtq.{split}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if isinstance(row["answers"][0], str):
            yield Asked(row["id"], row["question"], "table", tuple(row["gold"]["evidence_ids"]), row["answers"][0])


def count_places(answer: str, text: str) -> int:
    """How often an answer stands in a text, not as a part of longer words."""
    return len(re.findall(rf"(?<!\w){re.escape(answer.casefold())}(?!\w)", text.casefold()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("kbs")
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", default="train")
    parser.add_argument("--each", type=int, default=300, help="steps of one set and knowledge base")
    given = parser.parse_args()
    kbs, asked = open_kbs(given.kbs), list(read_asked(given.bench, given.split))
    random.Random(0).shuffle(asked)
    steps: dict[str, TrainingStep] = {}
    made: Counter[tuple[str, str]] = Counter()
    for one in asked:
        kind, id_ = (one.id.partition("-")[0], one.kb), f"{one.id}/{one.kb}/answer"
        if made[kind] >= given.each or id_ in steps:
            continue
        found = kbs[one.kb].search([Query(one.question)], k=FOUND)[0]
        holds = [item for item in found if count_places(one.answer, item.text)]
        right = next((item for item in holds if item.id.partition("#")[0] in one.gold), None)
        if right is None or (len(one.answer) < SHORT and count_places(one.answer, right.text) > OFTEN):
            continue
        others = [item for item in found if item not in holds][:OTHERS]
        steps[id_] = TrainingStep(
            id_, "answer", one.question, sub_question=one.question, evidence=(right, *others),
            gold=Gold(thought="Piece 1 says it.", answers=(one.answer,)), source="sets",
        )  # fmt: skip
        made[kind] += 1
    write_steps(steps.values(), given.out)
    print(f"{len(steps)} steps in {given.out}")


if __name__ == "__main__":
    main()
