"""Compares what a store has of each source with what its ledger says, since other hands than ours may write there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from r1router.kb.stores.store import Finding, Ledger, Row


def compare_with_ledger(
    rows: Iterable[Row], ledger: Ledger, *, described: Collection[int], files: Collection[str], repair: bool
) -> Iterator[Finding]:
    """What is wrong; with `repair`, a source that is not whole is to be read again by the next run.

    `rows`: source, about and image of each entry. `described`: ids of the sets of fields that there are. `files`: names
    of the pictures that there are.
    """
    held, apart, known = Counter[str](), set[str](), ledger.read()
    for row in rows:
        held[row["source"]] += 1
        if (row["about"] and row["about"] not in described) or (row["image"] and row["image"] not in files):
            apart.add(row["source"])
    apart &= known.keys()
    apart |= {source for source, taken in known.items() if taken.fingerprint and taken.entries != held[source]}
    if apart:
        if repair:
            ledger.put(replace(known[source], fingerprint="", entries=held[source]) for source in apart)
        more = f" (and {len(apart) - 1} more)" if len(apart) > 1 else ""
        yield Finding(f"{min(apart)}{more} is not whole; index it again", mended=repair)
