"""Describes what entries hold, for the card of a knowledge base, or of the part of it that a filter lets through."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from r1router.kb import manifest as manifests
from r1router.kb.table import ABOUT, CELLS, read_block
from r1router.table import join_lines
from r1router.types import Kind


def describe_entries(table: Any, kind: Kind, about: Collection[int] | None = None) -> str:
    """How many records there are and their titles, in one line. `about`: of entries whose sources these are."""
    wanted = ["source", "record", "title", *([ABOUT] if about is not None else [])]
    found = table.search().select(wanted).to_arrow()
    seen = [about is None or id_ in about for id_ in found[ABOUT].to_pylist()] if about is not None else None
    rows = zip(found["source"].to_pylist(), found["record"].to_pylist(), found["title"].to_pylist(), strict=True)
    title_of = {(source, record): title for n, (source, record, title) in enumerate(rows) if seen is None or seen[n]}
    titles = sorted({title for title in title_of.values() if title})
    columns = _list_columns(table, about) if kind == "table" and len(titles) <= manifests.LISTED else {}
    return manifests.describe(kind, len(title_of), titles, columns)


def _list_columns(table: Any, about: Collection[int] | None) -> dict[str, list[str]]:
    """The columns of the tables under each title, by the first block of each table."""
    wanted = ["title", "section", "first_row", CELLS, *([ABOUT] if about is not None else [])]
    first = table.search().where("first_row = 1").select(wanted).to_arrow()
    columns: dict[str, list[str]] = {}
    for row in first.to_pylist():
        block = read_block(row) if about is None or row[ABOUT] in about else None
        if block is not None and len(block.header) > 1:
            columns.setdefault(row["title"], []).extend(map(join_lines, block.header))
    return {title: list(dict.fromkeys(names)) for title, names in columns.items()}
