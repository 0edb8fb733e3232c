"""Evidence to its most telling lines."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest

from r1router.evidence.shown import focus
from r1router.table import TableBlock
from r1router.types import Evidence


def piece(id, title, header, *rows, caption=""):
    block = TableBlock(title, caption=caption, header=tuple(header), rows=tuple(map(tuple, rows)))
    return Evidence("table", id, block.text, table=block)


TABLE = piece(
    "t#0", "Geography of Djibouti", ("Indicator", "Value"),
    ("Total area", "23,200 sq km"), ("Coastline", "314 km"), ("Forest", "0.3%"),
)  # fmt: skip
BORDERS = piece("b#0", "Borders of Djibouti", ("Neighbour", "Length"), ("Eritrea", "125"), ("Somalia", "61"))
PROSE = Evidence("text", "p#0", "Lima\nLima lies on the coast. It was founded in 1535. It is the capital of Peru.")


def texts(question, evidence, chars):
    return [text for _, text in focus(question, evidence, chars)]


def test_what_fits_is_kept_as_it_is():
    assert texts("What is the capital of Peru?", [PROSE], 1000) == [PROSE.text.replace(". ", ".\n")]


def test_a_title_stays_above_the_line_that_is_shown():
    assert texts("What is the capital of Peru?", [PROSE], 40) == ["Lima\nIt is the capital of Peru."]


def test_a_row_names_its_columns_below_the_title():
    assert texts("How long is the coastline of Djibouti?", [TABLE, BORDERS], 70) == [
        "Geography of Djibouti\nCoastline | Value: 314 km"
    ]
    assert texts("Who are the neighbours?", [BORDERS], 200) == [
        "Borders of Djibouti\nEritrea | Length: 125\nSomalia | Length: 61"
    ]


@pytest.mark.parametrize(
    ("table", "shown"),
    [
        (
            piece("1", "Cup", ("No", "Club", "Goals"), ("7", "Rovers", ""), caption="A caption. Of two."),
            "Cup\nA caption.\nOf two.\nNo: 7 | Club: Rovers",
        ),
        (piece("1", "", ("No", "Club"), ("7", "Rovers"), ("8", "Stars")), "No: 7 | Club: Rovers\nNo: 8 | Club: Stars"),
        (piece("1", "Cup", ("", "Goals"), ("Rovers", "3")), "Cup\nRovers | Goals: 3"),
        (piece("1", "Cup", ("", ""), ("Rovers", "3"), ("Stars", "2")), "Cup\nRovers | 3\nStars | 2"),
        (piece("1", "A | B", ("Club", "Cup"), ("x | y", "3 | 4")), "A | B\nx | y | Cup: 3 | 4"),
        (piece("1", "Cup", ("Club", "Year", "Year"), ("R", "1", "2")), "Cup\nR | Year: 1 | Year (2): 2"),
        (piece("1", "Cup", ("Club", "Cup"), ("R", "1", "more"), ("S",)), "Cup\nR | Cup: 1 | more\nS"),
        (piece("1", "Clubs", ("Club",), ("Rovers",), ("Stars",)), "Clubs\nClub\nRovers\nStars"),
        (piece("1", "Cup", ("Club", "Goals")), "Cup\nClub | Goals"),
        (piece("1", "Cup", ("Place", "Club"), ("1st", "Rovers")), "Cup\nPlace: 1st | Club: Rovers"),
    ],
)
def test_a_cell_stands_under_the_name_of_its_column(table, shown):
    assert texts("Which club?", [table], 1000) == [shown]


def test_bars_in_a_passage_make_no_table():
    prose = "Pipes\nThe sign a | b is old.\nIt is | not a table."
    assert texts("Which club?", [Evidence("text", "1", prose)], 1000) == [prose]


def test_the_name_of_a_column_tells_which_row_is_meant():
    towns = piece("1", "Towns", ("Town", "Mayor"), ("Puno", "A. Rojas"), ("Cusco", "B. Inca"))
    other = piece("2", "Rivers", ("River", "Length"), ("Ica", "220"))
    assert texts("Who is mayor?", [other, towns], 40) == ["Towns\nPuno | Mayor: A. Rojas"]


@pytest.mark.parametrize(
    ("question", "table", "row"),
    [
        (
            "In which year was the Greatest Hits album by Rovers released?",
            piece("1", "Albums", ("Album", "Artist", "Year", "Sales"), ("Greatest Hits", "Rovers", "1999", "5"),
                  ("Best", "Stars", "2001", "90")),
            "Greatest Hits | Artist: Rovers | Year: 1999 | Sales: 5",
        ),
        (
            "In which city does the highest court sit?",
            piece("1", "Courts", ("Court", "City", "Judges"), ("Highest court", "Brno", "20"), ("Court", "Oslo", "90")),
            "Highest court | City: Brno | Judges: 20",
        ),
        (
            "Which films cost more than The Longest Day?",
            piece("1", "Films", ("Film", "Cost"), ("The Longest Day", "10"), ("Cleopatra", "31"), ("Psycho", "1")),
            "Cleopatra | Cost: 31",
        ),
    ],
)  # fmt: skip
def test_a_superlative_hides_no_row(question, table, row):
    (shown,) = texts(question, [table], 1000)
    assert row in shown.split("\n")
    assert len(shown.split("\n")) == 1 + len(table.table.rows)


def test_a_passage_keeps_its_title_and_the_telling_sentence():
    assert texts("What is the capital of Peru?", [PROSE], 50) == ["Lima\nIt is the capital of Peru."]


def test_pieces_keep_their_order_and_are_told_apart_from_those_left_out():
    kept = focus("Which neighbour is Somalia?", [TABLE, BORDERS], 75)
    assert [item.id for item, _ in kept] == ["b#0"]


def test_a_line_is_taken_where_it_fits_to_the_character_with_what_parts_it_from_others():
    both = Evidence("text", "1", "Peru is big. Lima is big.")
    assert texts("Peru Lima", [both], 32) == ["Peru is big.\nLima is big."]
    assert texts("Peru Lima", [both], 31) == ["Peru is big."]


def test_a_title_stays_also_where_it_leaves_no_room():
    assert texts("What is the capital of Peru?", [PROSE], 35) == ["Lima\nIt is the capital of Peru."]


def test_a_word_that_most_entries_have_makes_up_for_no_two_places():
    entries = [Evidence("text", str(n), text) for n, text in enumerate(("It rains.", "Lima is big.", "Lima is old."))]
    assert [item.id for item, _ in focus("Lima", entries, 40)] == ["0", "1"]


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
from r1router.table import TableBlock
from r1router.types import Evidence
names = "Oslo Lima Quito Dakar Turku Porto Graz Lagos Bergen Osaka".split()
pairs = enumerate(zip(names, names[3:] + names[:3]))
rows = [f"{name} {other} | alpha beta gamma delta {name} | {n}" for n, (name, other) in pairs]
rows += ["alpha | beta | 1", "gamma | beta | 2", "delta | x | 3", "alpha | gamma delta | 4"]
block = TableBlock("Cups", header=("a", "b", "c"), rows=tuple(tuple(row.split(" | ")) for row in rows))
table = Evidence("t", "1", block.text, table=block)
print(focus("alpha beta gamma delta of " + " ".join(names), [table], 200))
"""


