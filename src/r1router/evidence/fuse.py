"""Fuses several rankings of the same things by reciprocal rank (Cormack, Clarke and Büttcher, 2009).

An item scores `weight / (60 + rank)` in each ranking that has it, rank counted from 1; scores add up.
Only ranks count, so rankings with unlike scores (cosines, BM25) can be fused, within one knowledge base and
across several.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TypeVar

from r1router.types import Evidence

RANK_OFFSET = 60
"""The published constant: how little being first counts more than being second."""

SHARED = -0.5
"""The offset where rankings have weights: places are shared out as these are, by the method of Sainte-Laguë."""

T = TypeVar("T", bound=Hashable)


def fuse_by_rank(
    rankings: Sequence[Sequence[T]], weights: Sequence[float] | None = None, offsets: Sequence[float] | None = None
) -> list[tuple[T, float]]:
    """Each item once with its fused score, best first; ties keep the order of first appearance.

    `weights` and `offsets`: one for each ranking, 1 and the published 60 where not given. A small offset makes the
    first places of a ranking count far more than its later ones.
    """
    scores: dict[T, float] = {}
    weights, offsets = weights or [1.0] * len(rankings), offsets or [RANK_OFFSET] * len(rankings)
    for ranking, weight, offset in zip(rankings, weights, offsets, strict=True):
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + weight / (offset + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])


def fuse(rankings: Sequence[Sequence[Evidence]], k: int, weights: Sequence[float] | None = None) -> list[Evidence]:
    """The `k` best of all rankings, with the fused score; an entry is known by its knowledge base and id.

    Of entries with the same score, as the first ones of several knowledge bases have, the more similar comes first.
    `weights`: one for each ranking. With them the offset is `SHARED`, so that a ranking of half the weight has about
    half as many places; with the published one, a tenth more weight would come before all of the other ranking.
    """
    known = {(e.kb, e.id): e for ranking in reversed(rankings) for e in ranking}
    keys = [[(e.kb, e.id) for e in ranking] for ranking in rankings]
    scored = fuse_by_rank(keys, weights, [SHARED] * len(keys) if weights else None)
    fused = sorted(scored, key=lambda pair: (-pair[1], -(known[pair[0]].similarity or 0.0)))
    return [replace(known[key], score=score) for key, score in fused[:k]]
