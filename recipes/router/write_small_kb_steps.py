"""Questions to small knowledge bases that nobody described: what stands in which one decides where a question goes.

    python recipes/router/write_small_kb_steps.py OUT.jsonl [--rows 400] [--seed 0]

A folder of one's own becomes a few tables, some articles and pictures, whose cards list titles and columns. The same
question is for the tables where one of them has a column for it, and for the articles where none has: a router has to
read the cards, and to copy names that are put together from parts, however foreign they look. Words and topics are in
`small_kbs.toml`.
"""

from __future__ import annotations

import argparse
import random
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import invented

from r1router.kb.manifest import describe
from r1router.parse import NO_ROUTE
from r1router.train.steps.step_file import Gold, Past, TrainingStep, write_steps
from r1router.types import Card, Kind

Words = dict[str, str]
NAMES: dict[Kind, tuple[str, ...]] = {
    "text": (*["text"] * 9, "articles", "docs", "notes"),
    "table": (*["table"] * 9, "tables", "sheets", "data"),
    "image": (*["image"] * 9, "pictures", "photos"),
}


def filled(text: str, fill: dict[str, list[str]], words: Words, rng: random.Random) -> str:
    """`{nation}` and the like drawn from their lists; persons are put together, every fifth is invented."""

    def draw(kind: str) -> str:
        if kind != "person":
            return rng.choice(fill[kind])
        made = f"{rng.choice(fill['first'])} {rng.choice(fill['last'])}"
        return invented.name(kind, rng) if rng.random() < 0.2 else made

    return invented.filled(text, words, draw)


@dataclass(slots=True)
class Asked:
    """A question, the steps that answer it, and what its knowledge bases have to hold for these to be right."""

    question: str
    picture: bool
    facts: list[tuple[Kind, str, str]]
    """Where, the sub-question ("=" for the question itself), the answer."""
    on: dict[Kind, str]
    """Of the tables the topic, of articles and pictures the title that has to be there."""
    column: str = ""
    """What the table of that topic has a column for."""
    off: str = ""
    """The topic that no table may have."""


def one_fact(told: dict[str, Any], rng: random.Random) -> Asked:
    kind: Kind = rng.choice(("table", "table", "table", "table", "text", "text", "image"))
    row, words = rng.choice(told[kind]), Words()
    said, column = rng.choice(row["asks"]) if kind == "table" else (rng.choice(row["asks"]), "")
    question = filled(said, told["fill"], words, rng)
    answer = filled(f"{{{row['answer']}}}", told["fill"], words, rng)
    if kind == "table":
        asked = Asked(question, False, [], {})
        _tabulated(asked, row["title"][0], filled(column, told["fill"], words, rng), rng)
        asked.facts.append(("table" if asked.column else "text", "=", answer))
        return asked
    also = {"games": "medal table", "building": "bridges"}  # topics of tables that could answer as well
    off = next((also[word] for word in words if word in also), "") if kind == "text" else ""
    title = filled(rng.choice(row["title"]), told["fill"], words, rng)
    return Asked(question, bool(row.get("picture")), [(kind, "=", answer)], {kind: title}, off=off)


def chained(told: dict[str, Any], rng: random.Random) -> Asked:
    chain, words = rng.choice(told["chain"]), Words()
    question = filled(rng.choice(chain["asks"]), told["fill"], words, rng)
    asked = Asked(question, bool(chain.get("picture")), [], {})
    topic, picture = chain["title"]
    if topic:
        _tabulated(asked, topic, filled(chain["column"], told["fill"], words, rng), rng)
    for kind, sub_question, answer in chain["steps"]:
        said = filled(sub_question, told["fill"], words, rng)
        found = filled(f"{{{answer}}}", told["fill"], words, rng)
        asked.facts.append(("text" if kind == "table" and not asked.column else kind, said, found))
    if picture:
        asked.on["image"] = filled(picture, told["fill"], words, rng)
    return asked


