"""Streams the events of one question, planned, retrieved, answered, finished, each as soon as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress

from r1router.drive.batches import Batches
from r1router.drive.budget import Budget
from r1router.drive.flow import Serve, run
from r1router.drive.record import Recording
from r1router.drive.serve import serve_with
from r1router.drive.walk import Walk
from r1router.filters.narrow import narrow_all
from r1router.methods import Method
from r1router.prompts import Prompts
from r1router.types import Event, KnowledgeBase, Policy, Question, Reranker


async def stream(
    question: Question,
    *,
    method: Method,
    policy: Policy,
    kbs: Mapping[str, KnowledgeBase],
    prompts: Prompts,
    budget: Budget | None = None,
    record: Recording | None = None,
    reranker: Reranker | None = None,
    wrap: Callable[[Serve], Serve] | None = None,
    batches: Batches | None = None,
) -> AsyncGenerator[Event, None]:
    """The events of one question, `Finished` last. A failed model call or search is raised here.

    Leaving the loop early cancels the work that is under way. A `record` serves what it has and keeps the rest.
    `wrap` is given what serves the requests, and gives back what is to serve them: to watch them, say. Questions with
    the same `batches` search together.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue()
    kbs = narrow_all(kbs, question.where)
    cards = {name: kb.card for name, kb in kbs.items()}
    walk = Walk(method, question, cards, prompts, budget, tell=events.put_nowait)
    serve = serve_with(policy, kbs, record, reranker, where=question.where, batches=batches)
    work = asyncio.create_task(run(walk, wrap(serve) if wrap else serve))
    work.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (event := await events.get()) is not None:
            yield event
        await work  # raises what went wrong
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await work
