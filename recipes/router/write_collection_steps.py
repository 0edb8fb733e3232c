"""Questions over collections to training steps, because a router splits in the wild what it saw split in folders.

    python recipes/router/write_collection_steps.py COLLECTIONS OUT.jsonl [--chains 800] [--singles 1000]
        [--chatty 0.4] [--split train] [--seed 0]

COLLECTIONS is what `index_written_folders.py` wrote. `r1router synthesize --from-gold` does the same for one set of
knowledge bases; here each question has its collection's. Of the questions that need one fact, a share gets words around
it (`chatter.toml`): those that were written have five words where those that need several have twelve, so that a router
learns to split whatever is long.
"""

from __future__ import annotations

import argparse
import json
import random
import tomllib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from r1router.evals.datasets import load_examples
from r1router.evidence.words import tell_language
from r1router.kb import open_kbs
from r1router.train.steps.gold import make_gold_steps
from r1router.train.steps.step_file import TrainingStep, write_steps
from r1router.types import Example


def add_chatter(example: Example, told: dict[str, Any], rng: random.Random) -> Example:
    """The question with words around it that ask for nothing, and the same as its one sub-question."""
    text = example.question.text
    if (not text.isascii() and tell_language(text) == "english") or len(text.split()) < 3:
        return example
    said = told[tell_language(text)]
    before = rng.choice(said["before"]) if rng.random() < 0.75 else ""
    if not before or rng.random() < 0.35:
        text = text.rstrip(" ?!.") + rng.choice(said["after"])
    if before:
        text = f"{before} {text if before[-1] in '.!' else text[:1].lower() + text[1:]}"
    steps = [{**step, "sub_question": text} for step in example.gold["steps"]]
    return replace(example, question=replace(example.question, text=text), gold={**example.gold, "steps": steps})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--chains", type=int, default=800)
    parser.add_argument("--singles", type=int, default=1000)
    parser.add_argument("--chatty", type=float, default=0.4)
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    file = given.collections / ("questions.jsonl" if given.split == "train" else "questions.dev.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    is_chain = {row["id"]: len(row["gold"]["steps"]) > 1 for row in rows}
    rng = random.Random(given.seed)
    of_kind = {kind: [row for row in rows if is_chain[row["id"]] == kind] for kind in (True, False)}
    drawn = [row for kind, count in ((True, given.chains), (False, given.singles))
             for row in rng.sample(of_kind[kind], min(count, len(of_kind[kind])))]  # fmt: skip
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in drawn:
        wanted[row["collection"]].add(row["id"])
    told = tomllib.loads(Path(__file__).with_name("chatter.toml").read_text(encoding="utf-8"))
    examples = [
        add_chatter(example, told, rng) if not is_chain[example.id] and rng.random() < given.chatty else example
        for example in load_examples(str(file))
    ]
    steps: list[TrainingStep] = []
    for number, (name, ids) in enumerate(wanted.items(), 1):
        kbs = open_kbs(str(given.collections / "kbs" / name))
        steps += make_gold_steps([e for e in examples if e.id in ids], kbs, source="collections")
        print(f"{number} of {len(wanted)} collections, {len(steps)} steps", flush=True)
    write_steps(steps, given.out)


if __name__ == "__main__":
    main()
