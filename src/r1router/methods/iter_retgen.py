"""Retrieves with the question and the last answer, answers anew from that, in a fixed number of rounds: Iter-RetGen.

Source: "Enhancing Retrieval-Augmented Large Language Models with Iterative Retrieval-Generation Synergy",
arXiv 2305.15294. As there, what was generated (reasoning and answer) stands before the question in the next query,
and each round reads only what it retrieved itself. Differences: no worked examples in the prompt; all knowledge
bases are searched and fused where the paper has one retriever; no distillation of a re-ranker into the retriever;
rounds are steps, so `max_steps` sets them (in the paper most of the gain comes with the second).
"""

from __future__ import annotations

from collections.abc import Mapping

from r1router.errors import BudgetSpent
from r1router.moves import READ, Flow, conclude, look_up, pin_routes, query_table, read
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
    """`max_steps` searches of the knowledge base named `kb` (all where it is empty), as many calls."""
    trajectory, stop, routes, query = Trajectory(question), "max_steps", pin_routes(kb, kbs), question.text
    try:
        while len(trajectory.steps) < max_steps:
            if trajectory.steps:
                trajectory = yield from read(trajectory, prompts, template="rag")
                query = f"{trajectory.steps[-1].answer_thought} {trajectory.steps[-1].answer} {question.text}".strip()
            trajectory = yield from look_up(trajectory, query, routes, k)
            trajectory, _ = yield from query_table(trajectory, prompts, tables=tables)
            if not trajectory.steps[-1].evidence:
                stop = "no_evidence"
                break
    except BudgetSpent as spent:
        stop = spent.budget
    found = trajectory.steps[-1].evidence if trajectory.steps else ()
    request = prompts.answer_directly(question, template="rag", evidence=found)
    return (yield from conclude(trajectory, request, stop, prompts))
