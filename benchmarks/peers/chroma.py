"""chroma, in the process and on disk (`PersistentClient`); the embedded one has no ranking by words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import chromadb
from benchmarks.peers.parts import TOP, Embed, Index, Passage, Search, Vectors
from chromadb.config import Settings

BATCH = 4_096


def _make(folder: Path) -> Any:
    client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
    return client.create_collection("text", configuration={"hnsw": {"space": "ip"}}, embedding_function=None)


def _add(collection: Any, passages: Sequence[Passage], vectors: Vectors) -> None:
    for start in range(0, len(passages), BATCH):
        some = passages[start : start + BATCH]
        collection.add(
            ids=[passage.id for passage in some],
            documents=[passage.text for passage in some],
            embeddings=vectors[start : start + BATCH],
        )


def open_index(embed: Embed, folder: Path) -> Index:
    collection = _make(folder)
    return lambda passages: _add(collection, passages, embed([passage.text for passage in passages]))


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    collection = _make(folder)
    _add(collection, passages, vectors)
    return {
        "vectors": lambda asked: collection.query(
            query_embeddings=[asked.vector], n_results=TOP, include=["documents"]
        )["ids"][0]
    }
