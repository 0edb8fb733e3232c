"""Reads a Markdown file as one passage for each section and the records of each table, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from r1router.errors import UnreadableFile
from r1router.ingest.parts import grids, tabular
from r1router.ingest.parts.about import parse_yaml
from r1router.ingest.parts.cells import make_title, write_cell
from r1router.ingest.parts.files import open_text, report_doubts
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sections import Sections
from r1router.ingest.parts.structure import Line
from r1router.ingest.readers import html
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.md", "*.markdown")
KINDS: tuple[Kind, ...] = ("text", "table")

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*\n", re.DOTALL | re.MULTILINE)
_FRONT_TITLE = re.compile(r"^title:(.+)$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"\A {0,3}(#{1,6})(?:[ \t](.*))?\Z")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_PICTURE = re.compile(r"<img\s(?:[^<>]{0,500}?\s)?alt=[\"']([^\"'<>]{0,300})[\"'][^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|big|br|center|code|details|div|em|font|h[1-6]|hr|i|img|kbd|li|ol|p|picture|small|source|span|strong|sub"
    r"|summary|sup|u|ul)(?:\s[^<>]{0,500})?/?>",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?: {4}|\t)\s{0,40}[^\s\d*+-]")
"""An indented line that is no item of a list."""
_DASHES = re.compile(r" {0,3}(?=[^|]*\|)[|: \t]*-[|:\- \t]*")
_QUOTE = re.compile(r" {0,3}(?:> ?){1,9}")
_BAR = re.compile(r"(?<!\\)\|")
_TABLE = re.compile(r" {0,3}<table\b", re.IGNORECASE)
_MOST_LINES = 5_000
_ANCHOR = re.compile(r"[ \t]{0,9}\{[#.][^{}]{0,200}\}$")
_NO_HEADING = re.compile(r"\s*([-*+>|#]|\d+[.)])(\s|$)|\s*$| {4}")
"""Lines that an underline of dashes does not make a heading: lists, quotes, tables, blank lines, code."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    with open_text(file) as stream:
        text = stream.read()
    yield from _describe(text, file)
    title, lines = parse(text)
    sections = Sections(file, title or make_title(file.path), indented=True)
    yield from read_lines(lines, file, sections, count(1), as_)
    yield from (passage for passage in sections.end() if as_ != "table")
    yield from report_doubts(file)


def read_lines(
    lines: list[tuple[int, str]], file: SourceFile, sections: Sections, tables: Iterator[int], as_: Kind | None
) -> Iterator[Record | Problem]:
    """The tables among the lines, and the sections that end there; what follows the last heading is in `sections`.

    `tables`: the numbers of those to come.
    """
    place, fence = 0, ""
    while place < len(lines):
        level, line = lines[place]
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        rows = [] if level or fence else _table(lines, place)
        place += max(1, len(rows))
        if level:
            yield from (passage for passage in sections.heading(level, line) if as_ != "table")
        elif not fence and _TABLE.match(line) and (height := _count_table_lines(lines, place - 1)):
            found = html.find_tables("\n".join(text for _, text in lines[place - 1 : place - 1 + height]))
            place += height - 1
            for cells, caption in found:
                yield from tabular.find_records(
                    grids.spread_cells(cells),
                    id=f"{file.source}:table {next(tables)}",
                    source=file.source,
                    title=sections.title,
                    section=sections.section,
                    caption=caption,
                    as_=as_,
                )
        elif rows:
            names = Line(1, rows[0], heads=frozenset(range(len(rows[0]))))
            yield from tabular.find_records(
                [names, *(Line(number, row) for number, row in enumerate(rows[2:], 2))],
                id=f"{file.source}:table {next(tables)}",
                source=file.source,
                title=sections.title,
                section=sections.section,
                as_=as_,
            )
        else:
            sections.write(line + "\n")


def _describe(text: str, file: SourceFile) -> Iterator[About | Problem]:
    """The fields of the front matter; what cannot be read of it is told in the report."""
    front = _FRONT.match(text)
    if not front:
        return
    try:
        fields = parse_yaml(front[1]) or {}
    except UnreadableFile as error:
        yield About({"title": named[1].strip()} if (named := _FRONT_TITLE.search(front[1])) else {})
        yield Problem(file.source, "front matter", f"{error.reason}; its fields are not kept", read=True)
        return
    if isinstance(fields, dict):
        yield About(fields)


