"""Blocks of a table to the whole of it: which row has the largest number is not to be told from a part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from r1router.kb.table import above_and_rows
from r1router.types import Evidence

BLOCKS = 6
"""A table of more blocks (of some 600 characters each) stays as it was found."""

Row = Mapping[str, Any]
"""The stored columns of one entry."""


def ids_of_blocks(hits: Iterable[Evidence]) -> list[str]:
    """The ids that the blocks of these hits' tables have, and of one block too many."""
    tables = {_table(hit) for hit in hits} - {""}
    return [f"{table}#{number}" for table in sorted(tables) for number in range(BLOCKS + 1)]


def whole_tables(hits: Sequence[Evidence], rows: Mapping[str, Row]) -> list[Evidence]:
    """The hits, in order, each block of a table replaced by its table; a table comes once, at its best block's place.

    `rows`: what is stored under the ids that `ids_of_blocks` gives, by id.
    """
    whole: dict[str, Evidence] = {}
    for hit in hits:
        table = _table(hit)
        blocks = [rows[id] for number in range(BLOCKS + 1) if (id := f"{table}#{number}") in rows]
        following = all(a["last_row"] is not None and a["last_row"] + 1 == b["first_row"] for a, b in pairwise(blocks))
        if table and 1 < len(blocks) <= BLOCKS and following:
            whole.setdefault(table, _joined(hit, blocks))
        else:
            whole[hit.id] = hit
    return list(whole.values())


def _table(hit: Evidence) -> str:
    """What the ids of a table's blocks start with; empty for what is no block of a table."""
    return hit.id.rpartition("#")[0] if hit.location and hit.location.rows else ""


def _joined(hit: Evidence, blocks: Sequence[Row]) -> Evidence:
    """Every block repeats what stands above its rows; a row is a line."""
    first, last = blocks[0], blocks[-1]
    above, _ = above_and_rows(first)
    text = "\n".join([*above, *(row for block in blocks for row in above_and_rows(block)[1])])
    assert hit.location is not None
    location = replace(hit.location, rows=(first["first_row"], last["last_row"]))
    return replace(hit, id=first["id"], text=text, location=location)
