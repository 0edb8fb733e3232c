"""Plans a sub-question and its route, retrieves there, reads, until the policy knows enough: R1-Router.

Source: "R1-Router: Learning to Route Queries across Knowledge Bases for Step-wise Retrieval-Augmented
Reasoning", arXiv 2505.22095, section 3.1. Beyond the paper: the loop also ends when the same sub-question goes
to the same knowledge base again, when nothing was found, when a budget is spent or when a step stays malformed
after re-asking; the final answer is then given from what is known, and `Trajectory.stop` says why.
"""

from __future__ import annotations

from collections.abc import Mapping

from r1router.errors import BudgetSpent, ParseError
from r1router.moves import (
    QUERY,
    Flow,
    conclude,
    find_other_answer,
    finish,
    note_last,
    plan,
    read,
    repeat_answer,
    repeat_only_answer,
    retrieve,
    was_asked_before,
    widen,
)
from r1router.prompts import Prompts
from r1router.types import Card, Question, Trajectory


def solve(
    question: Question,
    kbs: Mapping[str, Card],
    *,
    prompts: Prompts,
    max_steps: int = 3,
    k: int = 5,
    look: bool = True,
    min_confidence: float = 0.6,
    search_all_below: float = 0.3,
    verify: bool = True,
    tables: str = QUERY,
) -> Flow[Trajectory]:
    """Answer a question step by step; `max_steps` and `k` (entries for a step) default to the paper's.

    `look`: before each plan, see what every knowledge base would bring. A route at least as probable as
    `min_confidence` (0 to 1) is searched alone; else the two most probable ones are searched and fused; where the
    first is less probable than `search_all_below`, all are. The paper's method, which routes by the cards alone and
    searches one, is `look=false&min_confidence=0&verify=false&tables=read`. `verify`: an answer that the evidence does
    not support is not given, where the prompt set can tell. `tables`: what a step does with a table that it found,
    `query` it or `read` it.
    """
    trajectory, stop = Trajectory(question), "max_steps"
    try:
        while len(trajectory.steps) < max_steps:
            step = yield from plan(trajectory, kbs, prompts, look=look)
            if step.sub_question is None:  # the policy knows enough
                stop = "enough"
                break
            if was_asked_before(trajectory, step):
                stop = "repeated"
                break
            trajectory = yield from retrieve(trajectory, widen(step, min_confidence, search_all_below), k)
            if not trajectory.steps[-1].evidence:
                stop = "no_evidence"
                break
            trajectory = yield from read(trajectory, prompts, tables=tables, picture_alone=look)
    except BudgetSpent as spent:
        stop = spent.budget
    except ParseError:
        stop = "format"
    if prompts.copied_answers:
        other = (yield from find_other_answer(trajectory, prompts)) if look else None
        # The final answer after a step that asked the question could only repeat that step's: a call less.
        if answer := repeat_only_answer(trajectory) if other is None else repeat_answer(other.steps[-1]):
            if other is not None:
                trajectory = note_last(trajectory, f"{answer.text!r} answers the question itself, and stands")
            return finish(trajectory, answer, stop, prompts, verify=verify, rests_on=other)
    return (yield from conclude(trajectory, prompts.final_answer(trajectory), stop, prompts, verify=verify))
