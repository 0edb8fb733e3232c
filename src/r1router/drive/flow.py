"""A method's generator to its trajectory: advance it, answer its requests, keep the budget, count the cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, NamedTuple, TypeVar

from r1router.errors import BudgetSpent, UnknownName
from r1router.methods import Method, label
from r1router.prompts import Prompts
from r1router.types import (
    Ask,
    Card,
    Event,
    Evidence,
    Finished,
    KnowledgeBase,
    Malformed,
    Question,
    Reply,
    Search,
    Trajectory,
    Usage,
)

T = TypeVar("T")
Rankings = list[list[Evidence]]
"""One ranking for each route of a search, best first."""


class Served(NamedTuple, Generic[T]):
    """What a request brought, and the wall seconds that it took."""

    result: T
    seconds: float


Answerer = Callable[[Ask], Awaitable[Served[Reply]]]
Searcher = Callable[[Search], Awaitable[Served[Rankings]]]
Listener = Callable[[Event], None]


async def timed(work: Awaitable[T]) -> Served[T]:
    began = time.perf_counter()
    return Served(await work, time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one question may cost; None is no limit. The final answer is always given, also when one is spent."""

    tokens: int | None = None
    """Prompt and completion tokens together."""
    seconds: float | None = None
    """Wall seconds; a model call that would outlast them is cut off."""
    retrievals: int | None = None
    """Searches sent to one knowledge base."""


@dataclass(slots=True)
class _Meter:
    """What a question has cost so far, and whether it may go on."""

    budget: Budget
    began: float = field(default_factory=time.monotonic)
    usage: Usage = field(default_factory=Usage)

    def left(self) -> float | None:
        limit = self.budget.seconds
        return None if limit is None else limit - (time.monotonic() - self.began)

    def check(self, request: Ask | Search) -> None:
        """Raises `BudgetSpent` where this request may not be made any more."""
        if isinstance(request, Ask) and request.purpose == "final":
            return
        budget, usage, left = self.budget, self.usage, self.left()
        if left is not None and left <= 0:
            raise BudgetSpent("seconds")
        if budget.tokens is not None and usage.tokens >= budget.tokens:
            raise BudgetSpent("tokens")
        if (
            isinstance(request, Search)
            and budget.retrievals is not None
            and usage.retrievals + len(request.routes) > budget.retrievals
        ):
            raise BudgetSpent("retrievals")

    def count_reply(self, ask: Ask, reply: Reply, seconds: float) -> None:
        self.usage += Usage(reply.prompt_tokens, reply.completion_tokens, calls=1, seconds={ask.purpose: seconds})

    def count_search(self, search: Search, seconds: float) -> None:
        self.usage += Usage(retrievals=len(search.routes), seconds={"search": seconds})


async def run(
    question: Question,
    cards: Mapping[str, Card],
    *,
    method: Method,
    prompts: Prompts,
    answer: Answerer,
    search: Searcher,
    budget: Budget,
    tell: Listener | None = None,
) -> Trajectory:
    """Drive one question to its end. News go to `tell` as they happen, `Finished` last.

    What a request raises goes into the method first; what the method does not handle comes out of here.
    """
    meter, format_errors = _Meter(budget), []
    flow = method(question, cards, prompts=prompts)
    result: object = None
    failure: Exception | None = None
    try:
        while True:
            said = flow.throw(failure) if failure else flow.send(result)
            result, failure = None, None
            if isinstance(said, Ask | Search):
                try:
                    result = await _serve(said, meter, answer, search)
                except Exception as error:  # the method decides what a failed request means
                    failure = error
                continue
            if isinstance(said, Malformed):
                format_errors.append(f"{said.purpose}: {said.reason}")
            if tell:
                tell(said)
    except StopIteration as end:
        finished: Trajectory = end.value
    finally:
        flow.close()
    finished = replace(finished, usage=meter.usage, format_errors=tuple(format_errors), method=label(method))
    if tell:
        tell(Finished(finished))
    return finished


async def _serve(request: Ask | Search, meter: _Meter, answer: Answerer, search: Searcher) -> Reply | Rankings:
    meter.check(request)
    if isinstance(request, Search):
        rankings, seconds = await search(request)
        meter.count_search(request, seconds)
        return rankings
    left = None if request.purpose == "final" else meter.left()
    try:
        reply, seconds = await (answer(request) if left is None else asyncio.wait_for(answer(request), left))
    except TimeoutError as error:
        if left is None:
            raise
        raise BudgetSpent("seconds") from error
    meter.count_reply(request, reply, seconds)
    return reply


def knowledge_base(kbs: Mapping[str, KnowledgeBase], name: str) -> KnowledgeBase:
    """The knowledge base of this name. Raises `UnknownName`."""
    try:
        return kbs[name]
    except KeyError:
        raise UnknownName("knowledge base", name, kbs) from None
