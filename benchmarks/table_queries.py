"""How well tables are asked: what the grammar can say, and what a policy makes of it, its table given.

    python benchmarks/table_queries.py BENCH [--sets wtq tabfact] [--split dev] [--policy llamacpp:] [--limit N]

Three shares of the questions of each set, with 95 % intervals:

    reachable   some query of the grammar gives an accepted answer, by chance included (a yes or a no: nearly always)
    sayable     the best of them also says what the question says (`find_queries.Found.cost`, as for training)
    right       the policy's answer is right, the gold table given: when it may query it, and when it only reads it;
                exact match (for yes and no: the side taken), and how often it queried at all
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import r1router as rr
from r1router import parse
from r1router.errors import ParseError, QueryError
from r1router.evals.metrics import exact_match, yes_no
from r1router.evals.statistics import Interval, compute_rate
from r1router.prompts import Prompts, choose_prompts
from r1router.table import TableBlock
from r1router.tables.columns import read_columns
from r1router.tables.engine import compute
from r1router.tables.inspect import inspect_table
from r1router.tables.results import read_answer_off
from r1router.train.steps.find_queries import find_queries
from r1router.types import Answer, Evidence, Policy, Question, Step, Trajectory

COST = {"wtq": 3.2, "tabfact": 3.3}
BLOCK = 600
"""Characters of the table that are read: what a search brings."""


class Asked(NamedTuple):
    id: str
    question: str
    ask: str
    answers: list[str]
    table: TableBlock


def load(bench: Path, name: str, split: str) -> Iterator[Asked]:
    tables = {}
    with gzip.open(bench / "kb" / "table" / "tables.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            cells = tuple(told["header"]), tuple(map(tuple, told["rows"]))
            tables[told["id"]] = TableBlock(told["title"], told["section"], told["caption"], *cells)
    for line in (bench / "questions" / f"{name}.{split}.jsonl").read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        ask = told.get("question_raw") or told.get("statement_raw") or told["question"]
        yield Asked(told["id"], told["question"], ask, told["answers"], tables[told["gold"]["evidence_ids"][0]])


def ceiling(asked: list[Asked], cost: float) -> tuple[Interval, Interval, float]:
    reachable, sayable, began = [], [], time.perf_counter()
    for one in asked:
        readers, values = read_columns(one.table.header, one.table.rows)
        found = find_queries(one.question, one.table, [r.column for r in readers], values, one.answers, ask=one.ask)
        reachable.append(bool(found))
        sayable.append(bool(found) and found[0].cost <= cost)
    return compute_rate(reachable), compute_rate(sayable), time.perf_counter() - began


async def answer(policy: Policy, prompts: Prompts, one: Asked, *, query: bool) -> tuple[str, str, float]:
    """(answer, query, seconds), the question's table being all the evidence."""
    evidence = Evidence("table", one.id, one.table.text, title=one.table.title, record=one.id, table=one.table)
    path, step = Trajectory(Question(one.question)), Step(sub_question=one.question, evidence=(evidence,))
    began = time.perf_counter()
    if not query:
        reply = await policy.reply(prompts.answer_step(path, step))
        return _read(reply), "", time.perf_counter() - began
    view = inspect_table(one.table, one.question)
    reply = await policy.reply(prompts.query_step(path, step, view))
    try:
        said: Any = parse.read_table_reply(reply)
        if isinstance(said, Answer):
            return said.text, "", time.perf_counter() - began
        text = read_answer_off(compute(one.table, said.sql))
    except (ParseError, QueryError):
        text = ""
    if text:
        return text, said.sql, time.perf_counter() - began
    reply = await policy.reply(prompts.answer_step(path, step))
    return _read(reply), f"(gave nothing) {reply.text}", time.perf_counter() - began


def _read(reply: rr.Reply) -> str:
    try:
        return parse.read_answer(reply).text
    except ParseError as error:
        return parse.salvage_answer(error.reply).text


def right(said: str, one: Asked) -> bool:
    side = yes_no.score(said, one.answers, question=one.question)
    return bool(exact_match.score(said, one.answers) if side is None else side)


async def main(given: argparse.Namespace) -> None:
    policy = rr.open_policy(given.policy) if given.policy else None
    prompts = choose_prompts(given.prompts, policy) if policy else None
    for name in given.sets:
        asked = list(load(given.bench, name, given.split))
        random.Random(0).shuffle(asked)
        asked = asked[: given.limit]
        reachable, sayable, seconds = ceiling(asked, COST[name])
        print(f"{name} {given.split}: {len(asked)} questions, all queries tried in {seconds:.0f} s")
        print(f"  reachable {_shown(reachable)}   sayable {_shown(sayable)}")
        if policy is None or prompts is None:
            continue
        room = asyncio.Semaphore(4)

        async def one_by_one(one: Asked, query: bool, room: asyncio.Semaphore = room) -> tuple[str, str, float]:
            async with room:
                return await answer(policy, prompts, one, query=query)

        for query in (True, False):
            replies = await asyncio.gather(*(one_by_one(one, query) for one in asked))
            correct = compute_rate([right(said, one) for (said, _, _), one in zip(replies, asked, strict=True)])
            queried = statistics.mean(bool(sql) for _, sql, _ in replies)
            spent = statistics.median(seconds for _, _, seconds in replies)
            way = "query" if query else "read "
            print(f"  {way}     right {_shown(correct)}   queried {queried:.2f}   {spent:.1f} s each")
            if given.show and query:
                for (said, sql, _), one in zip(replies, asked, strict=True):
                    print(f"    {'+' if right(said, one) else '-'} {one.question} | {sql} => {said} ({one.answers[0]})")
    if policy is not None:
        await policy.close()


def _shown(value: Interval) -> str:
    return f"{value.mean:.3f} ({value.low:.3f}–{value.high:.3f}, n={value.n})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--sets", nargs="*", choices=tuple(COST), default=tuple(COST))
    parser.add_argument("--split", choices=("train", "dev"), default="dev")
    parser.add_argument("--policy", default="", help="left out: only what the grammar can say")
    parser.add_argument("--prompts", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--show", action="store_true", help="every question with what was asked and answered")
    asyncio.run(main(parser.parse_args()))
