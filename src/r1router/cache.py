"""Finds the cache folder, because models and the demo's knowledge bases can be made again at any time."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def find_cache_folder() -> Path:
    """The user's cache folder for r1router, made when missing; `R1ROUTER_CACHE` overrides it."""
    chosen = os.environ.get("R1ROUTER_CACHE")
    folder = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("r1router", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
