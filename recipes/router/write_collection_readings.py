"""Questions over collections to readings for the extractor, because it has to be asked in many words and languages.

    python recipes/router/write_collection_readings.py COLLECTIONS OUT.jsonl [--split train]

COLLECTIONS is what `index_written_folders.py` wrote. Each wording of each question that one text answers is beside what
its collection finds for it, the piece with the answer among that; so are those that nothing answers.
`train_extractor.py` trains on them.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from r1router.kb import open_kbs
from r1router.parse import UNKNOWN
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.types import KnowledgeBase, Query

PIECES = 5
"""That are read of a search."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    given = parser.parse_args()
    part = "" if given.split == "train" else ".dev"
    by_collection: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name in ("questions", "unknown"):
        for line in (given.collections / f"{name}{part}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            by_collection[row["collection"]].append(row)
    steps: list[TrainingStep] = []
    for number, (name, rows) in enumerate(by_collection.items(), 1):
        steps += read_rows(rows, open_kbs(str(given.collections / "kbs" / name))["text"])
        print(f"{number} of {len(by_collection)} collections, {len(steps)} readings", flush=True)
    write_steps(steps, given.out)


def read_rows(rows: Sequence[dict[str, Any]], kb: KnowledgeBase) -> Iterator[TrainingStep]:
    """A reading for each wording of which the answer is found."""
    asked = [
        (f"{row['id']}/{number}", wording, row)
        for row in rows
        if not row["gold"] or (row["type"] == "text" and len(row["gold"]["steps"]) == 1)
        for number, wording in enumerate((row["question"], *row["other_wordings"]))
    ]
    found = kb.search([Query(wording) for _, wording, _ in asked], k=PIECES) if asked else []
    for (id, wording, row), pieces in zip(asked, found, strict=True):
        wanted = set(row["gold"]["steps"][0]["evidence_ids"]) if row["gold"] else set()
        places = [place for place, piece in enumerate(pieces, 1) if {piece.id, piece.record} & wanted]
        if places or not row["gold"]:
            thought = f"Piece {places[0]} says it." if places else "Nothing says it."
            gold = Gold(thought, answers=tuple(row["answers"]) if places else (UNKNOWN,))
            yield TrainingStep(
                f"{id}/answer", "answer", wording, sub_question=wording, evidence=tuple(pieces), gold=gold,
                source="collections",
            )  # fmt: skip


if __name__ == "__main__":
    main()
