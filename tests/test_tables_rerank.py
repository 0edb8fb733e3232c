"""What the cross-encoder makes of likely queries: words that name no column, and each query read alone."""

import pytest

from r1router.table import TableBlock
from r1router.tables import likely
from r1router.tables.inspect import inspect_table
from r1router.tables.query_marks import MarkedQuery
from r1router.tables.rerank import QUESTION, open_query_reranker

STAFF = TableBlock(
    "Staff",
    header=("Name", "Department", "Hours a week", "Salary", "Joined"),
    rows=(
        ("Ada Brook", "Dermatology", "38", "4100", "2011-03-01"), ("Bo Lind", "Cardiology", "20", "2600", "2019-07-15"),
        ("Cy Marsh", "Dermatology", "38", "3900", "2015-01-10"), ("Di Reed", "Radiology", "30", "3300", "2008-11-02"),
        ("Ed Sand", "Cardiology", "40", "4700", "2021-05-20"),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("Who earns least?", 'SELECT "Name" FROM t ORDER BY "Salary" ASC LIMIT 1'),
        ("Who is paid best?", 'SELECT "Name" FROM t ORDER BY "Salary" DESC LIMIT 1'),
        ("Who's our newest colleague?", 'SELECT "Name" FROM t ORDER BY "Joined" DESC LIMIT 1'),
        (
            "What does somebody in cardiology earn on average?",
            'SELECT AVG("Salary") FROM t WHERE "Department" = \'Cardiology\'',
        ),
    ],
)
def test_words_that_name_no_column_find_the_one_they_mean(
    question: str, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inspect_table(STAFF, question, likely=1).likely[0].sql == sql
    monkeypatch.setattr(likely, "RERANKER", 0.0)
    assert inspect_table(STAFF, question, likely=1).likely[0].sql != sql


def test_all_likely_queries_are_told_and_their_shares_make_up_one() -> None:
    told = inspect_table(STAFF, "Who earns least?", likely=1000).likely
    assert len(told) > 100
    assert sum(query.share for query in told) == pytest.approx(1)
    assert [query.share for query in told] == sorted((query.share for query in told), reverse=True)


def test_no_query_sways_the_score_of_another_and_long_texts_are_cut() -> None:
    reranker = open_query_reranker()
    queries = [MarkedQuery(f'SELECT "{name}" FROM t', "x" * 500, (), 0.0) for name in STAFF.header]
    together = reranker.score("Who earns least?", queries, STAFF.title)
    assert together == [reranker.score("Who earns least?", [query], STAFF.title)[0] for query in queries]
    long = "least " * 5000
    assert reranker.score(long, queries[:1], long) == reranker.score(long[:QUESTION], queries[:1], long[:100])
