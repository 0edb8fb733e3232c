"""Reads a Jupyter notebook as passages, what was written, the code, and what it printed, and its tables as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import grids, tabular
from r1router.ingest.parts.cells import make_title
from r1router.ingest.parts.files import open_text
from r1router.ingest.parts.sections import Sections
from r1router.ingest.readers import html, markdown
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.ipynb",)
KINDS: tuple[Kind, ...] = ("text", "table")


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    with open_text(file) as stream:
        try:
            cells = _list_cells(json.load(stream))
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableFile(file.source, f"is no notebook ({error})") from error
    sections = Sections(file, make_title(file.path), indented=True)
    for item in _read_cells(cells, file, sections, as_):
        if as_ != "table" or not isinstance(item, Passage):
            yield item


def _list_cells(book: Any) -> list[Any]:
    """The cells, of books from before 2015 too."""
    return book["cells"] if "cells" in book else [cell for sheet in book["worksheets"] for cell in sheet["cells"]]


def _read_cells(cells: list[Any], file: SourceFile, sections: Sections, as_: Kind | None) -> Iterator[Record | Problem]:
    pictures = tables = 0
    for part in cells:
        text = _join(part.get("source") or part.get("input"))
        if part.get("cell_type") == "markdown":
            for level, line in markdown.parse(text)[1]:
                if level:
                    yield from sections.heading(level, line)
                else:
                    sections.write(line + "\n")
            continue
        sections.write(text + "\n")
        for output in part.get("outputs", ()):
            data: Mapping[str, Any] = output.get("data", {})
            pictures += any(kind.startswith("image/") or kind in ("png", "jpeg") for kind in (*data, *output))
            found = html.find_tables(_join(data.get("text/html") or output.get("html")))
            for rows, caption in found:
                tables += 1
                yield from tabular.find_records(
                    grids.spread_cells(rows),
                    id=f"{file.source}:table {tables}",
                    source=file.source,
                    title=sections.title,
                    section=sections.section,
                    caption=caption,
                    as_=as_,
                )
            if not found:
                sections.write(_print(output, data) + "\n")
    yield from sections.end()
    if pictures:
        yield Problem(file.source, "its outputs", f"{pictures} pictures left out", read=True)


def _print(output: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """What an output says in words."""
    if output.get("output_type") in ("error", "pyerr"):
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    said = output.get("text") or data.get("text/plain") or data.get("text/markdown") or data.get("text/latex")
    return _join(said or output.get("latex"))


def _join(lines: Any) -> str:
    return "".join(lines or ())
