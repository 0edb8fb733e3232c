"""Answers from what the policy knows, without retrieval."""

from __future__ import annotations

from collections.abc import Mapping

from r1router.moves import Flow, conclude
from r1router.prompts import Prompts
from r1router.types import Card, Question, Trajectory


def solve(question: Question, kbs: Mapping[str, Card], *, prompts: Prompts) -> Flow[Trajectory]:
    """One call; `kbs` are not searched."""
    request = prompts.answer_directly(question, template="direct")
    return (yield from conclude(Trajectory(question), request, "enough", prompts))
