"""Advances a method from request to request without doing any I/O, so that every driver is a plain loop around it.

    walk = Walk(load_method("r1_router"), question, cards, prompts)
    said = walk.start()
    while not isinstance(said, Trajectory):
        said = walk.advance(…)  # what the request brought, or the exception that it ended in

This is the only place where a method's generator is advanced. `flow.run` serves the requests asynchronously,
`rounds` those of many walks together; in a terminal they can be served by hand, one at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from r1router.drive.budget import Budget, Meter, Request
from r1router.errors import BudgetSpent
from r1router.methods import Method, name_method
from r1router.moves import Flow, rewrite
from r1router.prompts import Prompts
from r1router.types import (
    Answered,
    Card,
    Computed,
    Event,
    Evidence,
    Finished,
    Malformed,
    Question,
    Retrieved,
    Rewritten,
    Search,
    Step,
    Trajectory,
    Usage,
)

Listener = Callable[[Event], None]


class Walk:
    """One question on its way through a method."""

    def __init__(
        self,
        method: Method,
        question: Question,
        cards: Mapping[str, Card],
        prompts: Prompts,
        budget: Budget | None = None,
        *,
        tell: Listener | None = None,
    ) -> None:
        """`cards` are the knowledge bases' by name. `tell` hears each event as it happens, `Finished` last."""
        self.question = question
        self.request: Request | None = None
        """What is waited for; None before the start and after the end."""
        self.looked: tuple[Search, list[list[Evidence]]] | None = None
        """The last look, and what it brought."""
        self.events: list[Event] = []
        """What the method told so far, in order."""
        self.format_errors: list[str] = []
        self._steps: list[Step] = []
        self._method, self._tell = method, tell
        self._meter = Meter(budget or Budget())
        self._flow = _begin(method, question, cards, prompts)
        self._asked_at = 0.0

    @property
    def trajectory(self) -> Trajectory:
        """The steps that have been searched or answered so far."""
        return Trajectory(self.question, tuple(self._steps))

    @property
    def usage(self) -> Usage:
        """What the question has cost so far."""
        return self._meter.usage

    @property
    def seconds_left(self) -> float | None:
        """How long what is waited for may take; None where there is no limit."""
        return None if self.request is None else self._meter.seconds_left(self.request)

    def start(self) -> Request | Trajectory:
        """The first request; seconds count from here."""
        self._meter.began = time.monotonic()
        return self._resume(None, None)

    def advance(self, result: object, seconds: float | None = None) -> Request | Trajectory:
        """The next request, or the finished trajectory, after the pending request brought `result`.

        A request takes one `Reply`, or one ranking for each of its routes. An exception is thrown into the method,
        which may handle it; if not, it comes out of here. `seconds` is how long the request took, where that is
        not simply the time since it was handed out.
        """
        request, self.request = self.request, None
        if request is None:
            raise RuntimeError("this walk waits for nothing: it has not been started, or it has ended")
        if isinstance(result, Exception):
            return self._resume(None, result)
        took = time.perf_counter() - self._asked_at if seconds is None else seconds
        self._meter.count(request, result, took)
        if isinstance(request, Search) and request.look:
            self.looked = request, cast(list[list[Evidence]], result)
        return self._resume(result, None)

    def close(self) -> None:
        """Gives the question up; nothing happens where it has ended."""
        self.request = None
        self._flow.close()

    def _resume(self, result: object, failure: Exception | None) -> Request | Trajectory:
        """Runs the method up to its next request that the budget allows, or to its end."""
        while True:
            try:
                said: Any = self._flow.throw(failure) if failure is not None else self._flow.send(result)
            except StopIteration as end:
                return self._finish(end.value)
            result = failure = None
            if isinstance(said, Request):
                try:
                    self.request = self._meter.check(said)
                except BudgetSpent as spent:
                    failure = spent
                    continue
                self._asked_at = time.perf_counter()
                return self.request
            self._hear(said)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Rewritten):
            self.question = event.question
        elif isinstance(event, Malformed):
            self.format_errors.append(f"{event.purpose}: {event.reason}")
        elif isinstance(event, Retrieved | Computed | Answered):
            self._steps[event.index :] = [event.step]
        self.events.append(event)
        if self._tell:
            self._tell(event)

    def _finish(self, ended: Trajectory) -> Trajectory:
        trajectory = replace(
            ended, usage=self.usage, format_errors=tuple(self.format_errors), method=name_method(self._method)
        )
        self._hear(Finished(trajectory))
        return trajectory


def _begin(method: Method, question: Question, cards: Mapping[str, Card], prompts: Prompts) -> Flow[Trajectory]:
    """The method on the question as it stands alone."""
    question = yield from rewrite(question, prompts)
    return (yield from method(question, cards, prompts=prompts))
