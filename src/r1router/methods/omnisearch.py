"""Thinks, sends a sub-question to a knowledge base, gets feedback and plans anew: planning as in OmniSearch.

Source: "Benchmarking Multimodal Retrieval Augmented Generation with Dynamic VQA Dataset and Self-adaptive Planning
Agent", arXiv 2411.02937. As there, the planner sees its own thoughts and choices and a solver's feedback on each
retrieval, and may ask otherwise or elsewhere. Differences: its retrieval tools search the web by words or by picture,
ours are the knowledge bases; planner, solver and answerer are one policy, prompted only; at most `max_steps` turns; a
turn that comes again ends the planning. Against r1_router it plans on thoughts, routes and feedback in sentences
instead of on short answers, and goes on where nothing was found.
"""

from __future__ import annotations

from collections.abc import Mapping

from r1router.errors import BudgetSpent, ParseError
from r1router.moves import READ, Flow, conclude, plan, read, retrieve, was_asked_before
from r1router.prompts import Prompts
from r1router.types import Card, Question, Trajectory


def solve(
    question: Question, kbs: Mapping[str, Card], *, prompts: Prompts, max_steps: int = 3, k: int = 5, tables: str = READ
) -> Flow[Trajectory]:
    """At most `max_steps` turns, each with a search for the `k` best entries of the knowledge base it chose."""
    trajectory, stop = Trajectory(question), "max_steps"
    try:
        while len(trajectory.steps) < max_steps:
            step = yield from plan(trajectory, kbs, prompts, template="omnisearch")
            if step.sub_question is None:  # the feedback suffices
                stop = "enough"
                break
            if was_asked_before(trajectory, step):
                stop = "repeated"
                break
            trajectory = yield from retrieve(trajectory, step, k)
            if trajectory.steps[-1].evidence:
                trajectory = yield from read(trajectory, prompts, template="omnisearch_read", tables=tables)
    except BudgetSpent as spent:
        stop = spent.budget
    except ParseError:
        stop = "format"
    return (yield from conclude(trajectory, prompts.final_answer(trajectory), stop, prompts))
