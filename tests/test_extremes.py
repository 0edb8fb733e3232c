"""A question for the largest or smallest to the cells that hold it."""

import pytest

from r1router.evidence.extremes import extremes, superlative
from r1router.evidence.shown import focus
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
        ("Who scored the most goals?", "most"),
        ("Who is the most recent winner?", ""),
        ("In which year did most people leave Ireland?", ""),
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
        ["5 million", "7 million", "1.4 billion"],
        ["", "", "4"],
    ],
)
def test_what_is_no_quantity_has_no_largest(column):
    rows = [[name, cell] for name, cell in zip("abc", column, strict=True)]
    assert extremes("Which has the most?", "", ["Name", "Value"], rows) == set()


@pytest.mark.parametrize(
    ("column", "found"),
    [("Number of seats", {(0, 1)}), ("No. of seats", {(0, 1)}), ("No.", set()), ("Position", set())],
)
def test_a_number_of_something_is_a_quantity_and_a_number_alone_is_none(column, found):
    assert extremes("Which has the most seats?", "", ["Party", column], [["A", "40"], ["B", "30"]]) == found


def test_only_a_whole_name_is_a_sum():
    rows = [["Grand total", "900"], ["World (all)", "800"], ["World Trade Center", "541"], ["All Saints", "70"]]
    assert extremes("Which is the tallest?", "", ["Tower", "Height"], rows) == {(2, 1)}


def test_a_small_number_in_the_question_names_no_row_and_a_year_does():
    rows = [["A", "1", "10", "2019"], ["B", "3", "30", "2020"], ["C", "2", "40", "2020"]]
    header = ["Club", "Rank", "Goals", "Season"]
    assert extremes("Which of the 3 has the most goals?", "", header, rows) == {(2, 2)}
    assert extremes("Which has the fewest goals in 2020?", "", header, rows) == {(1, 2)}


def test_minus_signs_count():
    rows = [["a", "-4"], ["b", "−12.5"], ["c", "3"]]
    assert extremes("Where is it lowest?", "", ["Place", "Temperature"], rows) == {(1, 1)}


PIECES = [
    Evidence("table", "c#1", "Countries\nCountry | Area (km²)\nTogo | 56,785\nMali | 1,240,192", record="c"),
    Evidence("table", "s#0", "Seas\nSea | Area (km²)\nRed Sea | 438,000\nBlack Sea | 436,402", record="s"),
    Evidence("text", "n#0", "Niger\nNiger is large."),
    Evidence("table", "c#0", "Countries\nCountry | Area (km²)\nNiger | 1,267,000", record="c"),
]


PASSAGE = "Niger\nNiger is large."


def shown(question, *pieces):
    return {item.id: text for item, text in focus(question, pieces or PIECES, 1000)}


def test_of_tables_only_the_row_is_shown_that_is_asked_for_passages_stay():
    assert shown("Which of the countries has the largest area?") == {
        "n#0": PASSAGE,
        "c#0": "Countries\nNiger | Area (km²): 1,267,000 (largest)",
    }


def test_of_tables_that_are_equally_near_each_shows_its_row():
    assert shown("What has the smallest area?") == {
        "c#1": "Countries\nTogo | Area (km²): 56,785 (smallest)",
        "s#0": "Seas\nBlack Sea | Area (km²): 436,402 (smallest)",
        "n#0": PASSAGE,
    }


def test_a_table_that_shares_nothing_with_the_question_hides_nothing():
    squad = Evidence("table", "q#0", "Squad\nPlayer | Goals\nA | 3\nB | 9")
    dickens = Evidence("text", "d#0", "Dickens\nBleak House is his longest.")
    assert shown("Which is the longest novel by Dickens?", dickens, squad) == {
        "d#0": "Dickens\nBleak House is his longest.",
        "q#0": "Squad\nA | Goals: 3\nB | Goals: 9",
    }


def test_a_table_without_a_title_and_one_with_a_caption_are_shown_as_they_are_laid_out():
    bare = Evidence("table", "b#0", "Country | Area\nTogo | 56\nMali | 1,240")
    told = Evidence("table", "t#0", "Lakes of Mali\nIn square kilometres.\nLake | Area\nDebo | 160\nFaguibine | 590")
    assert shown("Which country has the largest area?", bare) == {"b#0": "Mali | Area: 1,240 (largest)"}
    assert shown("Which lake has the largest area?", told) == {
        "t#0": "Lakes of Mali\nIn square kilometres.\nFaguibine | Area: 590 (largest)"
    }


def test_the_same_table_in_two_knowledge_bases_is_compared_in_each():
    one = Evidence("a", "x#0", "Cups\nClub | Cups\nRovers | 3\nStars | 2", record="x")
    other = Evidence("b", "x#0", "Cups\nClub | Cups\nUnited | 9\nTown | 1", record="x")
    texts = [text for _, text in focus("Which club has the most cups?", [one, other], 1000)]
    assert texts == ["Cups\nRovers | Cups: 3 (most)", "Cups\nUnited | Cups: 9 (most)"]


def test_where_no_table_tells_all_is_shown():
    assert list(shown("Which sea is the deepest?", PIECES[2], PIECES[3])) == ["n#0", "c#0"]


def test_another_question_sees_every_row():
    assert "Togo | Area (km²): 56,785\nMali" in shown("How large are Togo and Mali?")["c#1"]
