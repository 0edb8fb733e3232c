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
CALLS = 8
"""Search calls at once. Each is a thread, and of all threads one at a time runs Python, the event loop's among them."""


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


def run_in_batches(
    kbs: Mapping[str, KnowledgeBase], batches: Batches | None = None
) -> Callable[[Search], Awaitable[Served[Rankings]]]:
    """What serves the searches of all questions that it is given to, in one event loop.

    Their batches are those of all that is made with the same `batches`.
    """
    shared = batches or Batches()

    async def search_all(request: Search) -> Rankings:
        searched = (shared.search(_find_kb(kbs, name), request.query, request.k) for name in request.routes)
        return list(await asyncio.gather(*searched))

    def search(request: Search) -> Awaitable[Served[Rankings]]:
        return measure_time(search_all(request))

    return search


class _Waiting(NamedTuple):
    query: Query
    k: int
    result: asyncio.Future[list[Evidence]]


class Batches:
    """The searches of one event loop, gathered by knowledge base, each of which makes one call at a time."""

    def __init__(self, *, largest: int = LARGEST_BATCH) -> None:
        """`largest`: queries in one call."""
        self._calls, self._largest = asyncio.Semaphore(CALLS), largest
        self._waiting: dict[int, list[_Waiting]] = {}
        """By `id` of the knowledge base, while it searches: what is its next batch."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def search(self, kb: KnowledgeBase, query: Query, k: int) -> list[Evidence]:
        result: asyncio.Future[list[Evidence]] = asyncio.get_running_loop().create_future()
        if id(kb) not in self._waiting:
            self._waiting[id(kb)] = []
            task = asyncio.create_task(self._search_all(kb))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._waiting[id(kb)].append(_Waiting(query, k, result))
        return await result

    async def _search_all(self, kb: KnowledgeBase) -> None:
        """Until nothing waits for this knowledge base any more."""
        try:
            while waiting := [w for w in self._waiting[id(kb)] if not w.result.done()]:  # its question may be given up
                batch, self._waiting[id(kb)] = waiting[: self._largest], waiting[self._largest :]
                await self._search_for(kb, batch)
        finally:
            del self._waiting[id(kb)]

    async def _search_for(self, kb: KnowledgeBase, batch: Sequence[_Waiting]) -> None:
        """One call for all; where it fails, one for each, so that no query fails the question of another one."""
        try:
            async with self._calls:
                rankings = await run_aside(_search_batch, kb, [(w.query, w.k) for w in batch])
        except Exception as error:
            if len(batch) > 1:
                await asyncio.gather(*(self._search_for(kb, [w]) for w in batch))
            elif not batch[0].result.done():
                batch[0].result.set_exception(error)
            return
        for w, ranking in zip(batch, rankings, strict=True):
            if not w.result.done():
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
