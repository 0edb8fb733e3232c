"""A question for the largest or smallest to the cells that hold it."""

import pytest

from r1router.extremes import extremes, superlative
from r1router.focus import focus
from r1router.types import Evidence

TRADE = [
    ["Exports", "1", "India", "66%", "2023"],
    ["Exports", "2", "Chile", "9%", "2023"],
    ["Imports", "1", "Senegal", "28%", "2023"],
    ["Imports", "2", "Portugal", "24%", "2022"],
]
TRADE_COLUMNS = ["Flow", "Rank", "Partner", "Share", "Year"]


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Which country has the Largest area?", "largest"),
        ("Who has the fewest goals?", "fewest"),
        ("Is it at least 30 km long?", ""),
        ("How large is Peru?", ""),
        ("Who is the almost longest-serving?", "longest"),
    ],
)
def test_a_superlative_is_heard(question, word):
    assert superlative(question) == word


@pytest.mark.parametrize(
    ("question", "title", "cells"),
    [
        (
            "Which country supplies the largest share of the imports of Guinea-Bissau?",
            "Trade of Guinea-Bissau",
            {(2, 3)},
        ),
        ("Which country buys the most exports from Guinea-Bissau?", "Trade of Guinea-Bissau", {(0, 3)}),
        ("Which partner has the smallest share?", "Trade", {(1, 3)}),
        ("Which partner had the smallest share in 2023?", "Trade", {(1, 3)}),
        ("Which is the largest market of Chile?", "Trade of Guinea-Bissau", set()),  # one row is no comparison
        ("Which is the largest market of Chile?", "Trade of Chile", {(0, 3)}),
        ("Who are the partners?", "Trade", set()),
    ],
)
def test_those_rows_are_compared_that_the_question_names(question, title, cells):
    assert extremes(question, title, TRADE_COLUMNS, TRADE) == cells


COUNTRIES = ["Country", "Area (km²)", "Population", "Urban population", "Founded (year)"]


@pytest.mark.parametrize(
    ("question", "cells"),
    [
        ("Which country has the largest area?", {(0, 1)}),
        ("Which country has the largest population?", {(1, 2), (2, 2)}),
        ("Which is the largest of them?", {(0, 1), (1, 2), (2, 2), (0, 3)}),
        ("Which country has the largest land population?", {(1, 2), (2, 2)}),
        ("Which country has the smallest area?", {(1, 1)}),
    ],
)
def test_that_column_is_looked_at_whose_name_the_question_shares(question, cells):
    rows = [
        ["Niger", "1,267,000", "26 million", "5 million", "1960"],
        ["Togo", "56,785 (land)", "30 million", "4 million", "1961"],
        ["Mali", "1,240,192[1]", "30 million", "3 million", "1959"],
        ["Total", "2,563,977", "86 million", "12 million", ""],
        [],
    ]
    assert extremes(question, "Countries", COUNTRIES, rows) == cells


@pytest.mark.parametrize(
    "column",
    [
        ["3", "3", "3"],
        ["1st", "2nd", "7th"],
        ["3–0", "9–0", "1–1"],
        ["27 March 1999", "10 June 1999", "8 September 1999"],
        ["many", "few", "4"],
        ["12 km", "9 miles", "4 days"],
        ["", "", "4"],
    ],
)
def test_what_is_no_quantity_has_no_largest(column):
    rows = [[name, cell] for name, cell in zip("abc", column, strict=True)]
    assert extremes("Which has the most?", "", ["Name", "Value"], rows) == set()


def test_minus_signs_count():
    rows = [["a", "-4"], ["b", "−12.5"], ["c", "3"]]
    assert extremes("Where is it lowest?", "", ["Place", "Temperature"], rows) == {(1, 1)}


PIECES = [
    Evidence("table", "c#1", "Countries\nCountry | Area (km²)\nTogo | 56,785\nMali | 1,240,192", record="c"),
    Evidence("table", "s#0", "Seas\nSea | Area (km²)\nRed Sea | 438,000\nBlack Sea | 436,402", record="s"),
    Evidence("text", "n#0", "Niger\nNiger is large."),
    Evidence("table", "c#0", "Countries\nCountry | Area (km²)\nNiger | 1,267,000", record="c"),
]


def shown(question):
    return {item.id: text for item, text in focus(question, PIECES, 1000)}


def test_only_the_row_that_is_asked_for_is_shown_of_a_table_that_came_in_pieces():
    assert shown("Which of the countries has the largest area?") == {
        "c#0": "Countries\nNiger | Area (km²): 1,267,000 (largest)"
    }


def test_of_tables_whose_titles_are_equally_near_each_shows_its_row():
    assert shown("What has the smallest area?") == {
        "c#1": "Countries\nTogo | Area (km²): 56,785 (smallest)",
        "s#0": "Seas\nBlack Sea | Area (km²): 436,402 (smallest)",
    }


@pytest.mark.parametrize(
    "question", ["Which country has an area of 56,785?", "Which sea is the deepest for Togo and Mali?"]
)
def test_where_nothing_can_be_compared_all_is_shown(question):
    pieces = PIECES if "area" in question else [PIECES[2], PIECES[3]]
    assert [item.id for item, _ in focus(question, pieces, 1000)] == [item.id for item in pieces]
