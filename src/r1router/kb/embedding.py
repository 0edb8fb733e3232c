"""Embeds queries; an embedder is opened on first use, and the last few thousand vectors are kept.

The same sub-question goes to several knowledge bases, and the same picture comes back with every step.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from r1router.embedders import open_image_embedder, open_text_embedder
from r1router.kb.products import Vectors
from r1router.types import Image, ImageEmbedder, TextEmbedder

T = TypeVar("T")

REMEMBERED = 4096
"""Query vectors kept: 6 MB of 384 dimensions."""


class Embedders:
    """The embedders that were given, else those that a spec opens, and what queries became lately."""

    def __init__(self, *, text: TextEmbedder | None = None, image: ImageEmbedder | None = None) -> None:
        self._text, self._image = text, image
        self._remembered: OrderedDict[tuple[str, str, str], Vectors] = OrderedDict()
        self._lock = Lock()

    def open_text(self, spec: str) -> TextEmbedder:
        return self._text or open_text_embedder(spec)

    def open_image(self, spec: str) -> ImageEmbedder:
        return self._image or open_image_embedder(spec)

    def embed_texts(self, spec: str, texts: Sequence[str]) -> Vectors:
        """(len(texts), dim), rows of norm 1."""
        return self._vectors("text", spec, texts, texts, lambda t: self.open_text(spec).embed_texts(t, query=True))

    def embed_images(self, spec: str, images: Sequence[Image]) -> Vectors:
        """(len(images), dim), rows of norm 1."""
        keys = [hashlib.sha256(image.data).hexdigest() for image in images]
        return self._vectors("image", spec, keys, images, lambda i: self.open_image(spec).embed_images(i))

    def embed_texts_as_images(self, spec: str, texts: Sequence[str]) -> Vectors | None:
        """Vectors to compare with those of pictures; None where this embedder knows pictures only."""
        embedder = self.open_image(spec)
        if not isinstance(embedder, TextEmbedder):
            return None
        return self._vectors("across", spec, texts, texts, lambda t: embedder.embed_texts(t, query=True))

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
        with self._lock:
            found = {
                key: self._remembered[space, spec, key] for key in item_of if (space, spec, key) in self._remembered
            }
        missing = [key for key in item_of if key not in found]
        if missing:
            made = np.asarray(embed([item_of[key] for key in missing]), dtype=np.float32)
            found.update(zip(missing, made, strict=True))
        with self._lock:
            for key, vector in found.items():
                self._remembered[space, spec, key] = vector
                self._remembered.move_to_end((space, spec, key))
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return np.stack([found[key] for key in keys])
