"""Writes the right replies to decisions that are not trained on, because gold knows them.

A question may begin anywhere in its chain: before its first hop, between two, or after the last one, where it is right
to stop. So every kind of state is trained on from the first step, and not only where the policy comes to by itself.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from r1router.parse import write_answer, write_step
from r1router.train.steps.tasks import Task, find_answer
from r1router.types import Answer, Ask, Step, Trajectory

FIRST, BETWEEN, END = 1.0, 2.0, 0.5
"""How often a question begins before its first hop, at each place between two, and after its last: where most is to be
learned most often; a stop is learned soon."""


def draw_start(task: Task, chance: random.Random) -> int:
    """How many of the first hops are given; only those can be of which route and answer are known."""
    known = next((place for place, hop in enumerate(task.hops) if not (hop.route and hop.answers)), len(task.hops))
    weights = [FIRST] + [BETWEEN] * known
    if known and known == len(task.hops):
        weights[-1] = END if task.whole else 0.0
    return chance.choices(range(len(weights)), weights)[0]


def is_given(ask: Ask, trajectory: Trajectory, given: int) -> bool:
    """Whether this request belongs to one of the `given` first hops."""
    step = len(trajectory.steps) - (ask.purpose in ("answer", "query"))
    return ask.purpose != "final" and step < given


def write_known(
    task: Task, ask: Ask, trajectory: Trajectory, *, given: int, labels: Mapping[str, str], asked: Mapping[int, str]
) -> str | None:
    """The right reply to a request, where it is known: a given hop's plan, or what its evidence is read as.

    `labels` are those of the prompt, to knowledge bases; `asked` what has found the evidence of a hop before, by its
    place in the chain.
    """
    if ask.purpose in ("answer", "query"):
        answers = find_answer(task, trajectory.steps[:-1], trajectory.steps[-1], given=given).answers
        return write_answer(Answer("", answers[0])) if answers else None
    if ask.purpose != "plan" or not is_given(ask, trajectory, given):
        return None
    place = len(trajectory.steps)
    hop = task.hops[place]
    before = task.hops[place - 1].answers[:1] if place else ()
    words = asked.get(place) or hop.sub_question or " ".join([*before, task.question])
    return write_step(Step(sub_question=words), next(label for label, name in labels.items() if name == hop.route))
