"""Reads a Jupyter notebook as passages, what was written, the code, and what it printed, and its tables as tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import grids, web_pages
from r1router.ingest.parts.cells import make_title
from r1router.ingest.parts.files import read_text
from r1router.ingest.parts.markdown_lines import parse
from r1router.ingest.parts.sections import Sections
from r1router.ingest.readers import markdown
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.scripts import normalise
from r1router.types import Kind

PATTERNS = ("*.ipynb",)
KINDS: tuple[Kind, ...] = ("text", "table")

_OBJECT = re.compile(r"\s*<[^<>]{1,300}>\s*")
"""What Python prints of a thing that is shown in another form: <IPython.core.display.HTML object>."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    text = read_text(file)
    try:
        cells = _list_cells(json.loads(text))
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
    pictures, tables = 0, count(1)
    left_out: dict[str, None] = {}
    for part in cells:
        text = _join(part.get("source") or part.get("input"))
        pictures += len(part.get("attachments") or ())
        if part.get("cell_type") == "markdown":
            yield from markdown.read_lines(parse(text)[1], file, sections, tables, as_)
            continue
        sections.write(text + "\n")
        for output in part.get("outputs", ()):
            data: Mapping[str, Any] = output.get("data", {})
            pictures += any(kind.startswith("image/") or kind in ("png", "jpeg") for kind in (*data, *output))
            page = _join(data.get("text/html") or output.get("html"))
            found = web_pages.find_tables(page)
            root = web_pages.parse_markup(page)
            left_out.update(web_pages.find_left_out(root) if root is not None else {})
            for rows, caption in found:
                yield from sections.find_tables(
                    grids.spread_cells(rows),
                    id=f"{file.source}:table {next(tables)}",
                    caption=caption,
                    as_=as_,
                )
            if said := web_pages.read_words(page, tables=False) if found else _print(output, data):
                sections.write(said + "\n")
            elif data and not found:  # a chart or a control that a program draws
                pictures += not any(kind.startswith("image/") for kind in data)
    yield from sections.end()
    yield from (Problem(file.source, noun, "left out", read=True) for noun in left_out)
    if pictures:
        yield Problem(file.source, "its pictures", f"{pictures} picture{'s' * (pictures > 1)} left out", read=True)


def _print(output: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """What an output says in words."""
    if output.get("output_type") in ("error", "pyerr"):
        said, where = f"{output.get('ename', '')}: {output.get('evalue', '')}", "\n".join(output.get("traceback") or ())
        return where if said in normalise(where) else f"{where}\n{said}".strip()
    plain = _join(output.get("text") or data.get("text/plain"))
    page = _join(data.get("text/html"))
    if plain.strip() and not _OBJECT.fullmatch(plain) and not web_pages.says_more(web_pages.parse_markup(page), plain):
        return plain
    shown = _join(data.get("text/markdown") or data.get("text/latex") or output.get("latex"))
    given = data.get("application/json")
    return shown or web_pages.read_words(page) or (json.dumps(given) if given else plain)


def _join(lines: Any) -> str:
    return "".join(lines or ())
