"""A question to its groups: several replies are sampled at every decision, and one of them carries the question on.

This is the rollout of Step-GRPO (paper, section 3.2) with live knowledge bases: each group is compared within
itself, by rewards of that one step. Malformed replies are part of their group; where one of them is chosen, the
method asks again, and that is a group too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from r1router.drive.budget import Budget
from r1router.drive.flow import Searcher, Served, run, timed
from r1router.drive.walk import Walk
from r1router.methods import Method
from r1router.prompts import Prompts
from r1router.types import Ask, Card, Policy, Question, Reply, Search, Trajectory

Sampler = Callable[[Ask], Awaitable[Sequence[Reply]]]
"""The replies of a group."""
Chooser = Callable[[Ask, Sequence[Reply], Trajectory], Awaitable[int]]
"""Which reply goes on, given what had happened when it was asked: the steps so far, the last of them with its
evidence and without an answer where an `answer` is asked. Sees every group, so it is also who scores and keeps it."""


@dataclass(frozen=True, slots=True)
class Group:
    """One decision: what was asked, when, and everything that was said."""

    ask: Ask
    path: Trajectory
    """What had happened until then, as a `Chooser` is given it."""
    replies: tuple[Reply, ...]
    chosen: int


async def explore(
    question: Question,
    cards: Mapping[str, Card],
    *,
    method: Method,
    prompts: Prompts,
    sample: Sampler,
    search: Searcher,
    choose: Chooser,
    budget: Budget | None = None,
) -> tuple[Trajectory, list[Group]]:
    """The finished trajectory of the chosen replies, and the group of every decision in order.

    Its usage, and so the budget, count the chosen replies alone. What a request raises that the method does not
    handle comes out of here.
    """
    walk = Walk(method, question, cards, prompts, budget)
    groups: list[Group] = []

    async def answer(ask: Ask) -> Served[Reply]:
        path = walk.path
        replies, seconds = await timed(sample(ask))
        chosen = await choose(ask, replies, path)
        groups.append(Group(ask, path, tuple(replies), chosen))
        return Served(replies[chosen], seconds)

    return await run(walk, {Ask: answer, Search: search}), groups


def samples(policy: Policy, *, size: int = 8, temperature: float = 1.0) -> Sampler:
    """Groups of `size` replies of a policy, asked at the same time."""

    async def sample(ask: Ask) -> list[Reply]:
        return list(await asyncio.gather(*(policy.reply(ask, temperature=temperature) for _ in range(size))))

    return sample


def pick(values: Sequence[float | None], chance: random.Random, *, best: float = 0.0) -> int:
    """The place of one value: with probability `best` the highest (the first of equals), else any of them.

    Where nothing is judged there is no best, and any is picked.
    """
    judged = [place for place, value in enumerate(values) if value is not None]
    if judged and chance.random() < best:
        return max(judged, key=lambda place: values[place] or 0.0)
    return chance.randrange(len(values))
