"""Charges a plan for evidence that earlier steps have found, because a search that repeats itself tells nothing new.

(Information gain less redundancy: StepSearch, arXiv 2505.15107.)
"""

from __future__ import annotations

from collections.abc import Sequence

from r1router.train.rewards._outcomes import Outcome


def redundancy(outcomes: Sequence[Outcome]) -> list[float | None]:
    """Plans whose search was made and found something: minus the share of it that had been found before. In [-1, 0]."""
    return [_score(outcome) for outcome in outcomes]


def _score(outcome: Outcome) -> float | None:
    if outcome.step.kind != "plan" or not outcome.evidence:
        return None
    return -sum((piece.record or piece.id) in outcome.known for piece in outcome.evidence) / len(outcome.evidence)
