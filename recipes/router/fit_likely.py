"""Fits the weights by which queries are ranked (`r1router.tables.likely`) to questions of which the answers are known.

    python recipes/router/fit_likely.py BENCH --made STEPS.jsonl --out src/r1router/tables/likely.toml

BENCH holds question sets with their tables (see `write_query_steps.py`); their train parts are taken. STEPS are steps
over made tables, as `write_query_steps.py` writes them. For each question all likely queries are marked; the weights
make the queries that give an accepted answer probable, all of them together (marginal likelihood), with a ridge
against chance. Which queries are tried depends on the weights, so each round marks another part of the questions by the
weights so far, and fits them to all that was marked. A share of each set is kept apart; how often the best query is
right there is printed. It needs scipy (`pip install scipy`).
"""

from __future__ import annotations

import argparse
import random
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from scipy.optimize import minimize
from write_query_steps import asked_of, read_tables

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
    "where IS NOT NULL": -1.5,
}  # fmt: skip
"""What the weights are where no question says otherwise: a query is short, and says what the question says."""
MOST = {"wtq": 10**6, "tabfact": 180, "geo": 80}
"""Questions that are taken of a set."""
WRONG, RIGHT = 50, 10
"""Of the queries of one question, the best of each that are compared, and as many others of the wrong ones."""
FAR = 5.0
"""Where the best right query is worth so much less than the best one, it is right by chance."""
LEAST_QUESTIONS = 4
"""A mark that fewer questions have is left out."""
LEAST_WEIGHT = 0.1


class Case(NamedTuple):
    source: str
    question: str
    answers: Sequence[str]
    block: TableBlock


def read_cases(bench: Path, made: Path | None, most_made: int, rng: random.Random) -> Iterator[Case]:
    tables = read_tables(bench)
    for name, most in MOST.items():
        asked = list(asked_of(bench / "questions" / f"{name}.train.jsonl"))
        rng.shuffle(asked)
        for _, question, _, answers, table in asked[:most]:
            yield Case(name, question, answers, tables[table])
    steps = [step for step in read_steps(made) if step.gold.query] if made else []
    for step in steps[:most_made]:
        block = step.evidence[0].table
        if block is not None and step.sub_question:
            yield Case("made", step.sub_question, step.gold.answers, block)


def is_right(answer: str, case: Case) -> bool:
    side = yes_no.score(answer, case.answers, question=case.question)
    return bool(exact_match.score(answer, case.answers) if side is None else side)


def mark(case: Case, weights: Mapping[str, float]) -> list[tuple[MarkedQuery, bool]]:
    """Its queries, the best first, with whether each is right."""
    readers, values = read_columns(case.block.header, case.block.rows)
    columns = [reader.column for reader in readers]
    view = view_table(case.question, case.block, columns, values)
    found = mark_queries(case.question, view, case.block, columns, values, weights=weights)
    known: dict[str, bool] = {}
    for query in found:
        if query.answer not in known:
            known[query.answer] = is_right(query.answer, case)
    return [(query, known[query.answer]) for query in sorted(found, key=lambda query: -query.score)]


class Marked:
    """All questions' queries as one sparse matrix of marks."""

    def __init__(self) -> None:
        self._rng = random.Random(0)
        self.place: dict[str, int] = {}
        self.rows, self.columns = array("i"), array("i")
        self.right, self.starts, self.share = array("b"), array("i"), array("d")

    def add(self, queries: Sequence[tuple[MarkedQuery, bool]], share: float) -> None:
        good, bad = ([one for one in queries if one[1] is right] for right in (True, False))
        if not good or not bad or good[0][0].score < queries[0][0].score - FAR:
            return
        others = bad[WRONG:]
        kept = [*good[:RIGHT], *bad[:WRONG], *self._rng.sample(others, min(WRONG, len(others)))]
        self.starts.append(len(self.right))
        self.share.append(share)
        for query, right in kept:
            for name in query.marks:
                self.rows.append(len(self.right))
                self.columns.append(self.place.setdefault(name, len(self.place)))
            self.right.append(right)

    def fit(self, before: Mapping[str, float], ridge: float) -> dict[str, float]:
        count, width = len(self.right), len(self.place)
        rows, columns = np.frombuffer(self.rows, np.int32), np.frombuffer(self.columns, np.int32)
        right, starts = np.frombuffer(self.right, np.int8).astype(float), np.frombuffer(self.starts, np.int32)
        share = np.frombuffer(self.share)
        question = np.repeat(np.arange(len(starts)), np.diff([*starts, count]))
        told = np.unique(question[rows].astype(np.int64) * width + columns) % width
        often = np.bincount(told, minlength=width) >= LEAST_QUESTIONS
        kept = often[columns]
        matrix: Any = scipy.sparse.csr_matrix(
            (np.ones(kept.sum(), np.float32), (rows[kept], columns[kept])), shape=(count, width)
        )
        matrix.sum_duplicates()
        turned = matrix.T.tocsr()

        def measure(weights: Any) -> tuple[float, Any]:
            scores = matrix @ weights
            shares = np.exp(scores - np.maximum.reduceat(scores, starts)[question])
            total, good = np.add.reduceat(shares, starts), np.maximum(np.add.reduceat(shares * right, starts), 1e-30)
            loss = -(share * np.log(good / total)).sum() + 0.5 * ridge * ((weights - begin) ** 2).sum()
            slope = share[question] * (shares / total[question] - shares * right / good[question])
            return float(loss), turned @ slope + ridge * (weights - begin)

        begin = np.array([BEGIN.get(name, 0.0) for name in self.place])
        start = np.where(often, [before.get(name, 0.0) for name in self.place], begin)
        best = minimize(measure, start, jac=True, method="L-BFGS-B", options={"maxiter": 40})
        fitted = {**BEGIN, **dict(zip(self.place, map(float, best.x), strict=True))}
        return {name: weight for name, weight in fitted.items() if abs(weight) >= LEAST_WEIGHT}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--made", type=Path)
    parser.add_argument("--most-made", type=int, default=450)
    parser.add_argument("--made-share", type=float, default=0.5, help="how much a made question counts")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--ridge", type=float, default=3.0)
    parser.add_argument("--apart", type=float, default=0.1, help="share of the questions that are kept apart")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    rng = random.Random(0)
    cases = list(read_cases(given.bench, given.made, given.most_made, rng))
    rng.shuffle(cases)
    apart = cases[: int(len(cases) * given.apart)]
    weights: Mapping[str, float] = BEGIN
    marked = Marked()
    for number in range(given.rounds):
        for case in cases[len(apart) + number :: given.rounds]:
            marked.add(mark(case, weights), given.made_share if case.source == "made" else 1.0)
        weights = marked.fit(weights, given.ridge)
        print(f"round {number + 1}: {len(weights)} weights", flush=True)
        write_weights(weights, given.out)
    right: dict[str, list[bool]] = {}
    for case in apart:
        queries = mark(case, weights)
        right.setdefault(case.source, []).append(bool(queries) and queries[0][1])
    told = "  ".join(f"{name} {sum(of) / len(of):.3f} (n={len(of)})" for name, of in sorted(right.items()))
    print(f"of the questions kept apart right: {told}")


def write_weights(weights: Mapping[str, float], out: Path) -> None:
    def quote(name: str) -> str:
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'

    head = "# How much a mark of a query counts; fitted by recipes/router/fit_likely.py.\n"
    lines = [f"{quote(name)} = {weight:.2f}\n" for name, weight in sorted(weights.items())]
    out.write_text(head + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
