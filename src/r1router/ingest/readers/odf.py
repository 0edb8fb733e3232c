"""Reads an OpenDocument text, sheet or presentation (odt, ods, odp) as passages and the records of its tables."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.ingest.parts import grids, office, tabular
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.elements import read_attribute, read_name
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sections import Sections
from r1router.ingest.parts.titles import choose_title
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.odt", "*.ods", "*.odp", "*.ott", "*.ots", "*.otp")
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_GONE = frozenset({"tracked-changes", "annotation", "tracked-change", "sequence-decls", "forms", "scripts"})
_MOST_REPEATED = 1_000


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    office.check(file, part="content.xml", modern="OpenDocument")
    if as_ == "image":
        yield from office.read_pictures(file, ocr=ocr)
        return
    with zipfile.ZipFile(file.path) as archive:
        yield office.describe(archive)
        root = office.parse(archive, "content.xml")
        stated = next((e.text or "" for e in office.find_elements(archive, "meta.xml", "title")), "")
    sections = Sections(file, choose_title([stated], file.path))
    is_sheet = file.path.suffix.lower() in (".ods", ".ots")
    tables = 0
    for block in _blocks(root):
        called = read_name(block)
        if called == "h":
            level = read_attribute(block, "outline-level")
            for passage in sections.heading(int(level) if level.isdecimal() else 1, _text(block)):
                if as_ != "table":
                    yield passage
        elif called == "page":
            for passage in sections.heading(1, read_attribute(block, "name")):
                if as_ != "table":
                    yield passage
        elif called == "table":
            tables += 1
            sheet = write_cell(read_attribute(block, "name"))
            id = f"{file.source}:{sheet}" if is_sheet else f"{file.source}:table {tables}"
            yield from tabular.find_records(
                grids.spread_cells(_rows(block)),
                id=id,
                source=file.source,
                title=sections.title,
                section=sheet if is_sheet else sections.section,
                as_=as_,
                is_sheet=is_sheet,
            )
        else:
            sections.write(_text(block) + "\n")
    if as_ != "table":
        yield from sections.end()
    yield from office.report_pictures_left_out(file)


def look(path: Path, as_: Kind | None) -> Look:
    if path.suffix.lower() in (".ods", ".ots"):
        return ("table",), ()
    with zipfile.ZipFile(path) as archive:
        has_tables = b"<table:table " in archive.read("content.xml")
    return (("text", "table") if has_tables else ("text",)), ()


def _blocks(element: Any) -> Iterator[Any]:
    """Headings, paragraphs, tables and the beginnings of slides, in order."""
    for inner in element:
        called = read_name(inner)
        if called in ("h", "p", "table"):
            yield inner
        elif called not in _GONE:
            if called == "page":
                yield inner
            yield from _blocks(inner)


def _text(element: Any) -> str:
    return "".join(_pieces(element)).strip()


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for inner in element:
        called = read_name(inner)
        if called == "s":
            yield " " * min(int(read_attribute(inner, "c") or 1), 80)
        elif called in ("tab", "line-break"):
            yield "\t" if called == "tab" else "\n"
        elif called not in _GONE:
            yield from _pieces(inner)
            yield " " if called in ("p", "h") else ""
        yield inner.tail or ""


def _rows(table: Any, *, heads: bool = False) -> list[list[grids.Cell]]:
    """The cells of a table as they are shown; rows that repeat without words come once or not at all."""
    rows: list[list[grids.Cell]] = []
    for inner in table:
        called = read_name(inner)
        if called in ("table-header-rows", "table-row-group", "table-rows"):
            rows += _rows(inner, heads=heads or called == "table-header-rows")
        elif called == "table-row" and read_attribute(inner, "visibility") != "collapse":
            row: list[grids.Cell] = []
            for place in inner:
                if read_name(place) in ("table-cell", "covered-table-cell"):
                    row += _cells(place, heads)
            while row and not row[-1].text:
                row.pop()
            again = _number(inner, "number-rows-repeated")
            rows += [row] * (again if row else min(again, 2))
    return rows


def _cells(place: Any, heads: bool) -> list[grids.Cell]:
    if read_name(place) == "covered-table-cell":
        return []
    text = write_cell(" ".join(_text(p) for p in place if read_name(p) in ("p", "h", "list"))) or write_cell(
        read_attribute(place, "value")
    )
    columns, rows = _number(place, "number-columns-spanned"), _number(place, "number-rows-spanned")
    again = _number(place, "number-columns-repeated")
    return [grids.Cell(text, columns, rows, heads) for _ in range(again)]


def _number(element: Any, called: str) -> int:
    value = read_attribute(element, called)
    return max(1, min(int(value), _MOST_REPEATED)) if value.isdecimal() and len(value) < 9 else 1
