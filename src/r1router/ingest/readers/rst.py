"""Reads reStructuredText as one passage for each section and the records of each table, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.ingest.parts import grids
from r1router.ingest.parts.cells import make_title, tidy, write_cell
from r1router.ingest.parts.files import read_text, read_whole, report_doubts
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sections import Sections
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.rst", "*.rest")
KINDS: tuple[Kind, ...] = ("text", "table")

_SETTINGS = {
    "report_level": 5, "halt_level": 5, "warning_stream": False, "file_insertion_enabled": False, "raw_enabled": False,
    "_disable_config": True, "syntax_highlight": "none", "line_length_limit": 1_000_000, "smart_quotes": False,
}  # fmt: skip
"""Nothing outside of the file is read, and what is not understood stays as it is written."""
_ROLE = re.compile(r":[\w.:+-]{1,40}:`[~!]?([^`<]*)(?:<[^`>]*>)?`")
"""A role that only another program knows: its words are read."""
_END = {"term": "\n", "line": "\n", "label": " ", "field_name": ": "}
"""What follows the words of a node, other than a blank line."""
_UNSEEN = ("comment", "substitution_definition", "target", "pending", "decoration", "meta")


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    from docutils.core import publish_doctree  # type: ignore[import-untyped]

    text = read_text(file)
    try:
        root = publish_doctree(text, settings_overrides=_SETTINGS)
    except Exception as error:  # what a parser of such a language may meet is without end
        yield Passage(file.source, file.source, tidy(text), make_title(file.path))
        yield Problem(file.source, "its sections", f"could not be told apart ({error}); it was read as text", read=True)
        return
    first = next(iter(root.findall(lambda node: node.tagname == "title")), None)
    sections = Sections(
        file, root.get("title") or (write_cell(_words(first)) if first else "") or make_title(file.path), indented=True
    )
    for item in _walk(root, 0, file, sections, as_):
        if as_ != "table" or not isinstance(item, Passage):
            yield item
    yield from (passage for passage in sections.end() if as_ != "table")
    yield from report_doubts(file)


def look(path: Path, as_: Kind | None) -> Look:
    """With tables only where there is a line or a directive for one."""
    data = read_whole(path, path.name)
    has_tables = re.search(rb"(?m)^[ \t]{0,40}(?:\+-{1,200}\+|={2,200} {1,9}=|\.\. (?:list-|csv-)?table::)", data)
    return (KINDS if has_tables else ("text",)), ()


def _walk(node: Any, level: int, file: SourceFile, sections: Sections, as_: Kind | None) -> Iterator[Record | Problem]:
    for inner in node.children:
        called = inner.tagname
        if called in _UNSEEN:
            continue
        if called == "section":
            yield from _walk(inner, level + 1, file, sections, as_)
        elif called == "title" and node.tagname in ("document", "section"):
            yield from sections.heading(max(level, 1), _words(inner))
        elif called == "table":
            caption = next((write_cell(_words(e)) for e in inner.children if e.tagname == "title"), "")
            yield from sections.find_tables(
                grids.spread_cells(list(_rows(inner))),
                id=sections.ids.unique(f"{file.source}:table"),
                caption=caption,
                as_=as_,
            )
        elif called == "system_message":
            for block in inner.findall(lambda node: node.tagname == "literal_block"):
                sections.write(_ROLE.sub(r"\1", block.astext()) + "\n\n")
        elif called in ("list_item", "footnote", "citation"):
            sections.write(_mark(node, inner))
            yield from _walk(inner, level, file, sections, as_)
        elif _is_text(inner):
            about = f"{called.capitalize()}: " if node.tagname == "docinfo" else ""
            sections.write(about + _words(inner) + _END.get(called, "\n\n"))
        else:
            yield from _walk(inner, level, file, sections, as_)


def _is_text(node: Any) -> bool:
    from docutils.nodes import TextElement, image  # type: ignore[import-untyped]

    return isinstance(node, TextElement | image)


def _mark(node: Any, item: Any) -> str:
    """What a list or a note puts in front of an item."""
    if item.tagname != "list_item":
        return ""
    if node.tagname != "enumerated_list":
        return "- "
    return f"{int(node.get('start', 1)) + [n for n in node.children if n.tagname == 'list_item'].index(item)}. "


def _words(node: Any) -> str:
    """A node's text, pictures by the words that stand for them."""
    if node.tagname == "image":
        return str(node.get("alt", ""))
    if not hasattr(node, "children") or not node.children:
        return str(node.astext())
    said = "".join(map(_words, node.children))
    return _ROLE.sub(r"\1", said) if node.tagname == "problematic" else said


def _rows(table: Any) -> Iterator[list[grids.Cell]]:
    for row in table.findall(lambda node: node.tagname == "row"):
        heads = row.parent.tagname == "thead"
        yield [
            grids.Cell(
                write_cell(" ".join(_words(part) for part in entry.children)),
                entry.get("morecols", 0) + 1,
                entry.get("morerows", 0) + 1,
                heads,
            )
            for entry in row.children
        ]
