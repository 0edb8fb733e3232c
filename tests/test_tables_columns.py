"""Cells of a table to typed columns."""

from __future__ import annotations

import datetime

import pytest

from r1router.evidence.numbers import (
    Quantity,
    convert_unit,
    read_cell,
    read_quantities,
    read_stated_quantity,
    tell_decimal,
)
from r1router.table import TableBlock, name_columns
from r1router.tables.columns import read_columns, read_date, read_seconds


def read(*cells: str):
    (reader,), (values,) = read_columns(["x"], [[cell] for cell in cells])
    return reader.column.kind, reader.column.unit, values


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("1,267,000", 1_267_000, ""),
        ("1 267 000", 1_267_000, ""),
        ("−12.5", -12.5, ""),
        ("-$5", -5, "$"),
        ("$1,200", 1200, "$"),
        ("5 €", 5, "€"),
        ("45%", 45, "%"),
        ("1.4 billion", 1.4e9, ""),
        ("US$ 5 million", 5e6, "US$"),
        ("5 mio. €", 5e6, "€"),
        ("56,785 (land)", 56_785, ""),
        ("1,240,192[1]", 1_240_192, ""),
        ("1st", 1, ""),
        ("~300 km²", 300, "km²"),
        ("1.85 m (6 ft 1 in)", 1.85, "m"),
        ("0", 0, ""),
        ("+5", 5, ""),
        ("±5", 5, ""),
        ("€ -5", -5, "€"),
        ("$−5 million", -5e6, "$"),
        ("$1.2M", 1.2e6, "$"),
        ("$900 k", 9e5, "$"),
        ("3.5B", 3.5e9, ""),
        ("120k €", 120_000, "€"),
        ("300 K", 300, "K"),
        ("5 m", 5, "m"),
        ("(1,900)", -1900, ""),
        ("($350.50)", -350.5, "$"),
        ("$(20)", -20, "$"),
        ("–5", -5, ""),
        ("1.5E+06", 1.5e6, ""),
        ("₹1,20,000", 120_000, "₹"),
        ("1.5万", 15_000, ""),
        ("3亿元", 3e8, "元"),
    ],
)
def test_a_cell_that_is_one_number_is_read_with_its_unit(cell, value, unit):
    found = read_cell(cell)
    assert found is not None
    assert (found.value, found.unit) == (value, unit)


@pytest.mark.parametrize(
    "cell",
    [
        "007",
        "3–0",
        "1990–1994",
        "3/4",
        "12:30",
        "4 July 1999",
        "A1",
        "",
        "12 345 6",
        "1,23",
        "1.2.3",
        "9" * 400,
        "9" * 300 + " trillion",
    ],
)
def test_a_code_a_score_a_range_and_a_date_are_no_number(cell):
    assert read_cell(cell) is None


def test_a_number_is_plain_only_where_it_is_digits_alone():
    plain = {"5": True, "5 km": False, "5 million": False, "5k": False, "5e3": False, "5.0": False, "$5": False}
    assert {text: read_quantities(text)[0].plain for text in plain} == plain
    ranges = {"5-10": True, "5-10 km": False, "5 km - 10": False}
    assert {text: read_quantities(text)[0].plain for text in ranges} == ranges
    assert [quantity.low for quantity in read_quantities("5e3; 5k; 5 million")] == [5e3, 5e3, 5e6]
    assert [read_quantities(text)[0].unit for text in ("5-10 km", "5 km - 10", "5-10")] == ["length", "length", ""]


def test_decimals_make_a_number_no_whole_one_whatever_its_magnitude():
    whole = {"5": True, "5.0": False, "5 km": True, "5.0 km": False, "5 million": True, "1.5 million": False}
    assert {cell: read_cell(cell).whole for cell in whole} == whole


