"""Checks questions and answers them in time with the server's policy, whichever protocol they came by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from r1router.api import Parts, Setup, open_parts
from r1router.drive import one
from r1router.drive.batches import Batches
from r1router.drive.budget import Budget
from r1router.errors import InputError
from r1router.filters.narrow import check_fields, narrow_all
from r1router.methods import load_method, name_method
from r1router.methods import names as method_names
from r1router.prompts import Prompts, choose_prompts
from r1router.rerankers import open_reranker
from r1router.serve import telemetry
from r1router.serve.error_responses import Refused
from r1router.serve.limits import Limits
from r1router.serve.metrics import Metrics
from r1router.serve.sse import KEEP_ALIVE
from r1router.serve.work import pictures
from r1router.serve.work.admission import Admission
from r1router.serve.work.kbs import KnowledgeBases
from r1router.serve.work.options import Options
from r1router.types import Event, KnowledgeBase, Policy, Question, Turn

TOGETHER = 16
"""Searches made in one call. Sixty at once, each in threads of its own, held Python's lock for half a second, and the
event loop waited. All questions of a call go on at once when it is done, in the event loop."""
ANSWERING = 0.75
"""Share of a question's seconds that its steps may take; the rest is for the final answer."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A question that may be answered, and with what."""

    question: Question
    parts: Parts

    @property
    def method(self) -> str:
        return name_method(self.parts["method"])


@dataclass(frozen=True, slots=True)
class Waiting:
    """Told to who asked before the first event of a question, as often as it changes."""

    before: int
    """Questions in work that were asked before this one."""


class Questions:
    """The policy of the server, and what it is asked."""

    def __init__(
        self,
        setup: Setup,
        knowledge_bases: KnowledgeBases,
        admission: Admission,
        *,
        limits: Limits,
        metrics: Metrics,
        tracer: telemetry.Tracer | None,
    ) -> None:
        """`setup` is how questions are answered whose client says nothing else.

        Raises `InputError` or `UnknownName` for a method, prompts or a reranker that are none.
        """
        if isinstance(setup.method, str):
            load_method(setup.method)
        prompts, reranker = setup.prompts, setup.reranker
        self._setup = replace(
            setup,
            prompts=Prompts(prompts) if isinstance(prompts, str | Path) else prompts,
            reranker=open_reranker(reranker) if isinstance(reranker, str) else reranker,
        )
        self._knowledge_bases, self._admission = knowledge_bases, admission
        self._limits, self._metrics, self._tracer = limits, metrics, tracer
        self._policy: Policy | None = None
        self._batches = Batches(largest=TOGETHER)
        self._line: list[Checked] = []
        """Questions in work, in the order in which they were asked."""
        self._moved = asyncio.Event()

    @property
    def policy_spec(self) -> str:
        """What opens the policy that answers."""
        return self._policy.spec if self._policy else ""

    @property
    def method(self) -> str:
        """Name of the method of a question that names none."""
        method = self._setup.method
        return name_method(load_method(method) if isinstance(method, str) else method)

    def open(self, policy: Policy) -> None:
        """Questions are answered by this policy from now on."""
        self._policy = policy
        self._setup = replace(self._setup, prompts=choose_prompts(self._setup.prompts, policy))
        self._admission.open()

    async def check(
        self, text: str, image: str | None, method: str | None, options: Options, *, turns: tuple[Turn, ...] = ()
    ) -> Checked:
        """What a client asks, with `image` as a data URL and `turns` as what was said before.

        Raises `Refused` for what cannot be answered. Clients choose among our methods by name; only who
        starts the server names other code.
        """
        assert self._policy is not None
        if not text.strip():
            raise Refused(400, "the question is empty")
        if method is not None and method not in method_names():
            raise Refused(400, f"method: unknown; known: {', '.join(method_names())}")
        kbs = await asyncio.to_thread(self._knowledge_bases.select, options.kbs)
        where = options.where or ""
        await asyncio.to_thread(_look_under, kbs, where)
        picture = None
        if image is not None:
            picture = await asyncio.to_thread(pictures.decode, image, limits=self._limits)
        setup = replace(
            self._setup,
            kbs=kbs,
            method=method or self._setup.method,
            max_steps=options.max_steps or self._setup.max_steps,
            k=options.k or self._setup.k,
            budget=self._within_limits(options),
        )
        return Checked(Question(text, picture, where, turns), open_parts(setup, self._policy))

    async def answer(self, checked: Checked) -> AsyncGenerator[Event | Waiting | None, None]:
        """The events of one question, to be read while it is admitted; None after some seconds without one.

        Before its first event it is told how many questions are before it, where there are any.
        Closing the generator cancels the model call that is under way. Raises `Refused` when time is up or the
        server stops, and what the policy or a knowledge base raises.
        """
        parts = checked.parts
        until = time.monotonic() + self._limits.seconds
        with telemetry.watch(self._tracer, checked.method, parts["policy"].spec) as watch:
            events = one.stream(checked.question, wrap=watch.wrap, batches=self._batches, **parts)
            ended = asyncio.create_task(self._admission.ended.wait())
            following = asyncio.ensure_future(anext(events, None))
            moved = asyncio.create_task(self._moved.wait())
            self._line.append(checked)
            before, told = self._count_before(checked), 0
            waits = True
            try:
                while True:
                    if waits and before != told:
                        told = before
                        yield Waiting(before)
                    patience = max(0.0, min(KEEP_ALIVE, until - time.monotonic()))
                    heard = {following, ended, moved} if waits else {following, ended}
                    await asyncio.wait(heard, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                    if following.done():
                        waits = False
                        event = following.result()
                        if event is None:
                            return
                        self._metrics.see(event)
                        watch.see(event)
                        yield event
                        following = asyncio.ensure_future(anext(events, None))
                    elif ended.done():
                        raise Refused(503, "the server has stopped before this was answered")
                    elif time.monotonic() >= until:
                        raise Refused(504, f"not answered within {self._limits.seconds:g} seconds")
                    elif waits and moved.done():
                        before = self._count_before(checked)
                        moved = asyncio.create_task(self._moved.wait())
                    else:
                        yield None
            finally:
                self._leave_line(checked)
                for task in (following, ended, moved):
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task
                await events.aclose()

    def _count_before(self, checked: Checked) -> int:
        return next(place for place, other in enumerate(self._line) if other is checked)

    def _leave_line(self, checked: Checked) -> None:
        del self._line[self._count_before(checked)]
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def _within_limits(self, options: Options) -> Budget:
        """The budget that the client names, or the server's, within the seconds that steps may take here."""
        named = options.budget
        budget = Budget(named.tokens, named.seconds, named.retrievals) if named else self._setup.budget or Budget()
        most = self._limits.seconds * ANSWERING
        return replace(budget, seconds=min(budget.seconds or most, most))


def _look_under(kbs: Mapping[str, KnowledgeBase], where: str) -> None:
    """Finds what the filter lets through, which takes a while the first time, and not in the event loop.

    Raises `InputError` for a text that is no filter, or names a field that there is not.
    """
    check_fields(kbs, where)
    for kb in narrow_all(kbs, where).values():
        _ = kb.card


def find_location(setup: Setup) -> str | Path:
    """Where the knowledge bases are. Raises `InputError` where the setup has opened ones instead."""
    if not isinstance(setup.kbs, str | Path):
        raise InputError("a server takes the location of the knowledge bases, so that what is indexed later appears")
    return setup.kbs
