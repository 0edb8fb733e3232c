"""Fits the weights by which queries are ranked (`r1router.tables.likely`) to questions of which the answers are known.

    python recipes/router/fit_likely.py BENCH --made STEPS.jsonl --out src/r1router/tables/likely.toml

BENCH holds question sets with their tables (see `write_query_steps.py`); their train parts are taken. STEPS are steps
over made tables, as `write_query_steps.py` writes them. The tables in `asked/`, `folders/` and `readings/` were written
by hand with what people ask of them; each is drawn so many times. For each question all likely queries are marked; the
weights make the queries that give an accepted answer probable (`log_linear`). Where the query itself is known and was
tried, others that give the same answer count neither way. Which queries are tried depends on the weights, so each round
marks another part of the questions by the weights so far, and fits them to all that was marked. A share of each set is
kept apart, of the tables written by hand whole themes; how often the best query is right there is printed.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from log_linear import Marked, write_weights
from made_folders import fill, read_folders, roughen
from write_query_steps import answer_by, asked_of, read_tables

from r1router.evals.metrics import exact_match, yes_no
from r1router.table import TableBlock
from r1router.tables.columns import read_columns
from r1router.tables.likely import mark_queries
from r1router.tables.query_marks import UNSAID, MarkedQuery
from r1router.tables.view import view_table
from r1router.train.steps.step_file import read_steps

BEGIN = {
    UNSAID: -1.5, "where not named": -1.5, "where the table's name": -1.5, "1 conditions": -0.4, "2 conditions": -0.8,
    "3 conditions": -1.2, "tell unnamed number": -1.0, "tell unnamed text": -0.7, "total unnamed number": -1.0,
    "order by unnamed number": -1.0, "check count": -1.0, "check kinds": -1.5, "check sum": -1.5,
    "check average": -1.5, "check range": -1.5, "check largest": -1.5, "check smallest": -1.5, "is it one": -1.0,
    "row down": -1.0, "row up": -1.5, "differ": -2.5, "compare >": -2.0, "compare <": -2.0, "compare =": -2.0,
    "group by count down": -1.5, "group by count up": -1.5,
    "group by sum down": -2.0, "group by sum up": -2.0, "skip 1": -1.0, "skip 2": -1.5, "is the first": -1.0,
    "where !=": -1.0, "where row +1": -1.0, "where row -1": -1.0, "where row >": -1.5, "where row <": -1.5,
    "where = another row": -1.5, "where > another row": -1.5, "where < another row": -1.5, "where average >": -2.0,
    "says a cell twice": -2.0, "a row of totals": -1.0, "where average <": -2.0, "where IS NULL": -1.5,
    "where IS NOT NULL": -1.5, "tell difference": -1.5, "tell product": -1.5, "tell days": -1.5,
    "total difference": -1.5, "total product": -1.5, "total days": -1.5, "order by difference": -1.5,
    "order by product": -1.5, "order by days": -1.5, "where > column": -1.5, "where < column": -1.5,
    "where = column": -1.5, "where > column unnamed": -1.5, "where < column unnamed": -1.5,
    "where = column unnamed": -1.5, "where nearly named": -0.5, "where meant": -0.7, "where != meant": -1.0,
    "tell together": -1.5, "total together": -1.5, "order by together": -1.5, "together of running numbers": -2.5,
    "together of years": -2.5, "sum of running numbers": -2.5,
    "average of running numbers": -2.5, "range of running numbers": -2.5, "group by sum down of running numbers": -2.5,
    "group by sum up of running numbers": -2.5, "sum of years": -1.5, "average of years": -1.5, "range of years": -1.5,
    "group by sum down of years": -1.5, "group by sum up of years": -1.5, "product of running numbers": -2.5,
    "difference of running numbers": -2.5, "product of years": -2.5, "difference of years": -1.5,
    "where product of running numbers": -2.5, "where difference of running numbers": -2.5,
    "where product of years": -1.5, "where difference of years": -1.5, "where a year of amounts": -1.0,
    "where a year of running numbers": -1.0, "where right after its name": 2.0, "total wholly named": 0.3,
    "counts a row by its name": -2.0, "check beyond the table": -2.5, "check beyond the column": -1.0,
    "checks a number that is given": -1.5, "where != denied": 3.5, "where = denied": -3.5, "where ILIKE denied": -3.5,
    "where IN denied": -3.5,
}  # fmt: skip
"""What the weights are where no question says otherwise: a query is short, and says what the question says."""
MOST = {"wtq": 10**6, "tabfact": 180, "geo": 80}
"""Questions that are taken of a set."""
ASKED, READINGS = (Path(__file__).parent / name for name in ("asked", "readings"))
_TAIL = re.compile(r" (?:GROUP|ORDER) BY ")


class Case(NamedTuple):
    source: str
    question: str
    answers: Sequence[str]
    block: TableBlock
    sql: str = ""
    """The query, where it is known."""
    about: str = ""
    """What is kept apart together: questions of one table that was written by hand."""


def read_cases(
    bench: Path,
    made: Path | None,
    most_made: int,
    rng: random.Random,
    sample: float = 1.0,
    more: Sequence[Path] = (),
) -> Iterator[Case]:
    """Questions of the sets, a share of them, of the steps over made tables, and all of `more` over tables of BENCH."""
    tables = read_tables(bench)
    for _, question, _, answers, table in (asked for file in more for asked in asked_of(file)):
        yield Case("more", question, answers, tables[table])
    for name, most in MOST.items():
        asked = list(asked_of(bench / "questions" / f"{name}.train.jsonl"))
        rng.shuffle(asked)
        most = int(sample * min(most, len(asked)))
        for _, question, _, answers, table in asked[:most]:
            yield Case(name, question, answers, tables[table])
    steps = [step for step in read_steps(made) if step.gold.query] if made else []
    for step in steps[:most_made]:
        block = step.evidence[0].table
        if block is not None and step.sub_question:
            yield Case("made", step.sub_question, step.gold.answers, block)


def read_asked(draws: int, rng: random.Random, sample: float = 1.0, new: str = "") -> Iterator[Case]:
    """Questions of the tables that were written by hand, each wording once in some draw or other.

    `sample`: of so large a share of the folders, and of all in the file `new`.
    """
    all_new = read_folders(ASKED, new) if new else []
    for lines in [*read_folders(ASKED), *read_folders(), *read_folders(READINGS)]:
        if lines not in all_new and rng.random() >= sample:
            continue
        seen: set[str] = set()
        for _ in range(draws):
            made = fill(lines, rng)
            for asked in made.asked:
                if len(asked.hops) != 1 or not asked.hops[0].sql or asked.question in seen:
                    continue
                seen.add(asked.question)
                hop = asked.hops[0]
                block = made.tables[hop.path].block
                if answer := answer_by(block, hop.sql):
                    yield Case("asked", roughen(asked.question, rng), [answer], block, hop.sql, made.name)


def write_plainly(sql: str) -> str:
    """A query with its conditions in one order, so that two that say the same are the same text."""
    before, where, after = sql.partition(" WHERE ")
    if not where or "(SELECT" in sql:
        return sql
    conditions, tail = _TAIL.split(after, maxsplit=1)[0], _TAIL.search(after)
    return f"{before} WHERE {' AND '.join(sorted(conditions.split(' AND ')))}{after[tail.start() :] if tail else ''}"


def is_right(answer: str, case: Case) -> bool:
    side = yes_no.score(answer, case.answers, question=case.question)
    return bool(exact_match.score(answer, case.answers) if side is None else side)


def mark(case: Case, weights: Mapping[str, float]) -> list[tuple[MarkedQuery, bool]]:
    """Its queries, the best first, with whether each is right; those that only give the right answer are left out."""
    readers, values = read_columns(case.block.header, case.block.rows)
    columns = [reader.column for reader in readers]
    view = view_table(case.question, case.block, columns, values)
    found = mark_queries(view, case.block, columns, values, weights=weights)
    known: dict[str, bool] = {}
    for query in found:
        if query.answer not in known:
            known[query.answer] = is_right(query.answer, case)
    ranked = sorted(found, key=lambda query: -query.score)
    meant = {query.sql for query in ranked if case.sql and write_plainly(query.sql) == write_plainly(case.sql)}
    return [
        (query, query.sql in meant if meant else known[query.answer])
        for query in ranked
        if not meant or query.sql in meant or not known[query.answer]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--made", type=Path)
    parser.add_argument("--most-made", type=int, default=450)
    parser.add_argument("--draws", type=int, default=3, help="how often a table that was written by hand is drawn")
    parser.add_argument("--asked-share", type=float, default=0.5, help="how much a question of such a table counts")
    parser.add_argument("--made-share", type=float, default=0.5, help="how much a made question counts")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--ridge", type=float, default=3.0)
    parser.add_argument("--apart", type=float, default=0.1, help="share of the questions that are kept apart")
    parser.add_argument("--begin", type=Path, help="weights that stay as they are but for the marks that are learned")
    parser.add_argument("--learn", default="", help="pattern of the marks that are fitted; all without it")
    parser.add_argument("--new", default="", help="file in asked/ that is taken whole all the same")
    parser.add_argument("--sample", type=float, default=1.0, help="share of the question sets that is taken")
    parser.add_argument("--sample-asked", type=float, default=1.0, help="share of the other tables in asked/")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    rng = random.Random(0)
    cases = [
        *read_cases(given.bench, given.made, given.most_made, rng, given.sample),
        *read_asked(given.draws, rng, given.sample_asked, given.new),
    ]
    rng.shuffle(cases)
    hand = sorted({case.about for case in cases if case.about})
    new = {lines[0][2:].split("|")[0].strip() for lines in read_folders(ASKED, given.new)} if given.new else set()
    apart_by_hand = set(rng.sample(hand, int(len(hand) * given.apart)))
    others = [case for case in cases if not case.about]
    apart = others[: int(len(others) * given.apart)] + [case for case in cases if case.about in apart_by_hand]
    known = set(map(id, apart))
    cases = [case for case in cases if id(case) not in known]
    share = {"made": given.made_share, "asked": given.asked_share}
    begin = {mark: weight for mark, weight in BEGIN.items() if re.match(given.learn, mark)}
    if given.begin:
        begin |= tomllib.loads(given.begin.read_text(encoding="utf-8"))
    weights: Mapping[str, float] = begin
    marked = Marked(begin, learn=given.learn)
    for number in range(given.rounds):
        for case in cases[number :: given.rounds]:
            marked.add(mark(case, weights), share.get(case.source, 1.0))
        weights = marked.fit(weights, given.ridge)
        print(f"round {number + 1}: {len(weights)} weights", flush=True)
    write_weights(weights, given.out, "How much a mark of a query counts; fitted by recipes/router/fit_likely.py.")
    right: dict[str, list[bool]] = {}
    for case in apart:
        queries = mark(case._replace(sql=""), weights)
        name = "new" if case.about in new else case.source
        right.setdefault(name, []).append(bool(queries) and queries[0][1])
        right.setdefault(f"{name} by answer", []).append(bool(queries) and choose_answer(queries))
        right.setdefault(f"{name} tried", []).append(any(is_good for _, is_good in queries))
    told = "  ".join(f"{name} {sum(of) / len(of):.3f} (n={len(of)})" for name, of in sorted(right.items()))
    print(f"of the questions kept apart right: {told}")


def choose_answer(queries: Sequence[tuple[MarkedQuery, bool]]) -> bool:
    """Whether the answer is right that all queries together make likeliest."""
    shares: dict[str, float] = {}
    for query, _ in queries:
        shares[query.answer] = shares.get(query.answer, 0.0) + math.exp(query.score - queries[0][0].score)
    best = max(shares, key=lambda answer: shares[answer])
    return next(is_good for query, is_good in queries if query.answer == best)


if __name__ == "__main__":
    main()
