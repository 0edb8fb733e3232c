"""Reads an OpenDocument text, sheet or presentation (odt, ods, odp) as passages and the records of its tables.

It is read as a person sees it: hidden sheets, rows, columns, slides and sections are left out and told, notes stand
behind their paragraph, text boxes behind the one that they hang on; comments, headers and footers come last.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import office
from r1router.ingest.parts.cells import Ids, write_cell, write_counts
from r1router.ingest.parts.elements import find_child, read_attribute, read_name
from r1router.ingest.parts.layout import Box, order_boxes
from r1router.ingest.parts.numbering import write_item, write_number
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sections import Sections
from r1router.ingest.parts.sheets import Rows, Span, write_lines, write_place
from r1router.ingest.parts.structure import Line
from r1router.ingest.parts.titles import choose_title
from r1router.ingest.records import About, Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.odt", "*.ods", "*.odp", "*.odg", "*.ott", "*.ots", "*.otp", "*.otg")
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_SHEETS = (".ods", ".ots")
_GONE = frozenset({"tracked-changes", "sequence-decls", "scripts", "hidden-text"})
_ALT = ("title", "desc")
"""What stands for a picture; a title may be the document's, too, which is shown where it is called for."""
_SPACES = re.compile(r"\s+")
_OF_HEADS = "Table_20_Heading"
"""The style of paragraphs in the first row of a table, as LibreOffice names it."""
_LENGTH = re.compile(r"(-?\d{0,9}\.?\d{1,9})(cm|mm|in|pt|pc|px)")
_IN_INCHES = {"cm": 2.54, "mm": 25.4, "in": 1.0, "pt": 72.0, "pc": 6.0, "px": 96.0}
_MOVED = re.compile(r"translate\s?\(([^\s,)]+)[\s,]+([^\s,)]+)\)")
_MOST_COLUMNS = 1_000
_LAST_COLUMN = 16_384
_MOST_CELLS = 2_000_000
"""Cells with words of one table; a file says once how often a cell or row is repeated."""


@dataclass(slots=True)
class _Seen:
    """What styles say of how the document is seen, how far its lists were counted, and what was left out of it."""

    archive: zipfile.ZipFile
    """Where the objects inside the document are."""
    hidden: frozenset[str]
    """Styles of sheets, slides and words that are not shown."""
    levels: dict[tuple[str, int], tuple[str, str, str, int]]
    """(format, before, after, start) of each level of a list; the format "•" is a mark."""
    bold: frozenset[str] = frozenset()
    """Styles of cells, paragraphs and words in bold letters."""
    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    comments: list[str] = field(default_factory=list)


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    office.check(file, part="content.xml", modern="OpenDocument")
    if as_ == "image":
        yield from office.read_pictures(file, ocr=ocr)
        return
    with zipfile.ZipFile(file.path) as archive:
        yield office.describe(archive)
        content = office.parse(archive, "content.xml")
        around = office.parse(archive, "styles.xml") if "styles.xml" in archive.namelist() else None
        stated = next((e.text or "" for e in office.find_elements(archive, "meta.xml", "title")), "")
        sections = Sections(file, choose_title([stated], file.path), indented=True)
        seen = _read_styles(archive, content, around)
        for item in _read_body(content, around, file, sections, seen, as_):
            if as_ != "table" or not isinstance(item, Passage):
                yield item
    seen.left_out["deleted passage"] += sum(1 for _ in content.iter("{*}deletion"))
    if said := write_counts(seen.left_out):
        yield Problem(file.source, "what is hidden", f"left out: {said}", read=True)
    yield from office.report_pictures_left_out(file)


def look(path: Path, as_: Kind | None) -> Look:
    if path.suffix.lower() in _SHEETS:
        return ("table",), ()
    with zipfile.ZipFile(path) as archive:
        has_tables = b"<table:table " in archive.read("content.xml") or "Object 1/content.xml" in archive.namelist()
    return (("text", "table") if has_tables else ("text",)), ()


