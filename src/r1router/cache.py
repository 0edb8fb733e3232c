"""Finds the cache folder, because models and the demo's knowledge bases can be made again at any time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import platformdirs


def find_cache_folder() -> Path:
    """The user's cache folder for r1router, made when missing; `R1ROUTER_CACHE` overrides it."""
    chosen = os.environ.get("R1ROUTER_CACHE")
    folder = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("r1router", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep_file(name: str, write: Callable[[BinaryIO], None]) -> Path:
    """The copy of a file in the cache. Where there is none, `write` makes it, whole or not at all.

    `name`: another one for each content, with the file's extension.
    """
    kept = find_cache_folder() / "files" / name
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            with (scratch := Path(folder, kept.name)).open("wb") as stream:
                write(stream)
            scratch.replace(kept)
    return kept
