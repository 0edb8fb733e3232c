"""Tests that nothing that a person sees is lost in silence, on files of random structure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import random_files
from reading import read_all, write, written

SEEDS = range(25)


def find_lost(folder: Path, name: str, seed: int) -> list[str]:
    """The words of one file that are neither read nor told."""
    content, words = random_files.make(name, seed)
    written(folder / name, content)
    items = list(read_all(folder))
    told = " ".join(item for item in items if isinstance(item, str))
    read = " ".join(f"{write(item)} {item.id} {item.about}" for item in items if not isinstance(item, str))
    found = set(re.findall(r"[^\W_]+", f"{read} {told}".lower()))
    return [word for word, instead in words.items() if word not in found and not (instead and instead in told)]


@pytest.mark.parametrize("name", random_files.KINDS)
def test_no_word_is_lost_in_silence(tmp_path: Path, name: str) -> None:
    lost = {seed: words for seed in SEEDS if (words := find_lost(tmp_path, name, seed))}
    assert not lost, f"random_files.make({name!r}, seed)"
