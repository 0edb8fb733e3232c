"""Finds readers that are taken by name (`--reader NAME`): each module of this folder is one, with weights of its own.

A module has what a reader in `readers` has, and `check()`, which raises `MissingExtra` where its package is not there.
"""

from __future__ import annotations

import importlib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from r1router.errors import UnknownName
from r1router.ingest.isolate import Limits
from r1router.ingest.parts.registry import Reader
from r1router.registry import list_entries

LIMITS = Limits(memory=16_000_000_000, seconds=1_200.0)
"""A layout model takes gigabytes, and on a CPU seconds for each page."""


class NamedReader(Reader, Protocol):
    def check(self) -> None: ...


@cache
def find_named(name: str) -> NamedReader:
    """The reader of this name. Raises `UnknownName`."""
    names = list_entries(__file__)
    if name not in names:
        raise UnknownName("reader", name, names)
    return cast(NamedReader, importlib.import_module(f"{__name__}.{name}"))


def is_read_by(reader: Reader, path: Path) -> bool:
    """Whether it reads files of this name."""
    return any(fnmatch(path.name.lower(), pattern) for pattern in reader.PATTERNS)
