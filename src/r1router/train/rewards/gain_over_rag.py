"""Rewards a plan by how much better its search finds what is needed than a search for the question itself would.

What `vanilla_rag` brings is the floor that a step has to beat. (Gain beyond plain RAG: s3, arXiv 2505.14146.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from r1router.train.rewards._outcomes import Outcome
from r1router.train.rewards.evidence_rank import evidence_rank


def gain_over_rag(outcomes: Sequence[Outcome], *, by_answer: bool = True, shortest: int = 4) -> list[float | None]:
    """Plans that are to search, where both searches were made: `evidence_rank` of the one less that of the other.

    In [-1, 1]; 0 for a plan that finds what is needed as well as the question does. A stop where a search is right
    earns minus what the question would have found.
    """
    of_plans = evidence_rank(outcomes, by_answer=by_answer, shortest=shortest)
    plain = [replace(outcome, evidence=outcome.plain, further=()) for outcome in outcomes]
    of_question = evidence_rank(plain, by_answer=by_answer, shortest=shortest)
    return [
        None if outcome.step.stops or outcome.plain is None or own is None or floor is None else own - floor
        for outcome, own, floor in zip(outcomes, of_plans, of_question, strict=True)
    ]
