"""Counts requests and events as Prometheus metrics, in a registry of the app's own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from r1router.types import Event, Finished, Malformed, Retrieved

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "r1router_requests", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.latency = Histogram(
            "r1router_request_seconds",
            "From the head of a request to the last byte of its response.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge("r1router_questions_in_flight", "Questions and searches in work.", registry=registry)
        self.steps = Counter("r1router_steps", "Steps that searched.", registry=registry)
        self.retrievals = Counter("r1router_retrievals", "Searches of questions.", ["kb"], registry=registry)
        self.malformed = Counter(
            "r1router_malformed_replies", "Replies that did not parse.", ["purpose"], registry=registry
        )
        self.tokens = Counter("r1router_tokens", "Tokens of the policy.", ["kind"], registry=registry)
        self.stages = Counter("r1router_stage_seconds", "Seconds waited per stage.", ["stage"], registry=registry)
        self.questions = Counter(
            "r1router_questions", "Questions that ended, by why they did.", ["method", "stop"], registry=registry
        )
        self.jobs = Counter("r1router_jobs", "Uploads and removals that ended.", ["state"], registry=registry)

    def see(self, event: Event) -> None:
        """Counts what an event of a question tells."""
        match event:
            case Retrieved(_, step):
                self.steps.inc()
                for name in step.routes:
                    self.retrievals.labels(name).inc()
            case Malformed(purpose, _, _):
                self.malformed.labels(purpose).inc()
            case Finished(trajectory):
                usage = trajectory.usage
                self.questions.labels(trajectory.method, trajectory.stop).inc()
                self.tokens.labels("prompt").inc(usage.prompt_tokens)
                self.tokens.labels("completion").inc(usage.completion_tokens)
                for stage, seconds in usage.seconds.items():
                    self.stages.labels(stage).inc(seconds)
            case _:
                pass

    def write(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)
