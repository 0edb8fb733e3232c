"""Reads comma-, tab- or otherwise separated values as one table, or by their columns as passages or pictures."""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from r1router.ingest.parts import manifest, tabular
from r1router.ingest.parts.cells import make_title, write_cell
from r1router.ingest.parts.files import open_text, report_doubts
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.rows import At, place_row, read_rows, tell_kind_of_columns
from r1router.ingest.parts.structure import AHEAD, Found, Line, find_tables
from r1router.ingest.readers import html
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.csv", "*.csv.gz", "*.tsv", "*.tsv.gz", "*.tab")
KINDS: tuple[Kind, ...] = ("table", "text", "image")

_DELIMITERS = ",;\t|"
_RARE_DELIMITERS = "^~\x01\x1f"
"""Where none of the others cuts anything."""
_ESCAPED = re.compile(r'\\"(?![,;\t|\r\n])')
"""A quote in a quoted cell as some data bases write it; not the end of a cell that is a folder."""
_FORMULA = re.compile(r'="([^"]*)"$')
"""How programs keep a spreadsheet from reading digits as a number."""
_WHOLE = re.compile(r'\s*"((?:[^"]|"")*)"\s*$')
"""A line that is one quoted cell."""
_CURLY = re.compile(r"(?:^|[,;\t|])\s?“[^“”]*”\s*(?:[,;\t|]|$)")
_SAMPLE_LINES = 100
_SAMPLE_ROWS = 20
_LONGEST_FIELD = 16 << 20
_MOST_OPEN = 20
"""After so many quotes that are never closed, quotes mean nothing in the rest of the file."""
_SEP = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
"""What spreadsheets write into the first line: the delimiter."""


