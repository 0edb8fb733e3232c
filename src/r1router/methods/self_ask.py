"""Asks follow-up questions and searches their answers until none is needed, then answers the question: Self-Ask.

Source: "Measuring and Narrowing the Compositionality Gap in Language Models", arXiv 2210.03350, with a search engine
for the intermediate answers. Differences: no worked examples in the prompt; the whole dialogue is one text there,
one call a turn here; the search engine there gives an answer, our knowledge bases (all of them, fused) give evidence,
from which the policy reads the intermediate answer as in r1_router. Against r1_router it has no thought and no route.
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
    """At most `max_steps` follow-up questions to the knowledge base named `kb` (all where it is empty)."""
    trajectory, stop, routes = Trajectory(question), "max_steps", pin_routes(kb, kbs)
    try:
        while len(trajectory.steps) < max_steps:
            step = yield from plan_query(trajectory, routes, prompts, template="self_ask", think=False)
            if step.sub_question is None:  # no follow-up question is needed
                stop = "enough"
                break
            if was_asked_before(trajectory, step):
                stop = "repeated"
                break
            trajectory = yield from retrieve(trajectory, step, k)
            if not trajectory.steps[-1].evidence:
                stop = "no_evidence"
                break
            trajectory = yield from read(trajectory, prompts, tables=tables)
    except BudgetSpent as spent:
        stop = spent.budget
    except ParseError:
        stop = "format"
    return (yield from conclude(trajectory, prompts.final_answer(trajectory), stop, prompts))
