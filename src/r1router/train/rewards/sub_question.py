"""Rewards the sub-question of a plan by its cosine to the gold one; for stops, whether both stop."""

from __future__ import annotations

from collections.abc import Sequence

from r1router.train.rewards._outcomes import Outcome
from r1router.train.rewards._similarity import compute_cosines
from r1router.types import Step, TextEmbedder


def sub_question(outcomes: Sequence[Outcome], *, embedder: TextEmbedder | str = "minilm:") -> list[float | None]:
    """Plans of which the gold sub-question is known, or that should stop. In [0, 1]."""
    values = [_without_words(outcome) for outcome in outcomes]
    pairs = {row: pair for row, outcome in enumerate(outcomes) if (pair := _to_compare(outcome))}
    for row, cosine in zip(pairs, compute_cosines(list(pairs.values()), embedder), strict=True):
        values[row] = max(0.0, cosine)
    return values


def _to_compare(outcome: Outcome) -> tuple[str, str] | None:
    wanted, said = outcome.step.gold.sub_question, outcome.said
    if outcome.step.kind != "plan" or outcome.step.stops or wanted is None:
        return None
    return (said.sub_question, wanted) if isinstance(said, Step) and said.sub_question is not None else None


def _without_words(outcome: Outcome) -> float | None:
    """The reward where there are not two sub-questions to compare."""
    step, said = outcome.step, outcome.said
    if step.stops:
        return float(isinstance(said, Step) and said.sub_question is None)
    return None if step.kind != "plan" or step.gold.sub_question is None else 0.0
