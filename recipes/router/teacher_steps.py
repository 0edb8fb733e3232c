"""The released teacher's plan and final steps (arXiv 2505.22095) to training steps. They are for measuring.

python recipes/router/teacher_steps.py r1router_steps.dev.jsonl OUT.jsonl
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from r1router.parse import NO_ROUTE
from r1router.train.steps.step_file import Gold, Past, TrainingStep, write_steps
from r1router.types import Card

CARDS = (
    Card("text", "text", "Passages of text."),
    Card("image", "image", "Pictures with captions."),
    Card("table", "table", "Tables of facts and figures."),
)


def steps(file: Path) -> Iterator[TrainingStep]:
    """Plan steps over the paper's three knowledge bases, and final steps; what was read is not taken."""
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        kind, gold = row["step_type"], row["gold"]
        if kind == "answer":
            continue
        stops = kind == "plan" and gold["kb"] == NO_ROUTE
        yield TrainingStep(
            f"{row['id']}/{row['step_index']}/{kind}",
            kind,
            row["origin_question"],
            row["image_id"] or "",
            tuple(Past(past["sub_question"], past["answer"]) for past in row["history"]),
            CARDS if kind == "plan" else (),
            gold=Gold("Nothing is missing." if stops else "A fact is missing.", gold["sub_question"], gold["kb"])
            if kind == "plan"
            else Gold(answers=tuple(gold["answers"])),
            source="teacher",
        )


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    print(f"{write_steps(steps(source), target)} steps in {target}")
