"""Keeps one question within its budget: says which requests it still allows, and counts what each has cost.

A new kind of request belongs here: into `Request`, with what it costs in `count_cost` and what forbids it in
`Meter.check`; type checking then says where it is missing.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from r1router.drive.prices import Prices
from r1router.errors import BudgetSpent, InputError
from r1router.types import Ask, Compute, Inspect, Search, Usage

Request = Ask | Search | Inspect | Compute
"""What a method may ask its driver for."""

RESERVE = 0.25
"""Share of the seconds and of the tokens that is kept for the final answer, …"""
MOST_SECONDS, MOST_TOKENS = 30.0, 2000
"""… but no more than these."""
LEAST_SECONDS, LEAST_TOKENS = 1.0, 64
"""What the final answer gets where nothing is left: so much time, and so long a reply."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one question may cost, its final answer included; None is no limit.

    Every request but that of the final answer leaves a reserve of seconds, tokens and money for it. What a request
    costs in tokens is known afterwards, so the last one may exceed the budget of tokens.
    """

    tokens: int | None = None
    """Prompt and completion tokens together."""
    seconds: float | None = None
    """Wall seconds; a model call or a search that would outlast them is cut off."""
    retrievals: int | None = None
    """Searches sent to one knowledge base."""
    cost: float | None = None
    """Money, in the currency of `prices`. What a request costs is known afterwards, so the last one may exceed it."""
    prices: Prices | None = None

    def __post_init__(self) -> None:
        if self.cost is not None and not (self.prices and any(self.prices)):
            raise InputError(
                "a budget of money needs the model's prices: --price-in and --price-out, for a million tokens, or a "
                "table of models with --prices"
            )


@dataclass(slots=True)
class Meter:
    """What a question has cost so far, and whether it may go on."""

    budget: Budget
    began: float = field(default_factory=time.monotonic)
    usage: Usage = field(default_factory=Usage)
    _final_end: float | None = None
    """When the final answer must be there. Set when it is first asked for, so that asking again gains no time."""

    def check(self, request: Request) -> Request:
        """The request as it may be made. Raises `BudgetSpent` where it may not be made any more.

        The final answer may always be asked for once.
        """
        final = _is_final(request)
        if final and self._final_end is None:
            self._final_end = max(self.began + (self.budget.seconds or 0.0), time.monotonic() + LEAST_SECONDS)
        elif (left := self.seconds_left(request)) is not None and left <= 0:
            raise BudgetSpent("seconds")
        elif self._tokens_left(final) <= 0:
            raise BudgetSpent("tokens")
        elif not final and self._cost_left() <= 0:
            raise BudgetSpent("cost")
        match request:
            case Ask():
                most = max(self._tokens_left(final), LEAST_TOKENS) if final else math.inf
                return replace(request, max_tokens=int(most)) if most < request.max_tokens else request
            case Search():
                if not request.look and self.usage.retrievals + len(request.routes) > _limit(self.budget.retrievals):
                    raise BudgetSpent("retrievals")
                return request
            case Inspect() | Compute():
                return request
            case _:
                assert_never(request)

    def seconds_left(self, request: Request) -> float | None:
        """How long this request may take; None where there is no limit."""
        seconds = self.budget.seconds
        if seconds is None:
            return None
        if _is_final(request) and self._final_end is not None:
            return self._final_end - time.monotonic()
        return self.began + seconds - min(RESERVE * seconds, MOST_SECONDS) - time.monotonic()

    def count(self, request: Request, result: Any, seconds: float) -> None:
        """Adds what this request has cost."""
        self.usage += count_cost(request, result, seconds)

    def _tokens_left(self, final: bool) -> float:
        tokens = _limit(self.budget.tokens)
        reserve = 0 if final else min(RESERVE * tokens, MOST_TOKENS)
        return tokens - reserve - self.usage.tokens

    def _cost_left(self) -> float:
        """Money that the steps may still cost; a share is kept for the final answer."""
        if self.budget.cost is None or self.budget.prices is None:
            return math.inf
        return (1 - RESERVE) * self.budget.cost - self.budget.prices.cost(self.usage)


def _is_final(request: Request) -> bool:
    return isinstance(request, Ask) and request.purpose == "final"


def _limit(given: int | None) -> float:
    return math.inf if given is None else given


def count_cost(request: Request, result: Any, seconds: float) -> Usage:
    """What a request has cost that brought this result within so many wall seconds."""
    match request:
        case Ask():
            return Usage(result.prompt_tokens, result.completion_tokens, calls=1, seconds={request.purpose: seconds})
        case Search():
            routes = len(request.routes)
            if request.look:
                return Usage(looks=routes, seconds={"look": seconds})
            reranks = sum(bool(ranking) and ranking[0].reranked for ranking in result)
            return Usage(retrievals=routes, reranks=reranks, seconds={"search": seconds})
        case Inspect() | Compute():
            return Usage(seconds={"compute": seconds})
        case _:
            assert_never(request)
