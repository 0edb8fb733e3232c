"""Multiplies queries with stored vectors on one thread, so that searches are cheap and repeatable.

OpenBLAS gives even a small product to all cores, and its threads wait for each other by spinning: on two cores one
query over 20,000 vectors took 7.8 ms of CPU, on one thread 3.0. And how it sums a row depends on how many rows there
are (on some CPUs one is unlike two, on others three unlike eight), so that near ties between entries came out one way
or the other, by what else was searched for at the time. So every product has the same number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""(vectors, dim), rows of norm 1."""

ESTIMATED = 16
"""Queries in one product where digits may depend on their number."""
TOGETHER = 8
"""Queries in one product; fewer are filled up. Over 52,000 vectors two cost 11.5 ms of CPU, eight 12.9, sixteen 16."""

_lock = Lock()
_inside = 0
_limit: Any = None


def multiply(queries: Vectors, vectors: Vectors) -> Vectors:
    """The dot product of every query with every vector, (len(queries), len(vectors)); rows do not affect each other."""
    asked = np.resize(queries, (-(-len(queries) // TOGETHER) * TOGETHER, queries.shape[1]))
    with _on_one_thread():
        # Stored vectors first: BLAS took 12 instead of 20 CPU-ms for 52,000 of them.
        parts = [vectors @ asked[at : at + TOGETHER].T for at in range(0, len(asked), TOGETHER)]
    return (
        np.concatenate([part.T for part in parts])[: len(queries)] if parts else np.empty((0, len(vectors)), np.float32)
    )


def estimate(queries: Vectors, vectors: Vectors) -> Vectors:
    """As `multiply`, for half the CPU where there is one query; the last digits depend on how many there are."""
    with _on_one_thread():
        parts = [(vectors @ queries[at : at + ESTIMATED].T).T for at in range(0, len(queries), ESTIMATED)]
    return np.concatenate(parts) if parts else np.empty((0, len(vectors)), np.float32)


def multiply_rows(query: NDArray[np.float32], vectors: Vectors) -> NDArray[np.float32]:
    """The dot product of one query with each of a few vectors; one does not depend on the others."""
    products: NDArray[np.float32] = (vectors * query).sum(axis=1)
    return products


@contextmanager
def _on_one_thread() -> Iterator[None]:
    """Limits BLAS, which has one number of threads for the whole process, until the last who asked for it has left."""
    global _inside, _limit
    with _lock:
        _inside += 1
        if _inside == 1:
            _limit = _controller().limit(limits=1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.restore_original_limits()


@cache
def _controller() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()
