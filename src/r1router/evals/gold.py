"""Reads what a data set says in `Example.gold`: what has to be found, in which order, in how many hops.

`gold` is a mapping of which every part may be missing; the readers of `evals.datasets` write it so:

- `steps`: in order, each `{"sub_question", "kb", "answer", "evidence_ids", "alt_evidence_ids", "evidence_titles"}`;
  any one entry of a step's evidence is enough for it;
- `hops`: the same without sub-questions, where only the chain is known;
- `evidence_ids`, `evidence_titles`: what the whole question needs, all of it together;
- `n_hops`: how many, where there are no steps to count.

Ids are compared with `Evidence.record` (and `Evidence.id`), titles with `Evidence.title`, but for case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from r1router.types import Evidence, Example


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that has to be found; any one of its ids or titles will do."""

    ids: frozenset[str] = frozenset()
    titles: frozenset[str] = frozenset()


def list_needs(example: Example) -> tuple[Need, ...]:
    """What has to be found to answer, in order; empty where the data set does not say."""
    gold = example.gold or {}
    chain = [wanted for part in gold.get("steps") or gold.get("hops") or () if (wanted := read_need(part))]
    if chain:
        return tuple(chain)
    ids = [Need(ids=frozenset([str(record)])) for record in gold.get("evidence_ids") or ()]
    return (*ids, *(Need(titles=frozenset([title.casefold()])) for title in gold.get("evidence_titles") or ()))


def read_need(part: Mapping[str, Any]) -> Need | None:
    """What one step or hop has to find; None where the data set does not say."""
    ids = frozenset(map(str, (*(part.get("evidence_ids") or ()), *(part.get("alt_evidence_ids") or ()))))
    titles = frozenset(title.casefold() for title in part.get("evidence_titles") or ())
    return Need(ids, titles) if ids or titles else None


def meets(need: Need, evidence: Evidence) -> bool:
    return evidence.record in need.ids or evidence.id in need.ids or evidence.title.casefold() in need.titles


def read_routes(example: Example) -> tuple[str, ...]:
    """The knowledge base (or kind of one) that each gold step searches; empty where the data set does not say."""
    steps = (example.gold or {}).get("steps") or ()
    found = tuple(step.get("kb") or "" for step in steps)
    return found if all(found) else ()


def count_hops(example: Example) -> int | None:
    """How many searches the question needs; None where the data set does not say."""
    gold = example.gold or {}
    chain = gold.get("steps") or gold.get("hops")
    count = gold.get("n_hops") or (len(chain) if chain else None)
    return int(count) if count else None
