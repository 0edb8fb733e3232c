# ruff: noqa: E501  (lines of XML)
"""OpenDocument files as a person sees them: what is hidden, numbered, noted and merged."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import pytest

from r1router.ingest.records import Passage, Problem, Table
from reading import read, reason

_PARTS = "office text table draw style presentation form"
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
SPACES = " ".join(f'xmlns:{name}="{_OASIS}:{name}:1.0"' for name in _PARTS.split())
SPACES += f' xmlns:number="{_OASIS}:datastyle:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
SPACES += f' xmlns:svg="{_OASIS}:svg-compatible:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'


def opendocument(path: Path, body: str, *, styles: str = "", margins: str = "", **parts: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        content = f"<office:automatic-styles>{styles}</office:automatic-styles><office:body>{body}</office:body>"
        archive.writestr("content.xml", f"<office:document-content {SPACES}>{content}</office:document-content>")
        master = f"<office:master-styles>{margins}</office:master-styles>"
        archive.writestr("styles.xml", f"<office:document-styles {SPACES}>{master}</office:document-styles>")
        for name, inner in parts.items():
            archive.writestr(
                f"{name}/content.xml", f"<office:document-content {SPACES}>{inner}</office:document-content>"
            )
    return path


def cell(text: str, settings: str = "", more: str = "") -> str:
    return f"<table:table-cell {settings}>{more}<text:p>{text}</text:p></table:table-cell>"


def row(*cells: str, settings: str = "") -> str:
    made = "".join(c if c.startswith("<") else cell(c) for c in cells)
    return f"<table:table-row {settings}>{made}</table:table-row>"


AGAIN = 'table:number-rows-repeated="99999999"'


def texts(path: Path) -> str:
    return "\n".join(f"{item.section}: {item.text}" for item in read(path) if isinstance(item, Passage))


def told(path: Path) -> list[str]:
    return [item.reason for item in read(path) if isinstance(item, Problem)]


def test_hidden_rows_columns_and_sheets_are_left_out_and_told(tmp_path: Path) -> None:
    covered = "<table:covered-table-cell/>"
    path = opendocument(
        tmp_path / "a.ods",
        '<table:table table:name="Rates"><table:table-column/><table:table-column table:visibility="collapse"/>'
        '<table:table-column table:number-columns-repeated="2"/>'
        + row("Region", "inside", "Depot", "Trucks")
        + row(cell("North", 'table:number-rows-spanned="3"'), "secret", "Oslo", "5")
        + row(covered, "secret", "Bergen", "7", settings='table:visibility="collapse"')
        + row(covered, "secret", "Molde", "9", settings='table:visibility="filter"')
        + '</table:table><table:table table:name="Pay" table:style-name="away">'
        + row("Who", "Pay")
        + row("Ann", "900")
        + "</table:table>",
        styles='<style:style style:name="away"><style:table-properties table:display="false"/></style:style>',
    )
    [table] = [item for item in read(path) if isinstance(item, Table)]
    assert table.header == ("Region", "Depot", "Trucks")
    assert table.rows == (("North", "Oslo", "5"), ("North", "Molde", "9"))
    assert told(path) == ["left out: 1 hidden row, 1 hidden column, 1 hidden sheet"]


def test_cells_are_read_as_shown_with_the_comments_at_them_and_where_they_stand(tmp_path: Path) -> None:
    note = "<office:annotation><dc:creator>Ola</dc:creator><text:p>checked twice</text:p></office:annotation>"
    blank = '<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>'
    path = opendocument(
        tmp_path / "a.ods",
        f'<table:table table:name="S">{blank}{row("Name", "Share", "Net", "Time")}'
        + row("A", cell("12,5 %", 'office:value="0.125"'), cell("(1.200,00)", more=note), cell("37:30"))
        + row("B", "5 %", "10,00", "1:00", settings='table:number-rows-repeated="2"')
        + "</table:table>",
    )
    table, notes = (item for item in read(path) if isinstance(item, Table))
    again = ("B", "5 %", "10,00", "1:00")
    assert table.rows == (("A", "12,5 %", "(1.200,00)", "37:30"), again, again)
    assert table.section == "S, from A4"
    assert notes.caption == "Note at C5 ((1.200,00)): Ola: checked twice"


def test_a_row_that_is_repeated_without_end_is_refused(tmp_path: Path) -> None:
    path = opendocument(
        tmp_path / "a.ods",
        '<table:table table:name="S">'
        + row("x", "y", "z", settings='table:number-rows-repeated="1048576"')
        + "</table:table>",
    )
    assert "more than 2,000,000 cells" in reason(path)


@pytest.mark.parametrize(
    "inner",
    [
        f"<table:table-header-rows>{row(settings=AGAIN)}</table:table-header-rows>" + row("x", "y") + row("1", "2"),
        row(settings=f'{AGAIN} table:visibility="collapse"') + row("x", "y") + row("1", "2"),
        "<table:table-column table:number-columns-repeated='2'/>"
        + "<table:table-column table:number-columns-repeated='999' table:visibility='collapse'/>" * 5_000
        + row("x", "y")
        + row("1", "2"),
    ],
    ids=["header rows", "hidden rows", "hidden columns"],
)
def test_empty_rows_and_columns_that_are_repeated_without_end_take_no_room(inner: str, tmp_path: Path) -> None:
    path = opendocument(tmp_path / "a.ods", f'<table:table table:name="S">{inner}</table:table>')
    tracemalloc.start()
    try:
        read(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_cells_that_are_repeated_often_in_one_row_are_refused_before_they_are_made(tmp_path: Path) -> None:
    often = cell("x", 'table:number-columns-repeated="1000"') * 3_000
    path = opendocument(tmp_path / "a.ods", f'<table:table table:name="S">{row(often)}</table:table>')
    assert "more than 2,000,000 cells" in reason(path)


def test_words_of_a_text_are_read_where_a_person_sees_them(tmp_path: Path) -> None:
    note = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>of 1903</text:p></text:note-body></text:note>"
    remark = "<office:annotation><dc:creator>Eva</dc:creator><text:p>really?</text:p></office:annotation>"
    path = opendocument(
        tmp_path / "a.odt",
        f"<text:p>The pier{note} is green{remark}.<draw:frame><draw:text-box><text:p>In a box</text:p></draw:text-box></draw:frame></text:p>"
        '<text:list text:style-name="L"><text:list-item><text:p>first</text:p><text:list><text:list-item><text:p>inner</text:p></text:list-item></text:list></text:list-item>'
        "<text:list-item><text:p>second</text:p></text:list-item></text:list>"
        '<text:section text:display="none"><text:p>hidden words</text:p></text:section>'
        "<text:p><draw:frame><draw:image/><svg:desc>A crane</svg:desc></draw:frame></text:p>",
        styles='<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>'
        '<text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix=")"/></text:list-style>',
        margins="<style:master-page><style:header><text:p>Harbour Office</text:p></style:header>"
        "<style:footer><text:p>7</text:p></style:footer></style:master-page>",
    )
    assert texts(path).splitlines() == [
        ": The pier is green. [of 1903]",
        *("In a box", "1. first", "a) inner", "2. second", "A crane"),
        "Comments: Eva: really?",
        "Header: Harbour Office",
    ]
    assert told(path) == ["left out: 1 hidden section"]


def test_slides_are_called_by_their_titles_and_have_their_notes_and_charts(tmp_path: Path) -> None:
    def frame(words: str, kind: str = "") -> str:
        return f"<draw:frame {kind}><draw:text-box><text:p>{words}</text:p></draw:text-box></draw:frame>"

    title = frame("Budget", 'presentation:class="title"')
    chart = '<draw:frame><draw:object xlink:href="./Object1"/></draw:frame>'
    numbers = row("", "Cost") + row("2023", "40") + row("2024", "50")
    path = opendocument(
        tmp_path / "a.odp",
        f'<draw:page draw:name="page1">{title}{frame("Roof")}{chart}<presentation:notes>{frame("Say hello")}</presentation:notes></draw:page>'
        f'<draw:page draw:name="page2" draw:style-name="away">{frame("secret")}</draw:page>',
        styles='<style:style style:name="away"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>',
        Object1=f"<office:chart><table:table>{numbers}</table:table></office:chart>",
    )
    assert texts(path) == "Budget: Budget\nRoof\nNotes: Say hello"
    [table] = [item for item in read(path) if isinstance(item, Table)]
    assert (table.caption, table.header, table.rows[1]) == ("Chart", ("column 1", "Cost"), ("2024", "50"))
    assert told(path) == ["left out: 1 hidden slide"]


def test_a_table_in_a_text_has_its_two_lines_of_names_and_the_words_of_one_inside(tmp_path: Path) -> None:
    covered = "<table:covered-table-cell/>"
    inner = f"<table:table-cell><table:table>{row('deep words')}</table:table></table:table-cell>"
    path = opendocument(
        tmp_path / "a.odt",
        "<table:table><table:table-header-rows>"
        + row(
            cell("Fruit", 'table:number-rows-spanned="2"'), cell("Price", 'table:number-columns-spanned="2"'), covered
        )
        + row(covered, "low", "high")
        + f"</table:table-header-rows>{row('Apple', '1', '2')}{row('Pear', '3', inner)}</table:table>",
    )
    [table] = read(path)
    assert isinstance(table, Table)
    assert table.header == ("Fruit", "Price low", "Price high")
    assert table.rows == (("Apple", "1", "2"), ("Pear", "3", "deep words"))


def test_a_merged_cell_covers_others_whether_or_not_the_file_says_so_cell_by_cell(tmp_path: Path) -> None:
    covered = "<table:covered-table-cell/>"
    spans = 'table:number-columns-spanned="2" table:number-rows-spanned="2"'

    def tables(hidden: str) -> list[Table]:
        oslo = row(cell("Oslo", spans) + hidden + cell("Fram")) + row(hidden * 2 + cell("Gjøa"))
        lines = row("Port", "Berth", "Ship") + oslo + row("Rome", "4", "Roma")
        path = opendocument(tmp_path / "a.ods", f'<table:table table:name="S">{lines}</table:table>')
        return [item for item in read(path) if isinstance(item, Table)]

    [table] = tables("")
    assert table.rows == (("Oslo", "Oslo", "Fram"), ("Oslo", "Oslo", "Gjøa"), ("Rome", "4", "Roma"))
    assert tables(covered) == [table]


def test_what_is_said_in_notes_cells_and_beside_pictures_is_read_whatever_it_lies_in(tmp_path: Path) -> None:
    box = "<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame>"
    items = "<text:list><text:list-item><text:p>listed</text:p></text:list-item></text:list>"
    inner = f"<table:table>{row(f'<table:table-cell>{items}</table:table-cell>')}</table:table>"
    formula = '<text:p><draw:frame><draw:object xlink:href="./F"/></draw:frame></text:p>'
    ruby = "<text:ruby><text:ruby-base>漢</text:ruby-base><text:ruby-text>kan</text:ruby-text></text:ruby>"
    path = opendocument(
        tmp_path / "a.odt",
        f"<text:p>Rule<text:note><text:note-body><text:p>noted {box}</text:p></text:note-body></text:note> {ruby}</text:p>"
        "<text:p>drawn <draw:frame><svg:title>A red crane</svg:title></draw:frame>"
        "<draw:rect><text:p>shaped</text:p></draw:rect><text:span text:style-name='gone'>secret</text:span></text:p>"
        f"<table:table>{row('Name', 'Inside')}<table:table-row>{cell('Pump')}<table:table-cell>{inner}{formula}"
        "</table:table-cell></table:table-row></table:table>",
        styles='<style:style style:name="gone"><style:text-properties text:display="none"/></style:style>',
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("F/content.xml", '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>E = m c</mi></math>')
    [table] = [item for item in read(path) if isinstance(item, Table)]
    assert table.rows == (("Pump", "listed E = m c"),)
    assert texts(path) == ": Rule 漢 [noted boxed] [kan]\ndrawn  A red crane  shaped"
    assert told(path)[-1] == "left out: 1 hidden passage"


def test_a_slide_has_its_comments_and_the_words_for_its_pictures(tmp_path: Path) -> None:
    comment = "<office:annotation><dc:creator>Ola</dc:creator><text:p>too long</text:p></office:annotation>"
    picture = '<draw:frame><draw:image xlink:href="x"/><svg:desc>A red crane</svg:desc></draw:frame>'
    path = opendocument(tmp_path / "a.odp", f'<draw:page draw:name="Cranes">{comment}{picture}</draw:page>')
    assert texts(path) == "Cranes: A red crane\nComments: Ola: too long"
