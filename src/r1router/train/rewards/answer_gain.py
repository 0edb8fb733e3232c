"""Rewards a plan by how much more probable its evidence makes the gold answer, because that seldom ties.

The policy itself reads: it is asked for the answer with what the plan has found, and with nothing. The question is the
same for all replies of a group, so that a sub-question cannot say the answer. (Information gain: IGPO, arXiv
2510.14967.)
"""

from __future__ import annotations

from collections.abc import Sequence

from r1router.parse import NO_ROUTE
from r1router.train.rewards._outcomes import Outcome
from r1router.types import Step


def answer_gain(outcomes: Sequence[Outcome]) -> list[float | None]:
    """Plans whose search was made, of questions whose answer is known. In [-1, 1].

    The probability of a word of the answer, the geometric mean of its tokens', after the search less before. 0 for a
    plan that searches nothing; where a stop is right, 1 for it.
    """
    return [_score(outcome) for outcome in outcomes]


def _score(outcome: Outcome) -> float | None:
    if outcome.step.kind != "plan":
        return None
    if outcome.step.gold.route == NO_ROUTE:
        return float(isinstance(outcome.said, Step) and outcome.said.sub_question is None)
    return None if outcome.chances is None else outcome.chances[1] - outcome.chances[0]
