"""A PDF to one passage for each page that has text."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from r1router.errors import UnreadableFile
from r1router.ingest.parts.cells import cell, tidy, title_of
from r1router.ingest.parts.sections import flow
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

PATTERNS = ("*.pdf",)
KINDS: tuple[Kind, ...] = ("text",)

_HYPHEN = re.compile(r"(?<=[a-zà-ÿ])[-\u00ad]\n(?=[a-zà-ÿ])")
_NO_TITLE = re.compile(r"untitled|microsoft (word|powerpoint) -|\S+\.(docx?|tex|dvi|indd|pptx?|rtf|pdf)$", re.I)


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    document = _open(file)
    title = _title(document, file)
    scanned = 0
    for number, page in enumerate(document.pages, 1):
        try:
            text = tidy(flow(_HYPHEN.sub("", page.extract_text())))
            is_picture = not text and _is_picture(page)
        except Exception as error:  # one broken page among good ones; pypdf raises all kinds
            yield Problem(file.source, f"page {number}", f"its text cannot be read ({type(error).__name__}: {error})")
            continue
        if text:
            yield Passage(f"{file.source}:p{number}", file.source, text, title, number)
        elif is_picture:
            scanned += 1
            yield Problem(file.source, f"page {number}", "is a picture without text, probably a scan")
    if scanned == len(document.pages):
        raise UnreadableFile(
            file.source,
            f"has no text: all {scanned} pages are pictures; put a text layer in first, for example with ocrmypdf",
        )


def _open(file: SourceFile) -> PdfReader:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of every oddity that it works around
    encrypted = "is encrypted with a password; save it without one, for example: qpdf --decrypt IN OUT"
    try:
        document = PdfReader(file.path)
        if document.is_encrypted and not document.decrypt(""):
            raise UnreadableFile(file.source, encrypted)
        if not len(document.pages):
            raise UnreadableFile(file.source, "has no pages")
    except DependencyError as error:
        raise UnreadableFile(file.source, encrypted) from error
    except PyPdfError as error:
        raise UnreadableFile(file.source, f"is damaged, cut off or no PDF at all ({error})") from error
    return document


def _title(document: PdfReader, file: SourceFile) -> str:
    stated = cell(document.metadata.title) if document.metadata else ""
    return title_of(file.path) if not stated or _NO_TITLE.match(stated) else stated


def _is_picture(page: PageObject) -> bool:
    return bool(page.images.keys())  # names only: to iterate decodes the pictures
