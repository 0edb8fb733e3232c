"""Scores evidence recall: the share of the gold evidence that a trajectory found.

*dataset:* those that name gold evidence (our jsonl, OTT-QA, HotpotQA, 2WikiMultiHopQA, MuSiQue, …). *metric:*
recall at k over a question's needs. *pattern:* a step of the gold chain is met by any one of its entries; gold
without a chain is met entry by entry.

`k` counts within one step and one knowledge base: an entry at rank 3 of any search of the trajectory counts for
recall at 3 and above. A trajectory that searched nothing found nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from r1router.evals.gold import list_needs, meets
from r1router.types import Evidence, Example, Trajectory

KS = (1, 5, 10)


def evidence_recall(trajectory: Trajectory, example: Example) -> dict[str, float] | None:
    """`evidence_recall@1`, `@5`, `@10`; `evidence_recall` over all that was seen; `evidence_complete`, 0 or 1."""
    wanted = list_needs(example)
    if not wanted:
        return None
    ranked = list(_ranked(trajectory))
    best = [min((rank for rank, found in ranked if meets(need, found)), default=None) for need in wanted]
    met = [rank for rank in best if rank is not None]
    scores = {f"evidence_recall@{k}": sum(rank <= k for rank in met) / len(wanted) for k in KS}
    return scores | {
        "evidence_recall": len(met) / len(wanted),
        "evidence_complete": float(len(met) == len(wanted)),
    }


def _ranked(trajectory: Trajectory) -> Iterator[tuple[int, Evidence]]:
    """Every piece of evidence with its 1-based rank among those that one step got from one knowledge base."""
    for step in trajectory.steps:
        seen: Counter[str] = Counter()
        for evidence in step.evidence:
            seen[evidence.kb] += 1
            yield seen[evidence.kb], evidence
