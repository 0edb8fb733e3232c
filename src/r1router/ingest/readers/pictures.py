"""Reads a picture file as one picture, captioned by a file beside it or by what is stored in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r1router.ingest import ocr as recognizer
from r1router.ingest.parts import images, sidecars
from r1router.ingest.parts.cells import make_title
from r1router.ingest.parts.registry import Look
from r1router.ingest.records import Picture, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = tuple(f"*{suffix}" for suffix in images.SUFFIXES)
KINDS: tuple[Kind, ...] = ("image",)


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    loaded = images.load_file(file.path, file.source)
    beside = sidecars.read(file.path, file.source)
    if beside.problem:
        yield beside.problem
    yield Picture(
        file.source,
        file.source,
        loaded.image,
        beside.title or loaded.title or make_title(file.path),
        beside.caption or loaded.caption,
        recognizer.read_words(loaded.image) if ocr and not loaded.words else loaded.words,
    )


def look(path: Path, as_: Kind | None) -> Look:
    return KINDS, tuple(sidecars.find_caption_files(path))
