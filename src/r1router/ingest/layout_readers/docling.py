"""Reads a PDF with docling's layout models, because some pages are only understood by how they look.

The models need weights: `docling-tools models download` fetches them once; DOCLING_ARTIFACTS_PATH says where they lie.
Source: https://docling-project.github.io/docling/, version 2.143.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

from r1router.errors import MissingExtra, UnreadableFile
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.sections import Sections
from r1router.ingest.parts.structure import Line
from r1router.ingest.parts.titles import choose_title
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.pdf",)
KINDS: tuple[Kind, ...] = ("text", "table")


def check() -> None:
    """Raises `MissingExtra` where docling is not installed."""
    if find_spec("docling") is None:
        raise MissingExtra("docling", "docling", "--reader docling")


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    check()
    try:
        result = _open(ocr).convert(file.path)
    except Exception as error:  # of docling, of its models, or of the hub that their weights are on
        advice = "if its weights are missing, fetch them with: docling-tools models download"
        raise UnreadableFile(
            file.source, f"docling cannot read it ({type(error).__name__}: {error}); {advice}"
        ) from error
    yield from convert(result.document, file, as_=as_)
    for fault in result.errors:
        yield Problem(file.source, "", f"docling left a part out: {fault.error_message}")


@cache
def _open(ocr: bool) -> Any:
    """The converter, whose models are loaded once."""
    from docling.datamodel.base_models import InputFormat  # type: ignore[import-not-found]
    from docling.datamodel.pipeline_options import PdfPipelineOptions  # type: ignore[import-not-found]
    from docling.document_converter import DocumentConverter, PdfFormatOption  # type: ignore[import-not-found]

    options = PdfFormatOption(pipeline_options=PdfPipelineOptions(do_ocr=ocr))
    return DocumentConverter(allowed_formats=[InputFormat.PDF], format_options={InputFormat.PDF: options})


def convert(document: Any, file: SourceFile, *, as_: Kind | None) -> Iterator[Record | Problem]:
    """The records of a `DoclingDocument`: a passage for each section, under its page, and each table, in order."""
    items = [item for item, _ in document.iterate_items()]
    titles = (item.text for item in items if _label(item) == "title")
    sections = Sections(file, choose_title([*titles, document.name], file.path))
    page, tables, pictures = None, 0, 0
    for item in items:
        match _label(item):
            case "title" | "section_header":
                yield from _on_page(sections.heading(getattr(item, "level", 1), item.text), page, as_)
                page = None
            case "table" | "document_index":
                tables += 1
                yield from sections.find_tables(
                    _lines(item),
                    id=f"{file.source}:table {tables}",
                    caption=write_cell(item.caption_text(document)),
                    page=_page(item),
                    as_=as_,
                )
            case "picture" | "chart":
                pictures += 1
            case "list_item":
                sections.write(f"{item.marker} {item.text}".strip() + "\n")
            case _:
                sections.write((getattr(item, "text", "") or getattr(item, "orig", "")) + "\n")
        page = page or _page(item)
    yield from _on_page(sections.end(), page, as_)
    if pictures:
        said = f"{pictures} picture{'s' * (pictures > 1)} left out; to search them, index the file with --as image, too"
        yield Problem(file.source, "its pictures", said, read=True)


def _on_page(passages: Iterator[Passage], page: int | None, as_: Kind | None) -> Iterator[Passage]:
    """The passages with the page that they begin on; none where only tables are wanted."""
    yield from (replace(passage, page=page) for passage in passages if as_ != "table")


def _lines(table: Any) -> Iterator[Line]:
    """The rows of a table, with a cell for each column that it covers."""
    for number, row in enumerate(table.data.grid, 1):
        yield Line(
            number,
            tuple(write_cell(cell.text) for cell in row),
            frozenset(c for c, cell in enumerate(row) if cell.text and cell.start_col_offset_idx < c),
            frozenset(c for c, cell in enumerate(row) if cell.column_header),
        )


def _label(item: Any) -> str:
    return str(getattr(item.label, "value", item.label)) if hasattr(item, "label") else ""


def _page(item: Any) -> int | None:
    return item.prov[0].page_no if getattr(item, "prov", None) else None
