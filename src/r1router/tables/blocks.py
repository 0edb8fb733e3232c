"""Joins the blocks of a table to the whole of it, because a query over a part would count wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from r1router.errors import KnowledgeBaseError
from r1router.table import TableBlock
from r1router.types import Evidence


def join_blocks(entries: Sequence[Evidence], id: str) -> TableBlock:
    """The whole table whose blocks these entries are, in order; `id` is what was asked for.

    Raises `KnowledgeBaseError` where it is no table, or a part of it is missing.
    """
    if not entries:
        raise KnowledgeBaseError(f"there is no table {id!r}")
    first, blocks = entries[0], [entry.table for entry in entries if entry.table is not None]
    if len(blocks) < len(entries):
        if first.location is None or first.location.rows is None:
            raise KnowledgeBaseError(f"{id!r} is no table")
        raise KnowledgeBaseError(
            f"the table {id!r} of {first.kb!r} was indexed before tables could be queried; to query it, index its file "
            f"again: {first.location.source}"
        )
    following = all(a.last_row + 1 == b.first_row for a, b in pairwise(blocks))
    if blocks[0].first_row != 1 or not following:
        raise KnowledgeBaseError(f"a part of the table {id!r} is missing; index its file again")
    return replace(blocks[0], rows=tuple(row for block in blocks for row in block.rows))
