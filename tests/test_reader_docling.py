"""A document of docling to our records; the models themselves need weights, which no test fetches."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from r1router.errors import MissingExtra, UnknownName
from r1router.ingest.layout_readers.docling import convert
from r1router.ingest.parts.registry import find_named
from r1router.ingest.records import Passage, Problem, Table
from r1router.ingest.run import index
from r1router.ingest.sources import SourceFile
from reading import written

FILE = SourceFile(Path("docs/report.pdf"), "docs/report.pdf", ("text",))


@pytest.mark.skipif(importlib.util.find_spec("docling_core") is None, reason="docling is an extra")
def test_sections_lists_tables_and_pictures_of_a_document_become_records() -> None:
    from docling_core.types.doc import (  # type: ignore[import-not-found]
        BoundingBox,
        DocItemLabel,
        DoclingDocument,
        ProvenanceItem,
        TableCell,
        TableData,
    )

    def on(page: int) -> ProvenanceItem:
        return ProvenanceItem(page_no=page, bbox=BoundingBox(l=0, t=1, r=1, b=0), charspan=(0, 1))

    def cell(row: int, column: int, text: str, *, wide: int = 1, high: int = 1) -> TableCell:
        return TableCell(
            text=text, start_row_offset_idx=row, end_row_offset_idx=row + high, start_col_offset_idx=column,
            end_col_offset_idx=column + wide, row_span=high, col_span=wide, column_header=row < 2,
        )  # fmt: skip

    document = DoclingDocument(name="report")
    document.add_title("Ferries of the fjord", prov=on(1))
    document.add_text(DocItemLabel.TEXT, "The last one leaves at 21:40.", prov=on(1))
    document.add_heading("Fares", level=1, prov=on(2))
    group = document.add_list_group()
    document.add_list_item("Children pay half.", marker="•", parent=group, prov=on(2))
    cells = [
        *(cell(0, 0, "Port", high=2), cell(0, 1, "Fare", wide=2), cell(1, 1, "low"), cell(1, 2, "high")),
        *(cell(2, 0, "Hamn"), cell(2, 1, "40"), cell(2, 2, "60")),
    ]
    caption = document.add_text(DocItemLabel.CAPTION, "Fares in kroner", prov=on(2))
    document.add_table(TableData(table_cells=cells, num_rows=3, num_cols=3), caption=caption, prov=on(2))
    document.add_picture(prov=on(2))
    items = list(convert(document, FILE, as_=None))
    passages = [item for item in items if isinstance(item, Passage)]
    assert {item.title for item in passages} == {"Ferries of the fjord"}
    assert [(item.section, item.page) for item in passages] == [("", 1), ("Fares", 2)]
    assert "leaves at 21:40" in passages[0].text
    assert "• Children pay half." in passages[1].text
    [table] = [item for item in items if isinstance(item, Table)]
    assert (table.header, table.rows) == (("Port", "Fare low", "Fare high"), (("Hamn", "40", "60"),))
    assert (table.caption, table.page, table.section) == ("Fares in kroner", 2, "Fares")
    assert next(item.reason for item in items if isinstance(item, Problem)).startswith("1 picture left out")


@pytest.mark.skipif(importlib.util.find_spec("docling") is not None, reason="docling is there")
def test_without_docling_the_package_is_named_before_anything_is_read(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "The pier is green.")
    with pytest.raises(MissingExtra, match=r"pip install 'r1router\[docling\]'"):
        index(tmp_path / "a.txt", tmp_path / "kbs", reader="docling")
    assert not (tmp_path / "kbs").exists()


def test_a_reader_that_is_not_known_is_told() -> None:
    with pytest.raises(UnknownName, match="did you mean 'docling'"):
        find_named("doclin")
