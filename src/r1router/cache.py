"""Finds the folder of what this package can make or fetch again: models, the demo's knowledge bases."""

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
