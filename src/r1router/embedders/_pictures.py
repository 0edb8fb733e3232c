"""Reads `Image` bytes of any kind as a picture in RGB, the right way up, with white where it was transparent."""

from __future__ import annotations

import io
import threading
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from r1router.errors import InputError
from r1router.types import Image

LARGE = 16_000_000
"""Pixels of a picture beside which no other large one is decoded: a few kilobytes may take some 400 MB."""
_TIMES = 8
"""A large picture is made smaller if its short side has at least so many times the pixels that are asked for. It keeps
half as many times."""
_BAND = 64
"""Rows of the smaller picture that are made at once."""
_ORIENTATION = 0x0112
"""Tag of EXIF."""

_one_large = threading.Lock()


def convert_to_rgb(image: Image, *, around: int) -> Pillow.Image:
    """The first frame. One that is much larger than `around` pixels comes at a fraction of its size.

    Raises `InputError` for bytes that are no picture, or a broken one.
    """
    try:
        with Pillow.open(io.BytesIO(image.data)) as opened:
            opened.draft("RGB", (around, around))
            with _take_turns(opened):
                return ImageOps.exif_transpose(_shrink(opened, around))
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:  # what Pillow raises on bad data
        raise InputError(f"the picture {image.name or '(no name)'} cannot be decoded: {error}") from error


def _take_turns(opened: Pillow.Image) -> AbstractContextManager[object]:
    return _one_large if opened.width * opened.height > LARGE else nullcontext()


def _shrink(opened: Pillow.Image, around: int) -> Pillow.Image:
    """In RGB; where it is large, at the fraction that leaves `_TIMES / 2` times `around` of its short side. It is gone
    through in bands of rows, since each step takes as much memory as what it is given."""
    factor = 1
    if opened.width * opened.height > LARGE:
        factor = max(1, 2 * min(opened.size) // (_TIMES * around))
    if factor == 1:
        small = _write_on_white(opened)
    else:
        small = Pillow.new("RGB", (-(-opened.width // factor), -(-opened.height // factor)))
        for top in range(0, opened.height, factor * _BAND):
            band = opened.crop((0, top, opened.width, min(top + factor * _BAND, opened.height)))
            small.paste(_write_on_white(band).reduce(factor), (0, top // factor))
    if turn := opened.getexif().get(_ORIENTATION):
        small.getexif()[_ORIENTATION] = turn
    return small


def _write_on_white(picture: Pillow.Image) -> Pillow.Image:
    if picture.mode.startswith("I;16"):  # Pillow would make everything above 255 white
        picture = Pillow.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    return Pillow.alpha_composite(Pillow.new("RGBA", picture.size, "white"), picture).convert("RGB")
