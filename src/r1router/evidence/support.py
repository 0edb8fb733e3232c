"""Judges whether evidence supports an answer, because a small model answers whatever it is asked.

A logistic regression over a few features of question, answer and evidence. Its weights are numbers in a prompt set's
`support.toml`, fitted by `recipes/router/fit_support.py` on made folders, some of whose questions have no answer. Two
thresholds make three endings: supported, unsure, not found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from r1router.evidence.weights import read_weights
from r1router.evidence.words import measure_share, read_words, tell_language
from r1router.types import Ending, Evidence

FEATURES = ("doubt", "confidence", "similarity", "matched", "beside", "held", "side", "computed")


@dataclass(frozen=True, slots=True)
class Support:
    """The weight of each feature, and from which probability on an answer is given."""

    constant: float = 0.0
    doubt: float = 0.0
    """Of the log-odds of "unknown" in the answer's place, between -6 and 6."""
    confidence: float = 0.0
    """Of the natural logarithm of the answer's mean probability, at least -6."""
    similarity: float = 0.0
    """Of the highest cosine of the question to a piece of evidence."""
    matched: float = 0.0
    """Of the share of the question's words that one piece holds."""
    beside: float = 0.0
    """Of the share of the question's words that stand in one line with the answer."""
    held: float = 0.0
    """Where a piece holds the answer word for word."""
    side: float = 0.0
    """Where the answer is yes or no, which no piece holds."""
    computed: float = 0.0
    """Where a query over a whole table gave the answer."""
    strange: float = 0.0
    """Where the question names a thing by a code, "M4", and nothing that holds the answers of its steps does
    (`evidence.codes`). Set by hand: made folders have few such questions."""
    sure: float = 0.5
    """Answers that are supported with at least this probability are given as supported, …"""
    lost: float = 0.2
    """… those with less than this are not given at all, and those between as unsure."""
    cited: float = 0.0
    """An unsure answer with less than this cites no source: its piece is too seldom the one that says it."""


def read_support(folder: Path) -> Support | None:
    """The weights beside a prompt set; None where it has none. Raises `InputError` for what is no weight."""
    return read_weights(folder / "support.toml", Support)


def measure_support(
    question: str, answer: str, evidence: Sequence[Evidence], *, confidence: float | None, doubt: float | None
) -> Mapping[str, float]:
    """The value of each of `FEATURES`; 0 where something is not known."""
    language = tell_language(question)
    asked, said = frozenset(read_words(question, language)), " ".join(answer.casefold().split())
    held = beside = matched = 0.0
    for item in evidence:
        matched = max(matched, measure_share(asked, read_words(f"{item.title}\n{item.text}", language)))
        title = read_words(item.title, language)
        for line in item.text.split("\n"):
            if said and said in " ".join(line.casefold().split()):
                held = 1.0
                beside = max(beside, measure_share(asked, [*title, *read_words(line, language)]))
    return {
        "doubt": 0.0 if doubt is None else _log_odds(doubt),
        "confidence": 0.0 if confidence is None else max(-6.0, math.log(max(confidence, 1e-9))),
        "similarity": max((item.similarity or 0.0 for item in evidence), default=0.0),
        "matched": matched,
        "beside": beside,
        "held": held,
        "side": float(said in ("yes", "no")),
        "computed": float(bool(evidence) and evidence[0].result is not None),
    }


def judge(support: Support, told: Mapping[str, float], *, strange: bool = False) -> tuple[float, Ending]:
    """(probability that the answer is supported, how it ends). `strange`: it is of a thing with another code."""
    score = support.constant + sum(getattr(support, name) * told[name] for name in FEATURES)
    score += support.strange * strange
    probability = 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
    if probability >= support.sure:
        return probability, "supported"
    return probability, "unsure" if probability >= support.lost else "not_found"


def _log_odds(probability: float) -> float:
    inside = min(max(probability, 0.0025), 0.9975)
    return math.log(inside / (1 - inside))
