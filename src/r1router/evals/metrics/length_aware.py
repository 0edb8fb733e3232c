"""Scores a prediction so that saying the answer and nothing else is worth most.

*dataset:* all. *metric:* ours. *pattern:* credit for the words of the accepted answer, divided by excess length.

    score = max over accepted answers of  credit² · (m + 5) / (m + 5 + extra)

- *m*: words of the accepted answer; *extra*: words of the prediction beyond those it shares with it. An answer
  given in a short sentence of six more words keeps half or more; 200 words around it leave three hundredths.
- *credit*: the larger of two shares, squared so that half a name is worth a quarter. One is the share of the *m*
  words that the prediction says, times 1 - e², where *e* is the share of the question's other words that it repeats,
  1 for the whole question word for word: picking one of two names out of a question is an answer, echoing it is
  none. The other is the share of the words that the answer adds to the question: "red" answers "What colour is the
  roof?" as well as "The roof is red" does.
- Where the accepted answer is a yes or a no (or begins with one and a comma), taking that side has credit 1, at
  *m* = 1, and its words yes and no have none: "yes no" takes no side (`yes_no`).

Why this form: F1-Recall has no price for length, so the three attacks of `tests/test_metric_attacks.py` win it;
token F1 has one, but a steep one that calls a correct sentence nearly wrong, and it still pays for an echo. Always
in [0, 1], 1 when the words are those of an accepted answer or all that one adds to the question, and adding words
that are not in it never helps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from r1router.evals.answers import judge_answer, list_references
from r1router.evals.metrics._text import cut_words
from r1router.evals.metrics.yes_no import SIDES, read_asked_side, read_stance
from r1router.types import Example, Trajectory

_FREE = 5
"""Extra words, on top of the accepted answer's own length, that halve the score."""


def length_aware(trajectory: Trajectory, example: Example) -> float | None:
    return judge_answer(score, trajectory, example)


def score(prediction: str, answers: Sequence[str], *, question: str = "") -> float:
    """In [0, 1]. Without the `question`, an echo of it is only long, not empty."""
    said, asked = cut_words(prediction), cut_words(question)
    best = 0.0
    for answer in list_references(prediction, answers):
        wanted, counted = cut_words(answer), Counter(said)
        literal = _holds(said, asked) and not _holds(wanted, asked)
        side = read_asked_side(answer)
        if side is not None:
            wanted = tuple(word for word in wanted if word not in SIDES)
            if read_stance(prediction, question) is side:
                best = max(best, _brevity(1, len(said) - 1))
                counted = Counter(word for word in said if word not in SIDES)
        best = max(best, _against(counted, Counter(wanted), Counter(asked), literal))
    return best


def _against(said: Counter[str], wanted: Counter[str], asked: Counter[str], literal: bool) -> float:
    shared = said & wanted
    if not shared:
        return 0.0
    new = wanted - asked
    of_new = (said & new).total() / new.total() if new else 0.0
    echo = 1.0 if literal else _echo(said, wanted, asked)
    credit = max(of_new, shared.total() / wanted.total() * (1 - echo**2))
    return credit**2 * _brevity(wanted.total(), said.total() - shared.total())


def _brevity(length: int, extra: int) -> float:
    return (length + _FREE) / (length + _FREE + max(0, extra))


def _echo(said: Counter[str], wanted: Counter[str], asked: Counter[str]) -> float:
    """The share of the question's words, but for those of the accepted answer, that the prediction repeats.

    Where the answer has all words of the question and more, of all the question's words.
    """
    others = Counter({word: count for word, count in asked.items() if word not in wanted})
    if not others and wanted - asked:
        others = asked
    return (said & others).total() / others.total() if others else 0.0


def _holds(text: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether all words of `part` stand in `text`, in a row."""
    return bool(part) and f" {' '.join(part)} " in f" {' '.join(text)} "
