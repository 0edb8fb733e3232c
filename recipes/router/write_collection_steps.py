"""Questions over collections to training steps, because a router splits in the wild what it saw split in folders.

    python recipes/router/write_collection_steps.py COLLECTIONS OUT.jsonl [--chains 800] [--texts 1000]
        [--tables 1000] [--hops 400] [--chatty 0.4] [--split train] [--seed 0]

COLLECTIONS is what `index_written_folders.py` wrote. `r1router synthesize --from-gold` does the same for one set of
knowledge bases; here each question has its collection's. Of the questions that need one fact, a share gets words around
it (`chatter.toml`): those that were written have five words where those that need several have twelve, so that a router
learns to split whatever is long. Texts and tables have as many questions of their own as is asked for, and of some
chains the last hop is asked alone, where a table holds it: else a router sends nothing but second steps to a table.
"""

from __future__ import annotations

import argparse
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


def ask_last_hop(example: Example) -> Example:
    """The question's last hop as a question of its own."""
    hop = example.gold["steps"][-1]
    told = {"question": replace(example.question, text=hop["sub_question"]), "answers": (hop["answer"],)}
    return replace(example, id=f"{example.id}/last", gold={"steps": [hop]}, type=hop["kb"], **told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--chains", type=int, default=800)
    parser.add_argument("--texts", type=int, default=1000, help="questions that one text answers")
    parser.add_argument("--tables", type=int, default=1000, help="questions that one table answers")
    parser.add_argument("--hops", type=int, default=0)
    parser.add_argument("--chatty", type=float, default=0.4)
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    file = given.collections / ("questions.jsonl" if given.split == "train" else "questions.dev.jsonl")
    examples = load_examples(str(file))
    rng = random.Random(given.seed)
    chains = [example for example in examples if len(example.gold["steps"]) > 1]
    singles = [example for example in examples if len(example.gold["steps"]) == 1]
    texts, tables = ([single for single in singles if single.type == kind] for kind in ("text", "table"))
    of_tables = [ask_last_hop(chain) for chain in chains if chain.gold["steps"][-1]["kb"] == "table"]
    wanted = ((chains, given.chains), (texts, given.texts), (tables, given.tables), (of_tables, given.hops))
    drawn = [example for kind, count in wanted for example in rng.sample(kind, min(count, len(kind)))]
    told = tomllib.loads(Path(__file__).with_name("chatter.toml").read_text(encoding="utf-8"))
    by_collection: dict[str, list[Example]] = defaultdict(list)
    for example in drawn:
        if len(example.gold["steps"]) == 1 and rng.random() < given.chatty:
            example = add_chatter(example, told, rng)
        by_collection[example.collection].append(example)
    steps: list[TrainingStep] = []
    for number, (name, here) in enumerate(by_collection.items(), 1):
        kbs = open_kbs(str(given.collections / "kbs" / name))
        steps += make_gold_steps(here, kbs, source="collections")
        print(f"{number} of {len(by_collection)} collections, {len(steps)} steps", flush=True)
    write_steps(steps, given.out)


if __name__ == "__main__":
    main()
