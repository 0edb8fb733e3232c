"""Reads a PDF as one passage for each page that has words, in reading order, and the records of its tables."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import pairwise
from threading import Lock
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest import ocr as recognizer
from r1router.ingest.parts import aligned, even_letters, images, layout, tabular
from r1router.ingest.parts.cells import tidy, write_cell
from r1router.ingest.parts.hyphens import find_words, join_set_words
from r1router.ingest.parts.inside import Member, read_inside
from r1router.ingest.parts.layout import Box
from r1router.ingest.parts.sections import hold_spaces, tidy_spaces
from r1router.ingest.parts.structure import Line
from r1router.ingest.parts.titles import choose_title, is_by_a_program
from r1router.ingest.records import About, Passage, Picture, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Image, Kind

PATTERNS = ("*.pdf",)
KINDS: tuple[Kind, ...] = ("text", "table", "image")
IN_TEXT_TOO: tuple[Kind, ...] = ("table",)

SCAN_DPI = 200
LEAST_SIDE = 100
"""Pixels; a picture with a shorter side is an ornament."""
_MOST_RULES = 3_000
_EDGE = 0.2
"""Points from the edge of a box to its outermost letter, at least."""
_USUAL_BOX = 1_000
"""Letters that the text of a box takes at most, but for rare ones."""
_MOST_PAGES_OF_WORDS = 500
"""Pages that are looked at for words, to know how one is written that a line's end cuts."""
_NOTES = (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17)
"""Kinds of annotation that people write at a page, as PDFium numbers them: notes, lines, marks of words, stamps, files;
not links (2), pop-up windows of notes (16) and fields (20)."""
_ONE_AT_A_TIME = Lock()
"""PDFium is not made for threads."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    document = _open(file)
    try:
        title = _title(document, file)
        yield _describe(document)
        pages, pictures, scanned = len(document), 0, 0
        known = cache(partial(_find_words, document))
        for number in range(1, pages + 1):
            try:
                with _ONE_AT_A_TIME:
                    items, found, is_scan = _page(document, number, file, title, known, as_, ocr)
            except Exception as error:  # one broken page among good ones
                yield Problem(file.source, f"page {number}", f"cannot be read ({type(error).__name__}: {error})")
                continue
            pictures, scanned = pictures + found, scanned + is_scan
            yield from items
        if attached := _attached(document):
            yield from read_inside(attached, file, as_=as_, ocr=ocr)
    finally:
        with _ONE_AT_A_TIME:
            document.close()
    if scanned == pages and not ocr and as_ != "image":
        reason = f"has no text: all {pages} pages are pictures"
        advice = "index it without --no-ocr, or put a text layer in first, for example with ocrmypdf"
        raise UnreadableFile(file.source, f"{reason}; {advice}")
    if pictures and as_ != "image":
        said = f"{pictures} picture{'s' * (pictures > 1)} left out; to search them, index the file with --as image, too"
        yield Problem(file.source, "its pictures", said, read=True)


def look(path: Any, as_: Kind | None) -> tuple[tuple[Kind, ...], tuple[()]]:
    """Tables are found while it is read, and are in its text, too."""
    return ("text",), ()


def _open(file: SourceFile) -> Any:
    import pypdfium2 as pdfium  # type: ignore[import-untyped]

    try:
        with _ONE_AT_A_TIME:
            document = pdfium.PdfDocument(file.path)
            if document.get_formtype():
                document.init_forms()
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            said = "is encrypted with a password; save it without one, for example: qpdf --decrypt IN OUT"
            raise UnreadableFile(file.source, said) from error
        raise UnreadableFile(file.source, f"is damaged, cut off or no PDF at all ({error})") from error
    if not len(document):
        raise UnreadableFile(file.source, "has no pages")
    return document


def _attached(document: Any) -> list[Member]:
    """Files that were put into the document."""
    with _ONE_AT_A_TIME:
        files = [document.get_attachment(place) for place in range(document.count_attachments())]
        return [
            Member(file.get_name() or f"file {n}", partial(_open_attached, file)) for n, file in enumerate(files, 1)
        ]


def _open_attached(file: Any) -> io.BytesIO:
    with _ONE_AT_A_TIME:
        return io.BytesIO(bytes(file.get_data()))


def _title(document: Any, file: SourceFile) -> str:
    with _ONE_AT_A_TIME:
        stated = write_cell(document.get_metadata_value("Title"))
    return choose_title([stated], file.path)


def _describe(document: Any) -> About:
    """What the document says of itself: who wrote it, when, about what."""
    said = {"author": "Author", "created": "CreationDate", "modified": "ModDate", "subject": "Subject"}
    with _ONE_AT_A_TIME:
        found = {name: document.get_metadata_value(key) for name, key in (*said.items(), ("keywords", "Keywords"))}
    # "(anonymous)", "(unspecified)": a program says so where nobody said anything
    return About({name: value for name, value in found.items() if value and not is_by_a_program(value)})


def _page(
    document: Any,
    number: int,
    file: SourceFile,
    title: str,
    known: Callable[[], set[str]],
    as_: Kind | None,
    ocr: bool,
) -> tuple[list[Record | Problem], int, bool]:
    """What a page gives, how many pictures are on it, and whether it is one, without words."""
    page = document[number - 1]
    rules, drawn = _objects(page)
    large = [item for item in drawn if min(item.get_px_size()) >= LEAST_SIDE]
    id, where = f"{file.source}:p{number}", f"page {number}"
    if as_ == "image":
        found = [_picture(item, f"{id}:picture {n}", file, title, ocr) for n, item in enumerate(large, 1)]
        return [picture for picture in found if picture], 0, False
    words = page.get_textpage()
    lines = layout.read_in_order(_boxes(words))
    indented = even_letters.write_lines(lines, partial(_find_begins, words))
    written = [hold_spaces(code) if code else _write(line) for code, line in zip(indented, lines, strict=True)]
    text = tidy(tidy_spaces(join_set_words("\n".join(written), known)))
    filled = [said for said in _filled(document, page) if write_cell(said).partition(": ")[2] not in text]
    text = "\n".join(part for part in (text, *map(tidy, filled)) if part)
    items: list[Record | Problem] = []
    if not text and drawn:
        text = _recognized(page) if ocr else ""
        said = "is a picture; its words were read by OCR" if text else "is a picture without text, probably a scan"
        items.append(Problem(file.source, where, said, read=bool(text)))
    if text and as_ != "table":
        items.insert(0, Passage(id, file.source, text, title, number))
    about: Any = {"source": file.source, "title": title, "as_": as_, "page": number}
    tables: list[Record | Problem] = []
    for place, grid in enumerate(_grids(words, lines, rules), 1):
        rows = [Line(n, tuple(map(write_cell, row))) for n, row in enumerate(grid, 1)]
        tables += tabular.find_records(rows, id=f"{id}:table {place}", **about)
    if not tables:
        tables += aligned.find_records("\n".join(indented), id=id, **about)
    items += [item for item in tables if not isinstance(item, Problem)]
    return items, len(large) if lines else 0, not lines and bool(drawn)


def _write(line: layout.Line) -> str:
    """Its words, and one sign for the dots of a list of contents, which are words to whoever cuts the text."""
    return layout.LEADERS.sub(" … ", layout.write(line))


def _find_words(document: Any) -> set[str]:
    pages = (document[number].get_textpage() for number in range(min(len(document), _MOST_PAGES_OF_WORDS)))
    return set().union(*(find_words(page.get_text_range()) for page in pages))


def _boxes(words: Any) -> list[Box]:
    """The boxes of a page's text, which follow each other as their letters do."""
    whole, end = words.get_text_range(), 0
    boxes = []
    for left, low, right, high in [words.get_rect(n) for n in range(words.count_rects())]:
        text = _text_within(words, left, low, right, high)
        if letters := text.strip():
            while whole[end : end + 1].isspace():
                end += 1
            if whole.startswith(letters, end):
                first, last = end, end + len(letters) - 1
            else:
                first, last = _indexes(words, left, low, right, high)
                if 0 <= last < end and whole.endswith(letters, 0, end):  # the box before reaches over it
                    continue
            end = last + 1 if last >= 0 else end
            boxes.append(Box(left, low, right, high, text, first, last))
    return boxes


