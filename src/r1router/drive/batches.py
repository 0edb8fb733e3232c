"""Searches of many flows at once to few calls: those that arrive while a knowledge base searches are its next batch.

So batches grow with the load, and a lone question never waits for company.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Mapping
from typing import NamedTuple

from r1router.drive.flow import Rankings, Searcher, Served, knowledge_base, timed
from r1router.types import Evidence, KnowledgeBase, Query, Search

LARGEST_BATCH = 256
"""Queries in one search call."""


def in_batches(kbs: Mapping[str, KnowledgeBase]) -> Searcher:
    """What serves the searches of all flows that it is given to, in one event loop."""
    collectors: defaultdict[str, _Collector] = defaultdict(_Collector)

    async def search_all(request: Search) -> Rankings:
        searched = (
            collectors[name].search(knowledge_base(kbs, name), request.query, request.k) for name in request.routes
        )
        return list(await asyncio.gather(*searched))

    def search(request: Search) -> Awaitable[Served[Rankings]]:
        return timed(search_all(request))

    return search


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
