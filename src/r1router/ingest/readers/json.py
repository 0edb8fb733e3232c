"""Reads each list of objects in a JSON file as jsonl is read, and all else as one passage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts.cells import make_title, tidy, write_cell
from r1router.ingest.parts.files import open_text, report_doubts
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.rows import At, place_row, read_rows, tell_kind
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.json", "*.json.gz", "*.geojson")
KINDS: tuple[Kind, ...] = ("table", "text", "image")


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    with open_text(file) as stream:
        try:
            value = json.load(stream)
        except (ValueError, RecursionError) as error:
            raise UnreadableFile(file.source, f"is not JSON: {error}") from error
    lines: list[str] = []
    for path, rows in _lists(value, "", lines):
        part = replace(file, source=f"{file.source}:{path}") if path else file
        for item in read_rows(_rows(rows), part, as_=as_, ocr=ocr):
            yield item if isinstance(item, Problem) else replace(item, source=file.source)
    if lines and as_ in (None, "text"):
        yield Passage(f"{file.source}:values", file.source, tidy("\n".join(lines)), make_title(file.path))
    yield from report_doubts(file)


def look(path: Path, as_: Kind | None) -> Look:
    with open_text(SourceFile(path, path.name, KINDS)) as stream:
        lines: list[str] = []
        lists = _lists(json.load(stream), "", lines)
        kinds = {tell_kind(row.fields) or "table" for _, rows in lists for row in list(_rows(rows))[:20]}
    return tuple(kind for kind in KINDS if kind in kinds or (kind == "text" and (lines or not kinds))), ()


def _rows(rows: list[dict[str, Any]]) -> Iterator[At]:
    return (place_row(f"item {number}", row) for number, row in enumerate(rows, 1))


def _lists(value: Any, path: str, lines: list[str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """(where, rows) of each list of objects; other values become `lines`, "a.b: c"."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [(path, value)]
    if isinstance(value, dict):
        many = len(value) > 2 and all(isinstance(item, dict) for item in value.values())
        if many and len({frozenset(item) for item in value.values()}) == 1:
            return [(path, [{"key": key, **item} for key, item in value.items()])]
        return [
            found for key, item in value.items() for found in _lists(item, f"{path}.{key}" if path else str(key), lines)
        ]
    if said := write_cell(value):
        lines.append(f"{path}: {said}" if path else said)
    return []
