"""Tells whether a prediction declines to answer: 1 where it is empty or says a form of "I don't know".

*dataset:* all. *metric:* abstention rate. *pattern:* a short list of refusals in four
languages, at the start or as the whole answer.
"""

from __future__ import annotations

from r1router.evals.answers import read_prediction
from r1router.evals.metrics import exact_match
from r1router.evidence.abstaining import abstains
from r1router.types import Example, Trajectory


def abstention(trajectory: Trajectory, example: Example) -> float:
    """0 or 1. An accepted answer is never an abstention, even where it reads "unknown"."""
    said = read_prediction(trajectory)
    if example.answers and exact_match.score(said, example.answers):
        return 0.0
    return float(abstains(said))
