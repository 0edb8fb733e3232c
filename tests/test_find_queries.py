"""The search for the queries behind a known answer, of which training steps are made."""

import pytest

from orders import ORDERS
from r1router.table import TableBlock
from r1router.tables.columns import read_columns
from r1router.tables.engine import Tables
from r1router.train.steps.find_queries import find_queries


def found(question: str, *answers: str, block: TableBlock = ORDERS) -> list[str]:
    readers, values = read_columns(block.header, block.rows)
    columns = [reader.column for reader in readers]
    return [query.sql for query in find_queries(question, block, columns, values, answers)]


@pytest.mark.parametrize(
    ("question", "answer", "sql"),
    [
        ("How many orders came from Norway?", "3", "SELECT COUNT(*) FROM t WHERE \"Country\" = 'Norway'"),
        ("How many orders in March?", "3", "SELECT COUNT(*) FROM t WHERE monthname(\"Date\") = 'March'"),
        ("Who has the largest amount?", "Brandt & Sons", 'SELECT "Customer" FROM t ORDER BY "Amount (€)" DESC LIMIT 1'),
        ("What is the total amount?", "1740.50", 'SELECT SUM("Amount (€)") FROM t'),
        (
            "Which customer comes after Lindqvist?", "Moe",
            "SELECT \"Customer\" FROM t WHERE row = (SELECT row FROM t WHERE \"Customer\" = 'Lindqvist') + 1",
        ),
        ("From which country is O'Hara?", "Ireland", "SELECT \"Country\" FROM t WHERE \"Customer\" = 'O''Hara'"),
        ("Are more than 2 from Norway?", "yes", "SELECT COUNT(*) > 2 FROM t WHERE \"Country\" = 'Norway'"),
    ],
)  # fmt: skip
def test_the_best_query_for_an_answer_says_what_the_question_says(question, answer, sql):
    assert found(question, answer)[0] == sql


def test_every_query_that_is_found_gives_the_answer_when_it_runs():
    queries = found("Which country has the most orders?", "Norway")
    assert len(queries) > 3
    with Tables(ORDERS) as opened:
        for sql in queries:
            assert {row[0] for row in opened.query(sql).rows} == {"Norway"}, sql


def test_an_answer_that_no_query_gives_has_none():
    assert found("How many?", "17") == []
