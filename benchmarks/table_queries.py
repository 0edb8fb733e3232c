"""How well tables are asked: what the grammar can say, and what a policy makes of it, its table given or searched for.

    python benchmarks/table_queries.py BENCH [--sets wtq tabfact geo] [--split dev] [--limit N]     the grammar alone
    python benchmarks/table_queries.py BENCH --policy llamacpp: --kbs KBS --out runs/tables.jsonl  and a policy

The sets are WikiTableQuestions, TabFact, and of the geography questions the steps over a table that ask for an extreme
("the longest land border"; such steps are picked here by English words, which the product has none of). All shares come
with 95 % intervals:

    reachable   some query of the grammar gives an accepted answer, by chance included (a yes or a no: nearly always)
    sayable     the best of them also says what the question says (`find_queries.Found.cost`, as for training)
    right       the policy's answer is right: exact match; for yes and no the side taken. The gold table is `given`,
                or what a `search` brings is taken (`--kbs`, a folder that `r1router index` made of BENCH/kb/table).
                Each when it may `query` and when it only may `read`, with the paired difference
    found       a query was written that runs and gives an accepted answer: of all, and of the sayable questions

With `--out` each reply is written down, and a run that was stopped goes on. Use another file for other weights.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import re
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import r1router as rr
from r1router.drive.flow import run
from r1router.drive.serve import serve_with
from r1router.drive.walk import Walk
from r1router.evals.metrics import exact_match, yes_no
from r1router.evals.statistics import Interval, compare_paired, compute_rate
from r1router.kb.memory import MemoryKnowledgeBase
from r1router.moves import Flow, finish, read, retrieve
from r1router.prompts import Prompts, choose_prompts
from r1router.table import TableBlock
from r1router.tables.columns import read_columns
from r1router.tables.results import read_answer_off
from r1router.train.steps.find_queries import find_queries
from r1router.types import Answer, Card, Evidence, KnowledgeBase, Policy, Query, Question, Step, Trajectory

COST = {"wtq": 3.2, "tabfact": 3.3, "geo": 3.0}
NAMES = {"wtq": "WikiTableQuestions", "tabfact": "TabFact", "geo": "geography, steps that ask for an extreme"}
EXTREME = re.compile(
    r"\b(largest|biggest|greatest|highest|longest|most|tallest|deepest|widest|heaviest"
    r"|smallest|lowest|shortest|least|fewest)\b",
    re.IGNORECASE,
)


class Asked(NamedTuple):
    id: str
    question: str
    ask: str
    """Without what names the table."""
    answers: list[str]
    table: TableBlock


class Replied(NamedTuple):
    answer: str
    sql: str
    """The query that ran, if one did."""
    gave: str
    """The answer that it is."""
    seconds: float


# ── what is asked ──────────────────────────────────────────────────────────────────────────────


def load(bench: Path, name: str, split: str) -> Iterator[Asked]:
    tables = {}
    with gzip.open(bench / "kb" / "table" / "tables.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            cells = tuple(told["header"]), tuple(map(tuple, told["rows"]))
            tables[told["id"]] = TableBlock(told["title"], told["section"], told["caption"], *cells)
    for line in (bench / "questions" / f"{name}.{split}.jsonl").read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        if name == "geo":
            for number, step in enumerate(told["gold"]["steps"] or ()):
                asked = step["sub_question"]
                if step["kb"] == "table" and EXTREME.search(asked):
                    id = f"{told['id']}.{number}"
                    yield Asked(id, asked, asked, [step["answer"]], tables[step["evidence_ids"][0]])
        else:
            ask = told.get("question_raw") or told.get("statement_raw") or told["question"]
            yield Asked(told["id"], told["question"], ask, told["answers"], tables[told["gold"]["evidence_ids"][0]])


def is_right(said: str, one: Asked) -> bool:
    side = yes_no.score(said, one.answers, question=one.question)
    return bool(exact_match.score(said, one.answers) if side is None else side)


# ── what the grammar can say ───────────────────────────────────────────────────────────────────


def find_ceiling(asked: list[Asked], cost: float) -> tuple[list[bool], list[bool]]:
    """Which questions are reachable, and which sayable."""
    reachable, sayable = [], []
    for one in asked:
        readers, values = read_columns(one.table.header, one.table.rows)
        found = find_queries(one.question, one.table, [r.column for r in readers], values, one.answers, ask=one.ask)
        reachable.append(bool(found))
        sayable.append(bool(found) and found[0].cost <= cost)
    return reachable, sayable


# ── what a policy makes of it ──────────────────────────────────────────────────────────────────


def solve(
    question: Question, kbs: Mapping[str, Card], *, prompts: Prompts, k: int = 5, tables: str = "query"
) -> Flow[Trajectory]:
    """One step: a search of the only knowledge base, and what the policy reads there or asks it."""
    path = yield from retrieve(Trajectory(question), Step(sub_question=question.text, routes=tuple(kbs)), k)
    if path.steps[-1].evidence:
        path = yield from read(path, prompts, tables=tables)
    return finish(path, Answer("", path.steps[-1].answer), "enough", prompts)


class GivenTable(MemoryKnowledgeBase):
    """A knowledge base of nothing but the gold table, found whatever is asked."""

    def __init__(self, one: Asked) -> None:
        piece = Evidence("table", one.id, one.table.text, title=one.table.title, record=one.id, table=one.table)
        super().__init__(Card("table", "table", ""), [piece])
        self._id = one.id

    def search(self, queries: Sequence[Query], *, k: int = 5) -> list[list[Evidence]]:
        return [self.record(self._id) for _ in queries]


async def answer(policy: Policy, prompts: Prompts, kb: KnowledgeBase, one: Asked, way: str) -> Replied:
    began = time.perf_counter()
    walk = Walk(partial(solve, tables=way), Question(one.question), {"table": kb.card}, prompts)
    path = await run(walk, serve_with(policy, {"table": kb}))
    results = [piece.result for step in path.steps for piece in step.evidence if piece.result]
    gave = read_answer_off(results[0]) if results else ""
    spent = time.perf_counter() - began
    return Replied(path.answer.text if path.answer else "", results[0].sql if results else "", gave, spent)


class Replies:
    """Replies by set, question, where its table is from and the way; each is written down as it comes."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[tuple[str, ...], Replied] = {}
        if path and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                told = json.loads(line)
                self._known[tuple(told["key"])] = Replied(*told["reply"])

    async def get(self, key: tuple[str, ...], ask: Callable[[], Awaitable[Replied]]) -> Replied:
        if key not in self._known:
            self._known[key] = reply = await ask()
            if self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as out:
                    out.write(json.dumps({"key": key, "reply": reply}, ensure_ascii=False) + "\n")
        return self._known[key]


