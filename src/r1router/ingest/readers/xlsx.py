"""Reads the tables of an Excel workbook, cells as they are shown, formulas as the values last computed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import office, tabular
from r1router.ingest.parts.cells import Ids, make_title, write_cell, write_counts
from r1router.ingest.parts.elements import read_attribute, read_name
from r1router.ingest.parts.formats import HIDES, show
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sheets import Span, write_lines
from r1router.ingest.parts.structure import Line
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.xlsx", "*.xlsm", "*.xltx", "*.xltm", "*.xlsb")
KINDS: tuple[Kind, ...] = ("table", "text")

MOST_WHOLE = 64 << 20
"""Bytes of sheets; of more, rows are read as a stream, which knows neither merged nor hidden cells nor notes."""
_NOT_COMPUTED = re.compile(rb'<c (?![^>]*t="str")[^>]*><f[^>]*>[^<]*</f>(?:<v\s*/>|<v></v>)?</c>')
"""A formula without a value, as programs leave it that write workbooks and cannot compute."""
_ERROR = re.compile(rb'<c\s[^>]*t="e"')
_ERROR_RECORDS = (3, 11)
"""In the binary form: the value of a cell, of one with a formula."""
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CODE = re.compile(r"&(?:\[[^\[\]]*\]|[A-Z]\b)")
"""The page's number, the date and the like, in a header or footer."""
_LONGEST_FORMULA = 1 << 14
_BLOCK = 1 << 20


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    is_binary = _is_binary(file.path)
    office.check(file, part="xl/workbook.bin" if is_binary else "xl/workbook.xml", modern="xlsx")
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    with zipfile.ZipFile(file.path) as archive:
        yield office.describe(archive)
    ids = Ids()
    streamed = _size(file.path) > MOST_WHOLE
    with file.path.open("rb") if is_binary else _open_as_usual(file.path) as stream:
        try:
            if is_binary:
                raise ValueError("it is in the binary form of the format")
            book = load_workbook(stream, read_only=streamed, data_only=True)
        except MemoryError:
            raise
        except Exception as error:  # what Excel forgives, or mends without a word
            yield from _read_values(file, as_, str(error))
            return
        for chart in book.chartsheets:
            yield Problem(file.source, f"sheet {write_cell(chart.title)}", "is a chart, so it was left out", read=True)
        drawn = _read_drawn(file.path)
        for sheet in book.worksheets:
            where = f"sheet {write_cell(sheet.title)}"
            if sheet.sheet_state != "visible":
                yield Problem(file.source, where, "is hidden, so it was left out", read=True)
                continue
            id = ids.unique(f"{file.source}:{sheet.title}")
            about: Any = {"title": make_title(file.path), "section": write_cell(sheet.title), "as_": as_}
            lines = _stream(sheet) if streamed else _lines(sheet)
            yield from tabular.find_records(lines, id=id, source=file.source, is_sheet=True, **about)
            if not streamed:
                notes = [*_notes(sheet), *_margins(sheet), *drawn.get(sheet.title, ())]
                yield from tabular.make_notes_record(notes, id=f"{id}:notes", source=file.source, **about)
                yield from _left_out(sheet, file, where)
    if streamed:
        reason = f"sheets of over {MOST_WHOLE >> 20} MiB: merged cells, hidden ones and notes were not looked for"
        yield Problem(file.source, "", reason, read=True)
    yield from office.read_embedded(file, as_=as_, ocr=ocr)
    if _is_not_computed(file):
        yield Problem(
            file.source,
            "formulas",
            "some have no computed value, and their cells are empty; open and save the file in a spreadsheet program",
        )