def _text_within(words: Any, left: float, low: float, right: float, high: float) -> str:
    """What the library's own call gives, by one walk over the page's letters where that one takes two."""
    import pypdfium2.raw as raw  # type: ignore[import-untyped]

    buffer = (ctypes.c_ushort * _USUAL_BOX)()
    count = raw.FPDFText_GetBoundedText(words, left, high, right, low, buffer, _USUAL_BOX)
    if count >= _USUAL_BOX:
        return str(words.get_text_bounded(left, low, right, high))
    return bytes(memoryview(buffer)[:count]).decode("utf-16-le", "ignore").rstrip("\0")


def _indexes(words: Any, left: float, low: float, right: float, high: float) -> tuple[int, int]:
    """The numbers of the outermost letters of a box in the page's text; -1 where they cannot be told."""
    import pypdfium2.raw as raw

    at = (low + high) / 2, _EDGE, (high - low) / 2 + _EDGE
    found = [words.get_index(x, *at) for x in (left + _EDGE, right - _EDGE)]
    first, last = (-1 if index is None else raw.FPDFText_GetTextIndexFromCharIndex(words, index) for index in found)
    return first, last


def _find_begins(words: Any, box: Box, start: int, end: int) -> list[float]:
    """Where letters of a box begin, in points from the left; empty where the file has other letters there."""
    import pypdfium2.raw as raw

    if box.first < 0 or box.last - box.first != len(box.text.strip()) - 1:
        return []
    first, last = (raw.FPDFText_GetCharIndexFromTextIndex(words, box.first + n) for n in (start, end - 1))
    if last - first != end - 1 - start:
        return []
    x, y = ctypes.c_double(), ctypes.c_double()
    begins = []
    for number in range(first, last + 1):
        raw.FPDFText_GetCharOrigin(words, number, x, y)
        begins.append(x.value)
    return begins


