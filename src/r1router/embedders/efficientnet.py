"""`efficientnet:` Pictures to 1,472 numbers: what EfficientNet-Lite0 sees in them, and where which colour is.

The network (inside this package) gives 1,280 features, pooled by their generalised mean; a thumbnail of 8 x 8 pixels
gives 192 numbers. Both parts have norm 1 and weigh the same, so the cosine of two pictures is the mean of both
cosines. The network alone takes flags with the same shapes for one another, the thumbnail alone does not know a
picture that was turned or cropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from r1router.embedders._onnx import ASSETS, session, workers
from r1router.embedders._pictures import to_rgb
from r1router.embedders._vectors import unit_rows
from r1router.errors import InputError
from r1router.types import Image

SIZE = 224
"""Pixels on both sides; a picture is stretched to it, so that nothing is cut off."""
THUMBNAIL = 8
"""Pixels on both sides of the colour layout."""
BATCH = 16


def open_(rest: str) -> EfficientNet:
    if rest:
        raise InputError(f"efficientnet: takes no name or option, got efficientnet:{rest}")
    return EfficientNet()


class EfficientNet:
    spec = "efficientnet:"
    dim = 1280 + 3 * THUMBNAIL**2

    def __init__(self) -> None:
        self._session = session(ASSETS / "efficientnet" / "model.onnx")
        self._workers = workers()

    def embed_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """float32 (len(images), 1472), rows of L2 norm 1. Raises `InputError` for bytes that are no picture."""
        starts = range(0, len(images), BATCH)
        parts = list(self._workers.map(lambda start: self._embed(images[start : start + BATCH]), starts))
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)

    def _embed(self, images: Sequence[Image]) -> NDArray[np.float32]:
        pictures = [to_rgb(image, around=SIZE) for image in images]
        pixels = np.stack([_pixels(p.resize((SIZE, SIZE), Pillow.Resampling.BICUBIC)) for p in pictures])
        scaled = (pixels.transpose(0, 3, 1, 2) - 127) / 128  # as the weights were trained
        features: Any = self._session.run(None, {"pictures": np.ascontiguousarray(scaled)})[0]
        thumbnails = np.stack([_pixels(p.resize((THUMBNAIL, THUMBNAIL), Pillow.Resampling.BOX)) for p in pictures])
        layout = thumbnails.reshape(len(pictures), -1) / 255 - 0.5
        return unit_rows(np.concatenate([unit_rows(features), unit_rows(layout)], axis=1))


def _pixels(picture: Pillow.Image) -> NDArray[np.float32]:
    return np.asarray(picture, np.float32)