def _read_values(file: SourceFile, as_: Kind | None, error: str) -> Iterator[Record | Problem]:
    """The cells of a workbook as another library reads them, without formats, notes and what is hidden in a sheet."""
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_path(str(file.path))
    except CalamineError as fault:
        raise UnreadableFile(file.source, f"the workbook is damaged ({error}; {fault})") from fault
    for about in book.sheets_metadata:
        where = f"sheet {write_cell(about.name)}"
        if about.visible != SheetVisibleEnum.Visible:
            yield Problem(file.source, where, "is hidden, so it was left out", read=True)
            continue
        rows = book.get_sheet_by_name(about.name).to_python(skip_empty_area=False)
        lines = (Line(number, tuple(map(write_cell, row))) for number, row in enumerate(rows, 1))
        yield from tabular.find_records(
            lines,
            id=f"{file.source}:{about.name}",
            source=file.source,
            title=make_title(file.path),
            section=write_cell(about.name),
            as_=as_,
            is_sheet=True,
        )
    if count := _count_errors(file.path):
        said = f"{count} cell{'s show' if count > 1 else ' shows'} an error such as #N/A, read as empty"
        yield Problem(file.source, "its errors", said, read=True)
    yield Problem(file.source, "", f"values were read, number formats, notes and hidden cells not ({error})", read=True)


def _count_errors(path: Path) -> int:
    """Cells that show an error; python-calamine tells them from empty ones in no way."""
    count = 0
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                count += len(_ERROR.findall(archive.read(part)))
            elif part.startswith("xl/worksheets/") and part.endswith(".bin"):
                count += sum(kind in _ERROR_RECORDS for kind in _list_records(archive.read(part)))
    return count


def _list_records(data: bytes) -> Iterator[int]:
    """The kinds of the records of a binary part: each begins with its kind and its length, in 7 bits of a byte each."""
    at = 0
    while at < len(data):
        header = [0, 0]
        for place in range(2):
            shift = 0
            while True:
                header[place] |= (data[at] & 0x7F) << shift
                at, shift = at + 1, shift + 7
                if data[at - 1] < 0x80:
                    break
        yield header[0]
        at += header[1]


def _is_binary(path: Path) -> bool:
    """By its content: some programs send one kind under the name of the other."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "xl/workbook.bin" in archive.namelist()


def _open_as_usual(path: Path) -> IO[bytes]:
    """The workbook, the names of elements that only the standard has made the usual ones, which openpyxl knows."""
    with zipfile.ZipFile(path) as archive:
        if not _STRICT.search(archive.read("xl/workbook.xml")[:4096]):
            return path.open("rb")
        with zipfile.ZipFile(stream := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as usual:
            for part in archive.namelist():
                usual.writestr(part, _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", archive.read(part)))
    return stream


def look(path: Path, as_: Kind | None) -> Look:
    return ("table",), ()


def _lines(sheet: Any) -> Iterator[Line]:
    """Rows without hidden rows and columns, a merged cell's text in each cell that it covers."""
    rows: dict[int, dict[int, str]] = {}
    bold = {number for number, font in enumerate(sheet.parent._fonts) if font.b}
    plain: set[int] = set()
    """Rows with letters that are not bold."""
    for (row, column), held in sheet._cells.items():  # `iter_rows` makes a million cells of a formatted empty column
        if text := _show(held):
            rows.setdefault(row, {})[column] = text
            if held._style.fontId not in bold:
                plain.add(row)
    spans = (Span(span.min_row, span.max_row, span.min_col, span.max_col) for span in sheet.merged_cells.ranges)
    hidden: Any = {"hidden_rows": _hidden_rows(sheet), "hidden_columns": _hidden_columns(sheet)}
    yield from write_lines(rows, spans, bold_rows=rows.keys() - plain, **hidden)


def _show(held: Any) -> str:
    """The text of a cell, control signs in it undone: Excel writes the end of a line as _x000D_."""
    value = held.value
    if isinstance(value, str) and "_x" in value:
        value = _ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), value)
    return show(value, getattr(held, "number_format", ""))


