"""Finds readers: each module of this folder reads the files that its name patterns match.

A reader module states

    PATTERNS = ("*.csv", "*.csv.gz")      file names that it reads, in lower case
    KINDS = ("table", "text", "image")    kinds of record that it can make, with `as_` too

    def read(file, *, as_, ocr) -> Iterator[Record | Problem]

and, where the name alone does not settle what a file holds or which files belong to it,

    def look(path, as_) -> tuple[kinds, parts]

What they share is in `parts`.
"""

from __future__ import annotations

from r1router.ingest.parts.find import Missed, find
from r1router.ingest.parts.read import read
from r1router.ingest.parts.registry import list_patterns

__all__ = ["Missed", "find", "list_patterns", "read"]