def look(path: Path, as_: Kind | None) -> Look:
    """With tables only where there is the line under the names of columns."""
    data = path.read_bytes()
    has_tables = re.search(rb"(?m)^[ \t]{0,3}\|?[ \t]{0,9}:?-+:?[ \t]{0,9}\|[-:| \t]*\r?$|^ {0,3}<(?i:table)\b", data)
    return (KINDS if has_tables else ("text",)), ()


def _count_table_lines(lines: list[tuple[int, str]], place: int) -> int:
    """Lines of the table in HTML that begins here; 0 where it has no end, or is there for the layout."""
    for height, (_, line) in enumerate(lines[place : place + _MOST_LINES], 1):
        if "</table>" in line.lower():
            text = "\n".join(text for _, text in lines[place : place + height])
            return height if html.find_tables(text) else 0
    return 0


def _table(lines: list[tuple[int, str]], place: int) -> list[tuple[str, ...]]:
    """The cells of the table that begins here, line by line, the line of dashes too; none where there is none."""
    quote = _QUOTE.match(lines[place][1])
    mark = quote[0] if quote else ""
    if place + 1 >= len(lines) or "|" not in lines[place][1]:
        return []
    if not _DASHES.fullmatch(lines[place + 1][1].removeprefix(mark)):
        return []
    rows = []
    for level, text in lines[place:]:
        line = text.removeprefix(mark)
        if level or not text.startswith(mark) or "|" not in line or not line.strip():
            break
        inside = line.strip().removeprefix("|")
        inside = inside[:-1] if inside.endswith("|") and not inside.endswith("\\|") else inside
        rows.append(tuple(write_cell(part.replace("\\|", "|").strip("`* ")) for part in _BAR.split(inside)))
    return rows


def parse(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The title ("" without front matter and first-level heading), and lines: (level, heading) or (0, line)."""
    front = _FRONT.match(text)
    named = _FRONT_TITLE.search(front[1]) if front else None
    lines = list(_lines(_without_comments(text[front.end() :] if front else text)))
    title = named[1].strip().strip("'\"") if named else next((name for level, name in lines if level == 1), "")
    return write_cell(title), lines


def _without_comments(text: str) -> str:
    """One that is not closed is text, as it may be meant so."""
    kept, at = [], 0
    while (begin := text.find("<!--", at)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        kept.append(text[at:begin])
        at = end + 3
    return "".join([*kept, text[at:]])


def _lines(body: str) -> Iterator[tuple[int, str]]:
    """In order; a `#` in fenced code is no heading."""
    fence = ""
    before: str | None = None  # held back until it is clear that it is not underlined
    shown = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or (line.strip().startswith(fence) and not line.strip().strip(fence[0]))):
            fence = "" if fence else mark[1]
            heading = underline = None
        else:
            heading = None if fence else _HEADING.match(line)
            underline = None if fence or before is None else _UNDERLINE.match(line)
        if underline and before is not None and not _NO_HEADING.match(before):
            yield (1 if underline[1][0] == "=" else 2), shown
            before = None
            continue
        if before is not None:
            yield 0, shown
        if heading:
            yield len(heading[1]), _plain(_without_closing(heading[2] or ""))
            before = None
        else:
            before, shown = line, line if fence or _CODE.match(line) else _plain(line)
    if before is not None:
        yield 0, shown


def _without_closing(heading: str) -> str:
    """A heading without its name for links and the `#` that may end it, and without blanks around."""
    heading = _ANCHOR.sub("", heading.strip(" \t"))
    words = heading.rstrip("#")
    return heading if words and words[-1] not in " \t" else words.rstrip(" \t")


def _plain(line: str) -> str:
    """Links and pictures as the words that they show, and no tags of HTML but those of tables."""
    line = _LINK.sub(r"\1", _LINK.sub(r"\1", line))  # twice for a picture inside a link
    return _TAG.sub("", _PICTURE.sub(r" \1 ", line)) if "<" in line else line
