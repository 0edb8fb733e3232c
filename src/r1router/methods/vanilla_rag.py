"""Searches once with the question itself, in one knowledge base or in all of them, then answers: vanilla RAG.

Source: "Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks", arXiv 2005.11401, as used as a
baseline in the R1-Router paper. Rankings of several knowledge bases are fused by reciprocal rank.
"""

from __future__ import annotations

from collections.abc import Mapping

from r1router.errors import BudgetSpent
from r1router.moves import READ, Flow, conclude, look_up, pin_routes, query_table
from r1router.prompts import Prompts
from r1router.types import Card, Question, Trajectory


def solve(
    question: Question, kbs: Mapping[str, Card], *, prompts: Prompts, k: int = 5, kb: str = "", tables: str = READ
) -> Flow[Trajectory]:
    """One search of the knowledge base named `kb` (all of them where it is empty), one call."""
    trajectory, stop = Trajectory(question), "enough"
    try:
        trajectory = yield from look_up(trajectory, question.text, pin_routes(kb, kbs), k)
        trajectory, _ = yield from query_table(trajectory, prompts, tables=tables)
    except BudgetSpent as spent:
        stop = spent.budget
    evidence = trajectory.steps[-1].evidence if trajectory.steps else ()
    request = prompts.answer_directly(question, template="rag", evidence=evidence)
    return (yield from conclude(trajectory, request, stop, prompts))
