"""Reads a Word document as a passage for each section and the records of each table, in their order.

It is read as a person sees it: inserted words are there and deleted ones not, notes stand behind their paragraph, text
boxes behind the one that they hang on; comments, headers and footers come last. Elements are known by their local
names, since files by "strict" programs have other name spaces. No library reads all of this.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from r1router.ingest.parts import graphics, grids, office
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.elements import find_child, read_attribute, read_name
from r1router.ingest.parts.numbering import write_item, write_number
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sections import Sections
from r1router.ingest.parts.titles import choose_title
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.docx", "*.docm", "*.dotx", "*.dotm")
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_HEADING = re.compile(r"heading ?([1-9])$", re.IGNORECASE)
_SYMBOLS = {
    **dict(zip(b"ABGDEZHQIKLMNXOPRSTUFCYW", "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", strict=True)),
    **dict(zip(b"abgdezhqiklmnxoprVstufcywJj", "αβγδεζηθικλμνξοπρςστυφχψωϑϕ", strict=True)),
    **dict(zip(b"\xa3\xa5\xae\xb0\xb1\xb3\xb4\xb9\xbb\xd6\xe5", "≤∞→°±≥×≠≈√∑", strict=True)),
}
"""Signs of the font Symbol, by their places in it."""
_GONE = frozenset(
    {"del", "moveFrom", "delText", "instrText", "Fallback", "rPr", "pPr", "sdtPr", "tblPr", "tcPr", "trPr"}
)
"""Elements without words that are seen: what was deleted or moved away, codes of fields, a second copy, settings."""
_BOX = "txbxContent"
_FORMATS = {"lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I"}


@dataclass(slots=True)
class _Style:
    name: str = ""
    level: int = 0
    """Of a heading, from 1; 0 for other text."""
    numbering: tuple[str, int] = ("", 0)
    is_hidden: bool = False


@dataclass(slots=True)
class _Words:
    """What the other parts of the file say: styles, lists, notes."""

    styles: Mapping[str, _Style]
    levels: Mapping[tuple[str, int], tuple[str, str, int]]
    """(format, pattern, start) of each level of a list."""
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    """By kind and id."""
    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    left_out: set[str] = field(default_factory=set)


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    office.check(file, part="_rels/.rels", modern="docx")
    if as_ == "image":
        yield from office.read_pictures(file, ocr=ocr)
        return
    with zipfile.ZipFile(file.path) as archive:
        yield office.describe(archive)
        folder, root = office.open_main_part(archive, file, "document")
        words = _Words(_styles(archive, folder), _levels(archive, folder))
        words.notes.update(_notes(archive, folder, words))
        margins = _margins(archive, folder, words)
        if any(b":delText" in archive.read(part) for part in archive.namelist() if part.endswith(".xml")):
            words.left_out.add("its deleted text")
        stated = office.read_title(archive)
    blocks = list(_blocks(find_child(root, "body")))
    titled = (_text(block, words) for block in blocks if _style(block, words).name == "title")
    sections = Sections(file, choose_title(chain(titled, [stated]), file.path), indented=True)
    tables, caption = 0, ""
    is_title_alone = all(
        read_name(block) != "tbl" and (_style(block, words).name == "title" or not _text(block, words).strip())
        for block in blocks
    )
    for block in blocks:
        if read_name(block) == "tbl":
            tables += 1
            yield from _table(block, f"{file.source}:table {tables}", caption, file, sections, words, as_)
            caption = ""
            continue
        style, text = _style(block, words), _text(block, words)
        if style.level and text.strip():
            heading = f"{_label(block, words)} {text}".strip()
            yield from _unless_table(sections.heading(style.level, heading), as_)
        elif style.name == "caption":
            caption = write_cell(text)
            sections.write(text + "\n")
        elif is_title_alone or style.name != "title" or write_cell(text) != sections.title:
            sections.write(write_item(_label(block, words), text) + "\n")
    for called, lines in margins.items():
        if lines:
            yield from _unless_table(sections.heading(1, called), as_)
            sections.write("\n".join(lines))
    yield from _read_graphics(file, sections, as_)
    yield from _unless_table(sections.end(), as_)
    yield from (Problem(file.source, part, "left out", read=True) for part in sorted(words.left_out))
    yield from office.read_embedded(file, as_=as_, ocr=ocr)
    yield from office.report_pictures_left_out(file)


def _read_graphics(file: SourceFile, sections: Sections, as_: Kind | None) -> Iterator[Record | Problem]:
    """Charts as tables and the words of diagrams, behind the text."""
    with zipfile.ZipFile(file.path) as archive:
        parts = archive.namelist()
        for number, part in enumerate(graphics.find_charts(parts), 1):
            about: Any = {"source": file.source, "title": sections.title, "as_": as_}
            yield from graphics.read_chart(archive, part, id=f"{file.source}:chart {number}", **about)
        for part in graphics.find_diagrams(parts):
            yield from _unless_table(sections.heading(1, "Diagram"), as_)
            sections.write("\n".join(graphics.read_diagram(archive, part)))


def look(path: Path, as_: Kind | None) -> Look:
    """With tables only where there is the tag for one."""
    with zipfile.ZipFile(path) as archive:
        has_tables = bool(office.list_embedded(archive)) or any(
            b":tbl>" in archive.read(n) for n in archive.namelist() if re.match(r"word/document\d*\.xml", n)
        )
    return (("text", "table") if has_tables else ("text",)), ()


def _unless_table(passages: Iterator[Record], as_: Kind | None) -> Iterator[Record]:
    yield from (passage for passage in passages if as_ != "table")


def _blocks(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, out of whatever holds them; a text box follows its paragraph."""
    for element in parent if parent is not None else ():
        called = read_name(element)
        if called in ("p", "tbl", "oMath", "oMathPara"):  # a formula may stand between paragraphs
            yield element
            if called == "p":
                for box in _boxes(element):
                    yield from _blocks(box)
        elif called not in _GONE:
            yield from _blocks(element)


