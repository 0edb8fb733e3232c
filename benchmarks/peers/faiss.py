"""faiss: vectors in memory, by a graph (HNSW) that is built once; `faiss_flat` compares with all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import faiss
import numpy as np
from benchmarks.peers.parts import TOP, Asked, Passage, Search, Vectors

LINKS, WIDTH = 32, 100
"""Of a vector in the graph, and how many are kept in view while it is searched."""


def open_ranking(vectors: Vectors, *, is_flat: bool = False) -> Callable[[Asked, int], list[int]]:
    faiss.omp_set_num_threads(1)
    if is_flat:
        index = faiss.IndexFlatIP(vectors.shape[1])
    else:
        index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efSearch = WIDTH
    index.add(vectors)
    return lambda asked, k: index.search(asked.vector[np.newaxis], k)[1][0].tolist()


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    rank = open_ranking(vectors)
    return {"vectors": lambda asked: [passages[n].id for n in rank(asked, TOP) if passages[n].text]}
