"""Rewards a query over a table, or an answer read from it: it runs, it gives the accepted answer, it is short."""

from __future__ import annotations

from collections.abc import Sequence

from r1router.evals.metrics import exact_match, numeric
from r1router.train.rewards._computed import run_query
from r1router.train.rewards._outcomes import Outcome
from r1router.types import Answer, TableQuery


def query(outcomes: Sequence[Outcome], *, runs: float = 0.2, char: float = 0.0005) -> list[float | None]:
    """Steps that may query a table, with accepted answers. In [0, 1].

    A query that runs is worth `runs`, one that gives an accepted answer 1, and so is that answer read. Each character
    of a query costs `char`, so that of two right ones the shorter is better; what is right stays above what is not.
    """
    return [_score(outcome, runs, char) for outcome in outcomes]


def _score(outcome: Outcome, runs: float, char: float) -> float | None:
    step, said = outcome.step, outcome.said
    if step.kind != "query" or not step.gold.answers:
        return None
    if isinstance(said, Answer):
        return float(is_right(said.text, step.gold.answers))
    if not isinstance(said, TableQuery):
        return 0.0
    given = run_query(step, said.sql)
    if given is None:
        return 0.0
    worth = 1.0 if given and is_right(given, step.gold.answers) else runs
    return worth - min(char * len(said.sql), (1 - runs) / 2 if worth == 1.0 else runs / 2)


def is_right(said: str, answers: Sequence[str]) -> bool:
    """Whether this is an accepted answer: the same words, the same number within 1 %, or the same list in any order."""
    if exact_match.score(said, answers) or numeric.score(said, answers) == 1.0:
        return True
    parts = _parts(said)
    return len(parts) > 1 and any(parts == _parts(answer) for answer in answers)


def _parts(text: str) -> list[str]:
    return sorted(part.strip().casefold() for part in text.replace(";", ",").split(",") if part.strip())
