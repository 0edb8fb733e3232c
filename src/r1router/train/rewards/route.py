"""Rewards the route of a plan: 1 when it is the gold one, stopping included, else 0."""

from __future__ import annotations

from collections.abc import Sequence

from r1router.parse import NO_ROUTE
from r1router.train.rewards._outcomes import Outcome
from r1router.types import Step


def route(outcomes: Sequence[Outcome]) -> list[float | None]:
    """Plans of which the gold route is known."""
    return [_score(outcome) for outcome in outcomes]


def _score(outcome: Outcome) -> float | None:
    wanted = outcome.step.gold.route
    if outcome.step.kind != "plan" or not wanted:
        return None
    if not isinstance(outcome.said, Step):
        return 0.0
    return float((outcome.said.routes or (NO_ROUTE,)) == (wanted,))