def _tabulated(asked: Asked, topic: str, column: str, rng: random.Random) -> None:
    """Two times of three the table is there and has the column; else it lacks the column, or is not there."""
    if rng.random() < 2 / 3:
        asked.on["table"], asked.column = topic, column
    elif rng.random() < 0.5:
        asked.on["table"] = topic
    else:
        asked.off = topic


def write_cards(told: dict[str, Any], asked: Asked, rng: random.Random) -> dict[Kind, Card]:
    """The cards of a few tables, articles and pictures."""
    columns = _tables(told["table"], asked, rng)
    titles = {"table": list(columns)}
    for kind in ("text", "image"):
        rows = rng.choices(told[kind], k=rng.randint(2, rng.choice((5, 40))))
        titles[kind] = [filled(rng.choice(row["title"]), told["fill"], {}, rng) for row in rows]
        titles[kind] += [asked.on[kind]] if kind in asked.on else []
    cards = {kind: _card(kind, sorted({*titles[kind]}), columns, rng) for kind in ("table", "text", "image")}
    if rng.random() < 0.2 and all(kind != "image" for kind, _, _ in asked.facts):
        del cards["image"]
    return cards


def _tables(tables: list[dict[str, Any]], asked: Asked, rng: random.Random) -> dict[str, list[str]]:
    """Titles and columns of one to five tables of other topics, and of one of the topic that has to be there."""
    on = asked.on.get("table", "")
    others = [row for row in tables if row["title"][0] not in (on, asked.off)]
    shown: dict[str, list[str]] = {}
    for row in rng.sample(others, rng.randint(1, 5)) + [row for row in tables if row["title"][0] == on]:
        here = row["title"][0] == on
        known = [*row["columns"], *(column for _, column in row["asks"] if "{" not in column and not here)]
        free = [c for c in dict.fromkeys(known) if not here or not _alike(c, asked)]
        columns = rng.sample(free, rng.randint(1, min(5, len(free))))
        if here and asked.column:
            columns.insert(rng.randint(0, len(columns)), asked.column.capitalize())
        shown[rng.choice(row["title"])] = [row["key"], *columns]
    return shown


def _alike(column: str, asked: Asked) -> bool:
    """Whether a column tells what is asked for by its own words."""
    return column.partition(" (")[0].casefold() in f"{asked.column} {asked.question}".casefold()


def _card(kind: Kind, titles: list[str], columns: dict[str, list[str]], rng: random.Random) -> Card:
    count = len(titles) + rng.randint(0, len(titles))
    return Card(rng.choice(NAMES[kind]), kind, describe(kind, count, titles, columns))


def steps(told: dict[str, Any], rows: int, rng: random.Random) -> list[TrainingStep]:
    """The plan steps of `rows` questions, half of them of two facts, each with its stop (every third of one fact)."""
    made = []
    for number in range(rows):
        asked = (one_fact, chained)[number % 2](told, rng)
        cards = write_cards(told, asked, rng)
        shown = tuple(rng.sample([*cards.values()], len(cards)))
        past: list[Past] = []
        for place, (kind, said, answer) in enumerate(asked.facts):
            sub_question, route = asked.question if said == "=" else said, cards[kind].name
            made.append(_row(number, place, asked, shown, past, Gold("A fact is missing.", sub_question, route)))
            past.append(Past(sub_question, answer, route))
        if len(past) > 1 or number % 3 == 0:
            made.append(_row(number, len(past), asked, shown, past, Gold("Nothing is missing.", None, NO_ROUTE)))
    return made


def _row(number: int, place: int, asked: Asked, shown: tuple[Card, ...], past: list[Past], gold: Gold) -> TrainingStep:
    return TrainingStep(
        f"made-shelf-{number:05d}/{place}/plan", "plan", asked.question, "made.png" if asked.picture else "",
        tuple(past), shown, gold=gold, source="made",
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    told = tomllib.loads(Path(__file__).with_name("small_kbs.toml").read_text(encoding="utf-8"))
    print(f"{write_steps(steps(told, given.rows, random.Random(given.seed)), given.out)} steps in {given.out}")
