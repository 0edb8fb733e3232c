"""Reads JSON Lines as passages, tables or pictures by each row's fields, or as one table of flat objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from r1router.ingest.parts import manifest
from r1router.ingest.parts.files import open_text, report_doubts
from r1router.ingest.parts.registry import Look
from r1router.ingest.parts.rows import At, keep_all, place_row, read_rows, tell_kind
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.jsonl", "*.jsonl.gz", "*.ndjson", "*.ndjson.gz")
KINDS: tuple[Kind, ...] = ("text", "table", "image")
_SAMPLE = 20


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    yield from read_rows(parse_rows(file), file, as_=as_, ocr=ocr)
    yield from report_doubts(file)


def look(path: Path, as_: Kind | None) -> Look:
    file = SourceFile(path, path.name, KINDS)
    sample = [item.fields for item in islice(parse_rows(file), _SAMPLE) if isinstance(item, At)]
    kinds = [tell_kind(fields, path.parent) for fields in sample]
    found = tuple(kind for kind in KINDS if kind in kinds) if kinds and kinds[0] else ("table",)
    parts: tuple[Path, ...] = ()
    if as_ == "image" or (as_ is None and "image" in found):
        parts = manifest.find_parts((item.fields for item in parse_rows(file) if isinstance(item, At)), path.parent)
    return found, parts


def parse_rows(file: SourceFile) -> Iterator[At | Problem]:
    """Each line that is not blank, as a row; a line that is no object is a problem."""
    with open_text(file) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"line {number}"
            try:
                value = json.loads(line, object_pairs_hook=keep_all)
            except json.JSONDecodeError as error:
                yield Problem(file.source, where, f"is not JSON: {error.msg} at column {error.colno}")
                continue
            except (RecursionError, ValueError) as error:  # nested too deep; a number of too many digits
                yield Problem(file.source, where, f"is not usable JSON: {error}")
                continue
            if not isinstance(value, dict):
                yield Problem(file.source, where, f"is JSON but not an object: {line.strip()[:40]}")
                continue
            yield place_row(where, value)
