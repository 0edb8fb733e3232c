"""Reads the tables of an Excel workbook from before 2007, cells as they are shown; a page or text of that name, too."""

from __future__ import annotations

import datetime
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import sheet_xml, tabular
from r1router.ingest.parts.cells import Ids, make_title, write_cell, write_counts
from r1router.ingest.parts.files import check_size
from r1router.ingest.parts.formats import show
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sheets import Rows, Span, write_lines, write_place
from r1router.ingest.readers import delimited, html, xlsx
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.xls", "*.xlt")
KINDS: tuple[Kind, ...] = ("table", "text")

_OLE = b"\xd0\xcf\x11\xe0"
_SHEET, _OBJECT, _CHART_SHEET = 0x85, 0x5D, 2
_OBJECTS = {5: "chart", 6: "text box", 8: "picture"}
"""Kinds of records, of sheets and of objects, as [MS-XLS] numbers them."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    if other := _find_other(file.path):
        yield from other.read(file, as_=as_, ocr=ocr)
        return
    import xlrd  # type: ignore[import-untyped]

    check_size(file.path, file.source)
    ids = Ids()
    try:
        book = xlrd.open_workbook(str(file.path), formatting_info=True, logfile=_Quiet())
    except xlrd.XLRDError as error:
        raise UnreadableFile(file.source, f"is encrypted, damaged or too old ({error}); save it as xlsx") from error
    for sheet in book.sheets():
        called = write_cell(sheet.name)
        if sheet.visibility:
            yield Problem(file.source, f"sheet {called}", "is hidden, so it was left out", read=True)
            continue
        id = ids.unique(f"{file.source}:{sheet.name}")
        about: Any = {"source": file.source, "title": make_title(file.path), "section": called, "as_": as_}
        yield from tabular.find_records(_lines(sheet, book), id=id, is_sheet=True, **about)
        notes = [
            f"Note at {write_place(row + 1, column + 1)}: {write_cell(note.text)}"
            for (row, column), note in sorted(sheet.cell_note_map.items())
        ]
        yield from tabular.make_notes_record(notes, id=f"{id}:notes", **about)
        yield from _left_out(sheet, file)
    if said := write_counts(Counter(_list_drawn(file.path))):
        yield Problem(file.source, "what is drawn", f"left out: {said}", read=True)


def look(path: Path, as_: Kind | None) -> Look:
    other = _find_other(path)
    return other.look(path, as_) if other else (("table",), ())


def _find_other(path: Path) -> Any:
    """The reader of what many programs export under this name; None for a real workbook."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith((_OLE, b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")):
        return None
    if sheet_xml.NAMESPACE in head:
        return sheet_xml
    if head.startswith(b"PK"):
        return xlsx
    return html if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else delimited


def _lines(sheet: Any, book: Any) -> Any:
    rows: Rows = {}
    for row in range(sheet.nrows):
        for column, held in enumerate(sheet.row(row)):
            if text := _show(held, book):
                rows.setdefault(row + 1, {})[column + 1] = text
    spans = (Span(top + 1, bottom, left + 1, right) for top, bottom, left, right in sheet.merged_cells)
    return write_lines(rows, spans, hidden_rows=_hidden(sheet.rowinfo_map), hidden_columns=_hidden(sheet.colinfo_map))


def _show(held: Any, book: Any) -> str:
    import xlrd

    code = book.format_map[book.xf_list[held.xf_index].format_key].format_str if held.xf_index is not None else ""
    match held.ctype:
        case xlrd.XL_CELL_TEXT:
            return write_cell(held.value)
        case xlrd.XL_CELL_BOOLEAN:
            return write_cell(bool(held.value))
        case xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(held.value, ""))
        case xlrd.XL_CELL_DATE if "[h" in code.lower() or "[m" in code.lower():
            return show(datetime.timedelta(days=held.value), code)
        case xlrd.XL_CELL_DATE if held.value < 1:
            return write_cell(xlrd.xldate_as_datetime(held.value, book.datemode).time())
        case xlrd.XL_CELL_DATE:
            return write_cell(xlrd.xldate_as_datetime(held.value, book.datemode))
        case xlrd.XL_CELL_NUMBER:
            return show(held.value, code)
        case _:
            return ""


def _hidden(about: Any) -> set[int]:
    return {place + 1 for place, how in about.items() if how.hidden}


def _left_out(sheet: Any, file: SourceFile) -> Iterator[Problem]:
    rows = [row for row in _hidden(sheet.rowinfo_map) if row <= sheet.nrows and any(sheet.row_values(row - 1))]
    columns = [c for c in _hidden(sheet.colinfo_map) if c <= sheet.ncols and any(sheet.col_values(c - 1))]
    counts = {"hidden row": len(rows), "hidden column": len(columns)}
    if said := write_counts(counts):
        yield Problem(file.source, f"sheet {write_cell(sheet.name)}", f"left out: {said}", read=True)


def _list_drawn(path: Path) -> Iterator[str]:
    """Names each thing that lies over a sheet, and each sheet that is a chart: xlrd knows neither."""
    from olefile import OleFileIO, isOleFile  # type: ignore[import-untyped]

    if not isOleFile(str(path)):
        return
    with OleFileIO(str(path)) as ole:
        stream = next(name for name in (["Workbook"], ["Book"]) if ole.exists(name))
        data = ole.openstream(stream).read()
    at = 0
    while at + 10 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        if kind == _SHEET and data[at + 9] == _CHART_SHEET:
            yield "chart"
        elif kind == _OBJECT and data[at + 8] in _OBJECTS:
            yield _OBJECTS[data[at + 8]]
        at += 4 + length


class _Quiet:
    """Where the library's remarks go."""

    def write(self, words: str) -> None:
        pass

    def flush(self) -> None:
        pass
