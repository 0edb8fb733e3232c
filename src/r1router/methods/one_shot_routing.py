"""Sends the whole question to one knowledge base, or to none, and answers: one-shot routing.

Source: "UniversalRAG: Retrieval-Augmented Generation over Corpora of Diverse Modalities and Granularities",
arXiv 2504.20734. Differences: the router there is a classifier trained for it or another, larger model, and chooses
among corpora of several granularities; ours is the policy itself, over the knowledge bases as they are. Where the
chosen one has nothing, the next likely one is searched, as in r1_router.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from r1router import parse
from r1router.errors import BudgetSpent, ParseError
from r1router.moves import READ, Flow, ask, conclude, query_table, retrieve
from r1router.prompts import Prompts
from r1router.types import Card, Planned, Question, Trajectory


def solve(
    question: Question, kbs: Mapping[str, Card], *, prompts: Prompts, k: int = 5, tables: str = READ
) -> Flow[Trajectory]:
    """Two calls, and one search with the question itself unless the policy wants none."""
    trajectory, stop = Trajectory(question), "enough"
    try:
        request = prompts.choose_route(question, kbs, template="one_shot_routing")
        step = yield from ask(request, partial(parse.read_route, routes=prompts.labels(kbs)), prompts)
        if step.routes:
            step = replace(step, sub_question=question.text)
        yield Planned(0, step)
        if step.routes:
            trajectory = yield from retrieve(trajectory, step, k)
            trajectory, _ = yield from query_table(trajectory, prompts, tables=tables)
            if not trajectory.steps[-1].evidence:
                stop = "no_evidence"
    except BudgetSpent as spent:
        stop = spent.budget
    except ParseError:
        stop = "format"
    found = trajectory.steps[-1].evidence if trajectory.steps else ()
    request = prompts.answer_directly(question, template="rag" if found else "direct", evidence=found)
    return (yield from conclude(trajectory, request, stop, prompts))
