"""Evidence to its most telling lines."""

import os
import subprocess
import sys
from functools import partial

import pytest

from r1router.evidence.shown import focus
from r1router.types import Evidence

TABLE = Evidence(
    "table",
    "t#0",
    "Geography of Djibouti\nIndicator | Value\nTotal area | 23,200 sq km\nCoastline | 314 km\nForest | 0.3%",
)
BORDERS = Evidence("table", "b#0", "Borders of Djibouti\nNeighbour | Length\nEritrea | 125\nSomalia | 61")
PROSE = Evidence("text", "p#0", "Lima\nLima lies on the coast. It was founded in 1535. It is the capital of Peru.")


def texts(question, evidence, chars):
    return [text for _, text in focus(question, evidence, chars)]


def test_what_fits_is_kept_as_it_is():
    assert texts("What is the capital of Peru?", [PROSE], 1000) == [PROSE.text.replace(". ", ".\n")]


def test_a_row_names_its_columns_below_the_title():
    assert texts("How long is the coastline of Djibouti?", [TABLE, BORDERS], 70) == [
        "Geography of Djibouti\nCoastline | Value: 314 km"
    ]
    assert texts("Who are the neighbours?", [BORDERS], 200) == [
        "Borders of Djibouti\nEritrea | Length: 125\nSomalia | Length: 61"
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Cup\nA caption. Of two.\nNo | Club | Goals\n7 | Rovers |", "Cup\nA caption.\nOf two.\nNo: 7 | Club: Rovers"),
        ("No | Club\n7 | Rovers\n8 | Stars", "No: 7 | Club: Rovers\nNo: 8 | Club: Stars"),
        ("Cup\nClub | Goals\nRovers | 3 | more\nStars | 2", "Cup\nRovers | 3 | more\nStars | Goals: 2"),
        ("Cup\n | Goals\nRovers | 3", "Cup\nRovers | Goals: 3"),
        ("Pipes\nThe sign a | b is old.\nIt is not a table.", "Pipes\nThe sign a | b is old.\nIt is not a table."),
    ],
)
def test_what_is_a_table_and_what_is_not(text, shown):
    assert texts("Which club?", [Evidence("table", "1", text)], 1000) == [shown]


def test_the_name_of_a_column_tells_which_row_is_meant():
    towns = Evidence("table", "1", "Towns\nTown | Mayor\nPuno | A. Rojas\nCusco | B. Inca")
    other = Evidence("table", "2", "Rivers\nRiver | Length\nIca | 220")
    assert texts("Who is mayor?", [other, towns], 40) == ["Towns\nPuno | Mayor: A. Rojas"]


def test_a_passage_keeps_its_title_and_the_telling_sentence():
    assert texts("What is the capital of Peru?", [PROSE], 50) == ["Lima\nIt is the capital of Peru."]


def test_pieces_keep_their_order_and_are_told_apart_from_those_left_out():
    kept = focus("Which neighbour is Somalia?", [TABLE, BORDERS], 75)
    assert [item.id for item, _ in kept] == ["b#0"]


def test_an_entry_further_down_must_say_more():
    first, second = (Evidence("text", str(n), f"Peru has {n} coasts.") for n in (1, 2))
    assert [item for item, _ in focus("coasts of Peru", [first, second], 20)] == [first]


def test_a_line_longer_than_all_that_may_be_shown_is_cut():
    (shown,) = texts("a", [Evidence("text", "1", "word " * 100)], 40)
    assert len(shown) == 40


def test_a_long_first_line_is_no_title_that_hides_what_was_chosen():
    long = Evidence("text", "1", "Peru is a country. " * 60 + "\nLima is the capital of Peru.")
    (shown,) = texts("What is the capital of Peru?", [long], 200)
    assert "Lima is the capital of Peru." in shown


def test_nothing_makes_nothing():
    assert focus("what?", [], 100) == []
    assert focus("what?", [Evidence("text", "1", "")], 100) == []


CUPS = """
from r1router.evidence.shown import focus
from r1router.types import Evidence
names = "Oslo Lima Quito Dakar Turku Porto Graz Lagos Bergen Osaka".split()
pairs = enumerate(zip(names, names[3:] + names[:3]))
rows = [f"{name} {other} | alpha beta gamma delta {name} | {n}" for n, (name, other) in pairs]
rows += ["alpha | beta | 1", "gamma | beta | 2", "delta | x | 3", "alpha | gamma delta | 4"]
table = Evidence("t", "1", "\\n".join(["Cups", "a | b | c", *rows]))
print(focus("alpha beta gamma delta of " + " ".join(names), [table], 200))
"""


def test_lines_that_are_equally_telling_are_chosen_alike_in_every_process():
    run = partial(subprocess.run, [sys.executable, "-c", CUPS], capture_output=True, check=True)
    assert len({run(env={**os.environ, "PYTHONHASHSEED": str(seed)}).stdout for seed in range(6)}) == 1
