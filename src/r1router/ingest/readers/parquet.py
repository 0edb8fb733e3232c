"""Reads a Parquet file as one table, or by its columns as passages or pictures, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest import ocr as recognizer
from r1router.ingest.parts import images, manifest, tabular
from r1router.ingest.parts.cells import Ids, make_title, write_cell
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.rows import At, place_row, read_rows, tell_kind_of_columns
from r1router.ingest.records import Picture, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.parquet", "*.pq")
KINDS: tuple[Kind, ...] = ("table", "text", "image")

_BATCH = 1_000
_SAMPLE = 20


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    columns, rows = _open(file)
    head = list(islice(rows, _SAMPLE))
    rows = chain(head, rows)
    kind = _kind(columns, head, file.path.parent)
    if as_ in (None, "image") and any(_is_picture(value) for row in head for value in row.values()):
        yield from _pictures(rows, file, ocr)
        return
    if as_ == "image" or (kind != "table" and as_ in (None, kind)):
        yield from read_rows(_numbered(rows), file, as_=as_ or kind, ocr=ocr)
        return
    write = tabular.Writer(columns)
    yield from tabular.make_records(
        tabular.Grid(columns, (write(row[name] for name in columns) for row in rows)),
        id=file.source,
        source=file.source,
        title=make_title(file.path),
        as_=as_,
    )
    yield from write.report(file.source, "its table")


def look(path: Path, as_: Kind | None) -> Look:
    columns, rows = _open(SourceFile(path, path.name, KINDS))
    head = list(islice(rows, _SAMPLE))
    kind = _kind(columns, head, path.parent)
    if kind != "image" or as_ not in (None, "image"):
        return (kind,), ()
    return (kind,), manifest.find_parts((row.fields for row in _numbered(chain(head, rows))), path.parent)


def _kind(columns: tuple[str, ...], head: list[dict[str, Any]], folder: Path) -> Kind:
    if any(_is_picture(value) for row in head for value in row.values()):
        return "image"
    return tell_kind_of_columns(columns, [place_row("", row).fields for row in head], folder)


def _is_picture(value: Any) -> bool:
    """Whether a cell holds a picture as the data sets of Hugging Face do: its bytes, and a name."""
    return isinstance(value, dict) and set(value) == {"bytes", "path"} and bool(value["bytes"])


def _pictures(rows: Iterator[dict[str, Any]], file: SourceFile, ocr: bool) -> Iterator[Record | Problem]:
    """Each picture that a row holds, captioned by the row's other cells."""
    for number, row in enumerate(rows, 1):
        where = f"row {number}"
        others = {name: write_cell(value) for name, value in row.items() if not _is_picture(value)}
        said = "; ".join(f"{name}: {value}" for name, value in others.items() if value)
        for name in row.keys() - others.keys():
            called = Path(row[name]["path"] or f"{name} {number}").name
            try:
                loaded = images.load(row[name]["bytes"], called, f"{name} of {where}")
            except UnreadableFile as error:
                yield Problem(file.source, where, str(error))
                continue
            yield Picture(
                f"{file.source}:{where}:{name}",
                file.source,
                loaded.image,
                loaded.title or f"{make_title(file.path)}, {where}",
                said or loaded.caption,
                recognizer.read_words(loaded.image) if ocr else "",
                others,
            )


def _numbered(rows: Iterator[dict[str, Any]]) -> Iterator[At]:
    return (place_row(f"row {number}", row) for number, row in enumerate(rows, 1))


def _open(file: SourceFile) -> tuple[tuple[str, ...], Iterator[dict[str, Any]]]:
    """Column names, each once, and the rows as they are read."""
    import pyarrow as arrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    try:
        opened = arrow.parquet.ParquetFile(file.path)
    except arrow.ArrowInvalid as error:
        raise UnreadableFile(file.source, f"is damaged, cut off or no Parquet file at all ({error})") from error

    names = tuple(map(Ids().unique, opened.schema_arrow.names))

    def rows() -> Iterator[dict[str, Any]]:
        with opened:
            for batch in opened.iter_batches(_BATCH):
                yield from batch.rename_columns(names).to_pylist()

    return names, rows()