def _read_body(
    content: Any, around: Any, file: SourceFile, sections: Sections, seen: _Seen, as_: Any
) -> Iterator[Record | Problem]:
    is_sheet = file.path.suffix.lower() in _SHEETS
    ids, tables = Ids(), 0
    for block, label in _blocks(content, seen):
        called = read_name(block)
        if called == "h":
            level = read_attribute(block, "outline-level")
            yield from sections.heading(int(level) if level.isdecimal() else 1, _text(block, seen))
        elif called == "page":
            yield from sections.heading(1, _name_slide(block, seen))
        elif called in ("table", "object"):
            sheet = write_cell(read_attribute(block, "name"))
            if called == "object":
                chart = _find_chart(block, seen.archive)
                if chart is None:
                    sections.write(_text(block, seen) + "\n")
                    continue
                if is_sheet:  # a chart in a sheet repeats its cells
                    continue
                block = chart
            tables += 1
            id = ids.unique(f"{file.source}:{sheet}") if is_sheet else f"{file.source}:table {tables}"
            found = _Cells(block, seen)
            about: Any = {"caption": "Chart" if called == "object" else "", "section": sheet if is_sheet else ""}
            yield from sections.find_tables(
                found.write(), id=id, as_=as_, notes=found.notes, is_sheet=is_sheet, **about
            )
        else:
            sections.write(write_item(label, _text(block, seen)) + "\n")
    yield from sections.end()
    said = list(dict.fromkeys(seen.comments))
    parts = {"Comments": said, "Form": _read_fields(content), **_read_margins(around, seen)}
    for name, lines in parts.items():
        if lines:
            yield from sections.heading(1, name)
            sections.write("\n".join(lines))
    yield from sections.end()


def _read_margins(around: Any, seen: _Seen) -> dict[str, list[str]]:
    """Lines of headers and footers, each once; a lone page number is none."""
    found: dict[str, dict[str, None]] = {"Header": {}, "Footer": {}}
    for element in around.iter() if around is not None else ():
        name = read_name(element).partition("-")[0].capitalize()
        if name in found and read_attribute(element, "display") != "false":
            lines = (_text(block, seen) for block, _ in _blocks(element, seen) if read_name(block) in ("p", "h"))
            found[name].update(dict.fromkeys(line for line in lines if len(line) > 3 and not line.isdecimal()))
    return {name: list(lines) for name, lines in found.items()}


# ── words ──────────────────────────────────────────────────────────────────────────────────────


def _blocks(element: Any, seen: _Seen, lists: tuple[str, ...] = ()) -> Iterator[tuple[Any, str]]:
    """(headings, paragraphs, tables, charts and the beginnings of slides, their number in a list), in order.

    `lists`: the styles of the lists that this lies in, the outermost first.
    """
    label = ""
    for inner in element:
        called = read_name(inner)
        if called in _GONE or _is_hidden(inner, seen):
            continue
        if called == "annotation":  # at a cell or on a slide
            _take_comment(inner, seen)
        elif called == "list":
            style = read_attribute(inner, "style-name") or (lists[-1] if lists else "")
            if not lists and read_attribute(inner, "continue-numbering") != "true":
                _restart(seen, style, 0)
            yield from _blocks(inner, seen, (*lists, style))
        elif called == "list-item":
            label = _label(inner, lists, seen)
            for block, other in _blocks(inner, seen, lists):
                yield block, other or label
                label = ""
        elif called in ("h", "p", "table", "object", *_ALT):
            yield inner, ""
            if called in ("h", "p"):
                for box in inner.iter():
                    if read_name(box) in ("text-box", "object") and _is_outermost(box, inner):
                        yield from [(box, "")] if read_name(box) == "object" else _blocks(box, seen)
        elif called == "notes":  # of a slide
            if (said := _say(inner, seen)) and not said.isdecimal():
                yield inner, ""
        else:
            if called == "page":
                yield inner, ""
            yield from _blocks(_order(inner) if called in ("page", "g") else inner, seen, lists)


def _order(page: Any) -> list[Any]:
    """What stands on a slide or in a group, as it is read; what has no place, such as notes, last."""
    shapes = list(page)
    places = [place for number, shape in enumerate(shapes) if (place := _read_place(shape, number))]
    placed = [place.first for place in order_boxes(places)]
    return [shapes[number] for number in (*placed, *sorted(set(range(len(shapes))) - set(placed)))]


def _read_place(shape: Any, number: int) -> Box | None:
    """Where a shape stands, in inches, y upwards; of a group, around what is in it. Its `first` is `number`."""
    if read_name(shape) == "g":
        inner = [place for child in shape if (place := _read_place(child, number))]
        sides = zip(*((box.left, box.bottom, -box.right, -box.top) for box in inner), strict=True)
        left, bottom, right, top = map(min, sides) if inner else (0.0, 0.0, 0.0, 0.0)
        return Box(left, bottom, -right, -top, first=number) if inner else None
    moved = _MOVED.search(read_attribute(shape, "transform"))
    stated = (
        moved.groups() if moved else [read_attribute(shape, name) or read_attribute(shape, f"{name}1") for name in "xy"]
    )
    x, y = map(_read_length, stated)
    width, height = (_read_length(read_attribute(shape, name)) or 0.0 for name in ("width", "height"))
    return None if x is None or y is None else Box(x, -y - height, x + width, -y, first=number)


