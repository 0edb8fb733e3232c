"""Scores token F1: how many words prediction and answer share, long predictions paying for length.

*dataset:* all. *metric:* F1 of the bags of words. *pattern:* SQuAD normalisation, best over the accepted answers.
Source: SQuAD (Rajpurkar et al. 2016, arXiv 1606.05250), without HotpotQA's special case for yes and no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from r1router.evals.answers import judge_answer, list_references
from r1router.evals.metrics._text import cut_squad_words
from r1router.types import Example, Trajectory


def token_f1(trajectory: Trajectory, example: Example) -> float | None:
    return judge_answer(score, trajectory, example)


def score(prediction: str, answers: Sequence[str], *, question: str = "") -> float:
    """In [0, 1]; `question` is not looked at."""
    said = cut_squad_words(prediction)
    counts = Counter(said)
    best = 0.0
    for answer in list_references(prediction, answers):
        wanted = cut_squad_words(answer)
        shared = sum((counts & Counter(wanted)).values())
        if shared:
            best = max(best, 2 * shared / (len(said) + len(wanted)))
    return best
