"""Reads a file of any kind that is compressed by itself, such as a log or a manual, as if it lay in a folder.

Tables and texts that come in compressed files of any length are read as a stream by their own readers, which are asked
before this one, since readers are asked by their names.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from r1router.ingest.parts.inside import Member, read_inside
from r1router.ingest.parts.registry import Look, find_reader
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.gz", "*.bz2", "*.xz")
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    opened = partial(_open, file.path)
    yield from read_inside([Member(file.path.stem, opened)], file, as_=as_, ocr=ocr)


def look(path: Path, as_: Kind | None) -> Look:
    """By the name of the file in it; without kinds where no reader knows that."""
    reader = find_reader(Path(path.stem))
    return (reader.KINDS[:1] if reader else ()), ()


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], _OPEN[path.suffix.lower()](path, "rb"))
