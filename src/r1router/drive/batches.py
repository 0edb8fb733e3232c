"""Gathers the searches of many questions into few calls, because a batch costs little more than one.

Synchronous loops have their searches at hand: `search_together`. Asynchronous drivers use `run_in_batches`: what
arrives while a knowledge base searches is its next batch, so batches grow with the load, and a lone question never
waits.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from r1router.drive.flow import Rankings, Served, measure_time
from r1router.drive.threads import run_aside
from r1router.errors import UnknownName
from r1router.types import Evidence, KnowledgeBase, Query, Search

LARGEST_BATCH = 256
"""Queries in one search call."""


def search_together(kbs: Mapping[str, KnowledgeBase], requests: Sequence[Search]) -> list[Rankings]:
    """For each request one ranking for each of its routes. Equal searches of one knowledge base are made once."""
    wanted: defaultdict[str, dict[tuple[Query, int], list[Evidence]]] = defaultdict(dict)
    for request in requests:
        for name in request.routes:
            wanted[name][request.query, request.k] = []
    for name, found in wanted.items():
        kb, searches = _find_kb(kbs, name), list(found)
        for batch in _cut(searches):
            found |= zip(batch, _search_batch(kb, batch), strict=True)
    return [[wanted[name][request.query, request.k] for name in request.routes] for request in requests]


def run_in_batches(kbs: Mapping[str, KnowledgeBase]) -> Callable[[Search], Awaitable[Served[Rankings]]]:
    """What serves the searches of all questions that it is given to, in one event loop."""
    collectors: defaultdict[str, _Collector] = defaultdict(_Collector)

    async def search_all(request: Search) -> Rankings:
        searched = (collectors[name].search(_find_kb(kbs, name), request.query, request.k) for name in request.routes)
        return list(await asyncio.gather(*searched))

    def search(request: Search) -> Awaitable[Served[Rankings]]:
        return measure_time(search_all(request))

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
            try:
                rankings = await run_aside(_search_batch, kb, [(w.query, w.k) for w in batch])
            except Exception as error:  # every search of the batch has failed, and is told so
                for w in batch:
                    if not w.result.done():
                        w.result.set_exception(error)
                continue
            for w, ranking in zip(batch, rankings, strict=True):
                if not w.result.done():  # its question may have been given up
                    w.result.set_result(ranking)


def _search_batch(kb: KnowledgeBase, searches: Sequence[tuple[Query, int]]) -> list[list[Evidence]]:
    """One call for all; each gets as many entries as it asked for, whatever the others did."""
    rankings = kb.search([query for query, _ in searches], k=max(k for _, k in searches))
    return [ranking[:k] for ranking, (_, k) in zip(rankings, searches, strict=True)]


def _cut(searches: list[tuple[Query, int]]) -> Iterable[list[tuple[Query, int]]]:
    return (searches[start : start + LARGEST_BATCH] for start in range(0, len(searches), LARGEST_BATCH))


def _find_kb(kbs: Mapping[str, KnowledgeBase], name: str) -> KnowledgeBase:
    """The knowledge base of this name. Raises `UnknownName`."""
    try:
        return kbs[name]
    except KeyError:
        raise UnknownName("knowledge base", name, kbs) from None
