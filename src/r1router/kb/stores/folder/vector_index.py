"""Builds an index of vectors that are too many for memory, and measures what it misses of the exact ranking.

The index is IVF with RaBitQ: the vectors of a part are near each other, and each is a code of one bit a number (of a
byte, where the numbers do not fill bytes). It is read part by part, so neither building nor searching it needs all
vectors in memory, as a graph of them does. How many parts a search looks at follows from the measurement: as few as
find `GOAL` of the ten nearest.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from r1router.kb.products import Vectors, multiply
from r1router.kb.stores.folder.home import Home
from r1router.kb.stores.folder.memory_limit import NUMBER
from r1router.kb.stores.folder.table import drop_index, find_index, find_spaces, index_vectors
from r1router.kb.stores.folder.vectors import ALL, VectorsOnDisk, read_vectors

FILE = "vectors.json"
FEWEST = 1_000
"""Fewer vectors than these are compared one by one, on disk too."""
GOAL = 0.99
"""Of the ten nearest, found: searches look at as many parts as this takes."""
PARTS = (8, 16, 32, 64, 128, 256, 512, ALL)
"""How many are tried for it."""
GROWN = 2
"""The index is built anew when there are so many times as many entries: its parts are those of its first ones."""
QUERIES = 100
"""Entries whose nearest are looked for to measure it."""
NEAREST = 10
EQUAL = 1e-5
"""Dot products that differ by less are one."""
DEPTH = 50
"""Entries that are asked for then, as searches ask for."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found when the index of a vector column was built, or when it was seen that none is needed."""

    entries: int
    vectors: int
    kind: str = ""
    """Of the index; empty where there is none."""
    recall: float | None = None
    """Share of the ten nearest that it finds, beside the entry itself that is the query."""
    parts: int = ALL
    """That a search looks at for it."""


def read_measured(home: Home) -> dict[str, Measured]:
    """By vector column; nothing where none was built, or where the file cannot be read."""
    try:
        return {space: Measured(**each) for space, each in json.loads(home.read(FILE)).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def estimate_vectors(measured: Measured | None, entries: int) -> int:
    """How many of the entries have a vector, at most."""
    return entries if measured is None else min(entries, measured.vectors + max(0, entries - measured.entries))


def bring_vectors_up_to_date(table: Any, home: Home, *, limit: int) -> None:
    """Builds what is missing or outgrown, of columns whose vectors need more than `limit` bytes, and measures it."""
    measured = read_measured(home)
    entries = table.count_rows()
    for space in find_spaces(table):
        known, size = measured.get(space), table.schema.field(space).type.list_size * NUMBER
        index = find_index(table, space)
        if estimate_vectors(known, entries) * size <= limit:
            continue  # and what was built stays: another process may have a lower limit
        if known and (index or not known.kind) and entries < GROWN * known.entries:
            continue
        vectors = sum(len(ids) for ids, _ in _read_all(table, space))
        if vectors * size <= limit or vectors < FEWEST:
            if index:
                drop_index(table, space)
            measured[space] = Measured(entries, vectors)
        else:
            measured[space] = _build(table, space, entries, vectors)
            _log.info("%s: %s", home.place, measured[space])
        home.write(FILE, json.dumps({name: asdict(each) for name, each in measured.items()}))


def _build(table: Any, space: str, entries: int, vectors: int) -> Measured:
    kind = index_vectors(table, space)
    asked, queries = _sample(table, space)
    worst = _score_exactly(table, space, asked, queries)
    recall, parts = 0.0, ALL
    for parts in PARTS:
        recall = float(np.mean(_find_hits(VectorsOnDisk(table, space, parts=parts), asked, queries, worst)))
        if recall >= GOAL:
            break
    if recall < GOAL:
        _log.warning("the index of %s finds %.1f %% of the nearest, less than %.1f", space, 100 * recall, 100 * GOAL)
    return Measured(entries, vectors, kind, round(recall, 4), parts)


def _read_all(table: Any, space: str) -> Iterator[tuple[NDArray[np.uint64], Vectors]]:
    for batch in table.search().select([space]).with_row_id(True).to_batches():
        yield read_vectors(batch, space)


def _sample(table: Any, space: str) -> tuple[NDArray[np.uint64], Vectors]:
    """Row ids and vectors of entries that are spread over all."""
    rows = table.count_rows()
    places = sorted({rows * n // QUERIES for n in range(QUERIES)})
    taken = table.take_offsets(places).select([space]).with_row_id().to_arrow()
    found = [read_vectors(batch, space) for batch in taken.to_batches()]
    return np.concatenate([ids for ids, _ in found]), np.concatenate([vectors for _, vectors in found])


def _score_exactly(table: Any, space: str, asked: NDArray[np.uint64], queries: Vectors) -> NDArray[np.float32]:
    """The dot product of the last of the nearest to each query, beside itself, in one pass over all vectors."""
    best = np.full((len(queries), NEAREST), -np.inf, np.float32)
    for ids, vectors in _read_all(table, space):
        for start in range(0, len(ids), 8192):
            products = multiply(queries, vectors[start : start + 8192])
            products[asked[:, np.newaxis] == ids[start : start + 8192]] = -np.inf
            best = np.partition(np.hstack([best, products]), -NEAREST, axis=1)[:, -NEAREST:]
    worst: NDArray[np.float32] = best.min(axis=1)
    return worst


def _find_hits(
    vectors: VectorsOnDisk, asked: NDArray[np.uint64], queries: Vectors, worst: NDArray[np.float32]
) -> list[float]:
    """For each query, which share of the first that are found are as near as the last of the nearest."""
    found = vectors.find_nearest(queries, DEPTH, None)
    hits = []
    for ids, own, query, least in zip(found, asked.tolist(), queries, worst.tolist(), strict=True):
        products = vectors.compare(query, [id_ for id_ in ids if id_ != own][:NEAREST])
        hits.append(sum(product is not None and product >= least - EQUAL for product in products) / NEAREST)
    return hits
