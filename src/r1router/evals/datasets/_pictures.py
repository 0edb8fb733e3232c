"""Finds the picture of a question by its name, because some data sets ship pictures apart from questions."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from r1router.evals.datasets._rows import Row, describe_misfit
from r1router.images import load_image
from r1router.types import Image

log = logging.getLogger(__name__)

_FOLDERS = ("images", "oven_images")
_SUFFIXES = ("", ".jpg", ".JPG", ".jpeg", ".JPEG", ".png", ".webp", ".gif")


def find_picture_beside(row: Row, name: str, *, part: str = "") -> Image | None:
    """The picture `name` (with or without its suffix) in `images/` or `oven_images/` beside the question file.

    `part` is a folder inside that may hold it. Without such a folder the questions come without pictures, and one
    warning says so; with one, a picture that is missing from it is an `InputError`.
    """
    folder = _folder(row.path.parent)
    if folder is None:
        return None
    for place in (folder, folder / part):
        for suffix in _SUFFIXES:
            if (place / f"{name}{suffix}").is_file():
                return load_image(place / f"{name}{suffix}")
    raise describe_misfit(row, f"the picture {name!r} in {folder}")


@lru_cache(maxsize=64)
def _folder(parent: Path) -> Path | None:
    found = next((parent / name for name in _FOLDERS if (parent / name).is_dir()), None)
    if found is None:
        log.warning("questions of %s come without their pictures: there is no folder 'images' in it", parent)
    return found
