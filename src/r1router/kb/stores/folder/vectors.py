"""Compares queries with the vectors of one version of a folder: exactly in memory, or on disk by an approximate index.

In memory it is one matrix product for all queries of a call. At 100,000 x 384 that takes a tenth of what the store's
own scan takes for one query. Vectors that need more than the limit stay on disk: an index of codes of a bit a number
proposes entries, and those are compared exactly. Rows that are not in the index yet are all compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from r1router.kb.products import Vectors, estimate, multiply_rows
from r1router.kb.stores.folder.allowed import DEEPER, AllowedRows

AT_ONCE = 1 << 24
"""Scores held in memory at once, 64 MB."""
EQUAL = 1e-5
"""Products that differ by less may be one: their last digits depend on how many are multiplied at once."""
COPIED = 0.2
"""Share of the vectors below which those that a filter lets through are copied and compared; else all are compared."""
REFINED = 4
"""How many more entries the index proposes than are wanted, for the exact comparison."""
ALL = 1 << 20
"""More parts than any index has."""
COMPARED = 20_000
"""Entries up to which all that a filter lets through are read from disk and compared: some 50 ms."""
TAKEN = 4_000
"""The same where the filter cannot be said to the store in a condition, so that each is looked up by its row id."""


class StoredVectors(Protocol):
    """Those of one column of one version. Several threads may use them at once."""

    @property
    def dim(self) -> int:
        """Numbers in a vector; 0 where there is none."""
        ...

    def find_nearest(self, queries: Vectors, k: int, allowed: AllowedRows | None) -> list[list[int]]:
        """Row ids of the `k` highest dot products for each query, best first; of those that are allowed."""
        ...

    def compare(self, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[float | None]:
        """The dot product with the vector of each of these rows; None for those without one."""
        ...


class VectorsInMemory:
    """What `StoredVectors` says, of a matrix."""

    def __init__(self, space: str, row_ids: NDArray[np.uint64], vectors: Vectors) -> None:
        self._space, self._row_ids, self._vectors = space, row_ids, vectors
        self._by_id = np.argsort(row_ids)

    @property
    def dim(self) -> int:
        return self._vectors.shape[1] if len(self._vectors) else 0

    def find_nearest(self, queries: Vectors, k: int, allowed: AllowedRows | None) -> list[list[int]]:
        vectors, row_ids, places = self._vectors, self._row_ids, None
        if allowed is not None:
            places = allowed.places.get(self._space)
            if places is None:
                places = allowed.places[self._space] = np.flatnonzero(np.isin(row_ids, allowed.row_ids))
            row_ids = row_ids[places]
            if len(places) < COPIED * len(vectors):
                vectors, places = vectors[places], None
        if not len(row_ids):
            return [[] for _ in queries]
        step = max(1, AT_ONCE // len(vectors))
        best: list[list[int]] = []
        for start in range(0, len(queries), step):
            some = queries[start : start + step]
            for query, scores in zip(some, estimate(some, vectors), strict=True):
                scores = scores if places is None else scores[places]
                near = find_highest(scores, k)
                products = multiply_rows(query, vectors[near if places is None else places[near]])
                best.append(row_ids[near[np.lexsort((near, -products))][:k]].tolist())
        return best

    def compare(self, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[float | None]:
        if not len(self._row_ids):
            return [None] * len(row_ids)
        known, order, asked = self._row_ids, self._by_id, np.asarray(row_ids, np.uint64)
        places = order[np.searchsorted(known, asked, sorter=order).clip(max=len(known) - 1)]
        products = multiply_rows(query, self._vectors[places])
        there = (known[places] == asked).tolist()
        return [product if found else None for product, found in zip(products.tolist(), there, strict=True)]


class VectorsOnDisk:
    """What `StoredVectors` says, of a column of a table."""

    def __init__(self, table: Any, space: str, *, parts: int = ALL) -> None:
        """`parts`: of the index are searched, the nearest ones to a query."""
        self._table, self._space, self._parts = table, space, parts
        self._entries: int = table.count_rows()
        self.dim: int = table.schema.field(space).type.list_size

    def find_nearest(self, queries: Vectors, k: int, allowed: AllowedRows | None) -> list[list[int]]:
        if allowed is None:
            return [self._search(query, k, parts=self._parts, refined=REFINED) for query in queries]
        if not len(allowed):
            return [[] for _ in queries]
        return [self._search_allowed(query, k, allowed) for query in queries]

    def _search_allowed(self, query: NDArray[np.float32], k: int, allowed: AllowedRows) -> list[int]:
        if allowed.condition and len(allowed) <= COMPARED:
            return self._search(query, k, condition=allowed.condition, is_exact=True)
        if len(allowed) <= TAKEN:
            return self._sort(query, allowed.row_ids.tolist())[:k]
        rarer = self._entries / len(allowed)
        if allowed.condition:
            parts = min(ALL, int(self._parts * rarer))
            return self._search(query, k, condition=allowed.condition, parts=parts, refined=REFINED)
        most = int(DEEPER * REFINED * k * rarer)
        while True:
            found = self._search(query, most)
            kept = allowed.keep(found)[: REFINED * k]
            if len(kept) == REFINED * k or len(found) < most:
                return self._sort(query, kept)[:k]
            most *= 4

    def _search(
        self,
        query: NDArray[np.float32],
        k: int,
        *,
        condition: str = "",
        parts: int = ALL,
        refined: int = 0,
        is_exact: bool = False,
    ) -> list[int]:
        """Row ids, best first. `refined`: so many times `k` are compared exactly; 0 to trust the codes."""
        search = self._table.search(query, vector_column_name=self._space).distance_type("dot").with_row_id(True)
        search = search.bypass_vector_index() if is_exact else search.nprobes(parts)
        search = search.refine_factor(refined) if refined else search
        search = search.where(condition, prefilter=True) if condition else search
        found = search.select(["_rowid", "_distance"]).limit(k).to_arrow()
        distances, row_ids = found["_distance"].to_numpy(), found["_rowid"].to_numpy()
        there = np.isfinite(distances)  # a row without a vector has no distance
        order = np.lexsort((row_ids[there], distances[there]))
        best: list[int] = row_ids[there][order].tolist()
        return best

    def compare(self, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[float | None]:
        if not row_ids:
            return []
        wanted = self._table.take_row_ids(list(row_ids)).select([self._space]).with_row_id()
        known: dict[int, float] = {}
        for batch in wanted.to_arrow().to_batches():
            ids, vectors = read_vectors(batch, self._space)
            products = multiply_rows(query, vectors)
            known.update(zip(ids.tolist(), products.tolist(), strict=True))
        return [known.get(row_id) for row_id in row_ids]

    def _sort(self, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[int]:
        products = zip(self.compare(query, row_ids), row_ids, strict=True)
        best = sorted((-product, row_id) for product, row_id in products if product is not None)
        return [row_id for _, row_id in best]


def read_vectors(batch: Any, space: str) -> tuple[NDArray[np.uint64], Vectors]:
    """Row ids and vectors of the rows that have one."""
    column = batch.column(space)
    row_ids: NDArray[np.uint64] = batch.column("_rowid").to_numpy()[column.is_valid().to_numpy(zero_copy_only=False)]
    return row_ids, column.flatten().to_numpy().reshape(-1, column.type.list_size)  # what is null is left out


def load_vectors(table: Any, space: str, most: int) -> VectorsInMemory:
    """Filled batch by batch, so that nothing is held twice. `most`: so many there may be."""
    dim = table.schema.field(space).type.list_size
    row_ids, vectors, done = np.empty(most, np.uint64), np.empty((most, dim), np.float32), 0
    for batch in table.search().select([space]).with_row_id(True).to_batches():
        found, read = read_vectors(batch, space)
        end = done + len(found)
        row_ids[done:end], vectors[done:end] = found, read
        done = end
    return VectorsInMemory(space, row_ids[:done], vectors[:done])


def find_highest(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Positions of the `k` highest scores, and of all that may be as high as the last of them; ascending."""
    if k >= len(scores):
        return np.arange(len(scores))
    last = np.partition(scores, -k)[-k]
    return np.flatnonzero(scores >= last - EQUAL * max(1.0, abs(float(last))))
