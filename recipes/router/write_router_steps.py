"""Questions of our own making to training steps: which of several knowledge bases is a question for?

    python recipes/router/write_router_steps.py OUT.jsonl [--rows 500] [--chains 0] [--seed 0] [--held-out]

A question of `--rows` is one fact away, in one domain of `domains.toml`, among up to three other domains and,
two times of three, knowledge bases of encyclopedia text, tables and pictures. One of `--chains` takes the facts of a
chain of `chains.toml`. With `--held-out` only those domains that no training step shows: the steps that
measure how a router does on a knowledge base that it has never seen.
"""

from __future__ import annotations

import argparse
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import invented

from r1router.parse import NO_ROUTE
from r1router.train.steps.step_file import Gold, Past, TrainingStep, write_steps
from r1router.types import Card

GENERAL = (
    Card("text", "text", "Encyclopedia articles about people, places, works and events."),
    Card("image", "image", "Photos, drawings, flags and maps, found by a picture."),
    Card("table", "table", "Statistics of countries, results of sports seasons, lists of works."),
)

NAMES = ("film", "person", "country", "nation", "city", "band", "album", "company", "club", "building", "animal")
"""Lists of `chains.toml` that hold names."""


def questions(domains: list[dict[str, Any]], rows: int, rng: random.Random, held_out: bool) -> Iterator[TrainingStep]:
    """The plan steps of `rows` questions, few of them twice; every fourth is shown answered, when to stop is right."""
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
        general = held_out or rng.random() < 2 / 3
        others = rng.sample([d for d in seen if d is not domain], rng.randint(0 if general and not held_out else 1, 3))
        cards = [_card(d, rng) for d in (domain, *others)]
        if general:
            cards += GENERAL
        rng.shuffle(cards)
        picture = "made.png" if domain.get("picture") else ""
        common: dict[str, Any] = {"question": text, "picture": picture, "kbs": tuple(cards), "source": "made"}
        id_ = f"made-{'held-out-' if held_out else ''}{number:05d}"
        gold = Gold("A fact is missing.", text, domain["name"])
        yield TrainingStep(f"{id_}/0/plan", "plan", gold=gold, **common)
        if number % 4 == 3:
            past = (Past(text, rng.choice(["yes", "42", "Anna Berg", "on Monday", "about an hour"]), domain["name"]),)
            stop = Gold("Nothing is missing.", None, NO_ROUTE)
            yield TrainingStep(f"{id_}/1/plan", "plan", history=past, gold=stop, **common)
        number += 1


def chains(
    told: dict[str, Any], domains: list[dict[str, Any]], rows: int, rng: random.Random
) -> Iterator[TrainingStep]:
    """The plan steps, the stop among them, of `rows` questions that take as many facts as their chain has steps."""
    seen = {d["name"]: d for d in domains if not d.get("held_out")}
    for number in range(rows):
        chain = told["chain"][number % len(told["chain"])]
        words: dict[str, str] = {}
        question = _filled(rng.choice(chain["asks"]), told["fill"], words, rng)
        needed = dict.fromkeys(kb for kb, _, _ in chain["steps"] if kb in seen)
        others = rng.sample([name for name in seen if name not in needed], rng.randint(0, 2))
        cards = [*(_card(seen[name], rng) for name in (*needed, *others)), *GENERAL]
        rng.shuffle(cards)
        past: list[Past] = []
        for place, (kb, asked, answer) in enumerate([*chain["steps"], ("", "", "")]):
            gold = Gold("Nothing is missing.", None, NO_ROUTE)
            if kb:
                sub_question = question if asked == "=" else _filled(asked, told["fill"], words, rng)
                gold = Gold("A fact is missing.", sub_question, kb)
            yield TrainingStep(
                f"made-chain-{number:05d}/{place}/plan", "plan", question, "made.png" if chain.get("picture") else "",
                tuple(past), tuple(cards), gold=gold, source="made",
            )  # fmt: skip
            if kb:
                past.append(Past(gold.sub_question or "", _filled(f"{{{answer}}}", told["fill"], words, rng), kb))


def _filled(text: str, fill: dict[str, list[str]], words: dict[str, str], rng: random.Random) -> str:
    """`{film}` and `{film2}` as two different films, each the same wherever it stands in one question.

    Two of three names are invented, so that a later sub-question has to copy them.
    """

    def draw(kind: str) -> str:
        known = rng.choice([w for w in fill[kind] if w not in words.values()])
        return invented.name(kind, rng) if kind in NAMES and rng.random() < 2 / 3 else known

    return invented.filled(text, words, draw)


def _card(domain: dict[str, Any], rng: random.Random) -> Card:
    """The domain's card; every fifth says what a knowledge base that nobody described says of itself."""
    holds, names = rng.choice(domain["holds"]), domain["fill"][0]
    if rng.random() < 0.2 and len(names) > 2 and not domain.get("held_out"):
        unit = {"text": "passages", "table": "tables", "image": "pictures"}[domain["kind"]]
        a, b, c = rng.sample(names, 3)
        holds = f"{rng.randrange(20, 9999):,} {unit} such as {a}, {b}, {c}"
    return Card(domain["name"], domain["kind"], holds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--chains", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true")
    given = parser.parse_args()
    here, rng = Path(__file__).parent, random.Random(given.seed)
    all_domains = tomllib.loads((here / "domains.toml").read_text(encoding="utf-8"))["domain"]
    told = tomllib.loads((here / "chains.toml").read_text(encoding="utf-8"))
    made = [*questions(all_domains, given.rows, rng, given.held_out), *chains(told, all_domains, given.chains, rng)]
    print(f"{write_steps(made, given.out)} steps in {given.out}")
