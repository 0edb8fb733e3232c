"""faiss, which compares a query with all vectors, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers import faiss
from benchmarks.peers.parts import TOP, Passage, Search, Vectors


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    rank = faiss.open_ranking(vectors, is_flat=True)
    return {"vectors": lambda asked: [passages[n].id for n in rank(asked, TOP) if passages[n].text]}
