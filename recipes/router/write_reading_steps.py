"""Tables and passages of our own making to training steps that read one fact in them.

    python recipes/router/write_reading_steps.py OUT.jsonl [--rows 400] [--seed 0]

All names and values are invented (`invented.py`), as are the facts about names that are known: the answer can only be
copied from the evidence, letter by letter. Two of five steps read a table, among four others, some of the same kind;
three a passage, among others that tell of somebody else, one of them where somebody or something comes from.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from pathlib import Path

import invented

from r1router.table import TableBlock
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
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
NATION = one_of(
    *KNOWN["country"], "Colombia", "South Korea", "Czechia", "Ireland", "Kenya", "Sri Lanka", "Côte d'Ivoire", "Finland"
)

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
    ("person", "{0} was a writer from {1}.", "In which country was {0} born?", NATION),
    ("person", "{0} came to the world in {1}, a small town.", "In which town was {0} born?", named("city")),
    ("thing", "The {0} is an invention from {1}.", "In which country was the {0} invented?", NATION),
    ("thing", "The first {0} was made in {1}, a town by a lake.", "In which town was the {0} invented?", named("city")),
    ("thing", "{1} had the idea of the {0} at home.", "Who invented the {0}?", named("person")),
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
    ("statue", "The bronze was paid for by {1}.", "Who paid for {0}?", named("person")),
    ("statue", "{1}, a sculptor, made {0}.", "Who made {0}?", named("person")),
    ("statue", "{1} unveiled it in front of a crowd.", "Who unveiled {0}?", named("person")),
    ("statue", "It has stood there since {1}.", "Since when has {0} stood there?", YEAR),
    ("games", "The marathon went to {1}, a shepherd.", "Who won the marathon at the {0}?", named("person")),
    ("games", "{1} won the fencing.", "Who won the fencing at the {0}?", named("person")),
    ("games", "They were opened by {1}.", "Who opened the {0}?", named("person")),
    ("games", "They were held in {1}.", "In which city were the {0} held?", named("city")),
    ("band", "{0} recorded the album {1}.", "Which album did {0} record?", named("album")),
    ("band", "The singer of {0} is {1}.", "Who sings in {0}?", named("person")),
    ("club", "{0} play their home games at {1}.", "Where does {0} play at home?", named("building")),
    ("animal", "The {0} lives in {1}.", "Where does the {0} live?", named("country")),
    ("animal", "The {0} weighs up to {1}.", "How much does the {0} weigh?", number(2, 900, "{} kg")),
)


def subject(kind: str, rng: random.Random, but: str = "") -> str:
    known = [name for name in KNOWN.get(kind, []) if name != but]
    return rng.choice(known) if known and rng.random() < 0.5 else invented.name(kind, rng)


def from_table(rng: random.Random) -> tuple[str, str, list[TableBlock]]:
    """A question, its answer, and tables, the telling one first."""
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
    others = (_table(rng.choice([kind, *TABLES]), rng, but=row[kind])[0] for _ in range(4))
    return question, answer, [told, *others]


def _table(
    kind: str, rng: random.Random, with_column: str = "", but: str = ""
) -> tuple[TableBlock, list[dict[str, str]]]:
    titles, values = TABLES[kind]
    columns = rng.sample(list(values), rng.randint(2, min(6, len(values))))
    if with_column and with_column not in columns:
        columns[0] = with_column
    names = {subject(kind, rng, but) for _ in range(rng.randint(3, 10))}
    rows = [{kind: name} | {column: values[column](rng) for column in columns} for name in sorted(names)]
    title = rng.choice(titles).format(invented.word(rng))
    header = (kind.capitalize(), *columns)
    return TableBlock(title, header=header, rows=tuple(tuple(row.values()) for row in rows)), rows


def from_passage(rng: random.Random) -> tuple[str, str, list[str]]:
    """A question, its answer, and passages, the telling one first."""
    kind, _, question, value = fact = rng.choice(PASSAGES)
    name, answer = subject(kind, rng), value(rng)
    others = [_passage(kind if rng.random() < 0.5 else rng.choice(PASSAGES)[0], rng, but=name) for _ in range(4)]
    return question.format(name), answer, [_passage(kind, rng, name, fact, answer), *others]


ORIGINS: tuple[tuple[str, str], ...] = (
    ("person", "{name} was a poet of {nation}, the child of a baker in {city}, where {name} was born in {year}."),
    ("person", "{name} ({year}), a painter from {nation}, spent the first years in {city}, a village by the sea."),
    ("person", "{name} is known far beyond {nation}. Born in {year} in {city}, a market town, the chemist left early."),
    ("person", "Born in {city}, a harbour of {nation}, in {year}, {name} became a composer."),
    ("thing", "The {name} comes from {city}, a town in the north of {nation}. {person} made the first one in {year}."),
    ("thing", "It was in {nation} that {person} built the first {name}, in a shed in {city}, in {year}."),
    ("thing", "The {name} was invented in {city}, which belongs to {nation} today. {person} sold it from {year} on."),
)
"""Where somebody or something comes from: a town, which nobody knows, and a country, which everybody knows."""
ASKED = {
    "person": {
        "nation": ("In which country was {name} born?", "Which country does {name} come from?"),
        "city": ("In which town was {name} born?",),
        "year": ("In which year was {name} born?",),
    },
    "thing": {
        "nation": ("In which country was the {name} invented?", "Which country does the {name} come from?"),
        "city": ("In which town was the {name} invented?",),
        "person": ("Who made the first {name}?",),
    },
}


def from_origin(rng: random.Random) -> tuple[str, str, list[str]]:
    """A question, its answer, and passages, the telling one first: of two places it names, one is asked for."""
    kind, form = rng.choice(ORIGINS)
    name = invented.name(kind, rng)
    words = {"name": name, "nation": NATION(rng), "city": invented.word(rng), "year": YEAR(rng)}
    words["person"] = invented.name("person", rng)
    asked = rng.choice(("nation", "nation", *ASKED[kind]))
    others = [_passage(kind if kind == "person" else rng.choice(PASSAGES)[0], rng, but=name) for _ in range(4)]
    told = f"{name}\n{form.format(**words)}"
    return rng.choice(ASKED[kind][asked]).format(name=name), words[asked], [told, *others]


def _passage(
    kind: str,
    rng: random.Random,
    name: str = "",
    fact: tuple[str, str, str, Value] | None = None,
    answer: str = "",
    *,
    but: str = "",
) -> str:
    """A title and facts, of which `fact` is one, about one thing that is not `but`."""
    name = name or subject(kind, rng, but)
    facts = [f for f in PASSAGES if f[0] == kind and f is not fact]
    shown = rng.sample(facts, min(len(facts), rng.randint(1, 4)))
    told = [said.format(name, value(rng)) for _, said, _, value in shown]
    if fact:
        told.insert(rng.randint(0, len(told)), fact[1].format(name, answer))
    return f"{name}\n{' '.join(told)}"


MAKERS = (
    ("table", from_table),
    ("text", from_passage),
    ("table", from_table),
    ("text", from_passage),
    ("text", from_origin),
)


def _evidence(kb: str, id: str, piece: str | TableBlock, score: float) -> Evidence:
    if isinstance(piece, TableBlock):
        return Evidence(kb, id, piece.text, score, piece.title, table=piece)
    return Evidence(kb, id, piece, score, piece.partition("\n")[0])


def steps(rows: int, rng: random.Random) -> list[TrainingStep]:
    made = []
    for index in range(rows):
        kb, make = MAKERS[index % len(MAKERS)]
        question, answer, pieces = make(rng)
        place = rng.choice((0, 0, 0, 1, 1, 2, 3))  # rankings are good, and not always right
        pieces.insert(place, pieces.pop(0))
        evidence = tuple(_evidence(kb, f"made-{index}-{n}", piece, 1 / (n + 1)) for n, piece in enumerate(pieces))
        gold = Gold(f"Piece {place + 1} says it.", evidence_ids=(evidence[place].id,), answers=(answer,))
        made.append(
            TrainingStep(
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
