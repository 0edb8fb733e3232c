"""Explores questions: at every decision several replies are sampled, and one of them carries the question on.

This is the rollout of Step-GRPO (paper, section 3.2) with live knowledge bases: each group is compared within
itself, by rewards of that one step. Malformed replies are part of their group; where one of them is chosen, the
method asks again, and that is a group too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from r1router.drive.flow import Rankings
from r1router.drive.threads import wait_for
from r1router.drive.walk import Walk
from r1router.errors import QueryError
from r1router.types import Ask, Policy, Reply, Search, Trajectory

SampleAll = Callable[[Sequence[Ask]], Sequence[Sequence[Reply]]]
"""A group of replies for each request, all in one generation."""
SearchAll = Callable[[Sequence[Search]], Sequence[Rankings]]
"""One ranking for each route of each request: `batches.search_together`, its knowledge bases given."""


@dataclass(frozen=True, slots=True)
class Group:
    """One decision: what was asked, when, and everything that was said."""

    ask: Ask
    path: Trajectory
    """What had happened until then: the steps so far, the last of them with its evidence and without an answer where
    an `answer` is asked."""
    replies: tuple[Reply, ...]


def explore(
    walks: Sequence[Walk], *, sample: SampleAll, search: SearchAll, choose: Callable[[Group], int]
) -> list[list[tuple[Group, int]]]:
    """Walks all questions to their ends; for each, the groups of its decisions in order, and the replies chosen.

    Its usage, and so the budget, count the chosen replies alone. Raises what `sample`, `search` or a method raises.
    """
    explored: dict[Walk, list[tuple[Group, int]]] = {walk: [] for walk in walks}
    for walk in walks:
        walk.start()
    while any(walk.request for walk in walks):
        serve_searches(walks, search)
        asking = [(walk, ask) for walk in walks if isinstance(ask := walk.request, Ask)]
        for (walk, ask), replies in zip(asking, sample([ask for _, ask in asking]), strict=True):
            group = Group(ask, walk.path, tuple(replies))
            chosen = choose(group)
            explored[walk].append((group, chosen))
            walk.advance(replies[chosen])
    return [explored[walk] for walk in walks]


def serve_searches(walks: Sequence[Walk], search: SearchAll) -> None:
    """Has everything searched that the walks wait for, until each waits for a reply or has ended.

    No table is queried here: a step that would do so reads it.
    """
    while waiting := [walk for walk in walks if walk.request is not None and not isinstance(walk.request, Ask)]:
        searching = [(walk, request) for walk in waiting if isinstance(request := walk.request, Search)]
        for walk in waiting:
            if not isinstance(walk.request, Search):
                walk.advance(QueryError("tables are only read while questions are explored"))
        for (walk, _), rankings in zip(searching, search([request for _, request in searching]), strict=True):
            walk.advance(rankings)


def sample_with(policy: Policy, *, size: int = 8, temperature: float = 1.0) -> SampleAll:
    """Groups of `size` replies of a policy, all asked for at the same time."""

    async def sample_all(asks: Sequence[Ask]) -> list[list[Reply]]:
        replies = await asyncio.gather(
            *(policy.reply(ask, temperature=temperature) for ask in asks for _ in range(size))
        )
        return [replies[start : start + size] for start in range(0, len(replies), size)]

    return lambda asks: wait_for(sample_all(asks))


def pick(values: Sequence[float | None], chance: random.Random, *, best: float = 0.0) -> int:
    """The place of one value: with probability `best` the highest (the first of equals), else any of them.

    Where nothing is judged there is no best, and any is picked.
    """
    judged = [place for place, value in enumerate(values) if value is not None]
    if judged and chance.random() < best:
        return max(judged, key=lambda place: values[place] or 0.0)
    return chance.randrange(len(values))
