"""Samples groups of replies from a policy and judges them, on gold histories or on questions that it works itself.

Any policy can be sampled, since neither token ids nor weights are needed: the engine that serves does it, under its
grammar.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from r1router.evals.metrics.length_aware import score as score_answer
from r1router.prompts import Prompts
from r1router.train.grpo.rollout_pool import Exploration, Generate, Judged, Pool
from r1router.train.rewards import Weighted, sum_parts
from r1router.train.rewards._outcomes import Outcome, read_outcome
from r1router.train.sampled.group_file import Group
from r1router.train.steps.render import RenderedStep, render
from r1router.types import Finished

log = logging.getLogger(__name__)


# ── steps, each for itself ─────────────────────────────────────────────────────────────────────


def sample_steps(
    rows: Sequence[RenderedStep],
    generate: Generate,
    prompts: Prompts,
    rewards: Sequence[Weighted],
    *,
    together: int = 8,
) -> Iterator[list[Group]]:
    """The groups of these steps, `together` at a time."""
    for start in range(0, len(rows), together):
        part = rows[start : start + together]
        found = []
        for row, replies in zip(part, generate([row.ask for row in part], 0), strict=True):
            labels = prompts.labels({card.name: card for card in row.step.kbs})
            outcomes = [
                read_outcome(row.step, reply.text, routes=labels, shape=row.ask.shape, tokens=reply.completion_tokens)
                for reply in replies
            ]
            values, parts = _judge(outcomes, rewards)
            found.append(Group(row.step, tuple(reply.text for reply in replies), values, parts))
        yield found


def _judge(
    outcomes: Sequence[Outcome], rewards: Sequence[Weighted]
) -> tuple[tuple[float | None, ...], dict[str, tuple[float | None, ...]]]:
    """(weighted sums, what each reward gave)."""
    columns = [tuple(one.reward(outcomes)) for one in rewards]
    names = [one.name for one in rewards]
    return tuple(sum_parts(columns, rewards)), dict(zip(names, columns, strict=True))


# ── questions, worked to their end ─────────────────────────────────────────────────────────────


def sample_questions(
    pool: Pool,
    ids: Iterable[str],
    generate: Generate,
    prompts: Prompts,
    *,
    together: int = 8,
) -> Iterator[list[Group]]:
    """The groups of each of these tasks of the pool, when its question has come to its end; `together` at a time.

    A decision whose row does not render as what the policy saw, such as one that is asked again after a malformed
    reply, is left out.
    """
    waiting = iter(ids)
    places = [name for _, name in zip(range(together), waiting, strict=False)]
    open_: dict[Exploration, list[Judged]] = {}
    while any(places) or open_:
        for judged in pool.next_groups(places, generate):
            open_.setdefault(judged.walk, []).append(judged)
        begun = {walk.task.id for walk in open_}
        places = [next(waiting, "") if name in begun else name for name in places]
        for walk in [walk for walk in open_ if walk.request is None]:
            yield _finish(walk, open_.pop(walk), prompts)


def _finish(walk: Exploration, decisions: Sequence[Judged], prompts: Prompts) -> list[Group]:
    """The groups of a question that has ended, with what its final answer scored."""
    ended = walk.events[-1] if walk.events else None
    right = None
    if isinstance(ended, Finished) and walk.task.answers:
        said = ended.trajectory.answer.text if ended.trajectory.answer else ""
        right = score_answer(said, walk.task.answers, question=walk.task.question)
    groups = []
    for number, judged in enumerate(decisions):
        step = judged.outcomes[0].step
        if render(step, prompts).ask.messages != judged.ask.messages:
            log.info("%s: a decision that is not one of a step is left out", walk.task.id)
            continue
        step = replace(step, id=f"{walk.task.id}/{number}/{step.kind}")
        replies, values = tuple(reply.text for reply in judged.replies), tuple(judged.values)
        groups.append(Group(step, replies, values, judged.parts, walk.task.id, judged.chosen, right))
    return groups
