"""Comma-, tab- or otherwise separated values to one table, or by their columns to passages or pictures."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import IO

from r1router.errors import UnreadableFile
from r1router.ingest.parts import manifest, tabular
from r1router.ingest.parts.cells import cell, title_of
from r1router.ingest.parts.files import doubts, open_text
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.rows import At, at, kind_of_columns, read_rows
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.csv", "*.csv.gz", "*.tsv", "*.tsv.gz", "*.tab")
KINDS: tuple[Kind, ...] = ("table", "text", "image")

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 100
_LONGEST_FIELD = 16 << 20


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    with open_text(file, newline="") as stream:
        table = tabular.grid(_rows(stream, file))
        if table is None:
            return
        kind, table, named = _kind(table)
        if as_ == "image" or (kind != "table" and as_ in (None, kind)):
            yield from read_rows(named, file, as_=as_ or kind, ocr=ocr)
            yield from doubts(file)
            return
        yield from tabular.records(
            table,
            id=file.source,
            source=file.source,
            title=table.titles[0] if table.titles else title_of(file.path),
            caption=" ".join(table.titles[1:]),
            as_=as_,
            ragged="its rows",
        )
    yield from doubts(file)


def look(path: Path, as_: Kind | None) -> Look:
    file = SourceFile(path, path.name, KINDS)
    with open_text(file, newline="") as stream:
        table = tabular.grid(_rows(stream, file))
        if table is None:
            return ("table",), ()
        kind, _, named = _kind(table)
        is_manifest = kind == "image" and as_ in (None, "image")
        return (kind,), manifest.parts((row.fields for row in named), path.parent) if is_manifest else ()


def _kind(table: tabular.Grid) -> tuple[Kind, tabular.Grid, Iterator[At]]:
    """What the columns and the first row say; the table again, or its rows by column name: use one of them."""
    rows = iter(table.rows)
    head = list(islice(rows, 1))
    whole = replace(table, rows=chain(head, rows))
    named = (at(f"row {n}", dict(zip(table.header, row, strict=False))) for n, row in enumerate(whole.rows, 1))
    first = at("", dict(zip(table.header, head[0], strict=False))).fields if head else {}
    return kind_of_columns(table.header, first), whole, named


def _rows(stream: IO[str], file: SourceFile) -> Iterator[list[str]]:
    head = list(islice(stream, _SAMPLE_LINES))
    csv.field_size_limit(_LONGEST_FIELD)
    parsed = csv.reader(chain(head, stream), delimiter=_delimiter(head, file.path), skipinitialspace=True)
    try:
        for row in parsed:
            yield [cell(value) for value in row]
    except csv.Error as error:
        raise UnreadableFile(file.source, f"line {parsed.line_num}: {error}; is a quote left open?") from error


def _delimiter(head: list[str], path: Path) -> str:
    """The one that cuts the most lines into equally many cells, more cells being better."""
    if ".t" in path.name.lower() and any("\t" in line for line in head):
        return "\t"
    scores: dict[str, tuple[float, int]] = {}
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(head, delimiter=delimiter, skipinitialspace=True) if any(row)]
        for usual, count in Counter(width for width in widths if width > 1).most_common(1):
            scores[delimiter] = (round(count / len(widths), 1), usual)
    return max(scores, key=lambda delimiter: scores[delimiter], default=_DELIMITERS[0])
