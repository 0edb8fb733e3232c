"""One question to a stream of events: planned, retrieved, answered, finished, each as soon as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import suppress

from r1router.drive.flow import Budget, Rankings, Served, knowledge_base, run, timed
from r1router.drive.record import Record
from r1router.methods import Method
from r1router.prompts import Prompts
from r1router.types import Ask, Event, KnowledgeBase, Policy, Question, Reply, Search


async def stream(
    question: Question,
    *,
    method: Method,
    policy: Policy,
    kbs: Mapping[str, KnowledgeBase],
    prompts: Prompts,
    budget: Budget | None = None,
    record: Record | None = None,
) -> AsyncIterator[Event]:
    """The events of one question, `Finished` last. A failed model call or search is raised here.

    Leaving the loop early cancels the work that is under way. A `record` serves what it has and keeps the rest.
    """

    def answer(ask: Ask) -> Awaitable[Served[Reply]]:
        return timed(policy.reply(ask))

    async def search_all(request: Search) -> Rankings:
        searched = (
            asyncio.to_thread(knowledge_base(kbs, name).search, [request.query], k=request.k) for name in request.routes
        )
        return [rankings[0] for rankings in await asyncio.gather(*searched)]

    def search(request: Search) -> Awaitable[Served[Rankings]]:
        return timed(search_all(request))

    events: asyncio.Queue[Event | None] = asyncio.Queue()
    work = asyncio.create_task(
        run(
            question,
            {name: kb.card for name, kb in kbs.items()},
            method=method,
            prompts=prompts,
            answer=record.answers(answer) if record is not None else answer,
            search=record.searches(search) if record is not None else search,
            budget=budget or Budget(),
            tell=events.put_nowait,
        )
    )
    work.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (event := await events.get()) is not None:
            yield event
        await work  # raises what went wrong
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await work
