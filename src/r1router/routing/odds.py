"""Fuses what the policy says of the routes with what a look has seen, because either alone is wrong too often.

A conditional logit (McFadden, 1974): each knowledge base has a score, a weighted sum of a few features; the
probability of a route is the softmax of the scores. The features say how near the best entry is, how many of the
question's words it holds, both beside the other knowledge bases, and what the policy's label probability is. The
weights are numbers in a prompt set's `odds.toml`, fitted by `recipes/router/fit_odds.py` on made folders.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from r1router.evidence.weights import read_weights
from r1router.parse import NO_ROUTE
from r1router.types import Card, Sight

NAMED = 0.85
"""The probability of the label that a policy writes, where its backend tells none."""
LEAST = 1e-4
"""The least probability that is believed of a label, so that a look can still outvote it."""


@dataclass(frozen=True, slots=True)
class Odds:
    """The weight of each feature; the defaults were fitted without a policy and serve any."""

    similarity: float = 12.0
    """Of the similarity's distance from the highest of all knowledge bases, a cosine."""
    matched: float = 2.0
    """Of the share of matched words, less the highest share of all."""
    policy: float = 0.35
    """Of the natural logarithm of the policy's probability for the label."""
    image: float = 0.0
    """Added for knowledge bases of pictures, whose short captions are nearer or farther than text of the same worth."""
    table: float = 0.0
    """Added for knowledge bases of tables."""
    pictured: float = 1.0
    """Added for knowledge bases of pictures where the question comes with one that was not searched with yet."""
    later: float = 0.0
    """Added to the policy's weight after the first step: what was near the question is near again, and the policy knows
    what is missing."""
    again: float = -1.8
    """Added for knowledge bases of which an earlier step has found the nearest entry: it is near since the question is
    the same, and what is missing is elsewhere."""


def read_odds(folder: Path) -> Odds:
    """The weights beside a prompt set; the defaults where it has none. Raises `InputError` for what is no weight."""
    return read_weights(folder / "odds.toml", Odds) or Odds()


def estimate_probabilities(named: str, names: Collection[str]) -> dict[str, float]:
    """What a policy that only names a route is taken to think of all of these."""
    rest = (1.0 - NAMED) / max(1, len(names) - 1)
    return {name: NAMED if name == named else rest for name in names}


def measure_features(
    sights: Sequence[Sight],
    cards: Mapping[str, Card],
    probabilities: Mapping[str, float],
    *,
    picture: bool = False,
    later: bool = False,
) -> dict[str, dict[str, float]]:
    """By knowledge base, the value of each feature that `Odds` has a weight for.

    `picture`: the question has one that no step has searched with. `later`: the plan is not the first."""
    nearest = max((s.similarity for s in sights), default=0.0)
    most = max((s.matched for s in sights), default=0.0)
    told = sum(probabilities.get(s.kb, 0.0) for s in sights)
    named = {s.kb: math.log(max(probabilities.get(s.kb, 0.0) / told, LEAST)) if told > 0 else 0.0 for s in sights}
    return {
        s.kb: {
            "similarity": s.similarity - nearest,
            "matched": s.matched - most,
            "policy": named[s.kb],
            "later": named[s.kb] if later else 0.0,
            "image": float(cards[s.kb].kind == "image"),
            "table": float(cards[s.kb].kind == "table"),
            "pictured": float(picture and cards[s.kb].kind == "image"),
            "again": float(s.again),
        }
        for s in sights
    }


def fuse_odds(
    odds: Odds,
    sights: Sequence[Sight],
    cards: Mapping[str, Card],
    probabilities: Mapping[str, float],
    *,
    picture: bool = False,
    later: bool = False,
) -> dict[str, float]:
    """The probability of each knowledge base, highest first, with what the policy gives to stopping left as it is.

    A knowledge base in which nothing was seen gets 0; where nothing was seen in any, the policy's stay as they are.
    `probabilities`: the policy's, by name; may be empty.
    """
    seen = [s for s in sights if s.line]
    if not seen:
        return dict(probabilities)
    scores = {
        name: sum(getattr(odds, feature) * value for feature, value in told.items())
        for name, told in measure_features(seen, cards, probabilities, picture=picture, later=later).items()
    }
    highest = max(scores.values())
    shares = {name: math.exp(score - highest) for name, score in scores.items()}
    total, goes_on = sum(shares.values()), 1.0 - probabilities.get(NO_ROUTE, 0.0)
    fused = {s.kb: goes_on * shares.get(s.kb, 0.0) / total for s in sights}
    ordered = dict(sorted(fused.items(), key=lambda pair: -pair[1]))
    return ordered | {name: p for name, p in probabilities.items() if name == NO_ROUTE}
