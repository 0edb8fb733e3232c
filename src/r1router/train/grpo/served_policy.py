"""Asks a policy as it is served for groups of replies, because judging them needs neither token ids nor weights."""

from __future__ import annotations

from collections.abc import Sequence

from r1router.drive import threads
from r1router.drive.asks import Wanted, ask_all
from r1router.train.grpo.rollout_pool import Generate
from r1router.types import Ask, Policy, Reply


def make_generate(
    policy: Policy, *, samples: int, temperature: float, seed: int, concurrency: int, greedy: bool = False
) -> Generate:
    """What asks this policy for groups of replies, each with a seed of its own; with `greedy` one more comes first.

    A reply that the policy fails to give is "", which is malformed, and is logged; where it gives none at all, what it
    failed with is raised.
    """
    number = seed

    def generate(asks: Sequence[Ask], count: int) -> list[list[Reply]]:
        nonlocal number
        each = [temperature] * count if count else [*([0.0] * greedy), *([temperature] * samples)]
        heated = [(ask, heat) for ask in asks for heat in each]
        wanted = [Wanted(ask, "", heat, number + place) for place, (ask, heat) in enumerate(heated)]
        number, count = number + len(wanted), len(each)
        replies = threads.wait_for(ask_all(policy, wanted, in_flight=concurrency))
        return [replies[start : start + count] for start in range(0, len(replies), count)]

    return generate
