"""Sub-questions written by hand to the hops of a question set that has none, because templates do not teach splitting.

    python recipes/router/add_sub_questions.py BENCH/questions/ottqa.train.jsonl OUT.jsonl [--written hops/ottqa.txt]

A line of the written file is `ID | sub-question of the first hop | of the second`. OUT has the questions that are in
it, with gold steps as `r1router synthesize --from-gold` reads them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--written", type=Path, default=Path(__file__).with_name("hops") / "ottqa.txt")
    given = parser.parse_args()
    written = read_written(given.written)
    rows = [json.loads(line) for line in given.questions.read_text(encoding="utf-8").splitlines()]
    told = [add_steps(row, written[row["id"]]) for row in rows if row["id"] in written]
    given.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in told), encoding="utf-8")
    print(f"{len(told)} of {len(rows)} questions have sub-questions")


def read_written(file: Path) -> dict[str, list[str]]:
    """The sub-questions of each hop, by the question's id."""
    lines = (line.split(" | ") for line in file.read_text(encoding="utf-8").splitlines())
    return {name: asked for name, *asked in lines}


def add_steps(row: dict[str, Any], asked: list[str]) -> dict[str, Any]:
    """The question with its hops as gold steps."""
    hops = row["gold"]["hops"]
    steps = [
        {"sub_question": said, **{name: hop[name] for name in ("kb", "evidence_ids", "answer")}}
        for said, hop in zip(asked, hops, strict=True)
    ]
    return {**row, "gold": {**row["gold"], "steps": steps}}


if __name__ == "__main__":
    main()