_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|table)\b", re.IGNORECASE)
"""How a web page begins, as some sites send a table or an error under this name."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    if _is_page(file.path):
        yield from html.read(file, as_=as_, ocr=ocr)
        return
    problems: list[Problem] = []
    with open_text(file, newline="") as stream:
        lines = _lines(stream, file, problems)
        head = list(islice(lines, AHEAD))
        kind, found = _kind(head, file.path.parent)
        lines = chain(head, lines)
        if found and (as_ == "image" or (kind != "table" and as_ in (None, kind))):
            yield from read_rows(_named(found, lines), file, as_=as_ or kind, ocr=ocr)
        else:
            yield from tabular.find_records(
                lines,
                id=file.source,
                source=file.source,
                title=make_title(file.path),
                as_=as_,
                is_sheet=True,
                ragged="its rows",
            )
    yield from problems
    yield from report_doubts(file)


def look(path: Path, as_: Kind | None) -> Look:
    if _is_page(path):
        return html.look(path, as_)
    file = SourceFile(path, path.name, KINDS)
    with open_text(file, newline="") as stream:
        lines = _lines(stream, file, [])
        head = list(islice(lines, AHEAD))
        kind, found = _kind(head, path.parent)
        if found is None or kind != "image" or as_ not in (None, "image"):
            return (kind,), ()
        return (kind,), manifest.find_parts((row.fields for row in _named(found, chain(head, lines))), path.parent)


def _is_page(path: Path) -> bool:
    with path.open("rb") as stream:
        return _PAGE.match(stream.read(1024)) is not None


def _kind(head: list[Line], folder: Path) -> tuple[Kind, Found | None]:
    """What the columns and the first row of the first table say, and that table."""
    found = next(find_tables(head), None)
    rows = list(islice(found.rows, _SAMPLE_ROWS)) if found else []
    if found is None or not rows:
        return "table", None
    named = [place_row("", dict(zip(found.header, row, strict=False))).fields for row in rows]
    return tell_kind_of_columns(found.header, named, folder), found


def _named(found: Found, lines: Iterable[Line]) -> Iterator[At]:
    """Every row below the names of the columns, by these names."""
    rows = (line.cells for line in lines if line.number > found.last_head and any(line.cells))
    return (place_row(f"row {n}", dict(zip(found.header, row, strict=False))) for n, row in enumerate(rows, 1))


def _lines(stream: Iterator[str], file: SourceFile, problems: list[Problem]) -> Iterator[Line]:
    """The rows, numbered by the line that they begin at. A quote that is never closed is a mark, and a problem."""
    csv.field_size_limit(_LONGEST_FIELD)
    head = list(islice(stream, _SAMPLE_LINES))
    named = _SEP.match(head[0]) if head else None
    number = 2 if named else 1
    if mend := _choose_mending(head[1:] if named else head, file.path):
        head, stream = list(map(mend, head)), map(mend, stream)
    source = chain(head[1:] if named else head, stream)
    how = {"delimiter": named[1] if named else _delimiter(head, file.path), "skipinitialspace": True}
    if _is_quoted_once(head, how["delimiter"]):
        how["quotechar"] = "'"
    if any(map(_ESCAPED.search, head)):
        how["escapechar"] = "\\"
    again: deque[str] = deque()
    opened = 0

    def pull(taken: list[str]) -> Iterator[str]:
        while line := (again.popleft() if again else next(source, "")):
            taken.append(line)
            yield line

    while True:
        taken: list[str] = []
        quoting = csv.QUOTE_MINIMAL if opened < _MOST_OPEN else csv.QUOTE_NONE
        try:
            row = next(csv.reader(pull(taken), strict=True, quoting=quoting, **how), None)  # type: ignore[arg-type]
        except csv.Error as error:
            is_open = len(taken) > 1 or "end of data" in str(error)
            again.extendleft(reversed(taken[1:]))
            del taken[1:]
            if is_open:
                opened += 1
                told = "a quote is opened here and not closed; it was taken for a mark, and rows end where lines do"
                problems.append(Problem(file.source, f"line {number}", told, read=True))
            plain = csv.QUOTE_NONE if is_open else csv.QUOTE_MINIMAL
            row = next(csv.reader(taken, quoting=plain, **how), [])  # type: ignore[arg-type]
        if row is None:
            return
        yield Line(
            number, tuple(write_cell(_FORMULA.sub(r"\1", value) if value[:1] == "=" else value) for value in row)
        )
        number += len(taken)


def _choose_mending(head: list[str], path: Path) -> Callable[[str], str] | None:
    """What undoes the work of a program that quoted whole lines once more, or that curled the quotes of cells."""
    if any(map(_CURLY.search, head)) and not any('"' in line for line in head):
        return _straighten
    lines = [_unwrap(line) for line in head if line.strip()]
    if len(lines) < 2 or not any(map(_WHOLE.match, head)):
        return None
    delimiter: Any = _delimiter(lines, path)
    widths = {len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)}
    is_cut = any(delimiter in line.replace(f"{delimiter} ", "") for line in lines)  # no list of "Moss, Ann"
    return _unwrap if len(widths) == 1 and widths != {1} and is_cut else None


def _unwrap(line: str) -> str:
    whole = _WHOLE.match(line)
    return f"{whole[1]}\n".replace('""', '"') if whole else line


def _straighten(line: str) -> str:
    return line.replace("“", '"').replace("”", '"')


def _is_quoted_once(head: list[str], delimiter: Any) -> bool:
    """Whether cells stand in single quotes, as some data bases write them."""
    if any('"' in line for line in head):
        return False
    cells = [cell.strip() for line in head[1:] for cell in line.strip().split(delimiter) if cell.strip()]
    begun = sum(cell.startswith("'") for cell in cells)
    return begun > len(cells) / 3 and begun == sum(cell.endswith("'") for cell in cells)


def _is_prose(head: list[str], delimiter: str) -> bool:
    """Whether a comma only parts clauses: none in the first line, a blank behind each of the others, no quotes."""
    said = [line.strip() for line in head if line.strip()]
    if not said or delimiter in said[0] or any('"' in line for line in said):
        return False
    return all(line.count(delimiter) == line.count(f"{delimiter} ") for line in said)


def _delimiter(head: list[str], path: Path) -> str:
    """The one that cuts the most lines into equally many cells, more cells being better."""
    if ".t" in path.name.lower() and any("\t" in line for line in head):
        return "\t"
    scores: dict[str, tuple[float, int]] = {}
    for delimiter in _DELIMITERS + _RARE_DELIMITERS:
        if scores and delimiter in _RARE_DELIMITERS:
            break
        widths = [len(row) for row in csv.reader(head, delimiter=delimiter, skipinitialspace=True) if any(row)]
        for usual, count in Counter(width for width in widths if width > 1).most_common(1):
            if delimiter not in ",;" or not _is_prose(head, delimiter):
                scores[delimiter] = (round(count / len(widths), 1), usual)
    one_column = _RARE_DELIMITERS[-1] if _is_prose(head, _DELIMITERS[0]) else _DELIMITERS[0]
    return max(scores, key=lambda delimiter: scores[delimiter], default=one_column)
