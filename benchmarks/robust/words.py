"""Embeds texts by their words in no time, so that the campaign spends its time on what may break.

As a spec: `benchmarks.robust.words:Words`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Words:
    spec = "benchmarks.robust.words:Words"
    dim = 64

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Counts of words by a hash of each, (len(texts), 64), rows of norm 1."""
        vectors = np.full((len(texts), self.dim), 1e-3, np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % self.dim] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
