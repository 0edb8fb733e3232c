"""LanceDB's own hybrid search, as its documentation shows it: vectors, full text, reciprocal ranks; no vector index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa
from benchmarks.peers.parts import TOP, Embed, Index, Passage, Search, Vectors
from lancedb.index import FTS
from lancedb.rerankers import RRFReranker


def _make(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> Any:
    rows = pa.table(
        {
            "id": [passage.id for passage in passages],
            "text": [passage.text for passage in passages],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]),
        }
    )
    table = lancedb.connect(folder).create_table("text", rows)
    table.create_index("text", config=FTS())
    return table


def open_index(embed: Embed, folder: Path) -> Index:
    def index(passages: Sequence[Passage]) -> None:
        _make(passages, embed([passage.text for passage in passages]), folder)

    return index


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    table, reranker = _make(passages, vectors, folder), RRFReranker()

    def ids(search: Any) -> list[str]:
        return [row["id"] for row in search.limit(TOP).to_list()]

    def fused(asked: Any) -> list[str]:
        search = table.search(query_type="hybrid").vector(asked.vector).text(asked.text)
        return ids(search.distance_type("dot").select(["id", "text"]).rerank(reranker))

    return {
        "vectors": lambda asked: ids(table.search(asked.vector).distance_type("dot").select(["id", "text"])),
        "words": lambda asked: ids(table.search(asked.text, query_type="fts").select(["id", "text"])),
        "fused": fused,
    }
