"""Reasons a sentence, searches with that sentence, and so on, then reads it all: IRCoT.

Source: "Interleaving Retrieval with Chain-of-Thought Reasoning for Knowledge-Intensive Multi-Step Questions",
arXiv 2212.10509. As there, the first search is with the question, the loop ends at "answer is", and the reader gets
the question and all the evidence, without the reasoning. Differences: no worked examples in the prompt; all knowledge
bases are searched and fused where the paper has one retriever; at most `max_steps` searches of `k` entries (15
entries by default, the paper's cap) instead of 8; no sentence is asked for after the last search, since nothing
would use it; a sentence that comes again ends the loop.

A step is a search; its answer is the sentence that was written after it, which is the next step's query.
"""

from __future__ import annotations

from collections.abc import Mapping

from r1router import parse
from r1router.errors import BudgetSpent, ParseError
from r1router.moves import READ, Flow, ask, conclude, look_up, pin_routes, query_table, settle, was_asked_before
from r1router.prompts import Prompts
from r1router.types import Answer, Card, Evidence, Question, Step, Trajectory


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
    """At most `max_steps` searches of the knowledge base named `kb` (all where it is empty), as many calls."""
    trajectory, stop, routes, query = Trajectory(question), "max_steps", pin_routes(kb, kbs), question.text
    try:
        while len(trajectory.steps) < max_steps:
            if trajectory.steps:
                request = prompts.next_sentence(trajectory, _gathered(trajectory), template="ircot")
                query = yield from ask(request, parse.read_sentence, prompts)
                trajectory = yield from settle(trajectory, Answer("", query))
                if "answer is" in query.casefold():
                    stop = "enough"
                    break
            if was_asked_before(trajectory, Step(sub_question=query, routes=routes)):
                stop = "repeated"
                break
            trajectory = yield from look_up(trajectory, query, routes, k)
            trajectory, _ = yield from query_table(trajectory, prompts, tables=tables)
            if not _gathered(trajectory):
                stop = "no_evidence"
                break
    except BudgetSpent as spent:
        stop = spent.budget
    except ParseError:
        stop = "format"
    request = prompts.answer_directly(question, template="rag", evidence=_gathered(trajectory))
    return (yield from conclude(trajectory, request, stop, prompts))


def _gathered(trajectory: Trajectory) -> tuple[Evidence, ...]:
    """The evidence of all steps, each piece once, in the order in which it was found."""
    return tuple({(e.kb, e.id): e for step in trajectory.steps for e in step.evidence}.values())
