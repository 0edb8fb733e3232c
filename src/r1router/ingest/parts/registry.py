"""Finds the module of `readers` that reads a file, by the file's name."""

from __future__ import annotations

import functools
import importlib
import logging
import re
from collections.abc import Iterator
from fnmatch import fnmatch, translate
from pathlib import Path
from typing import Protocol, cast

from r1router.errors import UnknownName
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.registry import list_entries
from r1router.types import Kind

log = logging.getLogger(__name__)

Look = tuple[tuple[Kind, ...], tuple[Path, ...]]
"""Kinds of record in a file, and the files that belong to it."""


class Reader(Protocol):
    """What a reader module has; `look` and `IN_TEXT_TOO` are optional."""

    PATTERNS: tuple[str, ...]
    KINDS: tuple[Kind, ...]
    """The most usual one first."""

    def read(self, file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]: ...


def find_reader(path: Path) -> Reader | None:
    """The reader for a file of this name; None where there is none."""
    name = path.name.lower()
    return next((reader for pattern, reader in _readers() if pattern.match(name)), None)


class NamedReader(Reader, Protocol):
    """What a module of `layout_readers` has."""

    def check(self) -> None:
        """Raises `MissingExtra` where its package is not there."""
        ...


@functools.cache
def find_named(name: str) -> NamedReader:
    """The reader of `layout_readers` of this name. Raises `UnknownName`."""
    names = _list_names("layout_readers")
    if name not in names:
        raise UnknownName("reader", name, names)
    return cast(NamedReader, importlib.import_module(f"r1router.ingest.layout_readers.{name}"))


def is_read_by(reader: Reader, path: Path) -> bool:
    """Whether it reads files of this name."""
    return any(fnmatch(path.name.lower(), pattern) for pattern in reader.PATTERNS)


def look(path: Path, as_: Kind | None) -> Look:
    """Kinds and companions of a file, from its name and, where the reader says so, its first rows."""
    reader = find_reader(path)
    if reader is None or (as_ and as_ not in reader.KINDS):
        return (reader.KINDS if reader else ()), ()
    try:
        kinds, parts = reader.look(path, as_) if hasattr(reader, "look") else (reader.KINDS, ())
    except Exception:  # a damaged file, of which `read` will say what is wrong
        log.debug("cannot look into %s", path, exc_info=True)
        kinds, parts = reader.KINDS[:1], ()
    return ((as_,) if as_ else kinds), parts


def find_kinds_in_text(path: Path) -> tuple[Kind, ...]:
    """Kinds of record whose words are in the text of such a file, too."""
    found: tuple[Kind, ...] = getattr(find_reader(path), "IN_TEXT_TOO", ())
    return found


def list_patterns() -> tuple[str, ...]:
    """The name patterns of all readers, such as "*.csv.gz"."""
    return tuple(sorted(pattern for reader in _modules() for pattern in reader.PATTERNS))


@functools.cache
def _readers() -> tuple[tuple[re.Pattern[str], Reader], ...]:
    return tuple((re.compile("|".join(map(translate, reader.PATTERNS))), reader) for reader in _modules())


@functools.cache
def _modules() -> tuple[Reader, ...]:
    names = _list_names("readers")
    return tuple(cast(Reader, importlib.import_module(f"r1router.ingest.readers.{name}")) for name in names)


def _list_names(folder: str) -> list[str]:
    return list_entries(str(Path(__file__).parents[1] / folder / "__init__.py"))
