"""Answers many questions side by side, hundreds in flight: model calls concurrent, searches in batches."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from functools import cache

from r1router.drive.budget import Budget
from r1router.drive.flow import Serve, run
from r1router.drive.in_flight import map_in_flight
from r1router.drive.record import Recording
from r1router.drive.serve import serve_with
from r1router.drive.walk import Walk
from r1router.errors import R1RouterError
from r1router.filters.narrow import narrow_all
from r1router.methods import Method, name_method
from r1router.prompts import Prompts
from r1router.types import Card, KnowledgeBase, Policy, Question, Reranker, Trajectory

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
    record: Recording | None = None,
    reranker: Reranker | None = None,
) -> AsyncGenerator[tuple[int, Trajectory], None]:
    """(position of the question, its trajectory), in the order in which they finish.

    A question whose model call or search fails gets a trajectory with stop "error" and the reason; the others
    go on. `questions` is read as room becomes free, so it may be long. A `record` serves what it has already
    and keeps the rest.
    """

    @cache
    def serve_under(where: str) -> tuple[dict[str, Card], Serve]:
        """The cards and servers for all questions with this filter."""
        part = narrow_all(kbs, where)
        return {name: kb.card for name, kb in part.items()}, serve_with(policy, part, record, reranker, where=where)

    async def answer(question: Question) -> Trajectory:
        try:
            cards, serve = serve_under(question.where)
            return await run(Walk(method, question, cards, prompts, budget), serve)
        except R1RouterError as error:
            return Trajectory(question, stop="error", error=str(error), method=name_method(method))

    async for answered in map_in_flight(answer, questions, in_flight=in_flight):
        yield answered
