"""What the tests of the readers share: a path to its records, or to the reason why it has none."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from r1router.errors import UnreadableFile
from r1router.filters.tree import Fields
from r1router.ingest import readers
from r1router.ingest.feed import Known
from r1router.ingest.records import About, Passage, Picture, Problem, Record, Table
from r1router.ingest.sources import SourceFile


def read(path: Path, **options) -> list[Record | Problem]:
    """Records of everything found under a path."""
    return [record for file in readers.find([path]) for record in records_of(file, **options)]


def records_of(file: SourceFile, **options) -> list[Record | Problem]:
    """The records of one file, without what is known of it and of them."""
    found = (item for item in readers.read(file, **options) if not isinstance(item, About))
    return [item if isinstance(item, Problem) else replace(item, about={}) for item in found]


def known_of(path: Path, **options) -> Fields:
    """What is known of a file."""
    [file], known = readers.find([path]), Known()
    for item in readers.read(file, **options):
        if isinstance(item, About):
            known.add(item)
    return {**known.said, **known.firm}


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


def read_all(folder: Path) -> list[object]:
    """The records of every file in a folder, and what is told of it."""
    found: list[object] = []
    for file in readers.find([folder]):
        try:
            items = [item for item in readers.read(file) if not isinstance(item, About)]
            found += [f"{item.where}: {item.reason}" if isinstance(item, Problem) else item for item in items]
        except UnreadableFile as error:
            found.append(error.reason)
    return found


def write(record: object) -> str:
    match record:
        case Passage():
            return " ".join((record.title, record.section, record.text, *(f"{n} {v}" for n, v in record.fields)))
        case Table():
            rows = (" ".join(row) for row in (record.header, *record.rows))
            return "\n".join((record.title, record.section, record.caption, *rows))
        case Picture():
            return " ".join((record.title, record.caption, record.words))
    raise AssertionError(record)
