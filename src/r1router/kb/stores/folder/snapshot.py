"""Opens one version of a LanceDB table for searching: its rows and words on disk, its vectors there or in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from r1router.filters.tree import Filter
from r1router.kb.products import Vectors
from r1router.kb.rows import STORED, TERMS
from r1router.kb.stores.folder.allowed import DEEPER, AllowedRows, find_allowed
from r1router.kb.stores.folder.described import describe_table
from r1router.kb.stores.folder.home import Home
from r1router.kb.stores.folder.memory_limit import NUMBER
from r1router.kb.stores.folder.table import find_spaces, search_words, write_all_phrases, write_any_of
from r1router.kb.stores.folder.vector_index import estimate_vectors, read_measured
from r1router.kb.stores.folder.vectors import ALL, StoredVectors, VectorsOnDisk, load_vectors

TIMEOUT = timedelta(seconds=60)
"""Of one full-text query, which takes milliseconds: it waits for threads of the store, and never for good."""
REMEMBERED = 32
"""Filters whose entries are kept with a version."""
REMEMBERED_BYTES = 64 << 20
"""What they may take together; one is kept in any case."""


class FolderSnapshot:
    """A table at one version. Safe to search from several threads; never changes."""

    def __init__(self, table: Any, home: Home, *, limit: int) -> None:
        """`table`: a handle of its own, which stays at the version that it was opened at. `home`: where it is.

        `limit`: vectors that need more bytes stay on disk.
        """
        started = time.perf_counter()
        self.version: int = table.version
        self._table, self._home = table, home
        self._columns = frozenset(table.schema.names)  # asked for once, since asking takes a fifth of a search
        self._allowed: OrderedDict[Filter, AllowedRows] = OrderedDict()
        self._finding = Lock()
        self._entries: int = table.count_rows()
        self._vectors = _open_vectors(table, home, self._entries, limit)
        self.seconds_to_load = time.perf_counter() - started

    def __len__(self) -> int:
        return self._entries

    def measure_width(self, space: str) -> int:
        """Numbers in a vector of that space; 0 where none is stored."""
        return self._vectors[space].dim

    def allow(self, tree: Filter) -> AllowedRows:
        """The entries that a filter lets through. Raises `InputError` where they were never described."""
        with self._finding:  # who asks for the same waits for it
            found = self._allowed.get(tree)
            if found is None:
                found = self._allowed[tree] = find_allowed(self._table, self._home, tree)
            self._allowed.move_to_end(tree)
            while len(self._allowed) > 1 and (
                len(self._allowed) > REMEMBERED or sum(a.size for a in self._allowed.values()) > REMEMBERED_BYTES
            ):
                self._allowed.popitem(last=False)
            return found

    def find_nearest(self, space: str, queries: Vectors, k: int, tree: Filter | None = None) -> list[list[int]]:
        return self._vectors[space].find_nearest(queries, k, None if tree is None else self.allow(tree))

    def compare(self, space: str, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[float | None]:
        return self._vectors[space].compare(query, row_ids)

    def find_matching(self, terms: str, phrases: Sequence[str], k: int, tree: Filter | None = None) -> list[int]:
        """Rows that are not yet in the index are scored too."""
        if not len(self):
            return []
        allowed = None if tree is None else self.allow(tree)
        if TERMS not in self._columns:  # made before there were terms, and not written to since
            return self._ranked(write_any_of(terms, column="text"), k, allowed)
        first = self._ranked(write_all_phrases(phrases, terms), k, allowed) if phrases else []
        return list(dict.fromkeys(first + self._ranked(write_any_of(terms), k, allowed)))[:k]

    def _ranked(self, query: Any, k: int, allowed: AllowedRows | None) -> list[int]:
        """The best `k` that are allowed: by the store where few sources are, else by reading on until there are `k`."""
        if allowed is None or len(allowed) == len(self):
            return self._rank(query, k, "")
        if not len(allowed):
            return []
        if allowed.condition:
            return self._rank(query, k, allowed.condition)
        most = max(k, int(DEEPER * k * len(self) / len(allowed)))
        while True:
            found = self._rank(query, most, "")
            kept = allowed.keep(found)
            if len(kept) >= k or len(found) < most:
                return kept[:k]
            most *= 4

    def _rank(self, query: Any, most: int, condition: str) -> list[int]:
        search = search_words(self._table, query).with_row_id(True)
        if condition:
            search = search.where(condition, prefilter=True)
        found = (
            search.select(["_rowid", "_score"])  # a stored column more would double the work
            .limit(most)
            .to_arrow(timeout=TIMEOUT)
        )
        ids: list[int] = found["_rowid"].to_pylist()
        return ids

    def describe(self, kind: str, tree: Filter) -> str:
        allowed = self.allow(tree)
        if not allowed.holds:
            allowed.holds = describe_table(self._table, kind, allowed.ids)
        return allowed.holds

    def read_rows(self, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The stored columns by row id. Raises `LookupError` where this version is no longer on disk."""
        if not row_ids:
            return {}
        found = (
            self._table.take_row_ids(list(row_ids))
            .select([name for name in STORED if name in self._columns])
            .with_row_id()
            .to_arrow()
            .to_pylist()
        )
        rows = {row["_rowid"]: row for row in found}
        if len(rows) < len(row_ids):
            raise LookupError(f"version {self.version} is gone")
        return rows


def _open_vectors(table: Any, home: Home, entries: int, limit: int) -> dict[str, StoredVectors]:
    """By vector column: in memory where all of them need no more than `limit`, else on disk."""
    measured, opened = read_measured(home), dict[str, StoredVectors]()
    for space in find_spaces(table):
        known = measured.get(space)
        most = estimate_vectors(known, entries)
        if most * table.schema.field(space).type.list_size * NUMBER <= limit:
            opened[space] = load_vectors(table, space, entries)
        else:
            opened[space] = VectorsOnDisk(table, space, parts=known.parts if known else ALL)
    return opened
