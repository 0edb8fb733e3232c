"""One question to a stream of events: planned, retrieved, answered, finished, each as soon as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from r1router.drive.flow import Budget, knowledge_base, run
from r1router.methods import Method
from r1router.prompts import Prompts
from r1router.types import Ask, Event, Evidence, KnowledgeBase, Policy, Question, Reply, Search


async def stream(
    question: Question,
    *,
    method: Method,
    policy: Policy,
    kbs: Mapping[str, KnowledgeBase],
    prompts: Prompts,
    budget: Budget | None = None,
) -> AsyncIterator[Event]:
    """The events of one question, `Finished` last. A failed model call or search is raised here.

    Leaving the loop early cancels the work that is under way.
    """

    async def answer(ask: Ask) -> Reply:
        return await policy.reply(ask)

    async def search(request: Search) -> list[list[Evidence]]:
        searched = (
            asyncio.to_thread(knowledge_base(kbs, name).search, [request.query], k=request.k) for name in request.routes
        )
        return [rankings[0] for rankings in await asyncio.gather(*searched)]

    events: asyncio.Queue[Event | None] = asyncio.Queue()
    work = asyncio.create_task(
        run(
            question,
            {name: kb.card for name, kb in kbs.items()},
            method=method,
            prompts=prompts,
            answer=answer,
            search=search,
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