def test_lines_that_are_equally_telling_are_chosen_alike_in_every_process():
    run = partial(subprocess.run, [sys.executable, "-c", CUPS], capture_output=True, check=True)
    assert len({run(env={**os.environ, "PYTHONHASHSEED": str(seed)}).stdout for seed in range(6)}) == 1


def wide(rows: int = 3, columns: int = 300) -> TableBlock:
    header = ("site", *(f"sensor_{n}" for n in range(columns)))
    cells = tuple((f"Site {r}", *(str(1000 * r + n) for n in range(columns))) for r in range(rows))
    return TableBlock("Sensors", header=header, rows=cells)


def test_of_a_very_wide_row_the_cells_are_shown_that_the_question_names():
    block = wide()
    for asked in ("What is sensor_217 of Site 1?", "Which reading has sensor 217 at Site 1?"):
        [(_, text)] = focus(asked, [Evidence("t", "1", block.text, table=block)], 1000)
        title, *rows = text.split("\n")
        assert title == "Sensors"
        assert "Site 1" in {row.partition(" | ")[0] for row in rows}
        assert "sensor_217: 1217" in text
        assert len(rows) > 1
        assert len(text) <= 1000


def test_a_cell_of_a_very_wide_row_is_shown_for_what_it_says():
    block = replace(wide(), rows=(("Site 0", *["x"] * 299, "Norway " + "y" * 2000),))
    [(_, text)] = focus("Which site is in Norway?", [Evidence("t", "1", block.text, table=block)], 1000)
    assert "sensor_299: Norway y" in text


def test_a_long_cell_of_few_is_cut_at_its_end_as_ever():
    block = TableBlock("T", header=("a", "b"), rows=(("Oslo", "z" * 3000),))
    [(_, text)] = focus("Oslo?", [Evidence("t", "1", block.text, table=block)], 1000)
    assert text == ("T\nOslo | b: " + "z" * 3000)[:1000]
