"""Advances many walks until each asks the policy, because a search for all of them costs little more than for one.

    for walk in walks:
        walk.start()
    while asking := bring_to_asks(walks, search=…):
        for (walk, _), reply in zip(asking, generate([ask for _, ask in asking])):
            walk.advance(reply)

Nothing here waits for an event loop: Step-GRPO's pool and the estimate of a teacher's cost are such loops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from r1router.drive.batches import search_together
from r1router.drive.flow import Rankings
from r1router.drive.walk import Walk
from r1router.errors import QueryError
from r1router.types import Ask, Compute, Inspect, KnowledgeBase, Search

W = TypeVar("W", bound=Walk)


def refuse_query(walk: Walk, request: Inspect | Compute) -> QueryError:
    """Lets the method read a table instead."""
    return QueryError("tables are only read here")


def bring_to_asks(
    walks: Sequence[W],
    *,
    search: Callable[[Sequence[tuple[W, Search]]], Sequence[Rankings]],
    query: Callable[[W, Inspect | Compute], object] = refuse_query,
) -> list[tuple[W, Ask]]:
    """Serves searches and tables until every walk asks the policy or has ended; those that ask, with what they ask.

    `search` gives one ranking for each route of each request. `query` gives what a table brings, or the exception
    that the method is to handle. A walk that has not been started is taken for ended. Raises what `search`, `query` or
    a method raises.
    """
    while waiting := [walk for walk in walks if walk.request is not None and not isinstance(walk.request, Ask)]:
        searching = [(walk, request) for walk in waiting if isinstance(request := walk.request, Search)]
        for walk in waiting:
            if isinstance(request := walk.request, Inspect | Compute):
                walk.advance(query(walk, request))
        for (walk, _), rankings in zip(searching, search(searching), strict=True):
            walk.advance(rankings)
    return [(walk, request) for walk in walks if isinstance(request := walk.request, Ask)]


def search_in(kbs: Mapping[str, KnowledgeBase]) -> Callable[[Sequence[tuple[Walk, Search]]], Sequence[Rankings]]:
    """Searches these knowledge bases, each once a round."""
    return lambda wanted: search_together(kbs, [request for _, request in wanted])
