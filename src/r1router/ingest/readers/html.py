"""Reads a web page as one passage for each section and one record for each table of data, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r1router.errors import UnreadableFile
from r1router.ingest.parts import web_pages
from r1router.ingest.parts.files import read_whole
from r1router.ingest.parts.registry import Look
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.html", "*.htm", "*.xhtml")
KINDS: tuple[Kind, ...] = ("text", "table")


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    root, notes = web_pages.parse_page(file)
    yield web_pages.describe_page(root)
    web_pages.show_as_without_scripts(root)
    records = 0
    for item in web_pages.read_parsed(root, file, as_):
        records += not isinstance(item, Problem)
        yield item
    if not records and next(root.iter("script"), None) is not None:
        said = (
            "has no words of its own: a script draws them, and is not run; open it in a browser and save it from there"
        )
        raise UnreadableFile(file.source, said)
    yield from notes


def look(path: Path, as_: Kind | None) -> Look:
    """With tables only where there is the tag for one."""
    has_tables = b"<table" in read_whole(path, path.name).lower()
    return (KINDS if has_tables else ("text",)), ()
