"""Embeds pictures and text in one space, with a CLIP or SigLIP model of transformers: `clip:NAME`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from r1router.embedders._pictures import convert_to_rgb
from r1router.embedders._texts import clean
from r1router.embedders._vectors import normalise_rows
from r1router.errors import InputError, KnowledgeBaseError
from r1router.huggingface import load_encoder
from r1router.types import Image

T = TypeVar("T")

AROUND = 768
"""Pixels that a picture should keep; models look at 224 to 512."""


def open_(target: str, *, device: str = "", batch: int = 16) -> Clip:
    """`clip:NAME?option=value`.

    `device` is one of torch's (cuda where there is one, else cpu), `batch` the pictures or texts in one
    forward pass; neither is part of the spec, since vectors are the same. Raises `InputError`, `MissingExtra`
    or `KnowledgeBaseError` where the model cannot be loaded or is of another kind.
    """
    if not target or batch < 1:
        raise InputError("clip: takes the name of a model or its folder, and batch >= 1")
    return Clip(target, device=device, batch=batch)


class Clip:
    def __init__(self, name: str, *, device: str = "", batch: int = 16) -> None:
        try:
            loaded = load_encoder(name)
        except InputError as error:
            raise KnowledgeBaseError(f"the embedding model {name!r} cannot be opened; {error}") from error
        import torch

        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._processor, self._model = loaded.processor, loaded.model.eval().to(self._device)
        if not (hasattr(self._model, "get_image_features") and hasattr(self._model, "get_text_features")):
            kind = self._model.config.model_type
            raise KnowledgeBaseError(f"{name!r} is a {kind} model; clip: takes models of the CLIP and SigLIP kind")
        self.spec = f"clip:{name}"
        self._batch = batch
        self._lock = Lock()  # a tokenizer must not change its padding under another thread
        self.dim = self._embed_texts([""]).shape[1]

    def embed_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Raises `InputError` for a picture that cannot be decoded."""
        return self._stack(self._embed_images(part) for part in _parts(images, self._batch))

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """`query` makes no difference to these models; a text is cut at their length (64 or 77 tokens)."""
        return self._stack(self._embed_texts(part) for part in _parts(texts, self._batch))

    def _stack(self, parts: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.concatenate([np.empty((0, self.dim), np.float32), *parts])

    def _embed_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        pictures = [convert_to_rgb(image, around=AROUND) for image in images]
        return self._features(self._model.get_image_features, images=pictures)

    def _embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        config = self._model.config
        # SigLIP saw nothing but padded texts in training.
        padding = "max_length" if config.model_type.startswith("siglip") else True
        length = config.text_config.max_position_embeddings
        return self._features(
            self._model.get_text_features, text=clean(texts), padding=padding, truncation=True, max_length=length
        )

    def _features(self, project: Any, **given: Any) -> NDArray[np.float32]:
        import torch

        with self._lock, torch.inference_mode():
            output = project(**self._processor(**given, return_tensors="pt").to(self._device))
            vectors = getattr(output, "pooler_output", output)  # early 5.x gives the vectors as they are
            return normalise_rows(vectors.float().cpu().numpy())


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
