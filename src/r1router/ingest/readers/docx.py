"""A Word document to one passage for each section and one record for each table, in their order."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from r1router.ingest.parts import grids, office, tabular
from r1router.ingest.parts.cells import cell, title_of
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sections import Sections
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

PATTERNS = ("*.docx", "*.docm")
KINDS: tuple[Kind, ...] = ("text", "table")

_DOCUMENT = "word/document.xml"
_HEADING = re.compile(r"heading ?([1-9])$", re.IGNORECASE)


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    office.check(file, part=_DOCUMENT, modern="docx")
    from docx import Document
    from docx.text.paragraph import Paragraph

    with file.path.open("rb") as stream:  # by path it refuses .docm
        document = Document(stream)
    parts = list(document.iter_inner_content())
    titled = (part.text for part in parts if isinstance(part, Paragraph) and _style(part) == "title")
    stated = document.core_properties.title or ""
    title = cell(stated) or cell(next(titled, "")) or title_of(file.path)
    sections = Sections(file, title)
    tables = 0
    caption = ""
    for part in parts:
        if not isinstance(part, Paragraph):
            tables += 1
            yield from _table(part, f"{file.source}:table {tables}", caption, file, sections, as_)
            caption = ""
            continue
        style = _style(part)
        heading = _HEADING.match(style)
        if heading:
            for passage in sections.heading(int(heading[1]), part.text):
                if as_ != "table":
                    yield passage
        elif style == "caption":
            caption = cell(part.text)
            sections.write(part.text + "\n")
        elif style != "title":
            sections.write(part.text + "\n")
    if as_ != "table":
        yield from sections.end()


def look(path: Path, as_: Kind | None) -> Look:
    """With tables only where there is the tag for one."""
    office.check(SourceFile(path, path.name, KINDS), part=_DOCUMENT, modern="docx")
    with zipfile.ZipFile(path) as archive:
        has_tables = b"<w:tbl>" in archive.read(_DOCUMENT)
    return (KINDS if has_tables else ("text",)), ()


def _style(paragraph: Paragraph) -> str:
    return (paragraph.style.name or "").lower() if paragraph.style else ""


def _table(
    table: Table, id: str, caption: str, file: SourceFile, sections: Sections, as_: Kind | None
) -> Iterator[Record | Problem]:
    """The table; one of a single row or column holds text in a frame, which goes to its section."""
    grid: list[list[grids.Cell]] = []
    for row in table.rows:
        known: dict[int, grids.Cell] = {}  # a merged cell comes once for each column, the same element each time
        line = [known.setdefault(id_, grids.Cell(cell(c.text))) for c in row.cells for id_ in [hash(c._tc)]]
        grid.append([grids.Cell("")] * row.grid_cols_before + line)
    if len(grid) < 2 or max(map(len, grid)) < 2:
        for line in grid:
            sections.write("\n".join(dict.fromkeys(c.text for c in line)) + "\n")
        return
    yield from tabular.find_records(
        grids.spread(grid),
        id=id,
        source=file.source,
        title=sections.title,
        section=sections.section,
        caption=caption,
        as_=as_,
    )