@pytest.mark.parametrize(
    ("text", "quantities"),
    [
        ("5", [Quantity(5.0, 5.0)]),
        ("5 per cent", [Quantity(5.0, 5.0, "percent", 1.0, False)]),
        ("5 percent", [Quantity(5.0, 5.0, "percent", 1.0, False)]),
        ("3 sq km", [Quantity(3.0, 3.0, "area", 1e6, False)]),
        ("us$ 5", [Quantity(5.0, 5.0, "money $", 1.0, False)]),
        ("-5 to 5", [Quantity(-5.0, 5.0)]),
        ("between five and 10 km", [Quantity(5.0, 10.0, "length", 1000.0, False)]),
        ("500 m - 1 km", [Quantity(0.5, 1.0, "length", 1000.0, False)]),
        ("5 km - 10 km", [Quantity(5.0, 10.0, "length", 1000.0, False)]),
        ("5 km - 10 kg", [Quantity(5.0, 5.0, "length", 1000.0, False), Quantity(10.0, 10.0, "mass", 1.0, False)]),
        ("5 km - 6", [Quantity(5.0, 6.0, "length", 1000.0, False)]),
        ("5-10-15", [Quantity(5.0, 10.0), Quantity(15.0, 15.0)]),
        ("5-5", [Quantity(5.0, 5.0)]),
        ("10-5", [Quantity(10.0, 10.0), Quantity(5.0, 5.0)]),
        ("5 and 10", [Quantity(5.0, 5.0), Quantity(10.0, 10.0)]),
    ],
)
def test_quantities_are_read_with_their_dimension_and_ranges_as_one(text, quantities):
    assert read_quantities(text) == quantities


def test_an_answer_is_one_number_with_at_most_one_word_after_it():
    told = ("12,467", "5 goals", "about 5 km", "5 goals by Rovers", "5 or 6", "Apollo 11", "5 red goals")
    assert [None if (q := read_stated_quantity(text)) is None else q.low for text in told] == [
        12467,
        5,
        5,
        None,
        None,
        None,
        None,
    ]


def test_a_decimal_comma_is_told_by_the_other_cells_of_its_column():
    assert [tell_decimal(cell) for cell in ("12,5", "1,234.5", "1.234", "1,234")] == [",", ".", None, None]
    assert read("1.234", "12,5", "1.000.000") == ("number", "", [1234.0, 12.5, 1_000_000.0])
    assert read("1.234", "12.5", "7") == ("number", "", [1.234, 12.5, 7.0])
    assert read("1,234", "2,500") == ("number", "", [1234, 2500])


def test_points_part_thousands_where_decimals_would_be_neither_padded_nor_cut():
    assert read("1.200 €", "900 €", "3.450 €") == ("number", "€", [1200, 900, 3450])
    assert read("1.234", "22.512", "900")[2] == [1.234, 22.512, 900.0]
    assert read("1.250 kg", "2 kg", "1.500 kg")[2] == [1.25, 2.0, 1.5]
    assert read("1.200", "0.950", "900")[2] == [1.2, 0.95, 900.0]
    assert read("1.200", "22.500", "3.400")[2] == [1.2, 22.5, 3.4]


def test_numbers_in_brackets_are_negative_unless_all_are():
    assert read("1,200", "(350)", "90", "(1,900)") == ("number", "", [1200, -350, 90, -1900])
    assert read("(1)", "(2)")[0] == "text"


def test_whole_numbers_stay_whole_and_years_are_numbers():
    kind, _, values = read("1999", "2004", "n/a", "–")
    assert kind == "number"
    assert values == [1999, 2004, None, None]
    assert isinstance(values[0], int)


def test_lengths_are_brought_to_one_unit_and_unlike_units_stay_text():
    assert read("12 km", "900 m", "3 km") == ("number", "km", [12.0, 0.9, 3.0])
    assert read("12 km", "9 kg", "4 days")[0] == "text"
    assert convert_unit("km", "kg") is None
    assert convert_unit("inch", "cm") == pytest.approx(2.54)


