"""Spreads evidence over sources, because a third piece of one file adds less than a first piece of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from r1router.types import Evidence

EACH = 2
"""Pieces of one source that are taken before others."""
NEAR = 0.05
"""A piece of another source comes before a further one where its similarity, a cosine, is at most so much lower."""


def spread_sources(ranking: Sequence[Evidence], k: int) -> list[Evidence]:
    """The `k` best, at most two of one source as long as another source has one that is as near to the question.

    `ranking`: more than `k`, best first. Pieces without a similarity stay where they are.
    """
    left, taken = list(ranking), list[Evidence]()
    count: Counter[str] = Counter()
    while left and len(taken) < k:
        best = left[0]
        if count[_source(best)] >= EACH and best.similarity is not None:
            least = best.similarity - NEAR
            best = next(
                (e for e in left if count[_source(e)] < EACH and e.similarity is not None and e.similarity >= least),
                best,
            )
        left.remove(best)
        taken.append(best)
        count[_source(best)] += 1
    return taken


def _source(item: Evidence) -> str:
    return item.location.source if item.location else item.id
