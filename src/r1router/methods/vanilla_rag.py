"""Vanilla RAG: search once with the question itself, in one knowledge base or in all of them, then answer.

Source: "Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks", arXiv 2005.11401, as used as a
baseline in the R1-Router paper. Rankings of several knowledge bases are fused by reciprocal rank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from r1router.errors import BudgetSpent, UnknownName
from r1router.methods.requests import Flow, conclude, search
from r1router.prompts import Prompts
from r1router.types import Card, Question, Retrieved, Step, Trajectory


def solve(
    question: Question, kbs: Mapping[str, Card], *, prompts: Prompts, k: int = 5, kb: str = ""
) -> Flow[Trajectory]:
    """One search of the knowledge base named `kb` (all of them where it is empty), one call."""
    if kb and kb not in kbs:
        raise UnknownName("knowledge base", kb, kbs)
    path, stop = Trajectory(question), "enough"
    step = Step(sub_question=question.text, routes=(kb,) if kb else tuple(kbs))
    try:
        step = replace(step, evidence=(yield from search(step.routes, question.text, question.image, k)))
        yield Retrieved(0, step)
        path = path.add(step)
    except BudgetSpent as spent:
        stop = spent.budget
    request = prompts.answer_directly(question, template="rag", evidence=step.evidence)
    return (yield from conclude(path, request, stop, prompts))