def _read_length(text: str) -> float | None:
    """In inches."""
    found = _LENGTH.fullmatch(text)
    return float(found[1]) / _IN_INCHES[found[2]] if found else None


def _is_outermost(box: Any, paragraph: Any) -> bool:
    """Whether a text box hangs on this paragraph, not on one in another box or note."""
    for around in box.iterancestors():
        if around is paragraph:
            return True
        if read_name(around) in ("p", "h", "table"):
            return False
    return False


def _text(element: Any, seen: _Seen) -> str:
    """A paragraph's words, its notes behind them."""
    if read_name(element) == "notes":
        return f"Notes: {_say(element, seen)}"
    if read_name(element) == "object":
        return _read_object(element, seen)
    notes: list[str] = []
    said = "".join(_pieces(element, seen, notes)).rstrip()
    return " ".join([said, *(f"[{note}]" for note in notes)])


def _pieces(element: Any, seen: _Seen, notes: list[str]) -> Iterator[str]:
    yield _SPACES.sub(" ", element.text or "")
    for inner in element:
        called = read_name(inner)
        if called == "s":
            yield " " * min(int(read_attribute(inner, "c") or 1), 80)
        elif called in ("tab", "line-break"):
            yield "\t" if called == "tab" else "\n"
        elif called == "annotation":
            _take_comment(inner, seen)
        elif called == "note":
            notes.append(_say(find_child(inner, "note-body"), seen))
        elif called == "ruby-text":  # how a word is read
            notes.append(_text(inner, seen))
        elif called in _ALT:
            yield f" {inner.text or ''} "
        elif called not in _GONE and called not in ("text-box", "object") and not _is_hidden(inner, seen):
            ends = " " if called in ("p", "h") else ""  # of a shape
            yield from (ends, *_pieces(inner, seen, notes), ends)
        yield _SPACES.sub(" ", inner.tail or "")


def _say(element: Any, seen: _Seen) -> str:
    """All that is said in a note, a comment, a cell or a box, on one line."""
    return write_cell(" ".join(_text(block, seen) for block in _paragraphs(element, seen)))


def _paragraphs(element: Any, seen: _Seen) -> Iterator[Any]:
    """All paragraphs inside, those of tables too."""
    for block, _ in _blocks(element, seen) if element is not None else ():
        if read_name(block) == "table":
            yield from _paragraphs(block, seen)
        else:
            yield block


def _take_comment(annotation: Any, seen: _Seen) -> None:
    who = "".join(inner.text or "" for inner in annotation if read_name(inner) == "creator")
    seen.comments.append(": ".join(part for part in (who, _say(annotation, seen)) if part))


def _name_slide(page: Any, seen: _Seen) -> str:
    """What stands in its title; the name that the program gave it where it has none."""
    titles = (frame for frame in page.iter() if read_attribute(frame, "class") == "title")
    said = next((_say(frame, seen) for frame in titles), "")
    return said or read_attribute(page, "name")


# ── styles ─────────────────────────────────────────────────────────────────────────────────────


def _read_styles(archive: zipfile.ZipFile, *roots: Any) -> _Seen:
    hidden: set[str] = set()
    bold = {_OF_HEADS}
    levels: dict[tuple[str, int], tuple[str, str, str, int]] = {}
    for element in (element for root in roots if root is not None for element in root.iter()):
        called = read_name(element)
        if called == "style" and any(map(_says_hidden, element)):
            hidden.add(read_attribute(element, "name"))
        elif called == "style" and (
            read_attribute(element, "parent-style-name") == _OF_HEADS or any(map(_says_bold, element))
        ):
            bold.add(read_attribute(element, "name"))
        elif called in ("list-level-style-number", "list-level-style-bullet"):
            level, start = read_attribute(element, "level"), read_attribute(element, "start-value")
            levels[read_attribute(element.getparent(), "name"), int(level) - 1 if level.isdecimal() else 0] = (
                read_attribute(element, "num-format") if called.endswith("number") else "•",
                read_attribute(element, "num-prefix"),
                read_attribute(element, "num-suffix"),
                int(start) if start.isdecimal() else 1,
            )
    return _Seen(archive, frozenset(hidden), levels, frozenset(bold))


