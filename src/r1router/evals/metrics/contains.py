"""Scores containment: 1 when an accepted answer stands in the prediction, word for word.

*dataset:* all. *metric:* accuracy by containment, "cover exact match". *pattern:* SQuAD normalisation, whole words,
any accepted answer. Length costs nothing, so it can be gamed as F1-Recall can; report `length_aware` beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from r1router.evals.answers import judge_answer, list_references
from r1router.evals.metrics._text import cut_squad_words
from r1router.types import Example, Trajectory


def contains(trajectory: Trajectory, example: Example) -> float | None:
    return judge_answer(score, trajectory, example)


def score(prediction: str, answers: Sequence[str], *, question: str = "") -> float:
    """0 or 1; `question` is not looked at."""
    said = f" {' '.join(cut_squad_words(prediction))} "
    wanted = (" ".join(cut_squad_words(answer)) for answer in list_references(prediction, answers))
    return float(any(answer and f" {answer} " in said for answer in wanted))
