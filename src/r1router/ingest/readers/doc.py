"""Reads what programs export as if it were a Word document from before 2007: a page, Rich Text, a document of today.

A real one is not read, since no well-kept library reads it. It has no kinds, so the report counts it by its suffix.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts.registry import Look
from r1router.ingest.readers import docx, html, mail, rtf, text
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.doc", "*.dot")
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_OLE = b"\xd0\xcf\x11\xe0"


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem | About]:
    other = _find_other(file.path)
    if other is None:
        raise UnreadableFile(file.source, "is in the format of Word before 2007; save it as docx")
    yield from other.read(file, as_=as_, ocr=ocr)


def look(path: Path, as_: Kind | None) -> Look:
    other = _find_other(path)
    if other is None:
        return (), ()
    found: Look = other.look(path, as_) if hasattr(other, "look") else (other.KINDS, ())
    return found


def _find_other(path: Path) -> Any:
    """The reader of what stands under this name; None for a real document."""
    with path.open("rb") as stream:
        head = stream.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"PK"):
        return docx
    if head.startswith(_OLE) or b"\0" in head[:512]:
        return None
    if head.startswith(b"{\\rtf"):
        return rtf
    if b"mime-version:" in head.lower():
        return mail
    return html if head.startswith(b"<") else text
