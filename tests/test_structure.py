"""Grids of cells as people make them to the tables in them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import docx
import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.styles import Font

from r1router.ingest.parts.formats import show
from r1router.ingest.parts.structure import Line, find_tables
from r1router.ingest.records import Problem, Table
from reading import read
from test_readers_opendocument import opendocument
from test_readers_opendocument import row as opendocument_row


def lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("/"), 1):
        yield Line(number, tuple(cell.strip() for cell in line.split(",")))


def found(text: str) -> list[tuple[str, str, str, str]]:
    """(lines above, header, rows, lines below) of each table, written as in `text`."""
    return [
        ("; ".join(t.titles), ",".join(t.header), "/".join(map(",".join, list(t.rows))), "; ".join(t.notes))
        for t in find_tables(lines(text))
    ]


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("City,People/Oslo,7/Bergen,2", [("", "City,People", "Oslo,7/Bergen,2", "")]),
        ("Oslo,Norway,7/Bergen,Norway,2", [("", "column 1,column 2,column 3", "Oslo,Norway,7/Bergen,Norway,2", "")]),
        (",,/,,City,People/,,Oslo,7/,,Bergen,2", [("", "City,People", "Oslo,7/Bergen,2", "")]),
        ("Plant,2019,2020/Alfa,11,12/Bravo,21,22", [("", "Plant,2019,2020", "Alfa,11,12/Bravo,21,22", "")]),
        (
            "Plant,2022,,2023,/,Q1,Q2,Q1,Q2/Alfa,1,2,3,4/Bravo,5,6,7,8",
            [("", "Plant,2022 Q1,2022 Q2,2023 Q1,2023 Q2", "Alfa,1,2,3,4/Bravo,5,6,7,8", "")],
        ),
        ("Name,Area,Height/,(km²),(m)/A,12,3/B,13,4", [("", "Name,Area (km²),Height (m)", "A,12,3/B,13,4", "")]),
        (
            "Account,Main/Period,2024-01//Date,Amount,Who/2024-01-03,12.50,Shop/2024-01-09,80.00,Rent",
            [("Account: Main; Period: 2024-01", "Date,Amount,Who", "2024-01-03,12.50,Shop/2024-01-09,80.00,Rent", "")],
        ),
        (
            "Account,Main/Date,Amount,Who/2024-01-03,12.50,Shop/2024-01-09,80.00,Rent",
            [("Account: Main", "Date,Amount,Who", "2024-01-03,12.50,Shop/2024-01-09,80.00,Rent", "")],
        ),
        ("# made by x/# in 2024/id,name/1,Ann/2,Bo", [("made by x; in 2024", "id,name", "1,Ann/2,Bo", "")]),
        (
            "Sales 2024/Region,Units/North,12/South,3/Total,15//Source: ERP",
            [("Sales 2024", "Region,Units", "North,12/South,3", "Total: Units 15"), ("", "", "", "Source: ERP")],
        ),
        ("Region,Units/North,12/South,3/* estimated", [("", "Region,Units", "North,12/South,3", "* estimated")]),
        ("Firm,Staff/Total Energies,9/Shell,8", [("", "Firm,Staff", "Total Energies,9/Shell,8", "")]),
        (
            "City,Mayor/Lund,Eva/Oslo,Per///Item,Price,Stock/Chair,40,7/Desk,90,2",
            [("", "City,Mayor", "Lund,Eva/Oslo,Per", ""), ("", "Item,Price,Stock", "Chair,40,7/Desk,90,2", "")],
        ),
        (
            "Table 1/Region,Units/N,1/S,2/Table 2/Depot,Trucks/X,4/Y,5",
            [("Table 1", "Region,Units", "N,1/S,2", ""), ("Table 2", "Depot,Trucks", "X,4/Y,5", "")],
        ),
        (
            "City,Mayor,,Item,Price/Lund,Eva,,Chair,40/Oslo,Per,,Desk,90/Turku,Ann,,,",
            [("", "City,Mayor", "Lund,Eva/Oslo,Per/Turku,Ann", ""), ("", "Item,Price", "Chair,40/Desk,90", "")],
        ),
        ("City,People/Oslo,7//Bergen,2/Turku,3", [("", "City,People", "Oslo,7/Bergen,2/Turku,3", "")]),
        ("City,People/Oslo,7/City,People/Bergen,2", [("", "City,People", "Oslo,7/Bergen,2", "")]),
        ("City,Note/Vienna,two lines", [("", "City,Note", "Vienna,two lines", "")]),
        (",name/0,Vienna/1,Graz", [("", "column 1,name", "0,Vienna/1,Graz", "")]),
        ("Only words here/and more of them", [("", "", "", "Only words here; and more of them")]),
        ("Plant,Opened/Alta,1987/Aura,1953/Ton,1961", [("", "Plant,Opened", "Alta,1987/Aura,1953/Ton,1961", "")]),
        (
            "Album,By,Year/Hits,Rovers,1987/Gold,Rovers,2004",
            [("", "Album,By,Year", "Hits,Rovers,1987/Gold,Rovers,2004", "")],
        ),
        ("Region,Sales,Costs/,2019,2019/N,1,2/S,3,4", [("", "Region,Sales 2019,Costs 2019", "N,1,2/S,3,4", "")]),
        (
            "Lots of people/love to write,,,notes/at,the,top,of sheets/or,merge,,cells/Name,Job,Age,Born"
            "/Bowie,singer,69,1947-01-08/Fisher,actor,60,1956-10-21/Prince,singer,57,1958-06-07/Paxton,actor,61,1955-05-17/Alda,actor,80,1936-01-28",
            [
                (
                    "Lots of people; love to write: notes; at the top of sheets; or merge cells",
                    "Name,Job,Age,Born",
                    "Bowie,singer,69,1947-01-08/Fisher,actor,60,1956-10-21/Prince,singer,57,1958-06-07"
                    "/Paxton,actor,61,1955-05-17/Alda,actor,80,1936-01-28",
                    "",
                )
            ],
        ),
        (
            "Town,People/Atlantis,unknown/Oslo,7/Bergen,2/Molde,3",
            [("", "Town,People", "Atlantis,unknown/Oslo,7/Bergen,2/Molde,3", "")],
        ),
        (
            "Date,Amount/2024-01-03,12.50/2024-01-09,80.00//Balance,92.50",
            [("", "Date,Amount", "2024-01-03,12.50/2024-01-09,80.00", "Balance: Amount 92.50")],
        ),
        ("Item,Price/Pens,/Blue pen,2/Paper,/A4,5", [("", "Item,Price", "Pens,/Blue pen,2/Paper,/A4,5", "")]),
    ],
)
def test_a_grid_is_taken_apart_as_its_author_meant_it(text: str, tables: list[tuple[str, str, str, str]]) -> None:
    assert found(text) == tables


_CELLS = st.lists(st.lists(st.sampled_from(["", "Oslo", "7", "2024", "x y", "Total"]), max_size=5), max_size=12)


@settings(deadline=None, max_examples=500)
@example([["x y", "", "Total", "7"], [], ["x y", "2024"], ["Oslo", "7", "x y", "7"]], [])  # a column begins blank
@example([["x y", "Total", "Total"], ["x y", "2024", "", "Oslo"], ["7", "", "x y"], ["7"]], [])  # line two is longer
@example([["", "Oslo", "x y"], [], ["Total", "x y"]], [])  # a total to the left of the table
@example([["", "", "7"], ["a", "", "2024"], ["7", "", "2024"]], [{1, 2}])  # all of the first line are merged cells
@given(_CELLS, st.lists(st.sets(st.integers(1, 4)), max_size=12))
def test_no_word_of_a_grid_is_lost(rows: list[list[str]], copied: list[set[int]]) -> None:
    merged = [
        frozenset(c for c in of if c < len(row)) for row, of in zip_longest(rows, copied[: len(rows)], fillvalue=())
    ]
    kept: list[str] = []
    for table in find_tables(Line(n, tuple(row), of) for n, (row, of) in enumerate(zip(rows, merged, strict=True), 1)):
        kept += [*table.header, *table.titles]
        kept += [cell for row in table.rows for cell in row]
        kept += table.notes
    own = [cell for row, of in zip(rows, merged, strict=True) for c, cell in enumerate(row) if c not in of]
    assert {word for cell in own for word in cell.split()} <= {
        word.strip(":;") for cell in kept for word in cell.split()
    }


def test_a_short_row_beside_a_blank_column_keeps_its_columns() -> None:
    lines = ["City,,People,Country", "Oslo,,717710,Norway", "Bergen,,291940", "Turku,,201863,Finland"]
    [table] = find_tables([Line(n, tuple(line.split(","))) for n, line in enumerate(lines, 1)])
    assert table.header == ("City", "People", "Country")
    assert list(table.rows)[1] == ("Bergen", "291940")


def test_a_header_that_is_not_plain_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Oslo,Norway,717710\nBergen,Norway,291940\nTurku,Finland,201863\n")
    table, problem = read(tmp_path)
    assert isinstance(table, Table)
    assert table.rows[0] == ("Oslo", "Norway", "717710")
    assert isinstance(problem, Problem)
    assert (problem.reason, problem.read) == (
        "row 1 looks like data, so the columns have no names (confidence 0.7)", True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("name,mail/Ann,ann@x.org/Bo,bo@x.org/Cy,cy@x.org", ""),  # no address above addresses
        ("Ann,ann@x.org/Bo,bo@x.org/Cy,cy@x.org", "row 1 looks like data, so the columns have no names"),
        ("K-7,quay/K-9,shed/L-2,pier", "row 1 looks like data, so the columns have no names"),
        ("Kind,Where/pier,north/pier,south/quay,west/quay,east", ""),  # none of the few words below
        ("port,Ship/Oslo,Hauk/Bergen,Tern", ""),  # written otherwise
        ("Port,Ship/Oslo,Hauk/Bergen,Tern", "row 1 was taken for the names of the columns (confidence 0.5)"),
        ("Port,Ship/Oslo,7/Bergen,12", ""),
    ],
)
def test_a_first_row_of_words_names_the_columns_and_a_guess_is_told(tmp_path: Path, rows: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(rows.replace("/", "\n"))
    table, *told = read(tmp_path)
    assert [item.reason.startswith(said) for item in told] == [True] * bool(said)
    has_names = "looks like data" not in said
    kept = [list(table.header), *map(list, table.rows)] if has_names else list(map(list, table.rows))
    assert kept == [row.split(",") for row in rows.split("/")]  # nothing is lost, and data is counted


def test_a_first_row_in_bold_letters_names_the_columns(tmp_path: Path) -> None:
    rows = [["Port", "Ship"], ["Oslo", "Hauk"], ["Bergen", "Tern"]]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell in book.active[1]:
        cell.font = Font(bold=True)
    book.save(tmp_path / "a.xlsx")
    document = docx.Document()
    table = document.add_table(0, 2)
    for number, row in enumerate(rows):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.paragraphs[0].add_run(text).bold = not number
    document.save(tmp_path / "b.docx")
    cells = ["".join(f"<td>{'' if n else '<b>'}{text}</td>" for text in row) for n, row in enumerate(rows)]
    (tmp_path / "c.html").write_text(f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>")
    marked = '<text:p text:style-name="Table_20_Heading">{}</text:p>'
    line = "".join(f"<table:table-cell>{marked.format(text)}</table:table-cell>" for text in rows[0])
    body = f"<table:table-row>{line}</table:table-row>" + "".join(opendocument_row(*row) for row in rows[1:])
    opendocument(tmp_path / "d.odt", f"<table:table>{body}</table:table>")
    for item in (found := read(tmp_path)):
        assert isinstance(item, Table)
        assert [list(item.header), *map(list, item.rows)] == rows
    assert len(found) == 4


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.125, "0.0%", "12.5%"),
        (0.125, "0 %", "12 %"),
        (1067, "00000", "01067"),
        (1200, '#,##0.00 "EUR"', "1,200.00 EUR"),
        (-1200, '#,##0;(#,##0)', "(1,200)"),
        (-5, "#,##0;[Red]-#,##0", "-5"),
        (-0.001, "0.0", "0.0"),
        (3.14159, "0.00", "3.14"),
        (12.5, "0.###", "12.5"),
        (5, "[$€-407] #,##0.00", "€ 5.00"),
        (0, '0;-0;"–"', "–"),
        (1234567, '#,##0,"k"', "1,235k"),
        (0.5, "# ?/?", "0.5"),
        (12, "General", "12"),
        (True, "0.00", "true"),
        (datetime.timedelta(days=1, seconds=48600), "[h]:mm", "37:30"),
        (datetime.timedelta(seconds=61), "[h]:mm:ss", "0:01:01"),
        (datetime.datetime(2024, 3, 5), "DD.MM.YYYY", "2024-03-05"),
        ("0042", "@", "0042"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_its_format_shows_it(value: object, code: str, shown: str) -> None:
    assert show(value, code) == shown


def test_a_workbook_is_read_as_it_is_seen(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Region", "Depot", "Secret", "Trucks"], ["North", "Oslo", "x", 12], [None, "Bergen", "x", 7]):
        sheet.append(row)
    sheet.append(["South", "Lund", "hush", 3])
    sheet.merge_cells("A2:A3")
    sheet.column_dimensions["C"].hidden = True
    sheet.row_dimensions[4].hidden = True
    sheet["D2"].comment = Comment("two are rented", "me")
    book.create_sheet("Hidden").append(["k", "v"])
    book["Hidden"].sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    table, notes, *problems = read(tmp_path)
    assert (table.header, table.rows) == (
        ("Region", "Depot", "Trucks"), (("North", "Oslo", "12"), ("North", "Bergen", "7")),
    )  # fmt: skip
    assert notes.caption == "Note at D2 (12): two are rented"
    assert [(p.where, p.reason) for p in problems] == [
        ("sheet Sheet", "left out: 1 hidden row, 1 hidden column"),
        ("sheet Hidden", "is hidden, so it was left out"),
    ]


def test_rows_that_a_filter_hides_stay(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["City", "People"], ["Oslo", 7], ["Lund", 3]):
        sheet.append(row)
    sheet.auto_filter.ref = "A1:B3"
    sheet.auto_filter.add_filter_column(0, ["Oslo"])
    sheet.row_dimensions[3].hidden = True
    book.save(tmp_path / "a.xlsx")
    [table] = read(tmp_path)
    assert table.rows == (("Oslo", "7"), ("Lund", "3"))


def test_tables_of_a_sheet_say_where_they_begin(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row, cells in {
        3: ["City", "People"],
        4: ["Oslo", 7],
        5: ["Lund", 3],
        7: ["Item", "Price", "Stock"],
        8: ["Chair", 40, 7],
    }.items():
        for column, value in enumerate(cells, 2):
            book.active.cell(row, column, value)
    book.save(tmp_path / "a.xlsx")
    assert [table.section for table in read(tmp_path)] == ["Sheet, from B3", "Sheet, from B7"]


def test_a_marked_cell_over_all_columns_names_the_rows_below_it(tmp_path: Path) -> None:
    group = "<tr><th scope=rowgroup colspan=3>{}"
    rows = [group.format("Harbour"), "<tr><td>Ada<td>12.5<td>3", group.format("Lake"), "<tr><td>Bea<td>9<td>2"]
    path = tmp_path / "a.html"
    path.write_text(f"<table><tr><th>Name<th>Length<th>Width{''.join(rows)}</table>", encoding="utf-8")
    [table] = read(path)
    assert isinstance(table, Table)
    assert table.header == ("Name", "Length", "Width")
    assert [row[0] for row in table.rows] == ["Harbour", "Ada", "Lake", "Bea"]


def test_a_longer_last_row_of_a_short_table_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,comment\nAnn,one\nBo,two\nCy,three,four\n", encoding="utf-8")
    table = next(item for item in read(path) if isinstance(item, Table))
    assert table.rows == (("Ann", "one"), ("Bo", "two"), ("Cy", "three four"))


def test_what_stands_above_a_table_without_rows_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Depot: Oslo\nContact: Ann\n\nname,size,price\n", encoding="utf-8")
    items = list(read(path))
    kept = " ".join(f"{item.title} {item.caption}" for item in items if isinstance(item, Table))
    assert all(word in kept for word in ("Oslo", "Ann", "price"))
    assert any("no rows" in item.reason for item in items if isinstance(item, Problem))