def _objects(page: Any) -> tuple[list[Box], list[Any]]:
    """Drawn shapes, as ruled lines, and pictures."""
    import pypdfium2.raw as raw

    rules: list[Box] = []
    pictures = []
    for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            pictures.append(item)
        elif len(rules) < _MOST_RULES:
            rules += layout.find_edges(Box(*item.get_bounds()))
    return rules, pictures


def _grids(words: Any, lines: list[layout.Line], rules: list[Box]) -> Iterator[list[list[str]]]:
    """Tables by ruled lines where there are any, else by white space."""
    ruled = 0
    for columns, rows in layout.find_ruled(rules) if len(rules) < _MOST_RULES else ():
        grid = [
            [words.get_text_bounded(left, bottom, right, top) for left, right in pairwise(columns)]
            for top, bottom in pairwise(rows)
        ]
        if sum(bool(text.strip()) for row in grid for text in row) > len(grid) * (len(columns) - 1) / 2:
            ruled += 1
            yield grid
    if not ruled:
        yield from layout.find_grids(lines)


def _filled(document: Any, page: Any) -> list[str]:
    """What people wrote into the fields of a form, and into notes on the page: "Tenant name: Marisol Vey"."""
    import pypdfium2.raw as raw

    said = []
    for place in range(raw.FPDFPage_GetAnnotCount(page)):
        note = raw.FPDFPage_GetAnnot(page, place)
        kind = raw.FPDFAnnot_GetSubtype(note)
        if kind == raw.FPDF_ANNOT_WIDGET and document.formenv:
            name = _string(raw.FPDFAnnot_GetFormFieldName, document.formenv, note)
            value = _string(raw.FPDFAnnot_GetFormFieldValue, document.formenv, note)
            if value and value != "Off":
                said.append(f"{name}: {value}")
        elif kind in _NOTES:
            value = _string(raw.FPDFAnnot_GetStringValue, note, b"Contents")
            said += [f"Note: {value}"] if value else []
        raw.FPDFPage_CloseAnnot(note)
    return said


def _string(get: Any, *args: Any) -> str:
    """A string that PDFium writes into a buffer, as UTF-16."""
    import pypdfium2.raw as raw

    size = get(*args, None, 0)
    buffer = ctypes.create_string_buffer(size)
    get(*args, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw.decode("utf-16-le", "ignore").rstrip("\0")


def _recognized(page: Any) -> str:
    return recognizer.read_words(Image(_png(page.render(scale=SCAN_DPI / 72)), "image/png"))


def _picture(item: Any, id: str, file: SourceFile, title: str, ocr: bool) -> Picture | None:
    try:
        loaded = images.load(_png(item.get_bitmap()), id.rpartition(":")[2], file.source)
    except UnreadableFile:
        return None
    words = recognizer.read_words(loaded.image) if ocr else ""
    return Picture(id, file.source, loaded.image, title, loaded.caption, words)


def _png(bitmap: Any) -> bytes:
    buffer = io.BytesIO()
    bitmap.to_pil().convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()
