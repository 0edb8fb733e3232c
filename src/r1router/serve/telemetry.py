"""Records one question as OpenTelemetry spans: its steps, and in them each model call and each search.

    invoke_agent r1_router
      step 1
        look text         what the knowledge base would bring, before a route is chosen
        chat …            gen_ai.usage.input_tokens, gen_ai.usage.output_tokens, r1router.purpose
        retrieval table   gen_ai.data_source.id, r1router.results
        chat …
      chat …              the final answer

Names follow the GenAI semantic conventions. Words of questions, documents and answers are not recorded. Off unless
the environment says where spans go (OTEL_EXPORTER_OTLP_ENDPOINT); the extra `otel` is needed then. What serves the
requests of the question is wrapped; nothing else in the package knows of spans.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from r1router.drive.flow import Rankings, Serve, Served
from r1router.errors import MissingExtra
from r1router.serve import logs
from r1router.types import Ask, Event, Finished, Reply, Search

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


class Watch(Protocol):
    """What sees one question go by."""

    def wrap(self, serve: Serve) -> Serve:
        """The same servers, watched."""
        ...

    def see(self, event: Event) -> None: ...


@contextmanager
def watch(tracer: Tracer | None, method: str, policy: str) -> Iterator[Watch]:
    """Records one question for as long as it lasts; `policy` is the spec of the model."""
    if tracer is None:
        yield _NoWatch()
        return
    question = _Question(tracer, method, policy)
    try:
        yield question
    except BaseException as error:
        question.span.set_attribute("error.type", type(error).__name__)
        raise
    finally:
        question.end()


class _NoWatch:
    def wrap(self, serve: Serve) -> Serve:
        return serve

    def see(self, event: Event) -> None:
        pass


class _Question:
    """The spans of one question. Where a step ends follows from the requests, which come in order."""

    def __init__(self, tracer: Tracer, method: str, policy: str) -> None:
        self._tracer = tracer
        self._provider, _, model = policy.partition("?")[0].partition(":")
        self._model = model or self._provider
        self.span: Span = tracer.start_span(
            f"invoke_agent {method}",
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": method,
                "r1router.request_id": logs.request_id.get(),
            },
        )
        self._step: Span | None = None
        self._steps = 0
        self._searched = self._answered = False

    def wrap(self, serve: Serve) -> Serve:
        ask, search = serve[Ask], serve[Search]

        async def watched_ask(request: Ask) -> Served[Reply]:
            asked = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": self._provider,
                "gen_ai.request.model": self._model,
                "gen_ai.request.max_tokens": request.max_tokens,
                "r1router.purpose": request.purpose,
            }
            [span] = self._start(request, [(f"chat {self._model}", asked)])
            with _end_after([span]):
                served: Served[Reply] = await ask(request)
                reply = served.result
                span.set_attribute("gen_ai.usage.input_tokens", reply.prompt_tokens)
                span.set_attribute("gen_ai.usage.output_tokens", reply.completion_tokens)
                span.set_attribute("gen_ai.response.finish_reasons", ["length" if reply.truncated else "stop"])
                return served

        async def watched_search(request: Search) -> Served[Rankings]:
            what = "look" if request.look else "retrieval"
            asked = {"gen_ai.operation.name": "retrieval", "r1router.k": request.k, "r1router.look": request.look}
            named = [(f"{what} {name}", asked | {"gen_ai.data_source.id": name}) for name in request.routes]
            spans = self._start(request, named)
            with _end_after(spans):
                served: Served[Rankings] = await search(request)
                for span, ranking in zip(spans, served.result, strict=True):
                    span.set_attribute("r1router.results", len(ranking))
                return served

        return {**serve, Ask: watched_ask, Search: watched_search}

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

    def _start(self, request: Ask | Search, named: list[tuple[str, dict[str, Any]]]) -> list[Span]:
        """Spans for one request of the question, inside the step that it belongs to."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        what = _kind(request)
        match what:
            case "final":
                self._end_step()
            case "look" if self._searched or self._answered:
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
        return [
            self._tracer.start_span(name, context=inside, kind=SpanKind.CLIENT, attributes=attributes)
            for name, attributes in named
        ]

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.end()
        self._step, self._searched, self._answered = None, False, False


def _kind(request: Ask | Search) -> str:
    if isinstance(request, Ask):
        return request.purpose
    return "look" if request.look else "search"


@contextmanager
def _end_after(spans: list[Span]) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        for span in spans:
            span.set_attribute("error.type", type(error).__name__)
        raise
    finally:
        for span in spans:
            span.end()
