"""Scores exact match: 1 when the prediction is an accepted answer, the same words in the same order.

*dataset:* all. *metric:* exact match. *pattern:* SQuAD normalisation, best over the accepted answers.
Source: SQuAD (Rajpurkar et al. 2016, arXiv 1606.05250).
"""

from __future__ import annotations

from collections.abc import Sequence

from r1router.evals.answers import judge_answer, list_references
from r1router.evals.metrics._text import cut_squad_words
from r1router.types import Example, Trajectory


def exact_match(trajectory: Trajectory, example: Example) -> float | None:
    return judge_answer(score, trajectory, example)


def score(prediction: str, answers: Sequence[str], *, question: str = "") -> float:
    """0 or 1; `question` is not looked at. "" matches nothing."""
    said = cut_squad_words(prediction)
    return float(bool(said) and any(cut_squad_words(answer) == said for answer in list_references(prediction, answers)))
