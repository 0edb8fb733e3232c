"""Tables and passages of our own making to training steps that read one fact in them.

    python recipes/write_reading_steps.py OUT.jsonl [--rows 400] [--seed 0]

All names and values are invented (`invented.py`), as are the facts about names that are known: the answer can only be
copied from the evidence, letter by letter. Half of the steps read a table, among four others, some of the same kind;
half a passage, among others that tell of somebody else.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from pathlib import Path

import invented

from r1router.train.steps import Gold, StepRow, write_steps
from r1router.types import Evidence

Value = Callable[[random.Random], str]


def named(kind: str) -> Value:
    return lambda rng: invented.name(kind, rng)


def one_of(*values: str) -> Value:
    return lambda rng: rng.choice(values)


def number(low: int, high: int, form: str = "{:,}") -> Value:
    return lambda rng: form.format(rng.randrange(low, high))


MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "October", "November", "December")
YEAR = number(1650, 2024, "{}")
KNOWN = {
    "country": [
        "Thailand",
        "Norway",
        "Bolivia",
        "Ghana",
        "Hungary",
        "Qatar",
        "Peru",
        "Japan",
        "Malta",
        "Tonga",
        "Chad",
    ],
    "city": ["Porto", "Graz", "Lagos", "Quito", "Bergen", "Osaka", "Galway", "Izmir", "Lima", "Turku", "Dakar"],
}

TABLES: dict[str, tuple[tuple[str, ...], dict[str, Value]]] = {
    "country": (
        ("countries", "Countries of {0}", "Country statistics"),
        {
            "Capital": named("city"),
            "Continent": one_of("Asia", "Africa", "Europe", "South America", "Oceania"),
            "Currency": lambda rng: rng.choice(("{}", "{} dollar", "{} peso")).format(invented.word(rng).lower()),
            "Calling code": number(200, 999, "+{}"),
            "Internet domain": lambda rng: "." + invented.word(rng, 1).lower()[:2],
            "Area (km²)": number(900, 2_000_000),
            "Population": number(40_000, 90_000_000),
            "Official language": named("language"),
            "Highest mountain": named("mountain"),
            "National day": lambda rng: f"{rng.randrange(1, 29)} {rng.choice(MONTHS)}",
        },
    ),
    "river": (
        ("rivers", "Rivers of {0}"),
        {
            "Length (km)": number(60, 6_000),
            "Mouth": named("sea"),
            "Source": named("mountain"),
            "Longest tributary": named("river"),
        },
    ),
    "city": (
        ("cities", "Largest towns of {0}", "Municipalities"),
        {"Mayor": named("person"), "Inhabitants": number(800, 3_000_000), "Founded": YEAR, "Twin town": named("city")},
    ),
    "club": (
        ("standings", "Season {0}", "League table"),
        {
            "Coach": named("person"),
            "Ground": named("building"),
            "Points": number(5, 90),
            "Goals": number(10, 99),
            "Top scorer": named("person"),
        },
    ),
    "film": (
        ("films", "Films shot in {0}"),
        {
            "Director": named("person"),
            "Year": YEAR,
            "Lead role": named("person"),
            "Country": named("country"),
            "Length (min)": number(61, 220),
        },
    ),
    "person": (
        ("members", "Winners of the {0} prize", "Elected in {0}"),
        {
            "Born": YEAR,
            "Birthplace": named("city"),
            "Party": named("party"),
            "Votes": number(90, 90_000),
            "Nationality": named("country"),
        },
    ),
    "company": (
        ("companies", "Firms of {0}"),
        {
            "Seat": named("city"),
            "Founder": named("person"),
            "Staff": number(4, 40_000),
            "Founded": YEAR,
            "Product": one_of("ovens", "bicycles", "ink", "sails", "tinned fish"),
        },
    ),
}
PASSAGES: tuple[tuple[str, str, str, Value], ...] = (
    ("person", "{0} was born in {1}.", "Where was {0} born?", named("city")),
    ("person", "{0}, born in {1}, grew up among fishermen.", "In which year was {0} born?", YEAR),
    ("person", "In later life {0} married {1}.", "Who did {0} marry?", named("person")),
    ("person", "{0} studied under {1} for seven years.", "Who was the teacher of {0}?", named("person")),
    ("person", "The mother of {0} was {1}.", "Who is the mother of {0}?", named("person")),
    ("person", "{0} is from {1} and plays the violin.", "From which country is {0}?", named("country")),
    ("person", "{0} died in {1} after a long illness.", "Where did {0} die?", named("city")),
    ("person", "{0} works for {1}.", "For which company does {0} work?", named("company")),
    ("film", "{0} was directed by {1}.", "Who directed {0}?", named("person")),
    ("film", "{0} is a film of {1}.", "When was {0} released?", YEAR),
    ("film", "The music of {0} was written by {1}.", "Who wrote the music of {0}?", named("person")),
    ("film", "{0} was shot in {1}.", "In which country was {0} made?", named("country")),
    ("building", "{0} was designed by the architect {1}.", "Who designed {0}?", named("person")),
    ("building", "Building of {0} ended in {1}.", "When was {0} finished?", YEAR),
    ("building", "{0} stands in {1}, near the river.", "In which city is {0}?", named("city")),
    ("company", "{0} was founded by {1}.", "Who founded {0}?", named("person")),
    ("company", "{0} has its seat in {1}.", "Where is the seat of {0}?", named("city")),
    ("country", "The capital of {0} is {1}.", "What is the capital of {0}?", named("city")),
    (
        "country",
        "The people of {0} pay with the {1}.",
        "What is the currency of {0}?",
        lambda rng: invented.word(rng).lower(),
    ),
    ("country", "The national anthem of {0} is called {1}.", "What is the national anthem of {0}?", named("film")),
    ("country", "{1} is the highest mountain of {0}.", "What is the highest mountain of {0}?", named("mountain")),
    ("band", "{0} recorded the album {1}.", "Which album did {0} record?", named("album")),
    ("band", "The singer of {0} is {1}.", "Who sings in {0}?", named("person")),
    ("club", "{0} play their home games at {1}.", "Where does {0} play at home?", named("building")),
    ("animal", "The {0} lives in {1}.", "Where does the {0} live?", named("country")),
    ("animal", "The {0} weighs up to {1}.", "How much does the {0} weigh?", number(2, 900, "{} kg")),
)


def subject(kind: str, rng: random.Random) -> str:
    return rng.choice(KNOWN[kind]) if kind in KNOWN and rng.random() < 0.5 else invented.name(kind, rng)


def from_table(rng: random.Random) -> tuple[str, str, list[str]]:
    """A question, its answer, and the texts of tables, the telling one first."""
    kind = rng.choice(list(TABLES))
    column = rng.choice(list(TABLES[kind][1]))
    told, rows = _table(kind, rng, with_column=column)
    row = rng.choice(rows)
    asked = column.split(" (")[0].lower()
    form = rng.choice(("What is the {1} of {0}?", "{0}: which {1}?", "Which {1} does {0} have?"))
    question = form.format(row[kind], asked)
    answer = row[column]
    if sum(r[column] == answer for r in rows) == 1 and rng.random() < 0.25:
        question, answer = f"Which {kind} has the {asked} {answer}?", row[kind]
    return question, answer, [told, *(_table(rng.choice([kind, *TABLES]), rng)[0] for _ in range(4))]


def _table(kind: str, rng: random.Random, with_column: str = "") -> tuple[str, list[dict[str, str]]]:
    titles, values = TABLES[kind]
    columns = rng.sample(list(values), rng.randint(2, min(6, len(values))))
    if with_column and with_column not in columns:
        columns[0] = with_column
    names = {subject(kind, rng) for _ in range(rng.randint(3, 10))}
    rows = [{kind: name} | {column: values[column](rng) for column in columns} for name in sorted(names)]
    title = rng.choice(titles).format(invented.word(rng))
    lines = [" | ".join([kind.capitalize(), *columns]), *(" | ".join(row.values()) for row in rows)]
    return "\n".join([title, *lines]), rows


def from_passage(rng: random.Random) -> tuple[str, str, list[str]]:
    """A question, its answer, and passages, the telling one first."""
    kind, _, question, value = fact = rng.choice(PASSAGES)
    name, answer = subject(kind, rng), value(rng)
    others = [_passage(kind if rng.random() < 0.5 else rng.choice(PASSAGES)[0], rng) for _ in range(4)]
    return question.format(name), answer, [_passage(kind, rng, name, fact, answer), *others]


def _passage(
    kind: str, rng: random.Random, name: str = "", fact: tuple[str, str, str, Value] | None = None, answer: str = ""
) -> str:
    """A title and facts about one thing, of which `fact` is one."""
    name = name or subject(kind, rng)
    facts = [f for f in PASSAGES if f[0] == kind and f is not fact]
    shown = rng.sample(facts, min(len(facts), rng.randint(1, 4)))
    told = [said.format(name, value(rng)) for _, said, _, value in shown]
    if fact:
        told.insert(rng.randint(0, len(told)), fact[1].format(name, answer))
    return f"{name}\n{' '.join(told)}"


def steps(rows: int, rng: random.Random) -> list[StepRow]:
    made = []
    for index in range(rows):
        kb, make = (("table", from_table), ("text", from_passage))[index % 2]
        question, answer, texts = make(rng)
        place = rng.choice((0, 0, 0, 1, 1, 2, 3))  # rankings are good, and not always right
        texts.insert(place, texts.pop(0))
        evidence = tuple(
            Evidence(kb, f"made-{index}-{n}", text, score=1 / (n + 1), title=text.partition("\n")[0])
            for n, text in enumerate(texts)
        )
        gold = Gold(f"Piece {place + 1} says it.", evidence_ids=(evidence[place].id,), answers=(answer,))
        made.append(
            StepRow(
                f"made-reading-{index:05d}/0/answer", "answer", question, sub_question=question, evidence=evidence,
                gold=gold, source="made",
            )
        )  # fmt: skip
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"{write_steps(steps(given.rows, random.Random(given.seed)), given.out)} steps in {given.out}")
