"""Reads `Image` bytes of any kind as a picture in RGB, the right way up, with white where it was transparent."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from r1router.errors import InputError
from r1router.types import Image


def convert_to_rgb(image: Image, *, around: int) -> Pillow.Image:
    """The first frame. A JPEG that is much larger than `around` pixels is decoded at a fraction of its size.

    Raises `InputError` for bytes that are no picture, or a broken one.
    """
    try:
        with Pillow.open(io.BytesIO(image.data)) as opened:
            opened.draft("RGB", (around, around))
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith("I;16"):  # Pillow would make everything above 255 white
                picture = Pillow.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
            if not picture.has_transparency_data:
                return picture.convert("RGB")
            picture = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:  # what Pillow raises on bad data
        raise InputError(f"the picture {image.name or '(no name)'} cannot be decoded: {error}") from error
    white = Pillow.new("RGBA", picture.size, "white")
    return Pillow.alpha_composite(white, picture).convert("RGB")