def _boxes(element: Any) -> Iterator[Any]:
    """Text boxes that hang on a paragraph, outermost only."""
    for inner in element:
        if read_name(inner) == _BOX:
            yield inner
        elif read_name(inner) not in _GONE:
            yield from _boxes(inner)


def _text(paragraph: Any, words: _Words) -> str:
    """A paragraph's words, its notes behind them."""
    if _style(paragraph, words).is_hidden:
        words.left_out.add("its hidden text")
        return ""
    notes: list[str] = []
    text = "".join(_pieces(paragraph, words, notes))
    return " ".join([text, *(f"[{note}]" for note in notes)]) if notes else text


def _pieces(element: Any, words: _Words, notes: list[str]) -> Iterator[str]:
    for inner in element:
        match read_name(inner):
            case "t":
                yield inner.text or ""
            case "tab" | "ptab":
                yield "\t"
            case "br" | "cr":
                yield "\n"
            case "noBreakHyphen":
                yield "-"
            case "sym":
                yield _symbol(inner)
            case "footnoteReference" | "endnoteReference" as kind:
                note = words.notes.get((kind.removesuffix("Reference"), read_attribute(inner, "id")), "")
                notes.extend([note] if note else [])
            case "checkBox":
                box = find_child(inner, "checked")
                box = find_child(inner, "default") if box is None else box
                yield "☐" if box is None or read_attribute(box, "val") in ("0", "false") else "☒"
            case "ddList":
                choices = [read_attribute(choice, "val") for choice in inner if read_name(choice) == "listEntry"]
                chosen = _number(find_child(inner, "result"))
                yield choices[chosen] if chosen < len(choices) else ""
            case "textpath":  # letters that are drawn
                yield f" {read_attribute(inner, 'string')} "
            case "sup" | "sub" | "den":  # of formulas
                yield {"sup": "^", "sub": "_", "den": "/"}[read_name(inner)]
                yield from _pieces(inner, words, notes)
            case "rt":  # how a word is read
                notes.append("".join(_pieces(inner, words, notes)))
            case "r" if _is_hidden(inner, words):
                words.left_out.add("its hidden text")
            case called if called not in _GONE and called != _BOX:
                yield f" {alt} " if (alt := office.read_description(inner)) else ""
                yield from _pieces(inner, words, notes)


def _symbol(element: Any) -> str:
    """A sign out of a font of its own: Greek and marks of the font Symbol, a dot for what is not known."""
    code = read_attribute(element, "char")
    if not re.fullmatch(r"[0-9A-Fa-f]{4}", code):
        return "•"
    if code.upper().startswith("F0"):
        return _SYMBOLS.get(int(code[2:], 16), "•") if read_attribute(element, "font") == "Symbol" else "•"
    return chr(int(code, 16))


