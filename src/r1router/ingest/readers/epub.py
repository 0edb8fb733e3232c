"""Reads an e-book as a passage for each section of each chapter and the records of its tables, in reading order."""

from __future__ import annotations

import posixpath
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from r1router.errors import UnreadableFile
from r1router.ingest.parts import drawings, office, web_pages
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.elements import find_child, read_attribute, read_name
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.titles import choose_title
from r1router.ingest.records import About, Passage, Picture, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.epub",)
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document")
_DRAWING = "image/svg+xml"


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    office.check(file, part="META-INF/container.xml", modern="EPUB")
    if as_ == "image":
        yield from office.read_pictures(file, ocr=ocr)
        return
    with zipfile.ZipFile(file.path) as archive, tempfile.TemporaryDirectory() as scratch:
        title, chapters, about = _list_chapters(archive, file)
        yield about
        locked = {
            read_attribute(held, "URI")
            for held in office.find_elements(archive, "META-INF/encryption.xml", "CipherReference")
        }
        for number, part in enumerate(chapters, 1):
            called = posixpath.basename(part)
            if part not in archive.namelist() or part in locked:
                why = "is protected against copying" if part in locked else "is not in the file"
                yield Problem(file.source, f"chapter {called}", why)
                continue
            if part.endswith(".svg"):
                if (words := drawings.read_words(archive.read(part), file.source)) and as_ != "table":
                    yield Passage(f"{file.source}:{called}", file.source, words, title, None, called)
                continue
            page = Path(scratch, f"{number}.xhtml")
            page.write_bytes(archive.read(part))
            try:
                yield from _read_chapter(SourceFile(page, f"{file.source}:{called}", file.kinds), file, title, as_)
            except UnreadableFile as error:
                yield Problem(file.source, f"chapter {called}", error.reason)
    yield from office.report_pictures_left_out(file)


def look(path: Path, as_: Kind | None) -> Look:
    with zipfile.ZipFile(path) as archive:
        pages = (part for part in archive.namelist() if part.lower().endswith((".xhtml", ".html", ".htm", ".xml")))
        has_tables = any(b"<table" in archive.read(part).lower() for part in pages)
    return (("text", "table") if has_tables else ("text",)), ()


def _list_chapters(archive: zipfile.ZipFile, file: SourceFile) -> tuple[str, list[str], About]:
    """The book's title, the names of its pages in reading order, what is known of it. Raises `UnreadableFile`."""
    package = next(
        (read_attribute(e, "full-path") for e in office.find_elements(archive, "META-INF/container.xml", "rootfile")),
        "",
    )
    if package not in archive.namelist():
        raise UnreadableFile(file.source, "is a zip archive but no e-book: it names no package")
    root = office.parse(archive, package)
    stated = choose_title((e.text for e in root.iter() if read_name(e) == "title"), file.path)
    authors = ", ".join(write_cell(e.text) for e in root.iter() if read_name(e) == "creator" and write_cell(e.text))
    title = " by ".join(part for part in (stated, authors) if part)
    items = {read_attribute(item, "id"): item for item in find_child(root, "manifest")}
    listed = [items.get(read_attribute(entry, "idref")) for entry in find_child(root, "spine")]
    apart = [item for item in items.values() if item not in listed and not _is_contents(item)]
    folder = posixpath.dirname(package)
    pages = [
        posixpath.normpath(posixpath.join(folder, unquote(read_attribute(item, "href"))))
        for item in (*listed, *apart)
        if item is not None and read_attribute(item, "media-type") in (_PAGES if item in apart else (*_PAGES, _DRAWING))
    ]
    return title, pages, office.describe_properties(root)


def _is_contents(item: Any) -> bool:
    """The list of chapters, whose words stand in the chapters too."""
    return "nav" in read_attribute(item, "properties").split()


def _read_chapter(page: SourceFile, book: SourceFile, title: str, as_: Kind | None) -> Iterator[Record | Problem]:
    """What the page holds, under the title of the book; its own title begins the sections."""
    for item in web_pages.read_page(page, as_=as_):
        match item:
            case Problem():
                yield replace(item, path=book.source, where=f"chapter {page.source.rpartition(':')[2]}, {item.where}")
            case Picture():
                yield replace(item, source=book.source)
            case _:
                called = "" if item.title in (title, page.path.stem) or title.startswith(item.title) else item.title
                section = " > ".join(part for part in (called, item.section) if part)
                yield replace(item, source=book.source, title=title, section=section)
