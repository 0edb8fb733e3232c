"""Reads each list of objects in a JSON file as jsonl is read, and all else as one passage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts.cells import make_title, tidy, write_cell
from r1router.ingest.parts.files import read_text, report_doubts
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.rows import At, is_table, keep_all, place_row, read_rows, tell_kind
from r1router.ingest.records import Passage, Problem, Record, Table
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.json", "*.json.gz", "*.geojson", "*.canvas")
KINDS: tuple[Kind, ...] = ("table", "text", "image")


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    text = read_text(file)
    try:
        value = _parse(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(file.source, f"is not JSON: {error}") from error
    lines: list[str] = []
    for path, rows in _lists(value, "", lines):
        part = replace(file, source=f"{file.source}:{path}") if path else file
        for item in read_rows(_rows(rows), part, as_=as_, ocr=ocr):
            if isinstance(item, Passage | Table):
                item = replace(item, section=item.section or path)
            yield item if isinstance(item, Problem) else replace(item, source=file.source)
    if lines and as_ in (None, "text"):
        yield Passage(f"{file.source}:values", file.source, tidy("\n".join(lines)), make_title(file.path))
    yield from report_doubts(file)


def look(path: Path, as_: Kind | None) -> Look:
    lines: list[str] = []
    lists = _lists(_parse(read_text(SourceFile(path, path.name, KINDS))), "", lines)
    kinds = {tell_kind(row.fields, path.parent) or "table" for _, rows in lists for row in list(_rows(rows))[:20]}
    return tuple(kind for kind in KINDS if kind in kinds or (kind == "text" and (lines or not kinds))), ()


def _parse(text: str) -> Any:
    """The value of a file; of one that holds several, one after the other, a list of them. Raises `ValueError`."""
    try:
        return json.loads(text, object_pairs_hook=keep_all)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):
            raise
    decoder = json.JSONDecoder(object_pairs_hook=keep_all)
    values, place = [], 0
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        values.append(value)
        place += len(text[place:]) - len(text[place:].lstrip())
    return values


def _rows(rows: list[dict[str, Any]]) -> Iterator[At]:
    return (place_row(f"item {number}", row) for number, row in enumerate(rows, 1))


def _lists(value: Any, path: str, lines: list[str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """(where, rows) of each list of objects; other values become `lines`, "a.b: c"."""
    if rows := _find_rows(value):
        return [(path, rows)]
    if isinstance(value, dict):
        return [
            found for key, item in value.items() for found in _lists(item, f"{path}.{key}" if path else str(key), lines)
        ]
    if said := write_cell(value):
        lines.append(f"{path}: {said}" if path else said)
    return []


def _find_rows(value: Any) -> list[dict[str, Any]]:
    """The rows that a list or an object stands for, whichever way round a program writes a table; none for others."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [_lift(item) for item in value]
    if isinstance(value, list) and len(value) > 1 and _are_names(value[0]):  # names, then rows of cells
        width = len(value[0])
        is_grid = all(isinstance(row, list) and len(row) == width and _are_cells(row) for row in value)
        return [dict(zip(value[0], row, strict=True)) for row in value[1:]] if is_grid else []
    if not isinstance(value, dict) or not value:
        return []
    inner = list(value.values())
    if is_table(place_row("", value).fields):
        return [value]
    if all(isinstance(column, list) and len(column) > 1 and _are_cells(column) for column in inner):
        is_grid = len(inner) > 1 and len({len(column) for column in inner}) == 1
        return [dict(zip(value, row, strict=True)) for row in zip(*inner, strict=True)] if is_grid else []
    if not all(isinstance(item, dict) for item in inner) or len({frozenset(item) for item in inner}) > 1:
        return []
    if inner[0] and all(key.isdecimal() for key in inner[0]):  # columns, each by the number of the row
        return [{name: column[key] for name, column in value.items()} for key in inner[0]]
    return [{"key": key, **item} for key, item in value.items()] if len(inner) > 2 else []


def _lift(row: dict[str, Any]) -> dict[str, Any]:
    """A place of a map (GeoJSON) with its properties as its fields."""
    properties = row.get("properties")
    if row.get("type") != "Feature" or not isinstance(properties, dict):
        return row
    return {**properties, **{name: value for name, value in row.items() if name not in ("type", "properties")}}


def _are_names(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) > 1
        and all(isinstance(n, str) and n for n in row)
        and len(set(row)) == len(row)
    )


def _are_cells(values: list[Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in values)
