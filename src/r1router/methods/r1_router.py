"""R1-Router: plan a sub-question and its route, retrieve there, read, until the policy knows enough.

Source: "R1-Router: Learning to Route Queries across Knowledge Bases for Step-wise Retrieval-Augmented
Reasoning", arXiv 2505.22095, section 3.1. Beyond the paper: the loop also ends when the same sub-question goes
to the same knowledge base again, when nothing was found, when a budget is spent or when a step stays malformed
after re-asking; the final answer is then given from what is known, and `Trajectory.stop` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from r1router.errors import BudgetSpent, ParseError
from r1router.moves import Flow, asked_before, conclude, plan, read, retrieve
from r1router.parse import NO_ROUTE
from r1router.prompts import Prompts
from r1router.types import Card, Question, Step, Trajectory


def solve(
    question: Question,
    kbs: Mapping[str, Card],
    *,
    prompts: Prompts,
    max_steps: int = 3,
    k: int = 5,
    min_confidence: float = 0.0,
) -> Flow[Trajectory]:
    """Answer a question step by step; `max_steps` and `k` (entries for a step) default to the paper's.

    A route less probable than `min_confidence` (0 to 1) is searched together with the second most probable one.
    """
    path, stop = Trajectory(question), "max_steps"
    try:
        while len(path.steps) < max_steps:
            step = yield from plan(path, kbs, prompts)
            if step.sub_question is None:  # the policy knows enough
                stop = "enough"
                break
            if asked_before(path, step):
                stop = "repeated"
                break
            path = yield from retrieve(path, _widen(step, min_confidence), k)
            if not path.steps[-1].evidence:
                stop = "no_evidence"
                break
            path = yield from read(path, prompts)
    except BudgetSpent as spent:
        stop = spent.budget
    except ParseError:
        stop = "format"
    return (yield from conclude(path, prompts.final_answer(path), stop, prompts))


def _widen(step: Step, min_confidence: float) -> Step:
    """The step with its second route added, where the first is less probable than `min_confidence`."""
    chosen = step.routes[0]
    others = {name: p for name, p in step.probabilities.items() if name not in (chosen, NO_ROUTE)}
    if not others or step.probabilities.get(chosen, 1.0) >= min_confidence:
        return step
    second = max(others, key=lambda name: others[name])
    return replace(step, routes=(chosen, second), note=f"unsure of {chosen}; searched {second} too")
