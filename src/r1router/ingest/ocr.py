"""Reads the words in a picture by RapidOCR, whose models come inside its package."""

from __future__ import annotations

import functools
import io
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from r1router.types import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Opened

log = logging.getLogger(__name__)

FLOOR = 0.8
"""Lines recognised with less confidence than this (0 to 1) are left out."""
LEAST_HEIGHT, LEAST_WIDTH = 16, 40
"""Pixels; no word is readable in less."""
LEAST_CONTRAST = 24
"""Grey levels of 255 between the darkest and the lightest pixel; a picture with less is blank."""
_LEAST_CHARACTERS = 2
"""Lone characters are most often shapes of a drawing: "O" for a ring."""
_DETECTOR = {
    # The default enlarges the short side to 736 pixels: 979 against 86 CPU-ms for a picture of 320 × 214,
    # with more drawings taken for letters and no more words found in 24-pixel print.
    "Det.limit_type": "max",
    "Det.limit_side_len": 1280,
    "Global.use_cls": False,  # turns lines that stand on their head; photos are turned by their EXIF
    "Global.log_level": "critical",
}

_lock = threading.Lock()
_work = [0.0]


def measure_work() -> float:
    """Seconds of CPU that this process has taken to read words in pictures."""
    return _work[0]


def read_words(image: Image, *, floor: float = FLOOR) -> str:
    """The lines in reading order, joined by spaces; "" where there are none or OCR is not installed.

    Safe to call from several threads (one engine, one picture at a time). The picture must decode.
    """
    from PIL import Image as Pillow
    from PIL import ImageOps

    with Pillow.open(io.BytesIO(image.data)) as opened:
        picture = ImageOps.exif_transpose(opened)
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if _is_empty(picture):
        return ""
    with _lock:
        began = time.process_time()
        engine = _engine()
        found = engine(picture) if engine else None
        _work[0] += time.process_time() - began
    if found is None or found.boxes is None or found.txts is None:
        return ""
    lines = [
        (box, text.strip())
        for box, text, score in zip(found.boxes.tolist(), found.txts, found.scores, strict=True)
        if score >= floor and sum(map(str.isalnum, text)) >= _LEAST_CHARACTERS
    ]
    return " ".join(_in_reading_order(lines))


def _is_empty(picture: Opened) -> bool:
    if min(picture.size) < LEAST_HEIGHT or max(picture.size) < LEAST_WIDTH:
        return True
    flat = [band.getextrema() for band in picture.split()]
    return all(int(high) - int(low) < LEAST_CONTRAST for low, high in flat)  # type: ignore[arg-type]


def _in_reading_order(lines: list[tuple[Any, str]]) -> list[str]:
    """Top to bottom, and left to right where boxes (four x, y corners) share a line."""
    placed = sorted(
        (min(y for _, y in box), max(y for _, y in box), min(x for x, _ in box), text) for box, text in lines
    )
    rows: list[list[tuple[float, float, float, str]]] = []
    for line in placed:
        top, bottom, _, _ = line
        if rows and (top + bottom) / 2 < rows[-1][0][1]:  # its middle lies above the foot of the row's first
            rows[-1].append(line)
        else:
            rows.append([line])
    return [text for row in rows for _, _, _, text in sorted(row, key=lambda line: line[2])]


@functools.cache
def _engine() -> Any:
    """The one engine of this process; None, said once, where it cannot be imported."""
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        log.warning(
            "pictures are indexed without the words in them: OCR cannot be loaded (%s); "
            "install it with: pip install rapidocr opencv-python-headless",
            error,
        )
        return None
    return RapidOCR(params=_DETECTOR)
