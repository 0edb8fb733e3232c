"""Reads what a data set says in `Example.gold`: what has to be found, in which order, in how many hops.

`gold` is a mapping of which every part may be missing; the readers of `evals.datasets` write it so:

- `steps`: in order, each `{"sub_question", "kb", "answer", "evidence_ids", "alt_evidence_ids", "evidence_titles"}`;
  any one entry of a step's evidence is enough for it;
- `hops`: the same without sub-questions, where only the chain is known;
- `evidence_ids`, `evidence_titles`: what the whole question needs, all of it together;
- `n_hops`: how many, where there are no steps to count.

Ids are compared with `Evidence.record` (and `Evidence.id`), and with the file that the evidence is from, by its name or
its path as `r1router kb sources` shows it; titles with `Evidence.title`, but for case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from r1router.errors import InputError
from r1router.types import Evidence, Example

KINDS = ("text", "image", "table")


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
    if evidence.record in need.ids or evidence.id in need.ids or evidence.title.casefold() in need.titles:
        return True
    source = evidence.location.source if evidence.location else ""
    return bool(source) and (source in need.ids or source.rpartition("/")[2] in need.ids)


def read_routes(example: Example) -> tuple[str, ...]:
    """The knowledge base (or kind of one) that each gold step searches; empty where the data set does not say."""
    steps = (example.gold or {}).get("steps") or ()
    found = tuple(step.get("kb") or "" for step in steps)
    return found if all(found) else ()


def check_routes(examples: Iterable[Example], kinds: Mapping[str, str]) -> None:
    """Raises `InputError` where gold names a knowledge base that is neither among these (name → kind) nor a kind."""
    for example in examples:
        for route in read_routes(example):
            if route not in kinds and route not in KINDS:
                known = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
                raise InputError(
                    f"the gold of question {example.id!r} names the knowledge base {route!r}, which is not here; "
                    f"there are: {known}; a kind ({', '.join(KINDS)}) will do, too"
                )


def count_hops(example: Example) -> int | None:
    """How many searches the question needs; None where the data set does not say."""
    gold = example.gold or {}
    chain = gold.get("steps") or gold.get("hops")
    count = gold.get("n_hops") or (len(chain) if chain else None)
    return int(count) if count else None
