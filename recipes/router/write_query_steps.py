"""Questions to tables to training steps that query them, or read them where no query says what is asked.

    python recipes/router/write_query_steps.py OUT.jsonl --made 2400 [--bench BENCH --split train] [--seed 0]

Two sources. Tables that nobody keeps (`made_tables.py`), of which the query is known. And question sets in the form of
BENCH (kb/table/tables.jsonl.gz, questions/SET.SPLIT.jsonl), which hold answers and no queries: all queries of the
table's grammar are tried, and the best that gives the answer is taken, where it says enough of the question
(`r1router.train.steps.find_queries`). The table stands among others that share words with the question, now and then
not first.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import math
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_tables

from r1router.errors import QueryError
from r1router.evals.answers import read_range
from r1router.evidence.words import read_words
from r1router.prompts import Prompts
from r1router.table import TableBlock
from r1router.tables.columns import read_columns
from r1router.tables.engine import Tables
from r1router.tables.grammar import can_write, write_query_grammar
from r1router.tables.results import read_answer_off
from r1router.train.steps.find_queries import find_queries
from r1router.train.steps.render import find_view, render
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.types import Evidence

log = logging.getLogger("write_query_steps")
SETS = {"wtq": 3.2, "tabfact": 3.3, "geo": 3.0, "ottqa": 2.6}
"""Question sets, and the most that a query found for them may cost (`find_queries.Found`): more is chance."""
MOST = {"geo": 500, "ottqa": 150}
"""Steps that are taken of a set at most."""
TOO_FREE = re.compile(r"SELECT (?:(?:SUM|AVG|MAX|MIN)\(.*?\)|COUNT\(DISTINCT .*?\)|COUNT\(\*\)(?= !=)) (?:[=<>!]+) \d")
"""Checks that are true or false by chance: half of them are, whatever the question says."""
READ = 0.5
"""Share of the questions without a query that are kept as steps that read."""
BLOCK = 600
"""Characters of a table that a search brings, beside the one that is asked."""
SHORT = Prompts(Path(sys.modules["r1router"].__file__ or "").parent / "prompt_sets" / "short")


def thought_for(sql: str) -> str:
    """What a policy says before it writes this query."""
    chosen = sql.removeprefix("SELECT ").partition(" FROM ")[0]
    if sql.startswith("SELECT ABS("):
        return "Take the difference."
    if sql.startswith("SELECT (SELECT"):
        return "Compare the two."
    if any(f" {sign} " in chosen for sign in ("=", "!=", ">", "<", ">=", "<=")):
        return "Check the number."
    for start, thought in (("COUNT(D", "Count the kinds."), ("COUNT", "Count the rows."), ("SUM", "Add them up."),
                           ("AVG", "Take the average."), ("M", "Take the extreme.")):  # fmt: skip
        if chosen.startswith(start):
            return thought
    if "GROUP BY" in sql:
        return "Group the rows."
    return "Sort the rows." if "ORDER BY" in sql else "Find the row."


def evidence_of(block: TableBlock, id: str, rank: int, *, whole: bool) -> Evidence:
    """A table as a search brings it: all of the one that is asked, some rows of any other."""
    if not whole:
        rows = block.rows
        while len(rows) > 1 and len(replace(block, rows=rows).text) > BLOCK:
            rows = rows[:-1]
        block = replace(block, rows=rows)
    return Evidence("table", f"{id}#0", block.text, 1 / rank, block.title, record=id, table=block)


def answer_by(block: TableBlock, sql: str) -> str:
    try:
        with Tables(block) as opened:
            return read_answer_off(opened.query(sql))
    except QueryError as error:
        log.warning("%s: %s", sql, error)
        return ""


# ── tables that nobody keeps ───────────────────────────────────────────────────────────────────


def made_steps(count: int, rng: random.Random) -> Iterator[TrainingStep]:
    """Steps that query a made-up table, every eighth among others."""
    number = 0
    while number < count:
        table = made_tables.make_table(rng)
        for _ in range(4):
            asked = made_tables.ask(table, rng)
            if asked is None or not (answer := answer_by(table.block, asked.sql)):
                continue
            others = [made_tables.make_table(rng).block for _ in range(rng.choice((0, 0, 0, 1, 2)))]
            evidence = tuple(
                evidence_of(block, f"made-{number}-{rank}", rank, whole=rank == 1)
                for rank, block in enumerate([table.block, *others], 1)
            )
            gold = Gold(thought_for(asked.sql), query=asked.sql, evidence_ids=(evidence[0].id,), answers=(answer,))
            step = TrainingStep(
                f"made-query-{number:05d}/0/query", "query", asked.text, sub_question=asked.text, evidence=evidence,
                gold=gold, source="made-query",
            )  # fmt: skip
            if can_write(write_query_grammar(find_view(step)), asked.sql):
                yield step
                number += 1


# ── question sets ──────────────────────────────────────────────────────────────────────────────


def read_tables(bench: Path) -> dict[str, TableBlock]:
    """The tables of a BENCH by their ids."""
    tables = {}
    with gzip.open(bench / "kb" / "table" / "tables.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            cells = tuple(told["header"]), tuple(map(tuple, told["rows"]))
            tables[told["id"]] = TableBlock(told["title"], told["section"], told["caption"], *cells)
    return tables


class TableSearch:
    """All tables of a BENCH, searched by words (BM25)."""

    def __init__(self, bench: Path) -> None:
        self.tables = read_tables(bench)
        self._counts: dict[str, Counter[str]] = {}
        self._having: dict[str, list[str]] = defaultdict(list)
        for id, block in self.tables.items():
            self._counts[id] = Counter(
                read_words(" ".join([*block.above, *block.header, *map(" ".join, block.rows[:20])]))
            )
            for word in self._counts[id]:
                self._having[word].append(id)
        self._mean = sum(c.total() for c in self._counts.values()) / len(self._counts)

    def search(self, question: str, k: int = 5) -> list[str]:
        scores: Counter[str] = Counter()
        for word in set(read_words(question)):
            having = self._having.get(word, ())
            if not having or len(having) > len(self.tables) / 4:
                continue
            rare = math.log(1 + len(self.tables) / len(having))
            for id in having:
                counts = self._counts[id]
                scores[id] += rare * counts[word] * 2.2 / (counts[word] + 0.3 + 0.9 * counts.total() / self._mean)
        return [id for id, _ in scores.most_common(k)]


def asked_of(path: Path) -> Iterator[tuple[str, str, str, list[str], str]]:
    """(id, sub-question, the same without the table's name, accepted answers, table) of each step over one table."""
    for line in path.read_text(encoding="utf-8").splitlines():
        told: dict[str, Any] = json.loads(line)
        gold = told["gold"] or {}
        before = ""
        for place, step in enumerate(gold.get("steps") or gold.get("hops") or ()):
            tables = [id for id in step["evidence_ids"] if id.startswith("table")]
            asked = step.get("sub_question") or (f"{before}: {told['question']}" if before else told["question"])
            last = place == len(gold.get("steps") or gold.get("hops")) - 1
            answers = [step["answer"]] if step.get("answer") else []
            if last and not gold.get("final_reasoning"):
                answers += [a for a in told["answers"] if isinstance(a, str) and read_range(a) is None]
            if tables and answers and not (before and gold.get("steps") is None and not last):
                ask = told.get("question_raw") or told.get("statement_raw") or asked
                yield f"{told['id']}/{place}", asked, ask, list(dict.fromkeys(answers)), tables[0]
            before = str(step.get("answer") or "")


def set_steps(name: str, path: Path, bench: TableSearch, rng: random.Random) -> Iterator[TrainingStep]:
    """The steps of one question set, those that query first."""
    dear, most = SETS[name], MOST.get(name, 10**6)
    asked = list(asked_of(path))
    rng.shuffle(asked)
    made: Counter[str] = Counter()
    for id, question, ask, answers, table in asked:
        if made.total() >= most:
            break
        block = bench.tables[table]
        readers, values = read_columns(block.header, block.rows)
        found = find_queries(question, block, [r.column for r in readers], values, answers, ask=ask)
        told = (query.sql for query in found if query.cost <= dear and not TOO_FREE.match(query.sql))
        sql = next(told, "")
        ranking = bench.search(question)
        misled = table in ranking[1:] and rng.random() < 0.3
        order = ranking if table in ranking[:1] or misled else [table, *(i for i in ranking if i != table)][:5]
        evidence = tuple(
            evidence_of(bench.tables[i], i, rank, whole=rank == 1 or i == table) for rank, i in enumerate(order, 1)
        )
        place = order.index(table) + 1
        read = Gold(f"Piece {place} says it.", evidence_ids=(table,), answers=tuple(answers))
        step = TrainingStep(
            f"{id}/query", "query", question, sub_question=question, evidence=evidence, gold=read, source=name
        )
        if sql and not misled:
            answer = answer_by(block, sql)
            if answer and can_write(write_query_grammar(find_view(step)), sql):
                gold = replace(
                    read, thought=thought_for(sql), query=sql, answers=tuple(dict.fromkeys([*answers, answer]))
                )
                made["query"] += 1
                yield replace(step, gold=gold)
        elif rng.random() < READ and (name == "tabfact" or _shows(step, answers)):
            made["read"] += 1
            yield step
    log.warning("%s: %s of %d steps", path.name, dict(made), len(asked))


def _shows(step: TrainingStep, answers: Sequence[str]) -> bool:
    """Whether the small prompt shows an answer, other than in the question."""
    shown = render(step, SHORT).ask.messages[-1].content.rpartition("\nQuestion:")[0].casefold()
    # A small number stands there by chance where it has to be counted.
    telling = [answer.casefold() for answer in answers if len(answer) > 2 or not answer.isdigit()]
    return any(answer in shown for answer in telling)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--made", type=int, default=2400)
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    parser.add_argument("--sets", nargs="*", choices=tuple(SETS), default=tuple(SETS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    steps: list[TrainingStep] = []
    if given.bench:
        bench = TableSearch(given.bench)
        for name in given.sets:
            steps += set_steps(name, given.bench / "questions" / f"{name}.{given.split}.jsonl", bench, rng)
    steps += made_steps(given.made, rng)
    rng.shuffle(steps)
    kinds = Counter((step.source, "query" if step.gold.query else "read") for step in steps)
    print(f"{write_steps(steps, given.out)} steps in {given.out}: {dict(kinds)}")
