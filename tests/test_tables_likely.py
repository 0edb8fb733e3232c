"""What a question most likely means, over a whole table."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import r1router as rr
from r1router.kb.memory import MemoryKnowledgeBase
from r1router.prompts import DEFAULT, Prompts
from r1router.table import TableBlock
from r1router.tables.columns import read_columns
from r1router.tables.engine import Tables, compute
from r1router.tables.grammar import can_write, write_query_grammar
from r1router.tables.inspect import inspect_table
from r1router.tables.likely import mark_queries, rank_queries
from r1router.tables.meaning import Meaning
from r1router.tables.mentions import Mentions
from r1router.tables.query_marks import UNSAID, read_mark_weights, tell_numbers
from r1router.tables.results import read_answer_off
from r1router.tables.view import TableView, view_table
from r1router.train.steps.render import render
from r1router.train.steps.step_file import TrainingStep
from r1router.types import Ask, Card, Evidence, Reply

ORDERS = TableBlock(
    "Orders",
    header=("Order", "Country", "Ordered", "Price"),
    rows=(
        ("A-1", "Norway", "3 March 2024", "120"),
        ("A-2", "Peru", "9 March 2024", "80"),
        ("A-3", "Norway", "1 July 2024", "300"),
        ("A-4", "Ghana", "2 July 2024", "45"),
        ("A-5", "Peru", "5 July 2024", "210"),
    ),
)


def best(question: str, block: TableBlock = ORDERS) -> str:
    return inspect_table(block, question, likely=1).likely[0].sql


CAUSES = (
    "late delivery",
    "broken glass",
    "waiting on the phone",
    "rude driver",
    "wrong size",
    "missing invoice",
    "smell",
)
COMPLAINTS = TableBlock(
    "Complaints",
    header=("No", "About", "Days open", "Days closed"),
    rows=tuple((str(n), CAUSES[n % len(CAUSES)], str(3 * n % 11), str(n % 4)) for n in range(40)),
)
TOWNS = TableBlock(
    "People by town",
    header=("Town", "Year", "People"),
    rows=tuple(
        (town, str(year), str(1000 + 37 * t + 11 * t * y))
        for t, town in enumerate(("Bergen", "Vik", "Odda", "Flam"))
        for y, year in enumerate((2016, 2018, 2020, 2024))
    ),
)


@pytest.mark.parametrize(
    ("question", "block", "sql"),
    [
        (
            "How many were about hanging on the telephone?",
            COMPLAINTS,
            "SELECT COUNT(*) FROM t WHERE \"About\" = 'waiting on the phone'",
        ),
        (
            "By how many people did Vik grow from 2016 to 2024?",
            TOWNS,
            'SELECT ABS((SELECT "People" FROM t WHERE "Town" = \'Vik\' AND "Year" = 2016) - '
            '(SELECT "People" FROM t WHERE "Town" = \'Vik\' AND "Year" = 2024))',
        ),
        (
            "What is the average of days open and days closed together?",
            COMPLAINTS,
            'SELECT AVG("Days open" + "Days closed") FROM t',
        ),
    ],
)
def test_what_no_cell_says_is_understood(question: str, block: TableBlock, sql: str) -> None:
    assert best(question, block) == sql


def test_the_cells_that_a_question_means_are_the_nearest_first() -> None:
    found = Meaning("Which complaints came from people who had to hang on the telephone?", "english").find(CAUSES)
    assert next(iter(found)) == "waiting on the phone"
    assert len(found) <= 2
    assert sorted(found.values(), reverse=True) == list(found.values())
    assert Meaning("", "english").find(CAUSES) == Meaning("phone", "english").find(()) == {}


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("How many orders came from Norway?", "SELECT COUNT(*) FROM t WHERE \"Country\" = 'Norway'"),
        ("What is the price of A-4?", 'SELECT "Price" FROM t WHERE "Order" = \'A-4\''),
        ("When was A-3 ordered?", 'SELECT "Ordered" FROM t WHERE "Order" = \'A-3\''),
        ("How many orders were over 100?", 'SELECT COUNT(*) FROM t WHERE "Price" > 100'),
        ("Wie viele Bestellungen kamen aus Norway?", "SELECT COUNT(*) FROM t WHERE \"Country\" = 'Norway'"),
        ("What is the average price?", 'SELECT AVG("Price") FROM t'),
        ("What is the total price of the orders from Peru?", 'SELECT SUM("Price") FROM t WHERE "Country" = \'Peru\''),
    ],
)
def test_a_plain_question_is_understood(question: str, sql: str) -> None:
    assert best(question) == sql


def mark(question: str, block: TableBlock) -> tuple[TableView, list[tuple[str, str]]]:
    readers, values = read_columns(block.header, block.rows)
    columns = [reader.column for reader in readers]
    view = view_table(question, block, columns, values)
    return view, [(q.sql, q.answer) for q in mark_queries(view, block, columns, values)]


CELL = st.sampled_from(["", "Oslo", "Bergen", "O'Neil; --", '"x"', "7", "7.5", "1999", "3 March 2024", "n/a", "a | b"])
TABLES = st.builds(
    TableBlock,
    title=st.sampled_from(["", "Towns 1999"]),
    header=st.lists(st.sampled_from(["Town", "Year", "Price (€)", 'a"b', "row", ""]), min_size=2, max_size=4).map(
        tuple
    ),
    rows=st.lists(st.lists(CELL, min_size=4, max_size=4).map(tuple), min_size=1, max_size=6).map(tuple),
)
QUESTIONS = st.lists(
    st.sampled_from(["how many", "most", "price", "Oslo", "Bergen", "O'Neil", "7", "1999", "after", "year", "same"]),
    max_size=5,
).map(" ".join)


@given(QUESTIONS, TABLES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_whatever_is_likely_can_be_written_and_gives_what_was_worked_out(question, block, random) -> None:
    block = TableBlock(block.title, header=block.header, rows=tuple(row[: len(block.header)] for row in block.rows))
    view, found = mark(question, block)
    grammar = write_query_grammar(view)
    with Tables(block) as tables:
        for sql, answer in random.sample(found, min(len(found), 8)):
            assert can_write(grammar, sql)
            assert read_answer_off(tables.query(sql)) == answer


PROJECTS = TableBlock(
    "Projects",
    header=("Project", "Country", "Budget", "Spent", "Workers", "Start", "End"),
    rows=(
        ("Aura", "Japan", "100", "120", "3", "3 March 2024", "9 March 2024"),
        ("Bora", "Japan", "200", "150", "5", "1 March 2024", "20 March 2024"),
        ("Cora", "Peru", "300", "350", "2", "5 May 2024", "9 May 2024"),
        ("Dora", "Italy", "250", "250", "4", "1 June 2024", "n/a"),
    ),
)


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("Which projects spent more than their budget?", 'SELECT "Project" FROM t WHERE "Spent" > "Budget"'),
        ("How many projects spent less than their budget?", 'SELECT COUNT(*) FROM t WHERE "Spent" < "Budget"'),
        ("What is budget minus spent of Bora?", 'SELECT "Budget" - "Spent" FROM t WHERE "Project" = \'Bora\''),
        ("What is the total of budget times workers?", 'SELECT SUM("Budget" * "Workers") FROM t'),
        ("How many days lie between start and end of Aura?",
         'SELECT ABS("Start" - "End") FROM t WHERE "Project" = \'Aura\''),
        ("Which Japanese project spent more than its budget?",
         'SELECT "Project" FROM t WHERE "Spent" > "Budget" AND "Country" = \'Japan\''),
    ],
)  # fmt: skip
def test_two_columns_are_compared_and_reckoned_with(question: str, sql: str) -> None:
    view = inspect_table(PROJECTS, question, likely=200)
    assert can_write(write_query_grammar(inspect_table(PROJECTS, question)), sql)
    assert sql in [query.sql for query in view.likely]


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ('SELECT "Project" FROM t WHERE "Spent" > "Budget"', "Aura, Cora"),
        ('SELECT COUNT(*) FROM t WHERE "Spent" = "Budget"', "1"),
        ('SELECT SUM("Budget" * "Workers") FROM t', "2900"),
        ('SELECT ABS("Start" - "End") FROM t WHERE "Project" = \'Aura\'', "6"),
        ('SELECT "Project" FROM t ORDER BY ABS("Start" - "End") DESC LIMIT 1', "Bora"),
        ('SELECT "Project" FROM t WHERE "Budget" - "Spent" > 40', "Bora"),
    ],
)
def test_the_engine_answers_what_two_columns_give(sql: str, answer: str) -> None:
    with Tables(PROJECTS) as tables:
        assert read_answer_off(tables.query(sql)) == answer


def test_columns_of_unlike_kinds_or_units_are_not_compared() -> None:
    block = TableBlock("Parcels", header=("Parcel", "Weight", "Length", "Sent"),
                       rows=(("a", "2 kg", "30 cm", "1 May 2024"), ("b", "3 kg", "20 cm", "2 May 2024")))  # fmt: skip
    grammar = write_query_grammar(inspect_table(block, "weight above length"))
    assert can_write(grammar, 'SELECT SUM("Weight" * "Length") FROM t')
    assert not can_write(grammar, 'SELECT "Parcel" FROM t WHERE "Weight" > "Length"')
    assert not can_write(grammar, 'SELECT "Weight" - "Length" FROM t')
    assert not can_write(grammar, 'SELECT "Weight" * "Sent" FROM t')


SALES = TableBlock(
    "Sales",
    header=("Sale", "Buyer", "Colour", "Quantity", "Price", "Day"),
    rows=(
        ("1", "Moss", "teal", "12", "8.5", "2024-03-02"), ("2", "Reed", "ochre", "5", "20", "2024-03-09"),
        ("3", "Moss", "teal", "9", "8.5", "2024-04-01"), ("4", "Fern", "ivory", "30", "7", "2024-04-15"),
        ("5", "Reed", "teal", "4", "9", "2024-05-02"), ("6", "Fern", "ochre", "2", "21", "2024-05-20"),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("How much teal did we sell altogether?", 'SELECT SUM("Quantity") FROM t WHERE "Colour" = \'teal\''),
        ("How many orders did Moss place?", "SELECT COUNT(*) FROM t WHERE \"Buyer\" = 'Moss'"),
        ("What is price times quantity of sale 4?", 'SELECT "Price" * "Quantity" FROM t WHERE "Sale" = 4'),
    ],
)
def test_what_numbers_the_rows_is_not_taken_for_an_amount(question: str, sql: str) -> None:
    found = [query.sql for query in inspect_table(SALES, question, likely=200).likely]
    assert found[0].replace('"Quantity" * "Price"', '"Price" * "Quantity"') == sql


@pytest.mark.parametrize(
    ("cells", "is_first", "sort"),
    [
        ([1, 2, 3], False, "running numbers"), ([3, 1, 2], False, "running numbers"), ([1, 2, 4], False, "amounts"),
        ([1, 2, 4], True, "running numbers"), ([4, 2, 1], True, "amounts"), ([1, 2.5, 3], True, "amounts"),
        ([1999, 2003, 2001], True, "years"), ([1999, 20_000], False, "amounts"), ([math.nan], True, "amounts"),
        ([5, math.nan, 6, 7], False, "running numbers"), ([1, 1, 2], True, "amounts"),
    ],
)  # fmt: skip
def test_numbers_are_amounts_years_or_running(cells: list[float], is_first: bool, sort: str) -> None:
    assert tell_numbers(np.array(cells, dtype=float), is_first=is_first) == sort


def test_of_many_columns_only_pairs_that_the_question_names_are_offered() -> None:
    wide = TableBlock("Sums", header=tuple("abcdefgh"), rows=(tuple("12345678"), tuple("87654321")))
    assert inspect_table(wide, "How many rows?").pairs == ()
    assert inspect_table(PROJECTS, "Which went over budget?").pairs[0] == (3, 2)
    assert inspect_table(PROJECTS, "spent over budget").pairs[0] == (3, 2)
    assert inspect_table(PROJECTS, "budget over spent").pairs[0] == (2, 3)


@pytest.mark.parametrize(
    ("question", "condition"),
    [("How many Japanese projects?", "\"Country\" = 'Japan'"), ("How many Italian projects?", "\"Country\" = 'Italy'"),
     ("How many projects start in Jun?", "monthname(\"Start\") = 'June'")],
)  # fmt: skip
def test_a_cell_whose_word_has_another_form_is_offered(question: str, condition: str) -> None:
    assert best(question, PROJECTS) == f"SELECT COUNT(*) FROM t WHERE {condition}"


def test_a_view_carries_the_question_as_its_table_writes_it() -> None:
    assert inspect_table(PROJECTS, "What was the budgett of Bora?").question == "What was the Budget of Bora?"


def test_the_shares_of_likely_queries_are_probabilities_and_equal_answers_support_each_other() -> None:
    found = inspect_table(ORDERS, "How many orders came from Norway?", likely=50).likely
    assert 0 < sum(query.share for query in found) <= 1 + 1e-9
    assert all(query.share <= query.support + 1e-9 for query in found)
    assert [query.share for query in found] == sorted((query.share for query in found), reverse=True)


CITIES = TableBlock(
    "cities", header=("city", "country", "population"),
    rows=(("Oslo", "Norway", "717710"), ("Bergen", "Norway", "291940"), ("Lima", "Peru", "10092000")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("How many people live in Bergen?", 'SELECT "population" FROM t WHERE "city" = \'Bergen\''),
        ("How many cities are in Norway?", "SELECT COUNT(*) FROM t WHERE \"country\" = 'Norway'"),
    ],
)
def test_how_many_asks_a_row_with_a_name_of_its_own_for_a_number(question: str, query: str) -> None:
    assert best(question, CITIES) == query


def test_words_that_no_query_says_weigh_on_it() -> None:
    readers, values = read_columns(ORDERS.header, ORDERS.rows)
    columns = [reader.column for reader in readers]
    view = view_table("Norway", ORDERS, columns, values)
    [first, *_] = rank_queries(view, ORDERS, columns, values, most=5, weights={UNSAID: -5.0})
    assert "'Norway'" in first.sql


def test_the_weights_are_numbers_and_one_of_them_is_for_words_left_out() -> None:
    assert read_mark_weights()[UNSAID] < 0


def test_nothing_is_likely_of_a_table_without_rows_and_nothing_is_ranked_unless_wanted() -> None:
    assert inspect_table(TableBlock("Empty", header=("A", "B")), "How many?", likely=3).likely == ()
    assert inspect_table(ORDERS, "How many orders came from Norway?").likely == ()


QUESTION = "How many orders came from Norway?"
PIECE = Evidence("orders", "o#0", ORDERS.text, title="Orders", record="o", table=ORDERS)


def ask(prompts: Prompts, said: str, question: str = QUESTION) -> tuple[list[str], object]:
    """(rules that the request for a query came with, the answered step)."""
    rules: list[str] = []

    def reply(ask):
        match ask.purpose:
            case "query":
                rules.append(find_grammar(ask))
                return Reply(said)
            case "plan":
                return Reply(f"<think>hm</think>\n<sub-question>{question}</sub-question>\n<ret>orders</ret>")
            case _:
                return Reply("<answer>read</answer>")

    kb = MemoryKnowledgeBase(Card("orders", "table", "Orders"), [PIECE])
    options = {"kbs": {"orders": kb}, "policy": rr.Scripted(reply), "method": "r1_router?max_steps=1"}
    return rules, rr.ask(question, prompts=prompts, **options).steps[0]


def find_grammar(ask: Ask) -> str:
    """The rules of the query that the request asks for."""
    [rules] = [tag.grammar for tags in ask.shape.alternatives for tag in tags if tag.name == "query"]
    return rules


COUNT = "SELECT COUNT(*) FROM t WHERE \"Country\" = 'Norway'"
SAID = f"<think>Count the rows.</think>\n<query>{COUNT}</query>"


def test_a_set_that_asks_for_likely_queries_lets_only_these_be_written(tmp_path: Path) -> None:
    (tmp_path / "set.toml").write_text("[form]\ntable_queries = true\nlikely_queries = 1\n")
    [rules], step = ask(Prompts(tmp_path), SAID)
    assert can_write(rules, COUNT)
    assert rules.count(" ::= ") == 1
    assert " | " not in rules
    assert step.answer == "2"
    assert 0 < step.confidence <= 1


def test_other_sets_leave_open_all_that_the_table_allows() -> None:
    [rules], step = ask(Prompts(DEFAULT.with_name("short")), SAID)
    assert rules.count(" ::= ") > 5
    assert (step.answer, step.confidence) == ("2", None)


def test_a_training_step_is_asked_under_the_grammar_that_serving_has(tmp_path: Path) -> None:
    (tmp_path / "set.toml").write_text("[form]\ntable_queries = true\nlikely_queries = 1\n")
    prompts = Prompts(tmp_path)
    [served], _ = ask(prompts, SAID)
    row = TrainingStep("q", "query", QUESTION, sub_question=QUESTION, evidence=(PIECE,))
    assert find_grammar(render(row, prompts).ask) == served


NOTHING = "<think>Nothing says it.</think>\n<answer>unknown</answer>"


def test_a_query_that_the_question_means_for_sure_is_asked_though_the_policy_reads_nothing(tmp_path: Path) -> None:
    (tmp_path / "set.toml").write_text("[form]\ntable_queries = true\nlikely_queries = 1\n")
    _, step = ask(Prompts(tmp_path), NOTHING)
    assert step.answer == "2"
    assert step.evidence[0].result is not None
    assert step.evidence[0].result.sql == COUNT


def test_a_query_that_compares_with_what_the_question_does_not_say_is_not_asked_for_it(tmp_path: Path) -> None:
    (tmp_path / "set.toml").write_text("[form]\ntable_queries = true\nlikely_queries = 1\n")
    _, step = ask(Prompts(tmp_path), NOTHING, question="Which orders came from Iceland?")
    assert step.answer == "unknown"


@pytest.mark.parametrize(
    ("question", "stated"),
    [("What does a hepatitis A shot cost?", True), ("What does a hepatitis E shot cost?", False)],
)
def test_a_letter_is_said_only_where_it_stands(question: str, stated: bool) -> None:
    block = TableBlock("Shots", header=("Against", "Price"), rows=(("Hepatitis A", "61"), ("Rabies", "82")))
    best = inspect_table(block, question, likely=1).likely[0]
    assert (best.sql, best.stated) == ('SELECT "Price" FROM t WHERE "Against" = \'Hepatitis A\'', stated)


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("How many sales were not teal?", "SELECT COUNT(*) FROM t WHERE \"Colour\" != 'teal'"),
        ("How many sales weren't to Moss?", "SELECT COUNT(*) FROM t WHERE \"Buyer\" != 'Moss'"),
        ("Leaving out the teal ones, how many sales are there?", "SELECT COUNT(*) FROM t WHERE \"Colour\" != 'teal'"),
        ("How many sales apart from teal?", "SELECT COUNT(*) FROM t WHERE \"Colour\" != 'teal'"),
        ("How many sales were teal?", "SELECT COUNT(*) FROM t WHERE \"Colour\" = 'teal'"),
    ],
)
def test_what_the_question_denies_is_left_out(question: str, sql: str) -> None:
    assert inspect_table(SALES, question, likely=1).likely[0].sql == sql


@pytest.mark.parametrize("question", ["Welche Bestellung ist die zweitteuerste?", "Which order is the second dearest?"])
def test_a_place_in_an_order_is_no_number_to_compare_a_total_with(question: str) -> None:
    queries = [sql for sql, _ in mark(question, ORDERS)[1]]
    assert any("OFFSET 1" in sql for sql in queries)
    assert not any("2 FROM t" in sql for sql in queries)


def test_a_number_is_not_denied_by_no() -> None:
    asked = {question: Mentions(inspect_table(SALES, question)) for question in ("price of sale no 4", "not sale 4")}
    assert [mentions.is_denied(frozenset("4")) for mentions in asked.values()] == [False, True]


def test_a_mean_is_worked_out_as_it_is_answered() -> None:
    block = TableBlock("Shifts", header=("Day", "Hours"), rows=tuple(zip("abcd", ("7", "7", "7", "7.5"), strict=True)))
    assert ('SELECT AVG("Hours") FROM t', "7.12") in mark("average hours", block)[1]
    assert read_answer_off(compute(block, 'SELECT AVG("Hours") FROM t')) == "7.12"