async def main(given: argparse.Namespace) -> None:
    policy = rr.open_policy(given.policy) if given.policy else None
    found_in = rr.open_kbs(given.kbs)["table"] if given.kbs else None
    replies = Replies(given.out)
    for name in given.sets:
        asked = list(load(given.bench, name, given.split))
        random.Random(0).shuffle(asked)
        asked = asked[: given.limit]
        began = time.perf_counter()
        reachable, sayable = find_ceiling(asked, COST[name])
        spent = time.perf_counter() - began
        print(f"\n{NAMES[name]}, {given.split}: {len(asked)} questions, all queries tried in {spent:.0f} s")
        print(f"  reachable {_shown(compute_rate(reachable))}   sayable {_shown(compute_rate(sayable))}", flush=True)
        if policy is None:
            continue
        prompts = choose_prompts(given.prompts, policy)
        prompts.table_queries = True  # whatever the set says: `read` does without
        for source in ("given", "search") if found_in else ("given",):
            scores = {}
            for way in ("query", "read"):
                said = []
                for number, one in enumerate(asked, 1):
                    kb = found_in if found_in and source == "search" else GivenTable(one)
                    key = (name, one.id, source, way)
                    said.append(await replies.get(key, partial(answer, policy, prompts, kb, one, way)))
                    if given.progress and number % 10 == 0:
                        print(f"    {source} {way} {number} of {len(asked)}", flush=True)
                scores[way] = [is_right(reply.answer, one) for reply, one in zip(said, asked, strict=True)]
                print(f"  {source}, {way:5}  right {_shown(compute_rate(scores[way]))}   "
                      f"{statistics.median(reply.seconds for reply in said):.1f} s each", flush=True)  # fmt: skip
                if way == "query":
                    _tell_found(said, asked, sayable)
                if given.show and way == "query":
                    for reply, one in zip(said, asked, strict=True):
                        mark = "+" if is_right(reply.answer, one) else "-"
                        print(f"    {mark} {one.question} | {reply.sql} => {reply.answer} ({one.answers[0]})")
            change = compare_paired([*map(float, scores["query"])], [*map(float, scores["read"])])
            print(f"  {source}, query − read  {change.mean:+.3f} ({change.low:+.3f} to {change.high:+.3f}), "
                  f"p {change.p:.3f}", flush=True)  # fmt: skip
    if policy is not None:
        await policy.close()


def _tell_found(said: list[Replied], asked: list[Asked], sayable: list[bool]) -> None:
    queried = [bool(reply.sql) for reply in said]
    found = [bool(reply.gave) and is_right(reply.gave, one) for reply, one in zip(said, asked, strict=True)]
    of_sayable = [is_found for is_found, can in zip(found, sayable, strict=True) if can]
    told = f"queried {_shown(compute_rate(queried))}   found {_shown(compute_rate(found))}"
    print(f"    {told}" + (f"   of the sayable {_shown(compute_rate(of_sayable))}" if of_sayable else ""), flush=True)


def _shown(value: Interval) -> str:
    return f"{value.mean:.3f} ({value.low:.3f}–{value.high:.3f}, n={value.n})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--sets", nargs="*", choices=tuple(COST), default=tuple(COST))
    parser.add_argument("--split", choices=("train", "dev"), default="dev")
    parser.add_argument("--policy", default="", help="left out: only what the grammar can say")
    parser.add_argument("--prompts", type=Path)
    parser.add_argument("--kbs", type=Path, help="left out: only with the gold table given")
    parser.add_argument("--out", type=Path, help="replies, one a line; those that are there are not asked for again")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--show", action="store_true", help="every question with what was asked and answered")
    parser.add_argument("--progress", action="store_true")
    asyncio.run(main(parser.parse_args()))
