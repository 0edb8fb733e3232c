"""Blocks of a table to the whole of it: which row has the largest number is not to be told from a part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from r1router.types import Evidence

BLOCKS = 6
"""A table of more blocks (some 600 characters each) stays as it was found; nine of ten have no more."""

Rows = list[dict[str, Any]]


def whole_tables(hits: Sequence[Evidence], of_records: Callable[[Sequence[str]], Rows]) -> list[Evidence]:
    """The hits, in order, each block of a table replaced by its table; a table comes once, at its best block's place.

    `of_records` gives the stored columns of every entry of some records.
    """
    blocks = [hit.record for hit in hits if hit.record and hit.location and hit.location.rows]
    parts: dict[str, Rows] = defaultdict(list)
    for row in of_records(sorted(set(blocks))) if blocks else []:
        if row["first_row"] is not None:
            parts[row["record"]].append(row)
    shown: set[str] = set()
    whole = []
    for hit in hits:
        of = parts.get(hit.record or "", [])
        if not 1 < len(of) <= BLOCKS:
            whole.append(hit)
        elif hit.record not in shown:
            shown.add(hit.record or "")
            whole.append(_joined(hit, sorted(of, key=lambda row: row["first_row"])))
    return whole


def _joined(hit: Evidence, blocks: Rows) -> Evidence:
    """Every block repeats what stands above its rows; a row is a line."""
    lines = [block["text"].split("\n") for block in blocks]
    above = len(lines[0]) - (blocks[0]["last_row"] - blocks[0]["first_row"] + 1)
    text = "\n".join([*lines[0][:above], *(row for block in lines for row in block[above:])])
    assert hit.location is not None
    location = replace(hit.location, rows=(blocks[0]["first_row"], blocks[-1]["last_row"]))
    return replace(hit, text=text, location=location)
