"""Finds the cells that a question means without a word of theirs, because people say "skin people" for Dermatology.

Phrases of the question and cells are embedded by the text model that comes inside this package; near ones mean the
same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from r1router.embedders import open_text_embedder
from r1router.evidence.words import Language, read_words

EMBEDDER = "minilm:"
"""Whatever a knowledge base is embedded with: the weights of queries were fitted with it."""
MOST, LEAST = 2, 0.4
"""Cells of one column that are told at most, and the cosine that they have at least."""
LONGEST = 4
"""Words of a phrase."""
QUESTION = 40
"""Words of a question that are read."""
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")


class Meaning:
    """What one question means; its phrases are embedded when the first cells are compared."""

    def __init__(self, question: str, language: Language | None) -> None:
        words = _WORD.findall(question)[:QUESTION]
        telling = [bool(read_words(word, language)) for word in words]
        self._phrases = [
            " ".join(words[start : start + length])
            for length in range(1, LONGEST + 1)
            for start in range(len(words) - length + 1)
            if telling[start] and telling[start + length - 1]
        ]

    @cached_property
    def _vectors(self) -> npt.NDArray[np.float32]:
        return _embed(tuple(self._phrases))

    def find(self, cells: Sequence[str]) -> dict[str, float]:
        """The cells nearest to a phrase of the question, the nearest first, each with its cosine."""
        if not cells or not self._phrases:
            return {}
        near = (_embed(tuple(cells)) @ self._vectors.T).max(axis=1)
        best = np.argsort(-near, kind="stable")[:MOST]
        return {cells[place]: float(near[place]) for place in best if near[place] >= LEAST}


@lru_cache(maxsize=256)
def _embed(texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """(texts, 384), each of length 1."""
    return np.asarray(open_text_embedder(EMBEDDER).embed_texts(texts), np.float32)
