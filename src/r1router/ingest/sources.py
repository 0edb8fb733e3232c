"""Describes one thing to index: a file, how it is shown, what it can hold, the files that belong to it.

`readers.find(paths, as_)` makes these out of what the user gave; `readers.read(file, as_=…)` streams
the records of one; the index run skips a source whose fingerprint it has seen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from r1router.types import Kind


@dataclass(frozen=True, slots=True)
class SourceFile:
    path: Path
    """Where to read it."""
    source: str
    """The path as stored, shown and compared between runs: equal to the `source` of its records."""
    kinds: tuple[Kind, ...]
    """Kinds of record that it may yield, by its name and a look inside; empty where no reader knows the name."""
    parts: tuple[Path, ...] = ()
    """Companions whose content counts as its own: a caption beside a picture, the pictures of a manifest."""
    reader: str = ""
    """The reader of `layout_readers` that it is read with; empty for the one by its name."""


def make_absolute(file: SourceFile) -> SourceFile:
    """The file with full paths, for a process that may be in another folder."""
    return replace(file, path=file.path.absolute(), parts=tuple(part.absolute() for part in file.parts))


def compute_fingerprint(file: SourceFile) -> str:
    """Hex SHA-256 over the content of the file and of its parts, with the parts' names.

    A part that is missing counts as empty, so that its coming back is a change. Raises `OSError` for the
    file itself.
    """
    digest = hashlib.sha256()
    digest.update(_digest(file.path))
    for part in sorted(file.parts):
        digest.update(part.name.encode() + b"\0")
        digest.update(_digest(part) if part.is_file() else b"")
    return digest.hexdigest()


def _digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
