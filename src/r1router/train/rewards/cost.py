"""Charges what a reply cost: a price for each retrieval and for each generated token."""

from __future__ import annotations

from collections.abc import Sequence

from r1router.train.rewards._outcomes import Outcome


def cost(outcomes: Sequence[Outcome], *, retrieval: float = 0.1, token: float = 0.001) -> list[float | None]:
    """Every step. The prices are in units of reward: ten tokens of thought weigh as much as 0.01."""
    return [0.0 - retrieval * outcome.retrievals - token * outcome.tokens for outcome in outcomes]
