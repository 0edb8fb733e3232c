"""Rewards a plan whose search really returned the evidence that is needed: 1, else 0.

Needs no gold sub-question: a search is good when it finds, however it is worded.
"""

from __future__ import annotations

from collections.abc import Sequence

from r1router.evals.metrics.contains import score as contains
from r1router.train.rewards._outcomes import Outcome
from r1router.train.steps.step_file import is_gold_evidence, is_known
from r1router.types import Evidence


def evidence(outcomes: Sequence[Outcome], *, by_answer: bool = True, shortest: int = 4) -> list[float | None]:
    """Plans whose search was made and of which gold evidence or an accepted answer is known.

    Gold evidence is found by its record or entry id. With `by_answer`, evidence that says an accepted answer
    word for word is as good, unless that has fewer than `shortest` characters: "no" and "22" stand anywhere.
    """
    return [_score(outcome, shortest if by_answer else None) for outcome in outcomes]


def _score(outcome: Outcome, shortest: int | None) -> float | None:
    gold = outcome.step.gold
    answers = () if shortest is None else tuple(a for a in gold.answers if len(a) >= shortest)
    if outcome.step.kind != "plan" or outcome.evidence is None or not (is_known(gold) or answers):
        return None
    return float(any(is_gold_evidence(gold, piece) or says(piece, answers) for piece in outcome.evidence))


def says(piece: Evidence, answers: Sequence[str]) -> bool:
    """Whether one of these answers stands in the evidence, word for word."""
    return bool(answers) and contains(piece.text, answers) > 0
