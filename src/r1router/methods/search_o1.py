"""Reasons, searches where it is unsure, and goes on with what the documents were condensed to: Search-o1.

Source: "Search-o1: Agentic Search-Enhanced Large Reasoning Models", arXiv 2501.05366. As there, documents never enter
the reasoning themselves: a call of its own reads them with the reasoning so far and the query, and only what it
says goes in. Differences: there a large reasoning model is interrupted in one long chain whenever it writes a query,
here each stretch of reasoning up to a query is a call, and the answer is one more; our knowledge bases (all of them,
fused) take the place of web search; at most `max_steps` searches, one query each; a query that comes again ends
the reasoning, there the model is told so.
"""

from __future__ import annotations

from collections.abc import Mapping

from r1router.errors import BudgetSpent, ParseError
from r1router.moves import READ, Flow, conclude, pin_routes, plan_query, read, retrieve, was_asked_before
from r1router.prompts import Prompts
from r1router.types import Card, Question, Trajectory


def solve(
    question: Question,
    kbs: Mapping[str, Card],
    *,
    prompts: Prompts,
    max_steps: int = 3,
    k: int = 5,
    kb: str = "",
    tables: str = READ,
) -> Flow[Trajectory]:
    """At most `max_steps` searches of the knowledge base named `kb` (all where it is empty)."""
    trajectory, stop, routes = Trajectory(question), "max_steps", pin_routes(kb, kbs)
    try:
        while len(trajectory.steps) < max_steps:
            step = yield from plan_query(trajectory, routes, prompts, template="search_o1")
            if step.sub_question is None:  # the reasoning is sure of the answer
                stop = "enough"
                break
            if was_asked_before(trajectory, step):
                stop = "repeated"
                break
            trajectory = yield from retrieve(trajectory, step, k)
            if not trajectory.steps[-1].evidence:
                stop = "no_evidence"
                break
            trajectory = yield from read(trajectory, prompts, template="search_o1_read", tables=tables)
    except BudgetSpent as spent:
        stop = spent.budget
    except ParseError:
        stop = "format"
    return (
        yield from conclude(trajectory, prompts.final_answer(trajectory, template="search_o1_final"), stop, prompts)
    )
