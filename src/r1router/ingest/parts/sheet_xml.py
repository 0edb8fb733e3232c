"""Reads the XML that Excel 2003 wrote in place of a workbook, because programs still export it under the name xls."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import tabular
from r1router.ingest.parts.cells import Ids, make_title, write_cell
from r1router.ingest.parts.elements import find_child, read_attribute, read_name
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sheets import Rows, Span, write_lines
from r1router.ingest.parts.structure import Line
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

NAMESPACE = b"urn:schemas-microsoft-com:office:spreadsheet"


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    from lxml import etree  # type: ignore[import-untyped]

    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, huge_tree=True)
        root = etree.fromstring(file.path.read_bytes(), parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableFile(file.source, f"the workbook is damaged ({error})") from error
    ids = Ids()
    for sheet in (element for element in root if read_name(element) == "Worksheet"):
        called = write_cell(read_attribute(sheet, "Name"))
        options = find_child(find_child(sheet, "WorksheetOptions"), "Visible")
        if options is not None and (options.text or "").startswith("SheetHidden"):
            yield Problem(file.source, f"sheet {called}", "is hidden, so it was left out", read=True)
            continue
        id = ids.unique(f"{file.source}:{called}")
        about: Any = {"source": file.source, "title": make_title(file.path), "section": called, "as_": as_}
        notes: list[str] = []
        yield from tabular.find_records(_lines(find_child(sheet, "Table"), notes), id=id, is_sheet=True, **about)
        yield from tabular.make_notes_record(notes, id=f"{id}:notes", **about)


def look(path: Path, as_: Kind | None) -> Look:
    return ("table",), ()


def _lines(table: Any, notes: list[str]) -> Iterator[Line]:
    rows: Rows = {}
    spans: list[Span] = []
    hidden_rows: set[int] = set()
    hidden_columns: set[int] = set()
    row = column = 0
    for inner in table if table is not None else ():
        if read_name(inner) == "Column":
            column = _number(inner, "Index", column + 1)
            last = column + _number(inner, "Span", 0)
            hidden_columns.update(range(column, last + 1) if read_attribute(inner, "Hidden") == "1" else ())
            column = last
        elif read_name(inner) == "Row":
            row = _number(inner, "Index", row + 1)
            hidden_rows.update([row] if read_attribute(inner, "Hidden") == "1" else ())
            _take_cells(inner, row, rows, spans, notes)
    yield from write_lines(rows, spans, hidden_rows=hidden_rows, hidden_columns=hidden_columns)


def _take_cells(line: Any, row: int, rows: Rows, spans: list[Span], notes: list[str]) -> None:
    column = 0
    for place in (element for element in line if read_name(element) == "Cell"):
        column = _number(place, "Index", column + 1)
        right = column + _number(place, "MergeAcross", 0)
        data, note = find_child(place, "Data"), find_child(place, "Comment")
        if text := _show(data):
            rows.setdefault(row, {})[column] = text
        if note is not None:
            notes.append(f"Note{f' ({text})' if text else ''}: {write_cell(' '.join(note.itertext()))}")
        down = _number(place, "MergeDown", 0)
        if down or right > column:
            spans.append(Span(row, row + down, column, right))
        column = right


def _show(data: Any) -> str:
    """The value of a cell; formats are kept elsewhere, and left out."""
    said = write_cell("".join(data.itertext())) if data is not None else ""
    match read_attribute(data, "Type"):
        case "Number":
            try:
                return write_cell(float(said))
            except ValueError:
                return said
        case "DateTime":
            try:
                return write_cell(datetime.datetime.fromisoformat(said))
            except ValueError:
                return said
        case "Boolean":
            return write_cell(said == "1")
        case _:
            return said


def _number(element: Any, called: str, otherwise: int) -> int:
    value = read_attribute(element, called)
    return int(value) if value.isdecimal() and len(value) < 8 else otherwise
