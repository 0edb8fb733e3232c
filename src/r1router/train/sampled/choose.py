"""Chooses from sampled groups what is trained on: the best replies as steps to imitate, and pairs to prefer between.

Expert iteration (RAFT, arXiv 2504.11343) and preferences between siblings of one decision (arXiv 2505.14069,
2509.21240) sample once and train often, which suits machines where sampling is what costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from r1router.parse import NO_ROUTE
from r1router.prompts import Prompts
from r1router.train.rewards._outcomes import read_outcome
from r1router.train.sampled.group_file import Group, Pair, find_most
from r1router.train.steps.step_file import Gold, TrainingStep
from r1router.types import Answer, Step, TableQuery


def choose_best(
    groups: Iterable[Group], prompts: Prompts, weights: Mapping[str, float], *, at_least: float = 0.5
) -> list[TrainingStep]:
    """The step of each group with its best reply as what is right, where that earned `at_least` this share of what it
    could, by the `weights` of the rewards. Of equal replies the shortest, then the first."""
    chosen = []
    for group in groups:
        judged = sort_replies(group)
        if (
            judged
            and judged[0][0] >= at_least * find_most(group, weights)
            and (gold := read_gold(group.step, judged[0][1], prompts))
        ):
            chosen.append(replace(group.step, gold=gold))
    return chosen


def choose_pairs(groups: Iterable[Group], *, gap: float = 0.1, most: int = 2) -> list[Pair]:
    """Pairs of each group's best reply and others that earned at least `gap` less, the least first, `most` at most."""
    pairs = []
    for group in groups:
        judged = sort_replies(group)
        worse = [(value, reply) for value, reply in judged if judged[0][0] - value >= gap]
        pairs += [Pair(group.step, judged[0][1], reply, judged[0][0] - value) for value, reply in worse[::-1][:most]]
    return pairs


def sort_replies(group: Group) -> list[tuple[float, str]]:
    """(value, reply) of the replies that differ and are judged, the best first; of equals the shortest."""
    judged: dict[str, float] = {}
    for reply, value in zip(group.replies, group.values, strict=True):
        if value is not None:
            judged.setdefault(reply, value)
    return sorted(((value, reply) for reply, value in judged.items()), key=lambda one: (-one[0], len(one[1])))


def read_gold(step: TrainingStep, reply: str, prompts: Prompts) -> Gold | None:
    """What a reply says as the gold of its step, so that it is rendered as any other; None where it is malformed."""
    said = read_outcome(step, reply, routes=prompts.labels({card.name: card for card in step.kbs})).said
    match said:
        case Step() if step.kind == "rewrite":
            return replace(step.gold, sub_question=said.sub_question) if said.sub_question else None
        case Step(sub_question=None):
            return replace(step.gold, thought=said.thought, sub_question=None, route=NO_ROUTE)
        case Step():
            return replace(step.gold, thought=said.thought, sub_question=said.sub_question, route=said.routes[0])
        case Answer():
            others = tuple(answer for answer in step.gold.answers if answer != said.text)
            return replace(step.gold, thought=said.thought, answers=(said.text, *others), query="")
        case TableQuery():
            return replace(step.gold, thought=said.thought, query=said.sql)
        case _:
            return None
