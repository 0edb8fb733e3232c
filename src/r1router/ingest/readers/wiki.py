"""Reads WikiExtractor's output (`<doc …>` blocks, or JSON lines) as one passage for each article."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import IO

from r1router.ingest.parts.cells import Ids, tidy, write_cell
from r1router.ingest.parts.files import open_text, report_doubts
from r1router.ingest.parts.rows import At, place_row, read_rows
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("wiki_[0-9][0-9]", "wiki_[0-9][0-9].gz", "wiki_[0-9][0-9].bz2")
KINDS: tuple[Kind, ...] = ("text",)

_DOC = re.compile(r"\A<doc\s(.*)>\Z", re.DOTALL)
_ATTRIBUTE = re.compile(r'(?<!\S)(\w++)="')


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    with open_text(file) as lines:
        first = next(line for line in lines if line.strip())
        lines.seek(0)
        if first.lstrip().startswith("{"):
            yield from read_rows(_rows(lines, file), file, as_="text", ocr=False)
        else:
            yield from _docs(lines, file)
    yield from report_doubts(file)


def _rows(lines: IO[str], file: SourceFile) -> Iterator[At | Problem]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            yield Problem(file.source, f"line {number}", f"is not JSON: {error.msg} at column {error.colno}")
            continue
        if isinstance(fields, dict) and str(fields.get("text", "")).strip():  # redirects have no text
            yield place_row(f"line {number}", fields)


def _docs(lines: IO[str], file: SourceFile) -> Iterator[Record | Problem]:
    ids = Ids()
    about: dict[str, str] | None = None
    began = 0
    text: list[str] = []
    for number, line in enumerate(lines, 1):
        opening = _DOC.match(line.rstrip())
        if opening:
            if about is not None:
                yield Problem(file.source, f"line {began}", "the <doc> is not closed before the next one")
            about, began, text = _attributes(opening[1]), number, []
        elif line.strip() == "</doc>" and about is not None:
            yield from _passage(about, "".join(text), file, began, ids)
            about = None
        elif about is not None:
            text.append(line)
        elif line.strip():
            yield Problem(file.source, f"line {number}", f"stands outside of any <doc>: {line.strip()[:40]}")
    if about is not None:
        yield Problem(file.source, f"line {began}", "the <doc> is not closed: the file is cut off")


def _attributes(text: str) -> dict[str, str]:
    """By name; quotes inside a value are not escaped, so that it goes on to the next name."""
    names = list(_ATTRIBUTE.finditer(text))
    ends = [*(name.start() for name in names[1:]), len(text)][: len(names)]
    values = [text[name.end() : end].rstrip() for name, end in zip(names, ends, strict=True)]
    return {name[1]: value.removesuffix('"') for name, value in zip(names, values, strict=True)}


def _passage(about: dict[str, str], text: str, file: SourceFile, line: int, ids: Ids) -> Iterator[Record]:
    title = write_cell(html.unescape(about.get("title", "")))
    text = html.unescape(text).strip()
    head, _, rest = text.partition("\n")
    if " ".join(head.split()) == title:  # the article's text begins with its title
        text = rest.strip()
    if text:
        yield Passage(ids.unique(about.get("id") or f"{file.source}:line {line}"), file.source, tidy(text), title)
