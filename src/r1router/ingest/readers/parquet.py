"""A Parquet file to one table, or by its columns to passages or pictures, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import manifest, tabular
from r1router.ingest.parts.cells import cell, title_of
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.rows import At, at, kind_of_columns, read_rows
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.parquet", "*.pq")
KINDS: tuple[Kind, ...] = ("table", "text", "image")

_BATCH = 1_000


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    columns, rows = _open(file)
    head = list(islice(rows, 1))
    rows = chain(head, rows)
    kind = kind_of_columns(columns, at("", head[0]).fields) if head else "table"
    if as_ == "image" or (kind != "table" and as_ in (None, kind)):
        yield from read_rows(_numbered(rows), file, as_=as_ or kind, ocr=ocr)
        return
    yield from tabular.records(
        tabular.Grid(columns, ([cell(row[name]) for name in columns] for row in rows)),
        id=file.source,
        source=file.source,
        title=title_of(file.path),
        as_=as_,
    )


def look(path: Path, as_: Kind | None) -> Look:
    columns, rows = _open(SourceFile(path, path.name, KINDS))
    head = list(islice(rows, 1))
    kind = kind_of_columns(columns, at("", head[0]).fields) if head else "table"
    if kind != "image" or as_ not in (None, "image"):
        return (kind,), ()
    return (kind,), manifest.parts((row.fields for row in _numbered(chain(head, rows))), path.parent)


def _numbered(rows: Iterator[dict[str, Any]]) -> Iterator[At]:
    return (at(f"row {number}", row) for number, row in enumerate(rows, 1))


def _open(file: SourceFile) -> tuple[tuple[str, ...], Iterator[dict[str, Any]]]:
    """Column names, and the rows as they are read."""
    import pyarrow as arrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    try:
        opened = arrow.parquet.ParquetFile(file.path)
    except arrow.ArrowInvalid as error:
        raise UnreadableFile(file.source, f"is damaged, cut off or no Parquet file at all ({error})") from error

    def rows() -> Iterator[dict[str, Any]]:
        with opened:
            for batch in opened.iter_batches(_BATCH):
                yield from batch.to_pylist()

    return tuple(opened.schema_arrow.names), rows()
