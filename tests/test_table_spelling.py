"""A question is read as its table writes things."""

import pytest

from r1router.table import TableBlock
from r1router.tables.inspect import inspect_table
from r1router.tables.spelling import spell_as_table

VACCINES = TableBlock(
    "Vaccines", header=("Vaccine", "Price per dose", "Doses"),
    rows=(("Rabies", "82.50", "3"), ("Measles", "31.00", "2"), ("Yellow fever", "64.20", "1")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("rabbies jab", "Rabies jab"),
        ("RABBIES and rabbies", "Rabies and Rabies"),
        ("Is it total physio hours?", "Is it total Physiotherapy hours?"),
        ("physiotherapy hours", "physiotherapy hours"),
        ("prices of hexan", "prices of hexan"),
        ("which witch", "which witch"),
        ("saisonkahrte für Kinder", "Saisonkarte für Kinder"),
        ("the orders", "the orders"),
        ("", ""),
    ],
)
def test_unknown_words_are_spelt_as_in_the_table_and_known_ones_stay(asked, read):
    texts = ["Rabies", "Physiotherapy", "Hexane", "Price", "Saisonkarte", "Ordered by", "Watch"]
    assert spell_as_table(asked, texts) == read


def test_the_beginning_of_two_words_is_neither():
    assert spell_as_table("physio hours", ["Physiotherapy", "Physiology"]) == "physio hours"


def test_a_short_word_is_taken_only_where_it_begins_one():
    assert spell_as_table("mases in stock", ["Mazes", "Stock"]) == "mases in stock"


def test_a_mistyped_cell_is_offered_and_asked_for():
    view = inspect_table(VACCINES, "what is the price of rabbies", likely=1)
    assert any(cell.literal == "'Rabies'" and cell.named for cell in view.columns[0].cells)
    assert view.likely[0].sql == """SELECT "Price per dose" FROM t WHERE "Vaccine" = 'Rabies'"""