def _stream(sheet: Any) -> Iterator[Line]:
    sheet.reset_dimensions()  # some programs write a wrong size, and rows beyond it would be lost
    for number, row in enumerate(sheet.iter_rows(), 1):
        yield Line(number, tuple(map(_show, row)))


def _hidden_rows(sheet: Any) -> set[int]:
    """Rows that were hidden by hand; a filter hides for the moment only."""
    hidden = {row for row, how in sheet.row_dimensions.items() if how.hidden}
    if hidden and sheet.auto_filter.ref and sheet.auto_filter.filterColumn:
        start, end = (int("".join(filter(str.isdigit, at)) or 0) for at in sheet.auto_filter.ref.split(":"))
        hidden -= set(range(start, end + 1))
    return hidden


def _hidden_columns(sheet: Any) -> set[int]:
    hidden = (how for how in sheet.column_dimensions.values() if how.hidden)
    return {column for how in hidden for column in range(how.min or 0, (how.max or 0) + 1)}


def _left_out(sheet: Any, file: SourceFile, where: str) -> Iterator[Problem]:
    filled = [place for place, held in sheet._cells.items() if held.value is not None]
    counts = {
        "hidden row": len(_hidden_rows(sheet) & {row for row, _ in filled}),
        "hidden column": len(_hidden_columns(sheet) & {column for _, column in filled}),
        "hidden cell": sum(held.number_format == HIDES for held in sheet._cells.values() if held.value),
        "picture": len(sheet._images),
        "chart": len(sheet._charts),
    }
    if said := write_counts(counts):
        yield Problem(file.source, where, f"left out: {said}", read=True)


def _margins(sheet: Any) -> list[str]:
    """What stands above and below the sheet when it is printed."""
    said: dict[str, None] = {}
    for name, margin in (("Header", sheet.oddHeader), ("Footer", sheet.oddFooter)):
        for part in (margin.left, margin.center, margin.right):
            if words := write_cell(_CODE.sub("", part.text or "")):
                said[f"{name}: {words}"] = None
    return [line for line in said if any(map(str.isalpha, line.partition(": ")[2]))]


def _read_drawn(path: Path) -> dict[str, list[str]]:
    """The words of text boxes and other shapes, by the sheet that they lie over."""
    found: dict[str, list[str]] = {}
    with zipfile.ZipFile(path) as archive:
        parts = set(archive.namelist())
        sheets = office.find_related(archive, "xl/workbook.xml")
        for sheet in office.find_elements(archive, "xl/workbook.xml", "sheet"):
            part = sheets.get(next((v for k, v in sheet.attrib.items() if k.endswith("}id")), ""), "")
            drawings = (other for other in office.find_related(archive, part).values() if "/drawings/drawing" in other)
            for drawing in (drawing for drawing in drawings if drawing in parts and drawing.endswith(".xml")):
                shapes = (shape for shape in office.parse(archive, drawing).iter() if read_name(shape) == "txBody")
                said = (
                    write_cell(" ".join(e.text or "" for e in shape.iter() if read_name(e) == "t")) for shape in shapes
                )
                found.setdefault(read_attribute(sheet, "name"), []).extend(f"Text box: {line}" for line in said if line)
    return found


def _notes(sheet: Any) -> list[str]:
    """What stands in notes at cells."""
    noted = sorted((place, held) for place, held in sheet._cells.items() if held.comment)
    shown = [(held, _show(held)) for _, held in noted]
    return [
        f"Note at {held.coordinate}{f' ({text})' if text else ''}: {write_cell(held.comment.text)}"
        for held, text in shown
    ]


def _size(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist() if entry.filename.startswith("xl/worksheets/"))


def _is_not_computed(file: SourceFile) -> bool:
    with zipfile.ZipFile(file.path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as stream:
                    tail = b""
                    while block := stream.read(_BLOCK):
                        if _NOT_COMPUTED.search(tail + block):
                            return True
                        tail = block[-_LONGEST_FORMULA:]
    return False
