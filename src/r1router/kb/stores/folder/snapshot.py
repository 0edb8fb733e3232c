"""Opens one version of a LanceDB table for searching: its vectors in memory, its rows and words on disk.

The scan over vectors is exact: one matrix product for all queries of a call. At 100,000 x 384 that takes a
tenth of what the store's own scan takes for one query, and no index that needs training or loses recall.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from r1router.filters.tree import Filter
from r1router.kb.products import Vectors, multiply
from r1router.kb.rows import TERMS
from r1router.kb.stores.folder.allowed import AllowedRows, find_allowed
from r1router.kb.stores.folder.described import describe_table
from r1router.kb.stores.folder.table import find_spaces, list_stored_columns, write_all_phrases, write_any_of

AT_ONCE = 1 << 24
"""Scores held in memory at once, 64 MB."""
TIMEOUT = timedelta(seconds=60)
"""Of one full-text query, which takes milliseconds: it waits for threads of the store, and never for good."""


REMEMBERED = 32
"""Filters whose entries are kept with a version: 9 bytes an entry each, at most."""
DEEPER = 2.0
"""How many more entries a ranking is read for than a filter would let through if it cut all parts of it alike."""


COPIED = 0.2
"""Share of the vectors below which those that a filter lets through are copied and compared; else all are compared."""


class FolderSnapshot:
    """A table at one version. Safe to search from several threads; never changes."""

    def __init__(self, table: Any, folder: Path) -> None:
        """`table`: a handle of its own, which stays at the version that it was opened at. `folder`: where it is in."""
        started = time.perf_counter()
        self.version: int = table.version
        self._table, self._folder = table, folder
        self._allowed: OrderedDict[Filter, AllowedRows] = OrderedDict()
        self._finding = Lock()
        self._entries: int = table.count_rows()
        self._row_ids, self._vectors = _load(table, self._entries)
        self._by_id = {space: np.argsort(ids) for space, ids in self._row_ids.items()}
        self.seconds_to_load = time.perf_counter() - started

    def __len__(self) -> int:
        return self._entries

    def width(self, space: str) -> int:
        """Numbers in a vector of that space; 0 where none is stored."""
        vectors = self._vectors[space]
        return vectors.shape[1] if len(vectors) else 0

    def allow(self, tree: Filter) -> AllowedRows:
        """The entries that a filter lets through. Raises `InputError` where they were never described."""
        with self._finding:  # who asks for the same waits for it
            found = self._allowed.get(tree)
            if found is None:
                found = self._allowed[tree] = find_allowed(self._table, self._folder, tree, self._row_ids)
            self._allowed.move_to_end(tree)
            while len(self._allowed) > REMEMBERED:
                self._allowed.popitem(last=False)
            return found

    def nearest(self, space: str, queries: Vectors, k: int, tree: Filter | None = None) -> list[list[int]]:
        """One matrix product, of all vectors or of those that the filter lets through."""
        vectors, row_ids = self._vectors[space], self._row_ids[space]
        places = None if tree is None else self.allow(tree).places[space]
        if places is not None:
            row_ids = row_ids[places]
            if len(places) < COPIED * len(vectors):
                vectors, places = vectors[places], None
        if not len(row_ids):
            return [[] for _ in queries]
        step = max(1, AT_ONCE // len(vectors))
        best: list[list[int]] = []
        for start in range(0, len(queries), step):
            scores = multiply(queries[start : start + step], vectors)
            scores = scores if places is None else scores[:, places]
            best += [row_ids[find_top_positions(row, k)].tolist() for row in scores]
        return best

    def similarities(self, space: str, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[float | None]:
        """The dot product of one query vector with the vector of each of these rows; None for those without one."""
        known, order, asked = self._row_ids[space], self._by_id[space], np.asarray(row_ids, np.uint64)
        places = order[np.searchsorted(known, asked, sorter=order).clip(max=len(known) - 1)]
        products = multiply(query[np.newaxis], self._vectors[space][places])[0]
        there = (known[places] == asked).tolist()
        return [product if found else None for product, found in zip(products.tolist(), there, strict=True)]

    def matching(self, terms: str, phrases: Sequence[str], k: int, tree: Filter | None = None) -> list[int]:
        """Rows that are not yet in the index are scored too."""
        if not len(self):
            return []
        allowed = None if tree is None else self.allow(tree)
        if TERMS not in self._table.schema.names:  # made before there were terms, and not written to since
            return self._ranked(write_any_of(terms, column="text"), k, allowed)
        first = self._ranked(write_all_phrases(phrases, terms), k, allowed) if phrases else []
        return list(dict.fromkeys(first + self._ranked(write_any_of(terms), k, allowed)))[:k]

    def _ranked(self, query: Any, k: int, allowed: AllowedRows | None) -> list[int]:
        """The best `k` that are allowed: by the store where few sources are, else by reading on until there are `k`."""
        if allowed is None:
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
        search = self._table.search(query, query_type="fts").with_row_id(True)
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

    def rows(self, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The stored columns by row id. Raises `LookupError` where this version is no longer on disk."""
        if not row_ids:
            return {}
        found = (
            self._table.take_row_ids(list(row_ids))
            .select(list_stored_columns(self._table))
            .with_row_id()
            .to_arrow()
            .to_pylist()
        )
        rows = {row["_rowid"]: row for row in found}
        if len(rows) < len(row_ids):
            raise LookupError(f"version {self.version} is gone")
        return rows


def find_top_positions(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Positions of the `k` highest scores, best first; of equal ones the earlier."""
    top = np.argpartition(scores, -k)[-k:] if k < len(scores) else np.arange(len(scores))
    best: NDArray[np.intp] = top[np.lexsort((top, -scores[top]))]
    return best


def _load(table: Any, entries: int) -> tuple[dict[str, NDArray[np.uint64]], dict[str, Vectors]]:
    """Row ids and one matrix for each vector column, filled batch by batch so that nothing is held twice.

    An entry without a vector is in none of them.
    """
    dims = {space: table.schema.field(space).type.list_size for space in find_spaces(table)}
    row_ids = {space: np.empty(entries, np.uint64) for space in dims}
    vectors = {space: np.empty((entries, dim), np.float32) for space, dim in dims.items()}
    done = dict.fromkeys(dims, 0)
    for batch in table.search().select(list(dims)).with_row_id(True).to_batches():
        ids = batch.column("_rowid").to_numpy()
        for space, dim in dims.items():
            column = batch.column(space)
            found = ids[column.is_valid().to_numpy(zero_copy_only=False)]
            start, end = done[space], done[space] + len(found)
            row_ids[space][start:end] = found
            vectors[space][start:end] = column.flatten().to_numpy().reshape(-1, dim)  # what is null is left out
            done[space] = end
    return (
        {space: ids[: done[space]] for space, ids in row_ids.items()},
        {space: matrix[: done[space]] for space, matrix in vectors.items()},
    )
