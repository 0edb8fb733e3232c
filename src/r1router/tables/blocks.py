"""Joins the blocks of a table to the whole of it, because a query over a part would count wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from r1router.errors import KnowledgeBaseError
from r1router.table import TableBlock


def join_blocks(blocks: Sequence[TableBlock | None], name: str, is_table: bool = True) -> TableBlock:
    """The whole table of which these are the blocks, in order; None for one that was stored before cells were kept.

    `name`: what errors call it. Raises `KnowledgeBaseError` where it is no table, or a part of it is missing.
    """
    there = [block for block in blocks if block is not None]
    if not blocks or not is_table:
        raise KnowledgeBaseError(f"{name} is no table")
    if len(there) < len(blocks):
        raise KnowledgeBaseError(
            f"{name} was indexed before tables could be queried; to query it, index its file again"
        )
    if there[0].first_row != 1 or not all(a.last_row + 1 == b.first_row for a, b in pairwise(there)):
        raise KnowledgeBaseError(f"a part of {name} is missing; index its file again")
    return replace(there[0], rows=tuple(row for block in there for row in block.rows))
