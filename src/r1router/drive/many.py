"""Many questions to their trajectories: hundreds in flight, model calls concurrent, searches in batches.

Each knowledge base has one collector. While it searches a batch, the searches that arrive wait and become
its next batch, so batches grow with the load and a lone question never waits for company.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from r1router.drive.flow import Budget, Rankings, Served, knowledge_base, run, timed
from r1router.drive.record import Record
from r1router.errors import R1RouterError
from r1router.methods import Method, label
from r1router.prompts import Prompts
from r1router.types import Ask, Evidence, KnowledgeBase, Policy, Query, Question, Reply, Search, Trajectory

IN_FLIGHT = 64
"""Questions worked on at once."""
LARGEST_BATCH = 256
"""Queries in one search call."""


async def answer_many(
    questions: Iterable[Question],
    *,
    method: Method,
    policy: Policy,
    kbs: Mapping[str, KnowledgeBase],
    prompts: Prompts,
    budget: Budget | None = None,
    in_flight: int = IN_FLIGHT,
    record: Record | None = None,
) -> AsyncIterator[tuple[int, Trajectory]]:
    """(position of the question, its trajectory), in the order in which they finish.

    A question whose model call or search fails gets a trajectory with stop "error" and the reason; the others
    go on. `questions` is read as room becomes free, so it may be long. A `record` serves what it has already
    and keeps the rest.
    """
    collectors: defaultdict[str, _Collector] = defaultdict(_Collector)

    def answer(ask: Ask) -> Awaitable[Served[Reply]]:
        return timed(policy.reply(ask))

    async def search_all(request: Search) -> Rankings:
        searched = (
            collectors[name].search(knowledge_base(kbs, name), request.query, request.k) for name in request.routes
        )
        return list(await asyncio.gather(*searched))

    def search(request: Search) -> Awaitable[Served[Rankings]]:
        return timed(search_all(request))

    drive = partial(
        run,
        cards={name: kb.card for name, kb in kbs.items()},
        method=method,
        prompts=prompts,
        answer=record.answers(answer) if record is not None else answer,
        search=record.searches(search) if record is not None else search,
        budget=budget or Budget(),
    )

    async def work(position: int, question: Question) -> tuple[int, Trajectory]:
        try:
            return position, await drive(question)
        except R1RouterError as error:
            return position, Trajectory(question, stop="error", error=str(error), method=label(method))

    waiting = enumerate(questions)
    running: set[asyncio.Task[tuple[int, Trajectory]]] = set()
    try:
        while True:
            while len(running) < in_flight and (following := next(waiting, None)) is not None:
                running.add(asyncio.create_task(work(*following)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class _Waiting(NamedTuple):
    query: Query
    k: int
    result: asyncio.Future[list[Evidence]]


class _Collector:
    """The searches that wait for one knowledge base, and the task that searches them together."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def search(self, kb: KnowledgeBase, query: Query, k: int) -> list[Evidence]:
        result: asyncio.Future[list[Evidence]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(query, k, result))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._search_all(kb))
        return await result

    async def _search_all(self, kb: KnowledgeBase) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            k = max(w.k for w in batch)
            try:
                rankings = await asyncio.to_thread(kb.search, [w.query for w in batch], k=k)
            except Exception as error:  # every search of the batch has failed, and is told so
                for w in batch:
                    if not w.result.done():
                        w.result.set_exception(error)
                continue
            for w, ranking in zip(batch, rankings, strict=True):
                if not w.result.done():  # its question may have been given up
                    w.result.set_result(ranking[: w.k])
