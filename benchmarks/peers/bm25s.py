"""bm25s: full text as a sparse matrix in memory, with its English stop words and stems of its own stemmer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import bm25s
import Stemmer
from benchmarks.peers.parts import TOP, Asked, Passage, Search, Vectors


def open_ranking(passages: Sequence[Passage]) -> Callable[[Asked, int], list[int]]:
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25()
    texts = [passage.text for passage in passages]
    index.index(bm25s.tokenize(texts, stemmer=stemmer, show_progress=False), show_progress=False)

    def rank(asked: Asked, k: int) -> list[int]:
        words = bm25s.tokenize([asked.text], stemmer=stemmer, show_progress=False)
        found, _ = index.retrieve(words, k=k, n_threads=0, show_progress=False)
        return found[0].tolist()

    return rank


def open_searches(passages: Sequence[Passage], vectors: Vectors, folder: Path) -> dict[str, Search]:
    rank = open_ranking(passages)
    return {"words": lambda asked: [passages[n].id for n in rank(asked, TOP) if passages[n].text]}
