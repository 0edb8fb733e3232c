"""Embeds pictures as 2,480 numbers: what EfficientNet-Lite0 sees, what it sees where, and the colours.

The network (inside this package) gives 1,280 features of the whole picture and 112 simpler ones in each of 3 x 3
places; a thumbnail of 8 x 8 pixels gives 192 numbers. Each part has norm 1, and the cosine of two pictures is the
weighted mean of the cosines of the parts. The whole knows a picture again that was cropped, mirrored or put into a
scene, but takes flags with the same shapes for one another; places and colours tell those apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from r1router.embedders._onnx import map_in_turns, start_workers
from r1router.embedders._pictures import convert_to_rgb
from r1router.embedders._vectors import normalise_rows
from r1router.errors import InputError
from r1router.onnx_session import ASSETS, open_session
from r1router.types import Image

SIZE = 224
"""Pixels on both sides; a picture is stretched to it, so that nothing is cut off."""
THUMBNAIL = 8
"""Pixels on both sides of the colour layout."""
WEIGHTS = (1.0, 1.0, 0.5)
"""Of the whole, the places and the colours, in the cosine of two pictures."""
BATCH = 16


def open_(rest: str) -> EfficientNet:
    if rest:
        raise InputError(f"efficientnet: takes no name or option, got efficientnet:{rest}")
    return EfficientNet()


class EfficientNet:
    spec = "efficientnet:"
    dim = 1280 + 9 * 112 + 3 * THUMBNAIL**2

    def __init__(self) -> None:
        self._session = open_session(ASSETS / "efficientnet" / "model.onnx")
        self._workers = start_workers()

    def embed_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """float32 (len(images), 2480), rows of L2 norm 1. Raises `InputError` for bytes that are no picture."""
        starts = range(0, len(images), BATCH)
        parts = list(map_in_turns(self._workers, lambda start: self._embed(images[start : start + BATCH]), starts))
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)

    def _embed(self, images: Sequence[Image]) -> NDArray[np.float32]:
        pictures = [convert_to_rgb(image, around=SIZE) for image in images]
        pixels = np.stack([_pixels(p.resize((SIZE, SIZE), Pillow.Resampling.BICUBIC)) for p in pictures])
        scaled = (pixels.transpose(0, 3, 1, 2) - 127) / 128  # as the weights were trained
        given = {"pictures": np.ascontiguousarray(scaled)}
        whole, places = self._session.run(["features", "places"], given)
        thumbnails = np.stack([_pixels(p.resize((THUMBNAIL, THUMBNAIL), Pillow.Resampling.BOX)) for p in pictures])
        layout = thumbnails.reshape(len(pictures), -1) / 255 - 0.5
        parts = zip(WEIGHTS, (whole, places, layout), strict=True)
        return normalise_rows(np.concatenate([weight**0.5 * normalise_rows(part) for weight, part in parts], axis=1))


def _pixels(picture: Pillow.Image) -> NDArray[np.float32]:
    return np.asarray(picture, np.float32)
