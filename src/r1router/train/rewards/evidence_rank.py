"""Rewards a plan by the rank at which its search found what is needed, because graded rewards seldom tie.

Evidence that comes first is read first, and whole; below, it may be cut off. Right stops are rewarded too, so that a
policy is not drawn to search on for ever. (Graded evidence rewards: StepSearch, arXiv 2505.15107.)
"""

from __future__ import annotations

from collections.abc import Sequence

from r1router.parse import NO_ROUTE
from r1router.train.rewards._outcomes import Outcome
from r1router.train.rewards.evidence import says
from r1router.train.steps.step_file import is_gold_evidence, is_known
from r1router.types import Step


def evidence_rank(
    outcomes: Sequence[Outcome],
    *,
    by_answer: bool = True,
    shortest: int = 4,
    step: float = 0.05,
    read: float = 0.5,
    further: float = 0.3,
) -> list[float | None]:
    """Plans whose search was made and of which it is known what is needed. In [0, 1].

    1 for gold evidence at the first rank, `step` less for each rank below; `further` where it comes after the pieces
    that the method reads, as far as they were searched for (`--reach`). Where only the accepted answer stands in the
    evidence (`by_answer`, of at least `shortest` characters), `read` of that. Where a stop is right, 1 for it.
    """
    return [_score(outcome, by_answer, shortest, step, read, further) for outcome in outcomes]


def _score(outcome: Outcome, by_answer: bool, shortest: int, step: float, read: float, further: float) -> float | None:
    gold, said = outcome.step.gold, outcome.said
    if outcome.step.kind != "plan":
        return None
    if gold.route == NO_ROUTE:
        return float(isinstance(said, Step) and said.sub_question is None)
    answers = tuple(answer for answer in gold.answers if by_answer and len(answer) >= shortest)
    if outcome.evidence is None or not (is_known(gold) or answers):
        return None
    worth = [0.0]
    shares = [max(0.0, 1.0 - step * rank) for rank in range(len(outcome.evidence))] + [further] * len(outcome.further)
    for piece, share in zip((*outcome.evidence, *outcome.further), shares, strict=True):
        if is_gold_evidence(gold, piece):
            worth.append(share)
        elif says(piece, answers):
            worth.append(share * read)
    return max(worth)
