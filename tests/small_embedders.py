"""Real embedders of a few lines, instant and without weights, for tests of what is built on embedders."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from r1router.types import Image

Vectors = NDArray[np.float32]


class HashedWords:
    """Texts to counts of their words in 256 buckets; remembers how many passages it was given."""

    dim = 256

    def __init__(self, spec: str = "hashed-words:") -> None:
        self.spec = spec
        self.passages: list[str] = []

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        if not query:
            self.passages += texts
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[hashlib.md5(word.encode()).digest()[0]] += 1
        return _normed(vectors)


class Thumbnails:
    """Pictures to their colours in a grid of 4 x 4."""

    dim = 48

    def __init__(self, spec: str = "thumbnails:") -> None:
        self.spec = spec

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        return _normed(np.stack([self._thumbnail(image) for image in images]))

    def _thumbnail(self, image: Image) -> Vectors:
        small = Pillow.open(io.BytesIO(image.data)).convert("RGB").resize((4, 4))
        return np.asarray(small, np.float32).ravel() + 1


COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


class NamedColours(Thumbnails):
    """The same, and words to the thumbnail of the colours that they name."""

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        vectors = np.ones((len(texts), self.dim), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.lower().split():
                row += np.tile(COLOURS.get(word, (0, 0, 0)), 16)
        return _normed(vectors)


def plain_picture(colour: str, *, size: int = 32, name: str = "") -> Image:
    """A picture of one colour, as PNG."""
    data = io.BytesIO()
    Pillow.new("RGB", (size, size), colour).save(data, "PNG")
    return Image(data.getvalue(), "image/png", name)


def _normed(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(norms, 1e-9)).astype(np.float32)
