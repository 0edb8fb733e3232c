"""Questions of our own making to training steps: which of several knowledge bases is a question for?

    python recipes/write_router_steps.py OUT.jsonl [--rows 500] [--seed 0] [--held-out]

Each question is one fact away, in one domain of `router_domains.toml`, among one to three other domains and, half of
the time, knowledge bases of encyclopedia text, tables and pictures. With `--held-out` only those domains that no
training step shows: the steps that measure how a router does on a knowledge base that it has never seen.
"""

from __future__ import annotations

import argparse
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.parse import NO_ROUTE
from r1router.train.steps import Gold, Past, StepRow, write_steps
from r1router.types import Card

GENERAL = (
    Card("text", "text", "Encyclopedia articles about people, places, works and events."),
    Card("image", "image", "Photos, drawings, flags and maps, found by a picture."),
    Card("table", "table", "Statistics of countries, results of sports seasons, lists of works."),
)


def questions(domains: list[dict[str, Any]], rows: int, rng: random.Random, held_out: bool) -> Iterator[StepRow]:
    """The plan steps of `rows` questions, each asked once; every fourth is shown answered, when to stop is right."""
    asked: set[str] = set()
    seen = [d for d in domains if not d.get("held_out")]
    pool = [d for d in domains if bool(d.get("held_out")) == held_out]
    number = 0
    while number < rows:
        domain = pool[number % len(pool)]
        text = rng.choice(domain["asks"]).format(*(rng.choice(words) for words in [*domain["fill"], [""]]))
        if text in asked and rng.random() < 0.9:  # a domain may have fewer questions than rows are wanted
            continue
        asked.add(text)
        others = rng.sample([d for d in seen if d is not domain], rng.randint(1, 3))
        cards = [Card(d["name"], d["kind"], rng.choice(d["holds"])) for d in (domain, *others)]
        if held_out or rng.random() < 0.5:
            cards += GENERAL
        rng.shuffle(cards)
        picture = "made.png" if domain.get("picture") else ""
        common: dict[str, Any] = {"question": text, "picture": picture, "kbs": tuple(cards), "source": "made"}
        id_ = f"made-{'held-out-' if held_out else ''}{number:05d}"
        gold = Gold("A fact is missing.", text, domain["name"])
        yield StepRow(f"{id_}/0/plan", "plan", gold=gold, **common)
        if number % 4 == 3:
            past = (Past(text, rng.choice(["yes", "42", "Anna Berg", "on Monday", "about an hour"]), domain["name"]),)
            stop = Gold("Nothing is missing.", None, NO_ROUTE)
            yield StepRow(f"{id_}/1/plan", "plan", history=past, gold=stop, **common)
        number += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true")
    given = parser.parse_args()
    all_domains = tomllib.loads(Path(__file__).with_name("router_domains.toml").read_text(encoding="utf-8"))["domain"]
    made = questions(all_domains, given.rows, random.Random(given.seed), given.held_out)
    print(f"{write_steps(made, given.out)} steps in {given.out}")
