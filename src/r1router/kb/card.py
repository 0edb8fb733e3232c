"""Describes what entries hold, for the card of a knowledge base, or of the part of it that a filter lets through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from r1router.kb import manifest as manifests
from r1router.kb.rows import read_block
from r1router.table import join_lines


def describe_entries(
    kind: str,
    entries: Iterable[tuple[str, str, str]],
    read_first_blocks: Callable[[], Iterable[Mapping[str, Any]]],
) -> str:
    """How many records there are and their titles, in one line.

    `entries`: source, record and title of each entry, or of one of each record. `read_first_blocks`: reads the first
    entry of each table.
    """
    title_of = {(source, record): title for source, record, title in entries}
    titles = sorted({title for title in title_of.values() if title})
    is_short = kind == "table" and len(titles) <= manifests.LISTED
    columns = _list_columns(read_first_blocks()) if is_short else {}
    return manifests.describe(kind, len(title_of), titles, columns)


def _list_columns(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The columns of the tables under each title."""
    columns: dict[str, list[str]] = {}
    for row in rows:
        block = read_block(row)
        if block is not None and len(block.header) > 1:
            columns.setdefault(row["title"], []).extend(map(join_lines, block.header))
    return {title: list(dict.fromkeys(names)) for title, names in columns.items()}
