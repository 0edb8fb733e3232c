"""Queries to vectors, with each embedder opened once, on first use, for all knowledge bases that share it.

The last few thousand query vectors are kept: the same sub-question goes to several knowledge bases, and the
same picture comes back with every step.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from r1router.types import Image, ImageEmbedder, TextEmbedder

Vectors = NDArray[np.float32]
T = TypeVar("T")

REMEMBERED = 4096
"""Query vectors kept: 6 MB of 384 dimensions."""


class Embedders:
    """Opens by spec, or uses those given, and remembers what queries became."""

    def __init__(self, *, text: TextEmbedder | None = None, image: ImageEmbedder | None = None) -> None:
        self._given_text, self._given_image = text, image
        self._opened: dict[tuple[str, str], Any] = {}
        self._remembered: OrderedDict[tuple[str, str, str], Vectors] = OrderedDict()
        self._opening, self._remembering = Lock(), Lock()

    def text(self, spec: str) -> TextEmbedder:
        from r1router.embedders import open_text_embedder

        embedder: TextEmbedder = self._given_text or self._open("text", spec, open_text_embedder)
        return embedder

    def image(self, spec: str) -> ImageEmbedder:
        from r1router.embedders import open_image_embedder

        embedder: ImageEmbedder = self._given_image or self._open("image", spec, open_image_embedder)
        return embedder

    def texts_to_vectors(self, spec: str, texts: Sequence[str]) -> Vectors:
        """(len(texts), dim), rows of norm 1."""
        return self._vectors("text", spec, texts, texts, lambda t: self.text(spec).embed_texts(t, query=True))

    def images_to_vectors(self, spec: str, images: Sequence[Image]) -> Vectors:
        """(len(images), dim), rows of norm 1."""
        keys = [hashlib.sha256(image.data).hexdigest() for image in images]
        return self._vectors("image", spec, keys, images, lambda i: self.image(spec).embed_images(i))

    def texts_to_image_space(self, spec: str, texts: Sequence[str]) -> Vectors | None:
        """Vectors to compare with those of pictures; None where this embedder knows pictures only."""
        embedder = self.image(spec)
        if not isinstance(embedder, TextEmbedder):
            return None
        return self._vectors("across", spec, texts, texts, lambda t: embedder.embed_texts(t, query=True))

    def _open(self, what: str, spec: str, opener: Callable[[str], Any]) -> Any:
        with self._opening:
            if (what, spec) not in self._opened:
                self._opened[what, spec] = opener(spec)
            return self._opened[what, spec]

    def _vectors(
        self,
        space: str,
        spec: str,
        keys: Sequence[str],
        items: Sequence[T],
        embed: Callable[[Sequence[T]], Any],
    ) -> Vectors:
        """One call for all items that are not remembered, whatever order and however often they come."""
        item_of = dict(zip(keys, items, strict=True))
        with self._remembering:
            found = {
                key: self._remembered[space, spec, key] for key in item_of if (space, spec, key) in self._remembered
            }
        missing = [key for key in item_of if key not in found]
        if missing:
            made = np.asarray(embed([item_of[key] for key in missing]), dtype=np.float32)
            found.update(zip(missing, made, strict=True))
        with self._remembering:
            for key, vector in found.items():
                self._remembered[space, spec, key] = vector
                self._remembered.move_to_end((space, spec, key))
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return np.stack([found[key] for key in keys])
