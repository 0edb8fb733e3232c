"""An Excel workbook to one table for each sheet that is not empty, formulas as the values last computed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.ingest.parts import office, tabular
from r1router.ingest.parts.cells import Ids, cell, title_of
from r1router.ingest.parts.registry import Look
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.xlsx", "*.xlsm")
KINDS: tuple[Kind, ...] = ("table", "text")

_NOT_COMPUTED = re.compile(rb'<c (?![^>]*t="str")[^>]*><f[^>]*>[^<]*</f>(?:<v\s*/>|<v></v>)?</c>')
"""A formula without a value, as programs leave it that write workbooks and cannot compute."""
_LONGEST_FORMULA = 1 << 14
_BLOCK = 1 << 20


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    office.check(file, part="xl/workbook.xml", modern="xlsx")
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    ids = Ids()
    with file.path.open("rb") as stream:
        book = load_workbook(stream, read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some programs write a wrong size, and rows beyond it would be lost
            table = tabular.grid(_rows(sheet))
            if table is None:
                continue
            title = table.titles[0] if table.titles else title_of(file.path)
            yield from tabular.records(
                table,
                id=ids.unique(f"{file.source}:{sheet.title}"),
                source=file.source,
                title=title,
                section=cell(sheet.title),
                caption=" ".join(table.titles[1:]),
                as_=as_,
            )
    if _is_not_computed(file):
        yield Problem(
            file.source,
            "formulas",
            "some have no computed value, and their cells are empty; open and save the file in a spreadsheet program",
        )


def look(path: Path, as_: Kind | None) -> Look:
    return ("table",), ()


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


def _rows(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows(values_only=True):
        yield [cell(value) for value in row]
