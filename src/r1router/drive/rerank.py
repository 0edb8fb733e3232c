"""Fetches more entries than asked for and lets a reranker choose, because it reads question and entry together.

What is searched for is found `DEPTH` deep, scored by the reranker, and cut to what was asked for. A look, which only
sees what there would be, and a search by a picture alone are left as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from r1router.drive.flow import Rankings, Served, measure_time
from r1router.drive.threads import run_aside
from r1router.types import Evidence, Reranker, Search

DEPTH = 50
"""Entries that are scored for one search of one knowledge base."""


def rerank_searches(
    search: Callable[[Search], Awaitable[Served[Rankings]]], reranker: Reranker
) -> Callable[[Search], Awaitable[Served[Rankings]]]:
    """What serves searches as `search` does, each ranking put in the reranker's order."""

    async def search_deep(request: Search) -> Rankings:
        found, _ = await search(replace(request, k=max(DEPTH, request.k)))
        return list(await asyncio.gather(*(run_aside(rerank, reranker, request, ranking) for ranking in found)))

    def serve(request: Search) -> Awaitable[Served[Rankings]]:
        return search(request) if request.look or not request.query.text.strip() else measure_time(search_deep(request))

    return serve


def rerank(reranker: Reranker, request: Search, ranking: Sequence[Evidence]) -> list[Evidence]:
    """The best of a ranking by the reranker, with its scores; equal ones stay in order. Raises `KnowledgeBaseError`."""
    scores = reranker.score(request.query.text, [item.text for item in ranking])
    scored = [replace(item, score=score, reranked=True) for item, score in zip(ranking, scores, strict=True)]
    return sorted(scored, key=lambda item: -item.score)[: request.k]
