"""Prediction and accepted answers to a score that rewards saying the answer and nothing else.

*dataset:* all. *metric:* ours. *pattern:* credit for the words of the accepted answer, divided by excess length.

    score = max over accepted answers of  credit² · (m + 5) / (m + 5 + extra)

- *m*: words of the accepted answer; *extra*: words of the prediction beyond those it shares with it. An answer
  given in a short sentence of six more words keeps half or more; 200 words around it leave three hundredths.
- *credit*: the share of the *m* words that the prediction says, squared so that half a name is worth a quarter.
  A word that the question already holds counts 1 - e², where *e* is the share of the question's other words that
  the prediction repeats: picking one of two names out of a question is an answer, echoing it is none.
- Where the accepted answer is a yes or a no, credit is 1 or 0 by the side that the prediction takes (`yes_no`):
  "yes no" takes none.

Why this form: F1-Recall has no price for length, so the three attacks of `tests/test_metric_attacks.py` win it;
token F1 has one, but a steep one that calls a correct sentence nearly wrong, and it still pays for an echo. Always
in [0, 1], 1 exactly when the words are those of an accepted answer, and adding words that are not never helps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from r1router.evals.answers import judge_answer, references
from r1router.evals.metrics.yes_no import asked_side, stance
from r1router.evals.text import words
from r1router.types import Example, Trajectory

_FREE = 5
"""Extra words, on top of the accepted answer's own length, that halve the score."""


def length_aware(trajectory: Trajectory, example: Example) -> float | None:
    return judge_answer(score, trajectory, example)


def score(prediction: str, answers: Sequence[str], *, question: str = "") -> float:
    """In [0, 1]. Without the `question`, an echo of it is only long, not empty."""
    said, asked = Counter(words(prediction)), Counter(words(question))
    return max((_against(prediction, said, answer, asked) for answer in references(prediction, answers)), default=0.0)


def _against(prediction: str, said: Counter[str], answer: str, asked: Counter[str]) -> float:
    side = asked_side(answer)
    if side is not None:
        return _brevity(1, said.total() - 1) if stance(prediction) is side else 0.0
    wanted = Counter(words(answer))
    shared = said & wanted
    if not shared:
        return 0.0
    echoed = shared & asked
    credit = (shared.total() - echoed.total() * _echo(said, wanted, asked) ** 2) / wanted.total()
    return credit**2 * _brevity(wanted.total(), said.total() - shared.total())


def _brevity(length: int, extra: int) -> float:
    return (length + _FREE) / (length + _FREE + max(0, extra))


def _echo(said: Counter[str], wanted: Counter[str], asked: Counter[str]) -> float:
    """The share of the question's words, but for those of the accepted answer, that the prediction repeats."""
    others = Counter({word: count for word, count in asked.items() if word not in wanted})
    return (said & others).total() / others.total() if others else 0.0
