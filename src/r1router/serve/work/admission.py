"""Admits questions while there is room and answers them in time, so that one client cannot take the whole server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from r1router.drive import one
from r1router.drive.budget import Budget
from r1router.methods import Method
from r1router.prompts import Prompts, chosen
from r1router.serve import telemetry
from r1router.serve.limits import Limits
from r1router.serve.metrics import Metrics
from r1router.serve.problems import Refused
from r1router.serve.sse import KEEP_ALIVE
from r1router.types import Event, KnowledgeBase, Policy, Question

ANSWERING = 0.75
"""Share of a question's seconds that its steps may take; the rest is for the final answer."""


@dataclass(frozen=True, slots=True)
class CheckedQuestion:
    """A question that may be answered, and how."""

    question: Question
    method_name: str
    method: Method
    kbs: Mapping[str, KnowledgeBase]
    budget: Budget


class Admission:
    """One policy, and the questions that are put to it."""

    def __init__(
        self,
        *,
        prompts: Prompts | str | Path | None,
        limits: Limits,
        metrics: Metrics,
        tracer: telemetry.Tracer | None,
    ) -> None:
        """`prompts` as in `prompts.chosen`. Raises `InputError` where they are named and are none."""
        self.policy: Policy | None = None
        """Open while the app runs."""
        self._prompts = Prompts(prompts) if isinstance(prompts, str | Path) else prompts
        self._limits, self._metrics, self._tracer = limits, metrics, tracer
        self._in_flight = 0
        self._stopping = False
        self._ended = asyncio.Event()

    def open(self, policy: Policy) -> None:
        """From now on questions are answered by this policy."""
        self._prompts = chosen(self._prompts, policy)
        self.policy = policy

    @property
    def is_open(self) -> bool:
        return self.policy is not None and not self._stopping

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Room for one question or search. Raises `Refused` where there is none."""
        if not self.is_open:
            raise Refused(503, "the server is stopping", retry_after=10)
        if self._in_flight >= self._limits.questions:
            raise Refused(429, f"{self._in_flight} questions are in work already; try again soon", retry_after=2)
        self._in_flight += 1
        self._metrics.in_flight.set(self._in_flight)
        try:
            yield
        finally:
            self._in_flight -= 1
            self._metrics.in_flight.set(self._in_flight)

    async def answer(self, checked: CheckedQuestion) -> AsyncGenerator[Event | None, None]:
        """The events of one question, to be read inside `admit`; None after some seconds without one.

        Closing the generator cancels the model call that is under way. Raises `Refused` when time is up or the
        server stops, and what the policy or a knowledge base raises.
        """
        assert self.policy is not None
        assert self._prompts is not None
        until = time.monotonic() + self._limits.seconds
        with telemetry.watched(self._tracer, checked.method_name, self.policy, checked.kbs) as seen:
            events = one.stream(
                checked.question,
                method=checked.method,
                policy=seen.policy,
                kbs=seen.kbs,
                prompts=self._prompts,
                budget=self._within_limits(checked.budget),
            )
            ended = asyncio.create_task(self._ended.wait())
            following = asyncio.ensure_future(anext(events, None))
            try:
                while True:
                    patience = max(0.0, min(KEEP_ALIVE, until - time.monotonic()))
                    await asyncio.wait({following, ended}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                    if following.done():
                        event = following.result()
                        if event is None:
                            return
                        self._metrics.see(event)
                        seen.see(event)
                        yield event
                        following = asyncio.ensure_future(anext(events, None))
                    elif ended.done():
                        raise Refused(503, "the server has stopped before this was answered")
                    elif time.monotonic() >= until:
                        raise Refused(504, f"not answered within {self._limits.seconds:g} seconds")
                    else:
                        yield None
            finally:
                for task in (following, ended):
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task
                await events.aclose()  # type: ignore[attr-defined]  # a generator, announced as an iterator

    async def end(self, seconds: float) -> None:
        """Takes nothing in any more; after `seconds`, what still runs is told so and ends."""
        self._stopping = True
        until = time.monotonic() + seconds
        while self._in_flight and time.monotonic() < until:
            await asyncio.sleep(0.05)
        self._ended.set()

    def _within_limits(self, budget: Budget) -> Budget:
        most = self._limits.seconds * ANSWERING
        return Budget(budget.tokens, min(budget.seconds or most, most), budget.retrievals)
