"""Reads a Markdown file as one passage for each section and the records of each table, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.filters.fields import is_field
from r1router.ingest.parts import grids
from r1router.ingest.parts.about import parse_toml, parse_yaml
from r1router.ingest.parts.cells import make_title, write_cell
from r1router.ingest.parts.files import read_text, read_whole, report_doubts
from r1router.ingest.parts.markdown_lines import FENCE, FRONT_TITLE, find_front, parse
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.sections import Sections
from r1router.ingest.parts.structure import Line
from r1router.ingest.parts.web_pages import find_tables
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.md", "*.markdown", "*.mdx", "*.qmd", "*.rmd", "*.mkd", "*.mdown")
KINDS: tuple[Kind, ...] = ("text", "table")

_DASHES = re.compile(r" {0,3}(?=[^|]*\|)[|: \t]*-[|:\- \t]*")
_QUOTE = re.compile(r" {0,3}(?:> ?){1,9}")
_BAR = re.compile(r"(?<!\\)\|")
_TABLE = re.compile(r" {0,3}<table\b", re.IGNORECASE)
_MOST_LINES = 5_000


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    text = read_text(file)
    title, lines = parse(text)
    sections = Sections(file, title or make_title(file.path), indented=True)
    for found in _read_front(text, file):
        yield found
        if isinstance(found, About):
            sections.write(_write_long(found.fields))
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
        mark = FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        rows = [] if level or fence else _table(lines, place)
        place += max(1, len(rows))
        if level:
            yield from (passage for passage in sections.heading(level, line) if as_ != "table")
        elif not fence and _TABLE.match(line) and (height := _count_table_lines(lines, place - 1)):
            found = find_tables("\n".join(text for _, text in lines[place - 1 : place - 1 + height]))
            place += height - 1
            for cells, caption in found:
                yield from sections.find_tables(
                    grids.spread_cells(cells),
                    id=f"{file.source}:table {next(tables)}",
                    caption=caption,
                    as_=as_,
                )
        elif rows:
            said = rows[0] if any(rows[0]) else tuple(f"column {n}" for n in range(1, len(rows[0]) + 1))
            names = Line(1, said, heads=frozenset(range(len(said))))
            yield from sections.find_tables(
                [names, *(Line(number, row) for number, row in enumerate(rows[2:], 2))],
                id=f"{file.source}:table {next(tables)}",
                as_=as_,
            )
        else:
            sections.write(line + "\n")


def _read_front(text: str, file: SourceFile) -> Iterator[About | Problem]:
    """The fields of the front matter; what cannot be read of it is told in the report."""
    front = find_front(text)
    if not front:
        return
    try:
        fields = (parse_yaml(front["yaml"]) if front["toml"] is None else parse_toml(front["toml"])) or {}
    except UnreadableFile as error:
        yield About({"title": named[1].strip()} if (named := FRONT_TITLE.search(front[0])) else {})
        yield Problem(file.source, "front matter", f"{error.reason}; its fields are not kept", read=True)
        return
    if isinstance(fields, dict):
        yield About(fields)


def _write_long(fields: Mapping[str, Any]) -> str:
    """What fields say that is too long or too deep for a filter, a line each."""
    return "".join(f"{name}: {write_cell(value)}\n" for name, value in fields.items() if not is_field(value))


def look(path: Path, as_: Kind | None) -> Look:
    """With tables only where there is the line under the names of columns."""
    data = read_whole(path, path.name)
    has_tables = re.search(rb"(?m)^[ \t]{0,3}\|?[ \t]{0,9}:?-+:?[ \t]{0,9}\|[-:| \t]*\r?$|^ {0,3}<(?i:table)\b", data)
    return (KINDS if has_tables else ("text",)), ()


def _count_table_lines(lines: list[tuple[int, str]], place: int) -> int:
    """Lines of the table in HTML that begins here; 0 where it has no end, or is there for the layout."""
    for height, (_, line) in enumerate(lines[place : place + _MOST_LINES], 1):
        if "</table>" in line.lower():
            text = "\n".join(text for _, text in lines[place : place + height])
            return height if find_tables(text) else 0
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
