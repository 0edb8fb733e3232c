"""Estimates what it would cost to have a teacher work questions, without asking it.

The method itself is run on a few of the questions, with the live knowledge bases and an imagined teacher: its
thoughts have `THOUGHT` characters, its answers `ANSWER`, its sub-questions are as long as the question, and it asks
the knowledge bases in turn. So prompts are the real ones but for what the teacher writes into them. Tokens are
characters by `CHARS_PER_TOKEN`; pictures are not counted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add

from r1router.api import Setup, open_kbs_of
from r1router.drive.rounds import bring_to_asks, search_in
from r1router.drive.walk import Walk
from r1router.evals import gold
from r1router.methods import Method, load_method
from r1router.parse import write_answer, write_step
from r1router.prompts import Prompts, choose_prompts
from r1router.train.steps.synthesize import METHOD
from r1router.types import Answer, Ask, Example, KnowledgeBase, Question, Reply, Step, Usage

SAMPLE = 20
CHARS_PER_TOKEN, THOUGHT, ANSWER = 4, 100, 20


def estimate(examples: Sequence[Example], setup: Setup, *, sample: int = SAMPLE, seed: int = 0) -> dict[str, Usage]:
    """What all examples would cost, asked as `setup` says but for its policy, from a random `sample` of them.

    By how many steps the teacher takes for each: one, `max_steps`, and as many as the data set says that it needs,
    where it says so of every sampled one.
    """
    drawn = random.Random(seed).sample(list(examples), min(sample, len(examples)))
    if not drawn:
        return {}
    hops = [gold.count_hops(example) for example in drawn]
    max_steps, kbs, prompts = setup.max_steps, open_kbs_of(setup), choose_prompts(setup.prompts, None)
    method = load_method(METHOD, max_steps=max_steps, k=setup.k, tables="read")
    cases = {"1 step each": [1] * len(drawn), f"{max_steps} steps each": [max_steps] * len(drawn)}
    if all(hops):
        cases["as many steps as the gold"] = [min(n or 1, max_steps) for n in hops]
    found = {}
    for name, counts in cases.items():
        taken = [(example.question, steps) for example, steps in zip(drawn, counts, strict=True)]
        usages = _work(taken, method, kbs, prompts)
        found[name] = _scaled(reduce(add, usages), len(examples) / len(drawn))
    return found


def _work(
    questions: Sequence[tuple[Question, int]], method: Method, kbs: Mapping[str, KnowledgeBase], prompts: Prompts
) -> list[Usage]:
    """What each question costs whose imagined teacher stops after so many steps."""
    cards = {name: kb.card for name, kb in kbs.items()}
    teachers = {
        Walk(method, question, cards, prompts): _imagine_teacher(question, steps) for question, steps in questions
    }
    for walk in teachers:
        walk.start()
    while asking := bring_to_asks([*teachers], search=search_in(kbs)):
        for walk, ask in asking:
            walk.advance(teachers[walk](ask))
    return [walk.usage for walk in teachers]


def _imagine_teacher(question: Question, steps: int) -> Callable[[Ask], Reply]:
    planned = 0

    def reply(ask: Ask) -> Reply:
        nonlocal planned
        if ask.purpose == "plan":
            asked = f"{question.text} {planned}" if planned < steps else None
            said = write_step(Step("x" * THOUGHT, asked), ask.labels[planned % len(ask.labels)])
            planned += 1
        else:
            said = write_answer(Answer("x" * THOUGHT, "x" * ANSWER))
        read = sum(len(message.content) for message in ask.messages)
        return Reply(said, (), _tokens(read), _tokens(len(said)))

    return reply


def _tokens(chars: int) -> int:
    return -(-chars // CHARS_PER_TOKEN)


def _scaled(usage: Usage, factor: float) -> Usage:
    return Usage(
        round(usage.prompt_tokens * factor),
        round(usage.completion_tokens * factor),
        round(usage.calls * factor),
        round(usage.retrievals * factor),
    )
