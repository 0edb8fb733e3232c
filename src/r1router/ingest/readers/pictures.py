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

MOST_PAGES = 100
_SCANS = (".tif", ".tiff")
"""Where the frames are pages and not moments."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    loaded = images.load_file(file.path, file.source)
    beside = sidecars.read(file.path, file.source)
    if beside.problem:
        yield beside.problem
    title = beside.title or loaded.title or make_title(file.path)
    pages = min(loaded.frames, MOST_PAGES) if file.path.suffix.lower() in _SCANS else 1
    for number in range(1, pages + 1):
        page = loaded if number == 1 else images.load_file(file.path, file.source, frame=number - 1)
        yield Picture(
            file.source if number == 1 else f"{file.source}:page {number}",
            file.source,
            page.image,
            title if number == 1 else f"{title}, page {number}",
            beside.caption or page.caption,
            recognizer.read_words(page.image) if ocr and not page.words else page.words,
        )
    if loaded.frames > pages:
        said = f"has {loaded.frames} pictures, of which {'the first is' if pages == 1 else f'{pages} are'} read"
        yield Problem(file.source, "", said, read=True)
    if loaded.outside:
        said = f"{loaded.outside} picture{'s' * (loaded.outside > 1)} outside of the file left out"
        yield Problem(file.source, "its pictures", said, read=True)


def look(path: Path, as_: Kind | None) -> Look:
    return KINDS, tuple(sidecars.find_caption_files(path))
