"""What can be asked of a table: views of it, and the grammar of queries."""

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from grammars import draw
from orders import ORDERS
from r1router import parse
from r1router.errors import ParseError
from r1router.table import TableBlock
from r1router.tables.columns import read_columns
from r1router.tables.engine import Tables
from r1router.tables.grammar import can_write, write_query_grammar
from r1router.tables.inspect import inspect_table
from r1router.tables.store import TableFile
from r1router.tables.view import TableView, show_table, view_table


def view(question: str, block: TableBlock = ORDERS) -> TableView:
    readers, values = read_columns(block.header, block.rows)
    return view_table(question, block, [reader.column for reader in readers], values)


cells = st.one_of(
    st.sampled_from(
        ["", "Oslo", "Bergen", "O'Hara", 'the "best"', "a | b", "100%", "a_b", "<query>", "n/a", "Tom\nAnn"]
    ),
    st.integers(-5, 3000).map(str),
    st.dates().map(str),
    st.text(max_size=8),
)
tables = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(
            st.one_of(st.text(max_size=6), st.sampled_from(["row", "t", 'a"b', "Year"])), min_size=width, max_size=width
        ),
        st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8),
    )
)


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(tables, st.text(max_size=20), st.integers(0, 10_000))
def test_every_query_that_the_grammar_writes_runs_whatever_the_table_holds(table, asked, seed):
    header, rows = table
    block = TableBlock("T", header=tuple(header), rows=tuple(map(tuple, rows)))
    question = f"{asked} {rows[0][0]} {rows[-1][-1]} 3 {header[0]}?"
    grammar = write_query_grammar(view(question, block))
    chance = random.Random(seed)
    with Tables(block) as opened:
        for _ in range(15):
            sql = draw(grammar, chance)
            assert can_write(grammar, sql)
            assert not can_write(grammar, f"{sql} UNION {sql}")
            opened.query(sql)


def test_a_view_shows_what_the_question_names_first():
    seen = view("How much did O'Hara order in March?")
    by_name = {column.name: column for column in seen.columns}
    assert by_name["Customer"].samples[0] == "O'Hara"
    assert [cell.literal for cell in by_name["Customer"].cells if cell.named] == ["'O''Hara'"]
    assert by_name["Date"].months == ("March", "April")
    assert seen.rows[0][1] == "O'Hara"
    assert seen.count == 5


def test_a_shown_table_is_about_as_long_as_it_may_be():
    shown = show_table(view("Norway?"), 250)
    assert shown.chars < 350
    assert [column.name for column in shown.columns] == ['"Order"', '"Customer"', '"Country"', '"Date"', '"Amount (€)"']


def test_a_small_table_is_shown_whole_after_the_rows_that_the_question_names():
    assert [row[0] for row in view("Norway?").rows] == ["1", "3", "5", "2", "4"]
    long = TableBlock(ORDERS.title, header=ORDERS.header, rows=ORDERS.rows * 2)
    assert [row[0] for row in view("Norway?", long).rows] == ["1", "3", "5"] * 2


def test_a_reply_asks_the_table_or_answers():
    shape = parse.add_query(parse.make_answer_shape(), write_query_grammar(view("Norway?")))
    rules = parse.write_gbnf(shape)
    assert rules.startswith('root ::= "<think>"')
    assert "\nquery ::= " in rules
    query = parse.read_table_reply(parse.Reply("<think>Count.</think>\n<query>SELECT COUNT(*)\n FROM t;</query>"))
    assert query == parse.TableQuery("Count.", "SELECT COUNT(*) FROM t")
    assert parse.read_table_reply(parse.Reply(parse.write_table_query(query))) == query
    assert query.thought == "Count."
    assert parse.read_table_reply(parse.Reply("<answer>Oslo</answer>")) == parse.Answer("", "Oslo")
    assert parse.read_table_reply(parse.Reply("<query></query><answer>Oslo</answer>")) == parse.Answer("", "Oslo")
    with pytest.raises(ParseError, match="the tag query is empty"):
        parse.read_table_reply(parse.Reply("<query> </query>"))


def test_a_long_table_of_any_width_is_looked_into(tmp_path):
    header = tuple(f"A column with a long name, number {n}" for n in range(200))
    file = TableFile(tmp_path / "t.parquet", source="s", record="r", block=TableBlock("Wide", header=header))
    file.add([tuple(f"plant {row} of {n}" for n in range(200)) for row in range(120)])
    file.finish()
    view = inspect_table(tmp_path / "t.parquet", "What else is said of plant 117 and its turbine?")
    assert view.count == 120
    assert any("117" in cell for row in view.rows for cell in row)


def test_a_view_of_a_very_wide_table_has_the_columns_that_the_question_names():
    header = ("site", *(f"sensor_{n}" for n in range(600)), "country")
    rows = tuple((f"Site {r}", *(str(r + n) for n in range(600)), "Norway" if r else "Peru") for r in range(3))
    seen = view("What is sensor 417 of Site 1 in Norway?", TableBlock("Sensors", header=header, rows=rows))
    names = [column.name for column in seen.columns]
    assert len(names) == 24
    assert {"site", "sensor_417", "country"} <= set(names)