def _is_hidden(run: Any, words: _Words) -> bool:
    settings = find_child(run, "rPr")
    style = words.styles.get(read_attribute(find_child(settings, "rStyle"), "val"), _Style())
    return style.is_hidden if find_child(settings, "vanish") is None else _says_hidden(settings)


def _says_hidden(settings: Any) -> bool:
    vanish = find_child(settings, "vanish")
    return vanish is not None and read_attribute(vanish, "val") not in ("0", "false")


def _style(paragraph: Any, words: _Words) -> _Style:
    settings = find_child(paragraph, "pPr")
    style = words.styles.get(read_attribute(find_child(settings, "pStyle"), "val"), _Style())
    outline = read_attribute(find_child(settings, "outlineLvl"), "val")
    return (
        _Style(style.name, int(outline) + 1, style.numbering, style.is_hidden)
        if outline.isdecimal() and int(outline) < 9
        else style
    )


# ── tables ─────────────────────────────────────────────────────────────────────────────────────


def _table(
    table: Any, id: str, caption: str, file: SourceFile, sections: Sections, words: _Words, as_: Kind | None
) -> Iterator[Record | Problem]:
    """The table; one of a single row or column holds text in a frame, which goes to its section."""
    rows = [row for row in _rows(table) if find_child(find_child(row, "trPr"), "del") is None]
    grid: list[list[grids.Cell]] = []
    above: list[grids.Cell] = []
    for row in rows:
        heads = find_child(find_child(row, "trPr"), "tblHeader") is not None
        line = [grids.Cell("")] * _number(find_child(find_child(row, "trPr"), "gridBefore"))
        for place in _cells(row):
            settings = find_child(place, "tcPr")
            span = max(1, _number(find_child(settings, "gridSpan")))
            merge = find_child(settings, "vMerge")
            goes_on = merge is not None and read_attribute(merge, "val") != "restart" and len(line) < len(above)
            text = (
                above[len(line)].text if goes_on else write_cell(" ".join(_text(p, words) for p in _paragraphs(place)))
            )
            line += [grids.Cell(text, heads=heads, is_bold=not goes_on and _is_bold(place))] * min(
                span, grids.MOST_COLUMNS
            )
        grid.append(line)
        above = line
    if len(grid) < 2 or max(map(len, grid)) < 2:
        for block in (block for row in rows for place in _cells(row) for block in _blocks(place)):
            if read_name(block) == "tbl":
                yield from _table(block, f"{id}:inner", "", file, sections, words, as_)
            else:
                sections.write(write_item(_label(block, words), _text(block, words)) + "\n")
        return
    yield from sections.find_tables(
        grids.spread_cells(grid),
        id=id,
        caption=caption,
        as_=as_,
    )


def _is_bold(place: Any) -> bool:
    """Whether all words of a cell are set in bold letters."""
    runs = (run for run in place.iter() if read_name(run) == "r" and find_child(run, "t") is not None)
    marks = [find_child(find_child(run, "rPr"), "b") for run in runs]
    return bool(marks) and all(mark is not None and read_attribute(mark, "val") not in ("0", "false") for mark in marks)


def _rows(table: Any) -> Iterator[Any]:
    for inner in table:
        if read_name(inner) == "tr":
            yield inner
        elif read_name(inner) not in ("tbl", *_GONE):
            yield from _rows(inner)


def _cells(row: Any) -> Iterator[Any]:
    for inner in row:
        if read_name(inner) == "tc":
            yield inner
        elif read_name(inner) not in _GONE:
            yield from _cells(inner)


def _paragraphs(place: Any) -> Iterator[Any]:
    """All paragraphs of a cell, those of a table in it too."""
    for block in _blocks(place):
        if read_name(block) != "tbl":
            yield block
        else:
            yield from (p for row in _rows(block) for inner in _cells(row) for p in _paragraphs(inner))


def _number(element: Any) -> int:
    value = read_attribute(element, "val")
    return min(int(value), grids.MOST_COLUMNS) if value.isdecimal() and len(value) < 8 else 0


# ── the other parts ────────────────────────────────────────────────────────────────────────────


