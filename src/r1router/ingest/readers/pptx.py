"""Reads a PowerPoint presentation as one passage for each slide, with its notes, and the records of its tables."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from r1router.ingest.parts import graphics, grids, office, tabular
from r1router.ingest.parts.cells import tidy, write_cell
from r1router.ingest.parts.elements import find_child, read_attribute, read_name
from r1router.ingest.parts.layout import Box, order_boxes
from r1router.ingest.parts.numbering import write_number
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.titles import choose_title
from r1router.ingest.records import About, Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.pptx", "*.pptm", "*.ppsx", "*.ppsm", "*.potx", "*.potm")
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_MARKS = {"br": "\n", "sup": "^", "sub": "_", "den": "/"}
"""What stands for the end of a line and, in formulas, for where a piece stands."""
_TITLES = ("title", "ctrTitle")
_SHAPES = ("sp", "pic", "graphicFrame", "grpSp", "cxnSp", "AlternateContent", "contentPart")
_MARGINS = ("sldNum", "dt", "hdr", "ftr", "sldImg")
"""Places of a page of notes that say nothing of the slide."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    office.check(file, part="_rels/.rels", modern="pptx")
    if as_ == "image":
        yield from office.read_pictures(file, ocr=ocr)
        return
    with zipfile.ZipFile(file.path) as archive:
        yield office.describe(archive)
        folder, root = office.open_main_part(archive, file, "presentation")
        title = choose_title([office.read_title(archive)], file.path)
        related = office.find_related(archive, f"{folder}/presentation.xml")
        listed = find_child(root, "sldIdLst")
        slides = list(listed) if listed is not None else []
        around: dict[str, None] = {}
        for number, slide in enumerate(slides, 1):
            rid = next((v for k, v in slide.attrib.items() if k.endswith("}id")), "")
            part = related.get(rid, "")
            if part not in archive.namelist():
                continue
            yield from _slide(archive, part, number, file, title, as_)
            around.update(dict.fromkeys(_lines_around(archive, part)))
        if around and as_ != "table":
            yield Passage(
                f"{file.source}:every slide", file.source, tidy("\n".join(around)), title, None, "Every slide"
            )
    yield from office.read_embedded(file, as_=as_, ocr=ocr)
    yield from office.report_pictures_left_out(file)


def look(path: Path, as_: Kind | None) -> Look:
    with zipfile.ZipFile(path) as archive:
        has_tables = bool(office.list_embedded(archive)) or any(
            b"<a:tbl>" in archive.read(p) for p in archive.namelist() if p.startswith("ppt/slides/slide")
        )
    return (("text", "table") if has_tables else ("text",)), ()


def _lines_around(archive: zipfile.ZipFile, slide: str) -> Iterator[str]:
    """What stands on a slide by its layout and master, but for places that the slide itself fills."""
    for part in _find_layouts(archive, slide):
        shapes = find_child(find_child(office.parse(archive, part), "cSld"), "spTree")
        for shape in shapes if shapes is not None else ():
            if not _fills(shape):
                yield from _lines(shape)


def _find_layouts(archive: zipfile.ZipFile, slide: str) -> Iterator[str]:
    """The parts of a slide's layout and of the master behind it."""
    for layout in office.find_related(archive, slide).values():
        if "/slideLayouts/" in layout and layout in archive.namelist():
            masters = (part for part in office.find_related(archive, layout).values() if "/slideMasters/" in part)
            yield from (layout, *(part for part in masters if part in archive.namelist()))


def _slide(
    archive: zipfile.ZipFile, part: str, number: int, file: SourceFile, title: str, as_: Kind | None
) -> Iterator[Record | Problem]:
    root = office.parse(archive, part)
    for copy in [e for e in root.iter() if read_name(e) == "Fallback"]:  # of what old programs cannot show
        copy.getparent().remove(copy)
    if read_attribute(root, "show") == "0":
        yield Problem(file.source, f"slide {number}", "is hidden, so it was left out", read=True)
        return
    _put_in_order(find_child(find_child(root, "cSld"), "spTree"), _find_places(archive, part))
    heading = " ".join(
        write_cell(" ".join(_lines(shape)))
        for shape in root.iter()
        if read_name(shape) == "sp" and _fills(shape) in _TITLES
    )
    lines = [*_lines(root), *_described(root)]
    related = [part for part in office.find_related(archive, part).values() if part in archive.namelist()]
    for other in graphics.find_diagrams(related):
        lines += graphics.read_diagram(archive, other)
    for other in related:
        if "notesSlide" in other:
            said = _lines(office.parse(archive, other), without=_MARGINS)
            lines += [f"Notes: {' '.join(said)}"] if said else []
        elif "/comments/" in other:
            lines += [f"Comment: {said}" for said in _comments(office.parse(archive, other))]
    id = f"{file.source}:slide {number}"
    if lines and as_ != "table":
        yield Passage(id, file.source, tidy("\n".join(lines)), title, number, heading)
    for place, table in enumerate((element for element in root.iter() if read_name(element) == "tbl"), 1):
        rows = [
            [
                grids.Cell(write_cell(" ".join(_lines(c))), _span(c, "gridSpan"), _span(c, "rowSpan"))
                for c in row
                if read_name(c) == "tc" and not (read_attribute(c, "hMerge") or read_attribute(c, "vMerge"))
            ]
            for row in table
            if read_name(row) == "tr"
        ]
        about: Any = {"source": file.source, "title": title, "section": heading, "page": number, "as_": as_}
        yield from tabular.find_records(grids.spread_cells(rows), id=f"{id}:table {place}", **about)
    for place, other in enumerate(graphics.find_charts(related), 1):
        about = {"source": file.source, "title": title, "section": heading, "page": number, "as_": as_}
        yield from graphics.read_chart(archive, other, id=f"{id}:chart {place}", **about)


