"""Scores texts for a question by a cross-encoder inside this process, because no server may be at hand.

`cross-encoder:NAME` is a model of the hub or a folder that the package sentence-transformers reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from r1router.errors import InputError, KnowledgeBaseError, MissingExtra


def open_(target: str, *, batch: int = 16, length: int = 512) -> CrossEncoder:
    """`cross-encoder:NAME?option=value`: `batch` texts at once, at most `length` tokens of question and text."""
    if batch < 1 or length < 8:
        raise InputError("cross-encoder: batch is at least 1, length at least 8")
    return CrossEncoder(target, batch=batch, length=length)


class CrossEncoder:
    def __init__(self, model: str, *, batch: int = 16, length: int = 512) -> None:
        try:
            import sentence_transformers
        except ImportError as error:
            raise MissingExtra(
                "sentence-transformers", "sentence-transformers", "the cross-encoder: reranker"
            ) from error
        self.spec = f"cross-encoder:{model}"
        self._batch, self._lock = batch, Lock()
        try:
            self._model: Any = sentence_transformers.CrossEncoder(model, max_length=length)
        except (OSError, ValueError) as error:
            raise KnowledgeBaseError(f"the cross-encoder {model!r} cannot be loaded: {error}") from error

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score for each text."""
        if not texts:
            return []
        with self._lock:
            scores = self._model.predict(
                [(question, text) for text in texts], batch_size=self._batch, show_progress_bar=False
            )
        return [float(score) for score in scores]
