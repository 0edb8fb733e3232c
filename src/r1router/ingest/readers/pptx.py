"""Reads a PowerPoint presentation as one passage for each slide, with its notes, and the records of its tables."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.ingest.parts import graphics, grids, office, tabular
from r1router.ingest.parts.cells import tidy, write_cell
from r1router.ingest.parts.elements import find_child, read_attribute, read_name
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.titles import choose_title
from r1router.ingest.records import About, Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.pptx", "*.pptm", "*.ppsx")
KINDS: tuple[Kind, ...] = ("text", "table", "image")


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    office.check(file, part="_rels/.rels", modern="pptx")
    if as_ == "image":
        yield from office.read_pictures(file, ocr=ocr)
        return
    with zipfile.ZipFile(file.path) as archive:
        yield office.describe(archive)
        folder, root = office.open_main_part(archive, file, "presentation")
        title = choose_title([office.read_title(archive)], file.path)
        related = _related(archive, folder, "presentation.xml")
        listed = find_child(root, "sldIdLst")
        slides = list(listed) if listed is not None else []
        for number, slide in enumerate(slides, 1):
            rid = next((v for k, v in slide.attrib.items() if k.endswith("}id")), "")
            part = related.get(rid, "")
            if part not in archive.namelist():
                continue
            yield from _slide(archive, part, number, file, title, as_)
    yield from office.report_pictures_left_out(file)


def look(path: Path, as_: Kind | None) -> Look:
    with zipfile.ZipFile(path) as archive:
        has_tables = any(b"<a:tbl>" in archive.read(p) for p in archive.namelist() if p.startswith("ppt/slides/slide"))
    return (("text", "table") if has_tables else ("text",)), ()


def _related(archive: zipfile.ZipFile, folder: str, part: str) -> dict[str, str]:
    """Parts that a part refers to, by the id of the reference."""
    return {
        read_attribute(relation, "Id"): posixpath.normpath(
            posixpath.join(folder, read_attribute(relation, "Target"))
        ).lstrip("/")
        for relation in office.find_elements(archive, f"{folder}/_rels/{part}.rels", "Relationship")
    }


def _slide(
    archive: zipfile.ZipFile, part: str, number: int, file: SourceFile, title: str, as_: Kind | None
) -> Iterator[Record | Problem]:
    root = office.parse(archive, part)
    if read_attribute(root, "show") == "0":
        yield Problem(file.source, f"slide {number}", "is hidden, so it was left out", read=True)
        return
    heading = " ".join(
        write_cell(" ".join(_lines(shape))) for shape in root.iter() if read_name(shape) == "sp" and _is_title(shape)
    )
    lines = [*_lines(root), *_described(root)]
    folder, called = posixpath.split(part)
    related = [part for part in _related(archive, folder, called).values() if part in archive.namelist()]
    for other in graphics.find_diagrams(related):
        lines += graphics.read_diagram(archive, other)
    for other in related:
        if "notesSlide" in other:
            said = [line for line in _lines(office.parse(archive, other)) if not line.isdecimal()]
            lines += [f"Notes: {' '.join(said)}"] if said else []
        elif "/comments/" in other:
            lines += [f"Comment: {said}" for said in _comments(office.parse(archive, other))]
    id = f"{file.source}:slide {number}"
    if lines and as_ != "table":
        yield Passage(id, file.source, tidy("\n".join(lines)), title, number, heading)
    for place, table in enumerate((element for element in root.iter() if read_name(element) == "tbl"), 1):
        rows = [
            [
                grids.Cell(write_cell(" ".join(_lines(c))), _span(c, "gridSpan"), _span(c, "rowSpan"))
                for c in row
                if read_name(c) == "tc" and not (read_attribute(c, "hMerge") or read_attribute(c, "vMerge"))
            ]
            for row in table
            if read_name(row) == "tr"
        ]
        about: Any = {"source": file.source, "title": title, "section": heading, "page": number, "as_": as_}
        yield from tabular.find_records(grids.spread_cells(rows), id=f"{id}:table {place}", **about)
    for place, other in enumerate(graphics.find_charts(related), 1):
        about = {"source": file.source, "title": title, "section": heading, "page": number, "as_": as_}
        yield from graphics.read_chart(archive, other, id=f"{id}:chart {place}", **about)


def _lines(root: Any) -> list[str]:
    """Paragraphs in the order of the file."""
    texts = ("".join(t.text or "" for t in p.iter() if read_name(t) == "t") for p in root.iter() if read_name(p) == "p")
    return [text.strip() for text in texts if text.strip()]


def _described(root: Any) -> list[str]:
    """What stands for pictures, where a person wrote it."""
    said = (write_cell(read_attribute(e, "descr")) for e in root.iter() if read_name(e) == "cNvPr")
    return [words for words in said if words and "generated" not in words]


def _comments(root: Any) -> list[str]:
    """In the form of old programs, `text`, or of new ones, paragraphs."""
    old = [write_cell(e.text or "") for e in root.iter() if read_name(e) == "text"]
    return [words for words in old or _lines(root) if words]


def _is_title(shape: Any) -> bool:
    return any(read_name(e) == "ph" and read_attribute(e, "type") in ("title", "ctrTitle") for e in shape.iter())


def _span(place: Any, called: str) -> int:
    value = read_attribute(place, called)
    return min(int(value), grids.MOST_COLUMNS) if value.isdecimal() and len(value) < 6 else 1