def _put_in_order(shapes: Any, places: Mapping[str, Box]) -> None:
    """Moves the shapes of a slide or group to where they are read: titles, what has no place, the others as they stand.
    The file has them as they were made and lie on each other."""
    listed = list(shapes) if shapes is not None else []
    others = [shape for shape in listed if _fills(shape) not in _TITLES and read_name(shape) in _SHAPES]
    placed = [box for n, shape in enumerate(others) if (box := _read_place(shape, places, n))]
    boxes = [others[box.first] for box in order_boxes(placed)]
    for shape in [*(shape for shape in others if shape not in boxes), *boxes]:
        shapes.append(shape)  # which takes it away from where it was
    for group in (shape for shape in listed if read_name(shape) == "grpSp"):
        _put_in_order(group, places)


def _read_place(shape: Any, places: Mapping[str, Box], number: int) -> Box | None:
    """Where a shape stands by itself or by its layout, y upwards; its `first` is `number`."""
    stated = next((e for e in shape.iter() if read_name(e) == "xfrm" and find_child(e, "off") is not None), None)
    if stated is not None:
        x, y = (_read_number(find_child(stated, "off"), name) for name in "xy")
        width, height = (_read_number(find_child(stated, "ext"), name) for name in ("cx", "cy"))
        return Box(x, -y - height, x + width, -y, first=number)
    box = next((places[key] for key in _name_place(shape) if key in places), None)
    return replace(box, first=number) if box else None


def _find_places(archive: zipfile.ZipFile, slide: str) -> dict[str, Box]:
    """Where the layout of a slide, or else its master, puts what fills their places, by the names of these."""
    found: dict[str, Box] = {}
    for layout in _find_layouts(archive, slide):
        shapes = find_child(find_child(office.parse(archive, layout), "cSld"), "spTree")
        for shape in shapes if shapes is not None else ():
            if box := _read_place(shape, found, -1):
                for key in _name_place(shape):
                    found.setdefault(key, box)
    return found


def _name_place(shape: Any) -> list[str]:
    """The names of the place that a shape fills: its number, by which a slide and its layout know it, then its kind."""
    place = next((e for e in shape.iter() if read_name(e) == "ph"), None)
    number = read_attribute(place, "idx")
    return [] if place is None else [*([f"#{number}"] if number else []), _fills(shape)]


def _read_number(element: Any, called: str) -> float:
    found = re.fullmatch(r"-?\d{1,12}", read_attribute(element, called))
    return float(found[0]) if found else 0.0


def _lines(root: Any, *, without: Sequence[str] = ()) -> list[str]:
    """Paragraphs in the order of the file, with the numbers that a list counts; `without` what fills these places."""
    lines = []
    counts: dict[tuple[Any, str], int] = {}
    for paragraph in (element for element in root.iter() if read_name(element) == "p"):
        shape = next((around for around in paragraph.iterancestors() if read_name(around) == "sp"), None)
        if shape is not None and without and _fills(shape) in without:
            continue
        pieces = (_MARKS.get(read_name(e)) or e.text or "" for e in paragraph.iter() if read_name(e) in ("t", *_MARKS))
        if text := "".join(pieces).strip():
            lines.append(f"{_number(paragraph, counts)}{text}")
    return lines


def _number(paragraph: Any, counts: dict[tuple[Any, str], int]) -> str:
    """ "2. " of a list that PowerPoint counts itself, given how far those of the shape are."""
    settings = find_child(paragraph, "pPr")
    how, level = find_child(settings, "buAutoNum"), read_attribute(settings, "lvl") or "0"
    shape = paragraph.getparent()
    for other in [other for other in counts if other[0] is shape and (other[1] > level or how is None)]:
        del counts[other]
    if how is None:
        return ""
    start = read_attribute(how, "startAt")
    counts[shape, level] = counts.get((shape, level), int(start) - 1 if start.isdecimal() else 0) + 1
    kind = re.match(r"(alpha|roman|arabic)(Lc|Uc)?(ParenBoth|ParenR|Period)?", read_attribute(how, "type"))
    form, case, mark = kind.groups() if kind else ("arabic", "", "Period")
    letter = {"alpha": "a", "roman": "i"}.get(form, "1")
    number = write_number(counts[shape, level], letter.upper() if case == "Uc" else letter)
    return {"ParenBoth": f"({number}) ", "ParenR": f"{number}) ", "Period": f"{number}. "}.get(mark or "", f"{number} ")


def _described(root: Any) -> list[str]:
    """What stands for pictures, where a person wrote it."""
    said = (office.read_description(e) for e in root.iter() if read_name(e) == "cNvPr")
    return [words for words in said if words]


def _comments(root: Any) -> list[str]:
    """In the form of old programs, `text`, or of new ones, paragraphs."""
    old = [write_cell(e.text or "") for e in root.iter() if read_name(e) == "text"]
    return [words for words in old or _lines(root) if words]


def _fills(shape: Any) -> str:
    """The place of the layout that a shape fills ("title", "body"); empty for one of its own."""
    place = next((e for e in shape.iter() if read_name(e) == "ph"), None)
    return "" if place is None else read_attribute(place, "type") or "body"


def _span(place: Any, called: str) -> int:
    value = read_attribute(place, called)
    return min(int(value), grids.MOST_COLUMNS) if value.isdecimal() and len(value) < 6 else 1
