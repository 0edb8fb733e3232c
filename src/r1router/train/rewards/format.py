"""Rewards the form of a reply: 1 in exactly the form that was asked for, a half where it can still be read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from r1router import parse
from r1router.train.rewards._outcomes import Outcome


def format(outcomes: Sequence[Outcome], *, readable: float = 0.5) -> list[float | None]:
    """`readable` is for what `parse` makes sense of although a constrained decoder could not have written it."""
    return [_score(outcome, readable) for outcome in outcomes]


def _score(outcome: Outcome, readable: float) -> float:
    if outcome.said is None:
        return 0.0
    exact = outcome.shape is None or re.fullmatch(parse.write_regex(outcome.shape), outcome.reply)
    return 1.0 if exact else readable
