"""Embeds text with any model of sentence-transformers, by name or folder: `sentence-transformers:NAME`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from r1router.embedders._texts import clean
from r1router.embedders._vectors import normalise_rows
from r1router.errors import InputError, KnowledgeBaseError, MissingExtra


def open_(target: str, *, device: str = "", batch: int = 32) -> SentenceTransformers:
    """`sentence-transformers:NAME?option=value`.

    `device` is one of torch's (chosen by the library where empty), `batch` the texts in one forward pass;
    neither is part of the spec, since vectors are the same. Raises `InputError`, `MissingExtra` or
    `KnowledgeBaseError` where the model cannot be loaded.
    """
    if not target or batch < 1:
        raise InputError("sentence-transformers: takes the name of a model or its folder, and batch >= 1")
    return SentenceTransformers(target, device=device, batch=batch)


class SentenceTransformers:
    def __init__(self, name: str, *, device: str = "", batch: int = 32) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            package = "sentence-transformers"
            raise MissingExtra(package, package, f"the {package}: embedder") from error
        try:
            self._model = SentenceTransformer(name, device=device or None)
        except (OSError, ValueError) as error:
            raise KnowledgeBaseError(
                f"the embedding model {name!r} cannot be loaded; check the name or folder, and the network: {error}"
            ) from error
        self.spec = f"sentence-transformers:{name}"
        self.dim = len(self._model.encode(""))
        self._batch = batch

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """With the model's own query and document prompts, where it defines them."""
        if not texts:
            return np.empty((0, self.dim), np.float32)
        encode = self._model.encode_query if query else self._model.encode_document
        return normalise_rows(encode(clean(texts), batch_size=self._batch, show_progress_bar=False))