def _says_bold(properties: Any) -> bool:
    return read_name(properties) == "text-properties" and read_attribute(properties, "font-weight") == "bold"


def _says_hidden(properties: Any) -> bool:
    match read_name(properties):
        case "table-properties":
            return read_attribute(properties, "display") == "false"
        case "drawing-page-properties":
            return read_attribute(properties, "visibility") == "hidden"
        case "text-properties":
            return read_attribute(properties, "display") == "none"
        case _:
            return False


_SHOWN_APART = {"table": "hidden sheet", "page": "hidden slide", "section": "hidden section"}


def _is_hidden(element: Any, seen: _Seen) -> bool:
    """Whether it is not shown; counts the large things that are left out with it."""
    called = read_name(element)
    hidden = (
        read_attribute(element, "style-name") in seen.hidden
        or (called == "section" and read_attribute(element, "display") == "none")
        or (called == "hidden-paragraph" and read_attribute(element, "is-hidden") == "true")
    )
    if hidden and any(map(str.strip, element.itertext())):
        seen.left_out[_SHOWN_APART.get(called, "hidden passage")] += 1
    return hidden


def _restart(seen: _Seen, style: str, level: int) -> None:
    for deeper in range(level, 10):
        seen.counts[style, deeper] = 0


def _label(item: Any, lists: tuple[str, ...], seen: _Seen) -> str:
    """The number or mark of a list's item: "2.", "b)", "•"."""
    style, level = lists[-1], len(lists) - 1
    if (style, level) not in seen.levels:
        return ""
    kind, before, after, start = seen.levels[style, level]
    _restart(seen, style, level + 1)
    stated = read_attribute(item, "start-value")
    seen.counts[style, level] = int(stated) - start + 1 if stated.isdecimal() else seen.counts[style, level] + 1
    if kind == "•":
        return kind
    return f"{before}{write_number(seen.counts[style, level] + start - 1, kind)}{after}" if kind else ""


# ── tables ─────────────────────────────────────────────────────────────────────────────────────


