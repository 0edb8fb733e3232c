"""What the tests of the readers share: a path to its records, or to the reason why it has none."""

import json
from pathlib import Path

import pytest

from r1router.errors import UnreadableFile
from r1router.ingest import readers
from r1router.ingest.records import Problem, Record


def read(path: Path, **options) -> list[Record | Problem]:
    """Records of everything found under a path."""
    return [item for file in readers.find([path]) for item in readers.read(file, **options)]


def reason(path: Path, **options) -> str:
    """Why a file cannot be read."""
    with pytest.raises(UnreadableFile) as raised:
        read(path, **options)
    assert raised.value.path == path.as_posix()
    return raised.value.reason


def written(path: Path, content: object) -> Path:
    """A file with these bytes, this text, or this as JSON."""
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode()
    path.write_bytes(content)
    return path


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
