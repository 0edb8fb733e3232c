"""Describes what entries hold, for the card of a knowledge base, or of the part of it that a filter lets through."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from r1router.kb import manifest as manifests
from r1router.kb.rows import read_block
from r1router.table import join_lines

SAMPLED = 10_000
"""Titles that are held in memory at most."""
_COLUMNS = 200
"""Names of columns of a table that are looked at: there is room for some ten."""


def describe_entries(
    kind: str,
    entries: Iterable[tuple[str, str, str]],
    read_first_blocks: Callable[[], Iterable[Mapping[str, Any]]],
) -> str:
    """How many records there are and their titles, in one line.

    `entries`: source, record and title of each entry, or of one of each record. `read_first_blocks`: reads the first
    entry of each table.
    """
    records, titles = array("q"), Titles()
    for source, record, title in entries:
        records.append(hash((source, record)))
        titles.add(title)
    listed = titles.list_sorted()
    is_short = kind == "table" and len(listed) <= manifests.LISTED
    columns = _list_columns(read_first_blocks()) if is_short else {}
    return manifests.describe(kind, len(np.unique(np.frombuffer(records, np.int64))), listed, columns)


class Titles:
    """All titles where there are few, else those of them that a checksum chooses, alike in every run."""

    def __init__(self) -> None:
        self._kept: set[str] = set()
        self._one_of = 1

    def add(self, title: str) -> None:
        if title and self._is_chosen(title):
            self._kept.add(title)
            while len(self._kept) > SAMPLED:
                self._one_of *= 2
                self._kept = set(filter(self._is_chosen, self._kept))

    def _is_chosen(self, title: str) -> bool:
        return zlib.crc32(title.encode("utf-8", "replace")) % self._one_of == 0

    def list_sorted(self) -> list[str]:
        return sorted(self._kept)


def _list_columns(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The columns of the tables under each title."""
    columns: dict[str, dict[str, None]] = {}
    for row in rows:
        block = read_block(row)
        if block is not None and len(block.header) > 1:
            names = columns.setdefault(row["title"], {})
            names.update(dict.fromkeys(map(join_lines, block.header[:_COLUMNS] if len(names) < _COLUMNS else ())))
    return {title: list(names) for title, names in columns.items()}
