"""Records one question as OpenTelemetry spans: its steps, and in them each model call and each search.

    invoke_agent r1_router
      step 1
        chat …            gen_ai.usage.input_tokens, gen_ai.usage.output_tokens, r1router.purpose
        retrieval table   gen_ai.data_source.id, r1router.results
        chat …
      chat …              the final answer

Names follow the GenAI semantic conventions. Words of questions, documents and answers are not recorded. Off unless
the environment says where spans go (OTEL_EXPORTER_OTLP_ENDPOINT); the extra `otel` is needed then. The policy and
the knowledge bases of the question are wrapped; nothing else in the package knows of spans.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from r1router.errors import MissingExtra
from r1router.serve import logs
from r1router.types import Ask, Card, Event, Evidence, Finished, KnowledgeBase, Policy, Purpose, Query, Reply

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.trace import Tracer as Tracer
else:
    Tracer = Any

_CONFIGURED_BY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def open_tracer() -> Tracer | None:
    """The tracer that the environment asks for, None where it asks for none. Raises `MissingExtra`."""
    if not any(os.environ.get(name) for name in _CONFIGURED_BY) or os.environ.get("OTEL_SDK_DISABLED") == "true":
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtra("opentelemetry-sdk", "otel", f"{_CONFIGURED_BY[0]}, which is set,") from error
    service = os.environ.get("OTEL_SERVICE_NAME", "r1router")
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("r1router")


class Watched(Protocol):
    """The policy and the knowledge bases of one question, to be used in place of what they wrap."""

    @property
    def policy(self) -> Policy: ...
    @property
    def kbs(self) -> Mapping[str, KnowledgeBase]: ...
    def see(self, event: Event) -> None: ...


@contextmanager
def watched(tracer: Tracer | None, method: str, policy: Policy, kbs: Mapping[str, KnowledgeBase]) -> Iterator[Watched]:
    """For the time of one question."""
    if tracer is None:
        yield _Unwatched(policy, kbs)
        return
    question = _Question(tracer, method, policy, kbs)
    try:
        yield question
    except BaseException as error:
        question.span.set_attribute("error.type", type(error).__name__)
        raise
    finally:
        question.end()


class _Unwatched:
    def __init__(self, policy: Policy, kbs: Mapping[str, KnowledgeBase]) -> None:
        self.policy, self.kbs = policy, kbs

    def see(self, event: Event) -> None:
        pass


class _Question:
    """The spans of one question. Where a step ends follows from the requests, which come in order."""

    def __init__(self, tracer: Tracer, method: str, policy: Policy, kbs: Mapping[str, KnowledgeBase]) -> None:
        self._tracer = tracer
        self.span: Span = tracer.start_span(
            f"invoke_agent {method}",
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": method,
                "r1router.request_id": logs.request_id.get(),
            },
        )
        self.policy: Policy = _WatchedPolicy(policy, self)
        self.kbs: Mapping[str, KnowledgeBase] = {name: _WatchedKnowledgeBase(kb, self) for name, kb in kbs.items()}
        self._step: Span | None = None
        self._steps = 0
        self._searched = self._answered = False

    def see(self, event: Event) -> None:
        if isinstance(event, Finished):
            usage = event.trajectory.usage
            self.span.set_attribute("r1router.stop", event.trajectory.stop)
            self.span.set_attribute("r1router.steps", len(event.trajectory.steps))
            self.span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
            self.span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)

    def end(self) -> None:
        self._end_step()
        self.span.end()

    def request(self, what: Purpose | str, name: str, attributes: dict[str, Any]) -> Span:
        """A span for one request of the question, inside the step that it belongs to."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        match what:
            case "final":
                self._end_step()
            case "plan" if self._searched:
                self._end_step()
            case "search" if self._answered:
                self._end_step()
        if what != "final" and self._step is None:
            self._steps += 1
            self._step = self._tracer.start_span(f"step {self._steps}", context=set_span_in_context(self.span))
        self._searched |= what == "search"
        self._answered |= what == "answer"
        inside: Context = set_span_in_context(self._step or self.span)
        return self._tracer.start_span(name, context=inside, kind=SpanKind.CLIENT, attributes=attributes)

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.end()
        self._step, self._searched, self._answered = None, False, False


@contextmanager
def _timed(span: Span) -> Iterator[Span]:
    try:
        yield span
    except BaseException as error:
        span.set_attribute("error.type", type(error).__name__)
        raise
    finally:
        span.end()


class _WatchedPolicy:
    def __init__(self, inner: Policy, question: _Question) -> None:
        self.spec, self.prompts = inner.spec, None  # chosen by the admission
        self._inner, self._question = inner, question

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        provider, _, model = self.spec.partition("?")[0].partition(":")
        asked = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model or provider,
            "gen_ai.request.max_tokens": ask.max_tokens,
            "gen_ai.request.temperature": temperature,
            "r1router.purpose": ask.purpose,
        }
        with _timed(self._question.request(ask.purpose, f"chat {model or provider}", asked)) as span:
            reply = await self._inner.reply(ask, temperature=temperature, seed=seed)
            span.set_attribute("gen_ai.usage.input_tokens", reply.prompt_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", reply.completion_tokens)
            span.set_attribute("gen_ai.response.finish_reasons", ["length" if reply.truncated else "stop"])
            return reply

    async def close(self) -> None:
        """Whoever opened the policy closes it."""


class _WatchedKnowledgeBase:
    def __init__(self, inner: KnowledgeBase, question: _Question) -> None:
        self._inner, self._question = inner, question

    @property
    def card(self) -> Card:
        return self._inner.card

    def search(self, queries: Sequence[Query], *, k: int) -> list[list[Evidence]]:
        asked = {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": self.card.name, "r1router.k": k}
        with _timed(self._question.request("search", f"retrieval {self.card.name}", asked)) as span:
            found = self._inner.search(queries, k=k)
            span.set_attribute("r1router.results", sum(map(len, found)))
            return found