def _styles(archive: zipfile.ZipFile, folder: str) -> dict[str, _Style]:
    found: dict[str, _Style] = {}
    based: dict[str, str] = {}
    for style in office.find_elements(archive, f"{folder}/styles.xml", "style"):
        id, called = read_attribute(style, "styleId"), read_attribute(find_child(style, "name"), "val").lower()
        heading = _HEADING.match(called)
        outline = read_attribute(find_child(find_child(style, "pPr"), "outlineLvl"), "val")
        level = int(heading[1]) if heading else int(outline) + 1 if outline.isdecimal() and int(outline) < 9 else 0
        hidden = _says_hidden(find_child(style, "rPr"))
        found[id] = _Style(called, level, _numbering(find_child(style, "pPr")), hidden)
        based[id] = read_attribute(find_child(style, "basedOn"), "val")
    for id, style in found.items():
        parents = 0
        base = based[id]
        while base in found and not style.level and parents < 10:
            style.level, base, parents = found[base].level, based[base], parents + 1
    return found


def _numbering(settings: Any) -> tuple[str, int]:
    listed = find_child(settings, "numPr")
    return read_attribute(find_child(listed, "numId"), "val"), _number(find_child(listed, "ilvl"))


def _levels(archive: zipfile.ZipFile, folder: str) -> dict[tuple[str, int], tuple[str, str, int]]:
    abstract: dict[str, dict[int, tuple[str, str, int]]] = {}
    for kind in office.find_elements(archive, f"{folder}/numbering.xml", "abstractNum"):
        abstract[read_attribute(kind, "abstractNumId")] = {
            int(read_attribute(level, "ilvl") or 0): (
                read_attribute(find_child(level, "numFmt"), "val"),
                read_attribute(find_child(level, "lvlText"), "val"),
                _number(find_child(level, "start")),
            )
            for level in kind
            if read_name(level) == "lvl"
        }
    return {
        (read_attribute(num, "numId"), level): how
        for num in office.find_elements(archive, f"{folder}/numbering.xml", "num")
        for level, how in abstract.get(read_attribute(find_child(num, "abstractNumId"), "val"), {}).items()
    }


def _label(paragraph: Any, words: _Words) -> str:
    """The number or mark that a list gives to a paragraph: "2.", "b)", "•"."""
    id, level = _numbering(find_child(paragraph, "pPr"))
    if not id:
        id, level = _style(paragraph, words).numbering
    if (id, level) not in words.levels or not _text(paragraph, words).strip():
        return ""
    words.counts[id, level] += 1
    for deeper in range(level + 1, 9):
        words.counts[id, deeper] = 0
    kind, pattern, _ = words.levels[id, level]
    if kind == "bullet":
        return "•"
    return re.sub(r"%([1-9])", lambda place: _count(id, int(place[1]) - 1, words), pattern)


def _count(id: str, level: int, words: _Words) -> str:
    kind, _, start = words.levels.get((id, level), ("decimal", "", 1))
    number = max(words.counts[id, level], 1) + start - 1
    return write_number(number, _FORMATS.get(kind, "1"))


def _notes(archive: zipfile.ZipFile, folder: str, words: _Words) -> dict[tuple[str, str], str]:
    return {
        (kind, read_attribute(note, "id")): write_cell(" ".join(_text(block, words) for block in _paragraphs(note)))
        for kind in ("footnote", "endnote")
        for note in office.find_elements(archive, f"{folder}/{kind}s.xml", kind)
        if read_attribute(note, "type") in ("", "normal")
    }


def _margins(archive: zipfile.ZipFile, folder: str, words: _Words) -> dict[str, list[str]]:
    """Lines of comments, headers and footers, each once; a lone page number is none."""
    parts = sorted(archive.namelist())
    files = {
        "Header": [part for part in parts if re.fullmatch(rf"{folder}/header\d*\.xml", part)],
        "Footer": [part for part in parts if re.fullmatch(rf"{folder}/footer\d*\.xml", part)],
    }
    said = [
        write_cell(f"{who}: {' '.join(_text(p, words) for p in _paragraphs(comment))}".removeprefix(": "))
        for comment in office.find_elements(archive, f"{folder}/comments.xml", "comment")
        for who in [read_attribute(comment, "author")]
    ]
    margins = {
        called: list(
            dict.fromkeys(
                text
                for part in found
                for block in _paragraphs(office.parse(archive, part))
                if len(text := write_cell(_text(block, words))) > 3 or any(map(str.isalpha, text))
            )
        )
        for called, found in files.items()
    }
    return {"Comments": said, **margins}
