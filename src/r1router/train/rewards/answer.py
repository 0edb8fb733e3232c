"""Rewards the answer of a step, or of the whole question, by the paper's recall rule or by any answer metric."""

from __future__ import annotations

from collections.abc import Sequence

from r1router.errors import InputError
from r1router.evals.answers import Score
from r1router.evals.metrics import f1_recall, load_score
from r1router.train.rewards._outcomes import Outcome
from r1router.types import Answer

SHORT = 5
"""Words of a gold answer that still counts as short."""


def answer(outcomes: Sequence[Outcome], *, score: str = "recall") -> list[float | None]:
    """Answer and final steps with accepted answers. `score` is `recall` or a metric such as `length_aware`."""
    judge = score_recall if score == "recall" else load_score(score)
    if judge is None:
        raise InputError(f"the metric {score!r} does not judge answers; take recall, length_aware, exact_match, …")
    return [_score(outcome, judge) for outcome in outcomes]


def score_recall(prediction: str, answers: Sequence[str], *, question: str = "") -> float:
    """The published rule: of one long answer its token recall; of a short one, or of several, all or nothing.

    Length costs nothing, as published: gold and two hundred words of junk score 1.
    """
    share = f1_recall.score(prediction, answers)
    all_or_nothing = len(answers) > 1 or len(answers[0].split()) <= SHORT
    return float(share == 1.0) if all_or_nothing else share


def _score(outcome: Outcome, judge: Score) -> float | None:
    step = outcome.step
    if step.kind == "plan" or not step.gold.answers:
        return None
    if not isinstance(outcome.said, Answer):
        return 0.0
    asked = step.sub_question if step.kind == "answer" else step.question
    return judge(outcome.said.text, step.gold.answers, question=asked)