class _Cells:
    """The cells of a table as they are shown, each where it stands in the sheet, and the comments at them."""

    def __init__(self, table: Any, seen: _Seen) -> None:
        self.notes: list[str] = []
        self._seen = seen
        self._rows: Rows = {}
        self._spans: list[Span] = []
        self._covered: dict[int, int] = {}
        """By column, the last row that a merged cell reaches there."""
        self._hidden_rows: set[int] = set()
        self._hidden_columns: set[int] = set()
        self._heads: set[int] = set()
        self._bold: set[int] = set()
        self._row = self._column = self._cells = 0
        self._take(table, is_head=False)

    def write(self) -> Iterator[Line]:
        filled = {row for row, cells in self._rows.items() if cells}
        columns = {column for cells in self._rows.values() for column in cells}
        for noun, count in (
            ("hidden row", len(self._hidden_rows & filled)),
            ("hidden column", len(self._hidden_columns & columns)),
        ):
            if count:
                self._seen.left_out[noun] += count
        hidden: Any = {"hidden_rows": self._hidden_rows, "hidden_columns": self._hidden_columns}
        for line in write_lines(self._rows, self._spans, bold_rows=self._bold, **hidden):
            is_head = line.number in self._heads
            yield replace(line, heads=frozenset(range(len(line.cells)))) if is_head else line

    def _take(self, parent: Any, *, is_head: bool) -> None:
        for inner in parent:
            called = read_name(inner)
            if called == "table-row":
                self._take_row(inner, is_head)
            elif called == "table-column":
                again = min(_number(inner, "number-columns-repeated"), _MOST_COLUMNS)
                if read_attribute(inner, "visibility") == "collapse" and self._column < _LAST_COLUMN:
                    self._hidden_columns.update(range(self._column + 1, self._column + again + 1))
                self._column += again
            elif called == "shapes":  # over the sheet
                said = (_say(shape, self._seen) for shape in inner)
                self.notes += [f"Text box: {words}" for words in said if words]
            elif called.startswith("table-"):  # groups
                self._take(inner, is_head=is_head or called == "table-header-rows")

    def _take_row(self, row: Any, is_head: bool) -> None:
        cells: dict[int, str] = {}
        column = 1
        for place in row:
            if read_name(place) not in ("table-cell", "covered-table-cell"):
                continue
            again = _number(place, "number-columns-repeated")
            if read_name(place) == "table-cell":
                while self._covered.get(column, 0) > self._row:  # some programs write no covered cells
                    column += 1
            text = self._read_cell(place, column) if read_name(place) == "table-cell" else ""
            wide, high = _number(place, "number-columns-spanned"), _number(place, "number-rows-spanned")
            if text:
                cells.update(dict.fromkeys(range(column, column + min(again, _MOST_COLUMNS)), text))
                self._check(len(cells))
            if wide > 1 or high > 1:
                right = column + min(wide, _MOST_COLUMNS) - 1
                self._spans.append(Span(self._row + 1, self._row + high, column, right))
                self._covered.update(dict.fromkeys(range(column, right + 1), self._row + high))
            column += again
        again = _number(row, "number-rows-repeated")
        numbers = range(self._row + 1, self._row + again + 1)
        self._row += again
        if not cells:
            return
        self._check(again * len(cells))
        self._cells += again * len(cells)
        if read_attribute(row, "visibility") == "collapse":
            self._hidden_rows.update(numbers)
        self._heads.update(numbers if is_head else ())
        if all(self._is_bold(place) for place in row if any(map(str.strip, place.itertext()))):
            self._bold.update(numbers)
        self._rows.update((number, dict(cells)) for number in numbers)

    def _is_bold(self, element: Any) -> bool:
        """Whether a style makes it bold, or all that is in it."""
        if read_attribute(element, "style-name") in self._seen.bold:
            return True
        return bool(len(element)) and not (element.text or "").strip() and all(map(self._is_bold, element))

    def _check(self, more: int) -> None:
        """Raises `UnreadableFile` before there are too many cells."""
        if self._cells + more > _MOST_CELLS:
            raise UnreadableFile("", f"a table has more than {_MOST_CELLS:,} cells with words")

    def _read_cell(self, place: Any, column: int) -> str:
        begun = len(self._seen.comments)
        text = _say(place, self._seen)
        at = f"Note at {write_place(self._row + 1, column)}{f' ({text})' if text else ''}"
        self.notes += [f"{at}: {said}" for said in self._seen.comments[begun:]]
        del self._seen.comments[begun:]
        values = ("value", "date-value", "time-value", "string-value", "boolean-value")
        return text or next((said for name in values if (said := write_cell(read_attribute(place, name)))), "")


def _read_object(frame: Any, seen: _Seen) -> str:
    """A formula in the words in which it was typed: "E = m c^2". Other objects are counted as left out."""
    part = read_attribute(frame, "href").removeprefix("./") + "/content.xml"
    root = office.parse(seen.archive, part) if part in seen.archive.namelist() else None
    if root is None or read_name(root) != "math":
        seen.left_out["embedded object" if _find_chart(frame, seen.archive) is None else "chart in a cell"] += 1
        return ""
    typed = (element.text for element in root.iter() if read_name(element) == "annotation")
    return write_cell(next(filter(None, typed), None) or " ".join(root.itertext()))


def _read_fields(content: Any) -> list[str]:
    """What was filled into the fields of a form: "Port: Rosvik"."""
    said = []
    for inner in (e for form in content.iter() if read_name(form) == "form" for e in form):
        name = write_cell(read_attribute(inner, "label") or read_attribute(inner, "name"))
        value = write_cell(read_attribute(inner, "current-value") or read_attribute(inner, "value"))
        if read_name(inner) in ("checkbox", "radio"):
            checked = read_attribute(inner, "current-state") or read_attribute(inner, "current-selected")
            said.append(f"{'☒' if checked in ('checked', 'true') else '☐'} {name}")
        elif value and read_name(inner) not in ("button", "hidden", "image", "properties"):
            said.append(f"{name}: {value}")
    return said


def _find_chart(frame: Any, archive: zipfile.ZipFile) -> Any:
    """The table that a chart was drawn from, as it is kept with it; None for another object."""
    part = read_attribute(frame, "href").removeprefix("./") + "/content.xml"
    if part not in archive.namelist():
        return None
    charts = (element for element in office.parse(archive, part).iter() if read_name(element) == "chart")
    return next((table for chart in charts for table in chart.iter() if read_name(table) == "table"), None)


def _number(element: Any, called: str) -> int:
    value = read_attribute(element, called)
    return max(1, int(value)) if value.isdecimal() and len(value) < 9 else 1
