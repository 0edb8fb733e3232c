"""Marks the code that makes entries of files, so that files are read again after that code changed."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_READ_BY = (
    *(f"ingest/{p}" for p in ("readers/*.py", "layout_readers/*.py", "parts/*.py", "ocr.py", "records.py", "chunk.py")),
    "scripts.py",
)
"""What a file's entries depend on. It is marked as it is written, since a number that somebody must raise is
forgotten; entries that come out the same keep their vectors."""


@functools.cache
def compute_recipe() -> str:
    """Hex SHA-256 over the names and sources of these modules."""
    digest = hashlib.sha256()
    for module in sorted(path for pattern in _READ_BY for path in _PACKAGE.glob(pattern)):
        digest.update(module.relative_to(_PACKAGE).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(module.read_bytes()).digest())
    return digest.hexdigest()
