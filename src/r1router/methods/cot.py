"""Reasons step by step, then answers, without retrieval: chain of thought.

Source: "Chain-of-Thought Prompting Elicits Reasoning in Large Language Models", arXiv 2201.11903; zero-shot
here, as in arXiv 2205.11916.
"""

from __future__ import annotations

from collections.abc import Mapping

from r1router.moves import Flow, conclude
from r1router.prompts import Prompts
from r1router.types import Card, Question, Trajectory


def solve(question: Question, kbs: Mapping[str, Card], *, prompts: Prompts) -> Flow[Trajectory]:
    """One call; `kbs` are not searched."""
    request = prompts.answer_directly(question, template="cot")
    return (yield from conclude(Trajectory(question), request, "enough", prompts))
