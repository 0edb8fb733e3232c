"""Answers many questions side by side, hundreds in flight: model calls concurrent, searches in batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

from r1router.drive.budget import Budget
from r1router.drive.flow import run
from r1router.drive.record import Record
from r1router.drive.serve import serve_with
from r1router.drive.walk import Walk
from r1router.errors import R1RouterError
from r1router.methods import Method, label
from r1router.prompts import Prompts
from r1router.types import KnowledgeBase, Policy, Question, Trajectory

IN_FLIGHT = 64
"""Questions worked on at once."""


async def answer_many(
    questions: Iterable[Question],
    *,
    method: Method,
    policy: Policy,
    kbs: Mapping[str, KnowledgeBase],
    prompts: Prompts,
    budget: Budget | None = None,
    in_flight: int = IN_FLIGHT,
    record: Record | None = None,
) -> AsyncIterator[tuple[int, Trajectory]]:
    """(position of the question, its trajectory), in the order in which they finish.

    A question whose model call or search fails gets a trajectory with stop "error" and the reason; the others
    go on. `questions` is read as room becomes free, so it may be long. A `record` serves what it has already
    and keeps the rest.
    """

    serve = serve_with(policy, kbs, record)
    cards = {name: kb.card for name, kb in kbs.items()}

    async def work(position: int, question: Question) -> tuple[int, Trajectory]:
        try:
            return position, await run(Walk(method, question, cards, prompts, budget), serve)
        except R1RouterError as error:
            return position, Trajectory(question, stop="error", error=str(error), method=label(method))

    waiting = enumerate(questions)
    running: set[asyncio.Task[tuple[int, Trajectory]]] = set()
    try:
        while True:
            while len(running) < in_flight and (following := next(waiting, None)) is not None:
                running.add(asyncio.create_task(work(*following)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