def test_a_column_of_mixed_content_stays_text_and_a_few_strangers_have_no_value():
    assert read("1", "DNF", "2") == ("text", "", ["1", "DNF", "2"])
    assert read("1", "2", "3", "4", "DNF") == ("number", "", [1, 2, 3, 4, None])


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1999-07-04", datetime.date(1999, 7, 4)),
        ("4 July 1999", datetime.date(1999, 7, 4)),
        ("July 4, 1999", datetime.date(1999, 7, 4)),
        ("Sunday, 4 July 1999", datetime.date(1999, 7, 4)),
        ("4th of July 1999", datetime.date(1999, 7, 4)),
        ("4. Juli 1999", datetime.date(1999, 7, 4)),
        ("4 juillet 1999", datetime.date(1999, 7, 4)),
        ("04.07.1999", datetime.date(1999, 7, 4)),
        ("Jul-1999", datetime.date(1999, 7, 1)),
        ("04.07.99", datetime.date(1999, 7, 4)),
        ("04.07.24", datetime.date(2024, 7, 4)),
        ("1.2.34", None),
        ("1999年7月4日", datetime.date(1999, 7, 4)),
        ("1999년 7월", datetime.date(1999, 7, 1)),
        ("1999-07-04 12:30", datetime.datetime(1999, 7, 4, 12, 30)),
        ("1999-07-04T12:30:05Z", datetime.datetime(1999, 7, 4, 12, 30, 5)),
        ("7/4/1999", None),
        ("30 February 1999", None),
        ("Room 1999", None),
        ("4 July", None),
    ],
)
def test_a_date_is_read_in_the_forms_that_tables_have(text, date):
    assert read_date(text) == date


def test_a_date_of_slashes_is_read_where_the_column_tells_its_order():
    assert read("7/4/1999", "7/14/1999")[2] == [datetime.date(1999, 7, 4), datetime.date(1999, 7, 14)]
    assert read("7/4/1999", "14/7/1999")[2] == [datetime.date(1999, 4, 7), datetime.date(1999, 7, 14)]
    assert read("7/4/1999", "8/5/1999")[0] == "text"
    assert read("7/4/99", "14/7/24")[2] == [datetime.date(1999, 4, 7), datetime.date(2024, 7, 14)]


def test_a_column_of_dates_may_have_a_bare_year_and_one_of_years_is_no_date():
    assert read("4 July 1999", "5 May 2001", "2003")[2][2] == datetime.date(2003, 1, 1)
    assert read("1999", "2001", "4 July 2003")[0] == "text"


def test_times_become_seconds():
    assert [read_seconds(text) for text in ("3:45.2", "1:02:03", "1 h 20 min", "45 s", "12", "3:75")] == [
        225.2, 3723, 4800, 45, None, None,
    ]  # fmt: skip
    assert read("2:30 PM", "11 a.m.", "12:05 am")[2] == [52_200, 39_600, 300]
    assert read("2:03", "1:59.5") == ("time", "s", [123.0, 119.5])


def test_a_long_column_is_settled_by_all_of_its_cells():
    kind, _, values = read(*(["word"] * 1_500 + [str(n) for n in range(1_000)]))
    assert kind == "text"
    kind, _, values = read(*([str(n) for n in range(1_500)] + ["word"] * 300))
    assert kind == "number"
    assert values[-1] is None


def test_every_column_has_a_name_of_its_own():
    assert name_columns(["Year", "", "year", "Year (2)", "a\nb"]) == ("Year", "column 2", "year (3)", "Year (2)", "a b")
    assert name_columns(["column 2", ""]) == ("column 2", "column 2 (2)")


def test_a_block_is_written_as_lines_below_its_title_and_caption():
    block = TableBlock("Courts", "North", "Of the north.", ("City", "Judges"), (("Oslo", "5"), ("Bergen", "3")), 7)
    assert block.text == "Courts — North\nOf the north.\nCity | Judges\nOslo | 5\nBergen | 3"
    assert block.last_row == 8
    assert TableBlock("", "", "", ("", ""), (("a", "b"),)).text == "a | b"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("12,5 km and 1.234.567 people", [12.5, 1_234_567]),
        ("1.234,5 of 1,234.5", [1234.5, 1234.5]),
        ("1,2,3 and 1.234", [1, 2, 3, 1.234]),
        ("1,200", [1200]),
    ],
)
def test_a_text_has_decimal_commas_where_nothing_else_is_meant(text, values):
    assert [quantity.low for quantity in read_quantities(text)] == values
