"""Finds the fields of a file that stand outside it: its path, its dates, and what a file beside it says.

`report.pdf.meta.json` or `report.pdf.meta.yaml` beside `report.pdf` holds one object of fields. It is trusted above
the document: who may write a document need not be the one who says who may read it.
"""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.filters.fields import clean, describe_path
from r1router.ingest.parts.files import open_text
from r1router.ingest.records import About, Problem
from r1router.ingest.sources import SourceFile

BESIDE = (".meta.json", ".meta.yaml", ".meta.yml")
MOST_BYTES = 64 << 10
"""Of a file with fields."""


def find_beside(path: Path) -> list[Path]:
    """The files that say something of a file, if any."""
    return [found for end in BESIDE if (found := path.with_name(path.name + end)).is_file()]


def describe_file(file: SourceFile) -> Iterator[About | Problem]:
    """What is known of a file. A file beside it that cannot be read leaves the whole file unread: it may be what keeps
    some from seeing it. Raises `UnreadableFile`."""
    changed = datetime.datetime.fromtimestamp(int(file.path.stat().st_mtime), datetime.UTC)
    yield About({"modified": changed})
    beside: dict[str, Any] = {}
    for path in find_beside(file.path):
        try:
            beside.update(clean(_read(path)))
        except UnreadableFile as error:
            raise UnreadableFile(file.source, f"{path.name}, which says what it is, {error.reason}") from error
    yield About({**beside, **describe_path(file.source)}, firm=True)


def _read(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableFile(path.name, f"has more than {MOST_BYTES >> 10} KiB")
    with open_text(SourceFile(path, path.name, ())) as stream:
        text = stream.read()
    found = parse_json(text) if path.suffix == ".json" else parse_yaml(text)
    if not isinstance(found, Mapping):
        raise UnreadableFile(path.name, "is no object of fields")
    return found


def parse_json(text: str) -> Any:
    """Raises `UnreadableFile` for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile("", f"is not JSON: {error}") from error


def parse_yaml(text: str) -> Any:
    """Raises `UnreadableFile` for what is none."""
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        raise UnreadableFile("", f"is not YAML: {said}{f', line {where.line + 1}' if where else ''}") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Raises `UnreadableFile` for what is none."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableFile("", f"is not TOML: {error}") from error
