"""Spans of a question: what is inside what, with which numbers, and none unless asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from r1router.errors import PolicyError
from r1router.policies.scripted import Scripted
from r1router.serve import telemetry
from r1router.types import Ask
from serving import call, live, make_kbs, small_app, talk

QUESTION = {"question": "What is the capital of Norway?", "stream": False}


def spans_of(kbs: Path, policy: Scripted, **asked: object) -> tuple[list[ReadableSpan], str]:
    """What one question left, in the order of their beginning, and the id of its request."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with live(small_app(kbs, policy, tracer=provider.get_tracer("test"))) as port:
        got = call(port, "POST", "/v1/ask", {**QUESTION, **asked})
    provider.shutdown()
    spans = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
    return spans, got.headers["x-request-id"]


def tree(spans: list[ReadableSpan]) -> list[str]:
    """Names, indented by depth."""
    by_id = {span.context.span_id: span for span in spans if span.context}

    def depth(span: ReadableSpan) -> int:
        return 1 + depth(by_id[span.parent.span_id]) if span.parent else 0

    return ["  " * depth(span) + span.name for span in spans]


@pytest.fixture(scope="module")
def kbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kbs(tmp_path_factory.mktemp("served"))


def test_a_question_has_steps_and_a_step_has_its_calls_and_searches(kbs: Path) -> None:
    spans, request_id = spans_of(kbs, Scripted(talk))
    assert tree(spans) == [
        "invoke_agent r1_router",
        "  step 1",
        "    look text",
        "    chat scripted",
        "    look text",
        "    retrieval text",
        "    chat scripted",
        "  step 2",
        "    look text",
        "    chat scripted",
        "  chat scripted",
    ]
    question, planned, searched = spans[0], spans[3], spans[5]
    assert question.attributes is not None
    assert question.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert question.attributes["r1router.request_id"] == request_id
    assert question.attributes["r1router.stop"] == "enough"
    assert planned.attributes is not None
    assert planned.attributes["gen_ai.operation.name"] == "chat"
    assert planned.attributes["r1router.purpose"] == "plan"
    assert searched.attributes is not None
    assert searched.attributes["gen_ai.data_source.id"] == "text"
    assert searched.attributes["r1router.results"] == 2
    calls = [span.attributes for span in spans if span.name == "chat scripted" and span.attributes]
    total = sum(int(str(attributes["gen_ai.usage.input_tokens"])) for attributes in calls)
    assert question.attributes["gen_ai.usage.input_tokens"] == total


def test_a_method_without_a_plan_has_steps_too(kbs: Path) -> None:
    spans, _ = spans_of(kbs, Scripted(talk), method="iter_retgen")
    names = tree(spans)
    assert names[:3] == ["invoke_agent iter_retgen", "  step 1", "    retrieval text"]
    assert "  step 2" in names


def test_what_fails_says_so_in_its_span_and_in_the_question_s(kbs: Path) -> None:
    def fail(ask: Ask) -> str:
        raise PolicyError("no")

    spans, _ = spans_of(kbs, Scripted(fail))
    failed = [span.name for span in spans if span.attributes and span.attributes.get("error.type") == "PolicyError"]
    assert failed == ["invoke_agent r1_router", "chat scripted"]


def test_the_words_of_a_question_are_not_recorded(kbs: Path) -> None:
    spans, _ = spans_of(kbs, Scripted(talk))
    recorded = " ".join(span.to_json() for span in spans)
    assert "Norway" not in recorded
    assert "Oslo" not in recorded


def test_there_are_no_spans_unless_the_environment_says_where_they_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert telemetry.open_tracer() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert telemetry.open_tracer() is None
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    assert telemetry.open_tracer() is not None
