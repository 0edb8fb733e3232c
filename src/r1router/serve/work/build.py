"""Builds what answers questions behind a protocol, because HTTP and MCP serve the same with the same limits."""

from __future__ import annotations

from typing import NamedTuple

from r1router.api import Setup
from r1router.serve import telemetry
from r1router.serve.limits import Limits
from r1router.serve.metrics import Metrics
from r1router.serve.work.admission import Admission
from r1router.serve.work.kbs import KnowledgeBases
from r1router.serve.work.questions import Questions, find_location
from r1router.types import ImageEmbedder, TextEmbedder


class Work(NamedTuple):
    """What the routes and tools of a server call."""

    knowledge_bases: KnowledgeBases
    admission: Admission
    questions: Questions


def build(
    setup: Setup,
    *,
    limits: Limits,
    metrics: Metrics,
    guarded: bool,
    read_only: bool = False,
    text_embedder: TextEmbedder | None,
    image_embedder: ImageEmbedder | None,
    tracer: telemetry.Tracer | None,
) -> Work:
    """Nothing is opened yet. `guarded`: each asker sees what a file of keys lets them see.

    Raises `InputError` for a method or prompts that are none.
    """
    knowledge_bases = KnowledgeBases(
        find_location(setup),
        where=setup.where,
        guarded=guarded,
        read_only=read_only,
        text_embedder=text_embedder,
        image_embedder=image_embedder,
    )
    admission = Admission(most=limits.questions, metrics=metrics)
    questions = Questions(setup, knowledge_bases, admission, limits=limits, metrics=metrics, tracer=tracer)
    return Work(knowledge_bases, admission, questions)
