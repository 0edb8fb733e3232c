"""Scores numbers: 1 when the number said is the number asked for.

*dataset:* InfoSeek, WikiTableQuestions, Open-WikiTable, any row whose accepted answers are numbers. *metric:*
accuracy within a tolerance. *pattern:* units converted, separators, percent and ranges read, then compared.
Source of the rule for ranges: InfoSeek (Chen et al. 2023, arXiv 2302.11713): a predicted range is right inside the
accepted one, or when the two overlap by half of their union; a range
stated in words ("1999-2002") must be said with both its ends.

Numbers that the question already holds do not count where the prediction has others. Of several different
numbers, one right gives 1 / how many: a list of guesses is worth a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r1router.evals.answers import judge_answer, read_range
from r1router.evidence.numbers import Quantity, read_quantities, read_stated_quantity
from r1router.types import Example, Trajectory


def numeric(trajectory: Trajectory, example: Example) -> float | None:
    return judge_answer(score, trajectory, example)


def score(prediction: str, answers: Sequence[str], *, question: str = "", tolerance: float = 0.01) -> float | None:
    """In [0, 1]; None where no accepted answer is a number.

    `tolerance` is relative and applies to single numbers; a year (four plain digits, 1000 to 2100) must be exact.
    """
    wanted = [allowed for answer in answers if (allowed := _allowed(answer, tolerance)) is not None]
    if not wanted:
        return None
    said = list(dict.fromkeys(read_quantities(prediction)))
    asked = {quantity.low * quantity.factor for quantity in read_quantities(question)}
    new = [quantity for quantity in said if quantity.low * quantity.factor not in asked] or said
    return float(any(_fits(quantity, allowed) for quantity in new for allowed in wanted)) / max(1, len(new))


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Where both ends of what is said must lie (one number is a range with equal ends)."""

    low: tuple[float, float]
    high: tuple[float, float]
    unit: str = ""
    factor: float = 1.0


def _allowed(answer: str, tolerance: float) -> _Allowed | None:
    """None where an accepted answer is not a number."""
    span = read_range(answer)
    if span is not None:
        return _Allowed((span.low, span.high), (span.low, span.high))
    stated = read_stated_quantity(answer)
    if stated is None:
        return None
    year = stated.plain and 1000 <= stated.low <= 2100
    (low, high) = ((end, 1e-9 if year else max(abs(end) * tolerance, 1e-9)) for end in (stated.low, stated.high))
    return _Allowed(
        (low[0] - low[1], low[0] + low[1]), (high[0] - high[1], high[0] + high[1]), stated.unit, stated.factor
    )


def _fits(said: Quantity, allowed: _Allowed) -> bool:
    if said.unit and allowed.unit and said.unit != allowed.unit:
        return False
    scale = said.factor / allowed.factor if said.unit and allowed.unit else 1.0
    low, high = said.low * scale, said.high * scale
    if allowed.low[0] <= low <= allowed.low[1] and allowed.high[0] <= high <= allowed.high[1]:
        return True
    overlap = min(high, allowed.high[1]) - max(low, allowed.low[0])
    union = max(high, allowed.high[1]) - min(low, allowed.low[0])
    return low < high and overlap > 0 and overlap / union >= 0.5
