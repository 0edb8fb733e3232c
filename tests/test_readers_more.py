# ruff: noqa: E501  (lines of markup)
"""Further kinds of file: Rich Text, reStructuredText, old workbooks, drawings, pictures by telephones."""

import gzip
import io
import sys
import zipfile

import docx
import pytest
from PIL import Image

from binary_sheets import binary_workbook
from held_files import HEIC, XLS
from r1router.ingest.parts.formats import show
from r1router.ingest.records import Passage, Picture, Problem, Table
from reading import read, reason, written

RTF = rb"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\froman Times;}{\f1\fcharset204 Arial;}{\f2\fcharset134 SimSun;}}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}}{\info{\title Gate plan}{\author Ann}}
{\header\pard Plan ZD-88\par}
\pard\s1 Locks\par\pard\s0 Caf\'e9 is \u8364?5.{\footnote\pard Since 2021.} {\deleted thirty}{\revised ninety} days{\v  secret}.\par
{\f1 \'cf\'f0\'e8\'e2\'e5\'f2} and {\f2 \'c4\'e3\'ba\'c3}\par
\trowd\cellx1000\cellx2000\pard\intbl Port\cell First\cell\row
\trowd\cellx1000\cellx2000\pard\intbl Hamn\cell 06:55\cell\row
\pard After the table.{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt\pard Box 400 litres\par}}\par
{\pict\pngblip 89504e47}{\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt the link}}\par
}"""


def tables(items):
    return [item for item in items if isinstance(item, Table)]


def texts(items):
    return [item.text for item in items if isinstance(item, Passage)]


# ── Rich Text ──────────────────────────────────────────────────────────────────────────────────


def test_two_notes_of_a_paragraph_in_rich_text_are_two(tmp_path):
    notes = r"{\footnote first}{\footnote second}"
    path = written(
        tmp_path / "a.rtf",
        rf"{{\rtf1 Rule{notes}\par \trowd\cellx1\cellx2 A\cell B\cell\row\trowd\cellx1\cellx2 1{notes}\cell 2\cell\row}}",
    )
    items = read(path)
    assert texts(items) == ["Rule [first] [second]"]
    assert tables(items)[0].rows == (("1 [first] [second]", "2"),)


def test_rich_text_is_read_as_it_is_seen(tmp_path):
    items = read(written(tmp_path / "a.rtf", RTF))
    [table] = tables(items)
    assert (table.header, table.rows, table.section) == (("Port", "First"), (("Hamn", "06:55"),), "Locks")
    body, header = texts(items)
    assert body == (
        "Café is €5. ninety days. [Since 2021.]\nПривет and 你好\nAfter the table.\nBox 400 litres\n\nthe link"
    )
    assert header == "Plan ZD-88"
    assert {item.title for item in items if not isinstance(item, Problem)} == {"Gate plan"}
    assert items[-1].reason == "1 picture left out"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"\uc2\u26085\'93\'fa\u26412\'96\'7b", "日本"),
        (rb"\u-10179?\u-8704?", "😀"),
        (rb"{\listtext\pard 1.\tab}First\par{\listtext 2.\tab}Second", "1.\tFirst\n2.\tSecond"),
        (rb"a\~b\_c\-d \{x\} \\\\", "a b-cd {x} \\\\"),
        (rb"A{\object{\*\objdata 00ff}{\result shown}} B", "Ashown B"),
        (rb"one {\bin4 \xff{}\xff}two", "one two"),
        (b"raw caf\xe9", "raw café"),
    ],
)
def test_rich_text_is_decoded(tmp_path, body, text):
    assert texts(read(written(tmp_path / "a.rtf", rb"{\rtf1\ansi\ansicpg1252 " + body + rb"\par}"))) == [text]


def test_rich_text_that_is_damaged_or_none_is_told(tmp_path):
    assert texts(read(written(tmp_path / "a.rtf", rb"{\rtf1 The code is Her"))) == ["The code is Her"]
    assert "no Rich Text" in reason(written(tmp_path / "b.rtf", "plain"))


# ── reStructuredText ───────────────────────────────────────────────────────────────────────────

RST = """=====
Gate
=====

:Author: Ann

Intro with :func:`os.path.join` and ``code`` and `a link <http://x>`_.

Install
=======

.. note:: Mind the step.

.. toctree::
   :maxdepth: 2

   usage

1. One
2. Two

   - inner

.. code-block:: python

   x = 1
   if x:
       y = 2

Linux
-----

+-------+------+
| Port  | Time |
+=======+======+
| Hamn  | 6    |
+-------+------+
| Rosv  | 7    |
+-------+------+

.. list-table:: Fees
   :header-rows: 1

   * - Item
     - Fee
   * - Car
     - 30
   * - Bus
     - 90

.. include:: /etc/passwd

.. csv-table:: X
   :file: /etc/passwd

term
  Its meaning [1]_.

.. [1] A note.

.. image:: x.png
   :alt: A red door

.. a comment that is not seen
"""


def test_restructured_text_is_read_section_by_section(tmp_path):
    items = read(written(tmp_path / "a.rst", RST))
    assert [(t.header, t.rows[0], t.section, t.caption) for t in tables(items)] == [
        (("Port", "Time"), ("Hamn", "6"), "Install > Linux", ""),
        (("Item", "Fee"), ("Car", "30"), "Install > Linux", "Fees"),
    ]
    first, install, linux = texts(items)
    assert first == "Author: Ann\n\nIntro with os.path.join and code and a link."
    assert install.startswith("Mind the step.")
    assert "usage" in install
    assert "1. One\n\n2. Two\n\n- inner\n\nx = 1\nif x:\n    y = 2" in install
    assert "root:" not in linux
    assert "A red door" in linux
    assert "not seen" not in linux
    assert {item.title for item in items} == {"Gate"}


# ── workbooks before 2007 ──────────────────────────────────────────────────────────────────────


def test_an_old_workbook_is_read_as_it_is_shown(tmp_path):
    items = read(written(tmp_path / "r.xls", XLS))
    [table] = tables(items)
    assert table.header == ("Site", "Share", "Postcode", "Shift", "Opened", "Ok")
    assert table.rows == (
        ("Dresden", "12.5%", "01067", "37:30", "2020-03-04", "true"),
        ("Dresden", "50.0%", "00099", "24:00", "2021-03-04", "false"),
    )
    assert [item.reason for item in items[1:]] == ["left out: 1 hidden row", "is hidden, so it was left out"]


def test_what_programs_export_as_an_old_workbook_is_read(tmp_path):
    page = written(tmp_path / "a.xls", "<html><table><tr><th>a<th>b<tr><td>1<td>2<tr><td>3<td>4</table>")
    text = written(tmp_path / "b.xls", "a\tb\n1\t2\n3\t4\n")
    for path in (page, text):
        assert [(t.header, t.rows) for t in tables(read(path))] == [(("a", "b"), (("1", "2"), ("3", "4")))]


# ── pictures ───────────────────────────────────────────────────────────────────────────────────

SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 200 100">
<title>Pump</title><desc>How it works</desc><rect width="100" height="50" fill="red"/>
<text x="5" y="20">Valve <tspan>A7</tspan></text><g display="none"><text>old</text></g>
<image xlink:href="FILE" width="100" height="50" x="100"/></svg>"""


@pytest.mark.parametrize("suffix", ["svg", "svgz"])
def test_a_drawing_is_a_picture_with_its_words_and_nothing_beside_it(tmp_path, suffix):
    Image.new("RGB", (10, 10), "blue").save(tmp_path / "blue.png")
    data = SVG.replace("FILE", (tmp_path / "blue.png").as_posix()).encode()
    picture, told = read(written(tmp_path / f"a.{suffix}", gzip.compress(data) if suffix == "svgz" else data))
    assert told.reason == "1 picture outside of the file left out"
    assert isinstance(picture, Picture)
    assert (picture.title, picture.caption, picture.words) == ("Pump", "How it works", "Valve A7")
    drawn = Image.open(io.BytesIO(picture.image.data)).convert("RGBA")
    assert drawn.size == (1024, 512)
    assert drawn.getpixel((300, 200)) == (255, 0, 0, 255)
    assert drawn.getpixel((700, 100))[3] == 0


def test_a_drawing_that_is_none_is_told(tmp_path):
    assert "drawing is damaged" in reason(written(tmp_path / "a.svg", "<svg"))
    bomb = '<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>'
    assert read(written(tmp_path / "b.svg", bomb))[0].words == "a" * 12


def test_a_picture_by_a_telephone_is_read_or_the_package_for_it_named(tmp_path, monkeypatch):
    path = written(tmp_path / "a.heic", HEIC)
    [picture] = read(path)
    with Image.open(io.BytesIO(picture.image.data)) as opened:
        assert opened.format == "PNG"
        assert opened.getpixel((9, 9))[0] > 200
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    assert "pip install 'r1router[heic]'" in reason(path)


# ── tables as people and programs write them ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ("a^b^c\n1^2^3\n4^5^6\n", ("a", "b", "c"), (("1", "2", "3"), ("4", "5", "6"))),
        ('a,b\n"Pipe \\"L\\" big",3\nNut,4\n', ("a", "b"), (('Pipe "L" big', "3"), ("Nut", "4"))),
        ('a,b\n"C:\\dir\\",3\n"D:\\x\\",4\n', ("a", "b"), (("C:\\dir\\", "3"), ("D:\\x\\", "4"))),
        ('a,b\n1,="00123"\n2,="00456"\n', ("a", "b"), (("1", "00123"), ("2", "00456"))),
        (
            "Depot,2024-01-01,2024-02-01\nA,1,2\nB,3,4\n",
            ("Depot", "2024-01-01", "2024-02-01"),
            (("A", "1", "2"), ("B", "3", "4")),
        ),
        (
            "Day,Sum\n09.01.2024,80\n10.01.2024,20\n,\nTotal,100\n",
            ("Day", "Sum"),
            (("09.01.2024", "80"), ("10.01.2024", "20")),
        ),
    ],
)
def test_values_are_cut_as_they_were_meant(tmp_path, text, header, rows):
    table = tables(read(written(tmp_path / "a.csv", text)))[0]
    assert (table.header, table.rows) == (header, rows)


def test_a_title_between_two_tables_of_one_width_parts_them(tmp_path):
    text = "Towns,\nCity,Mayor\nLund,Eva\nMalmo,Ole\nStock,\nItem,Price\nChair,40\nDesk,90\n"
    first, second = tables(read(written(tmp_path / "a.csv", text)))
    assert (first.title, first.rows) == ("Towns", (("Lund", "Eva"), ("Malmo", "Ole")))
    assert (second.title, second.header, second.rows[0]) == ("Stock", ("Item", "Price"), ("Chair", "40"))


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (5551234, "000-0000", "555-1234"),
        (2065551234, "(000) 000-0000", "(206) 555-1234"),
        (123, "000-00-0000", "000-00-0123"),
        (7.5, "# ?/?", "7.5"),
    ],
)
def test_a_number_is_shown_in_its_mask(value, code, text):
    assert show(value, code) == text


def test_a_workbook_that_one_library_cannot_open_is_read_by_another(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Site", "Trucks"])
    book.active.append(["Bergen", 7])
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/styles.xml"] = parts["xl/styles.xml"].replace(b'<sz val="11"', b'<sz val="large"')
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    table, problem = read(tmp_path / "a.xlsx")
    assert (table.header, table.rows) == (("Site", "Trucks"), (("Bergen", "7"),))
    assert problem.reason.startswith("values were read, number formats, notes and hidden cells not")


def test_errors_in_cells_are_told_where_the_library_reads_none(tmp_path):
    rows = [["Site", "Trucks", "Share"], ["Bergen", 7, "#N/A"], ["Oslo", 9, "#DIV/0!"]]
    table, hidden, errors, _ = read(binary_workbook(tmp_path / "a.xlsb", {"S": rows, "Old": [["x"]]}, hidden=["Old"]))
    assert table.rows == (("Bergen", "7", ""), ("Oslo", "9", ""))
    assert hidden.reason == "is hidden, so it was left out"
    assert errors.reason == "2 cells show an error such as #N/A, read as empty"


def test_a_workbook_under_the_name_of_the_binary_kind_is_read(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Site", "Trucks"])
    book.active.append(["Bergen", 7])
    book.save(tmp_path / "a.xlsx")
    [table] = read((tmp_path / "a.xlsx").rename(tmp_path / "a.xlsb"))
    assert (table.header, table.rows) == (("Site", "Trucks"), (("Bergen", "7"),))


# ── charts, diagrams and what else is in Office documents ──────────────────────────────────────

CHART = """<c:chartSpace xmlns:c="c" xmlns:a="a"><c:chart><c:title><a:t>Sales</a:t></c:title><c:plotArea>
<c:ser><c:tx><c:v>2023</c:v></c:tx><c:cat><c:pt idx="0"><c:v>North</c:v></c:pt><c:pt idx="1"><c:v>South</c:v></c:pt></c:cat>
<c:val><c:pt idx="0"><c:v>7</c:v></c:pt><c:pt idx="1"><c:v>9</c:v></c:pt></c:val></c:ser>
<c:ser><c:tx><c:v>2024</c:v></c:tx><c:val><c:pt idx="1"><c:v>4</c:v></c:pt></c:val></c:ser></c:plotArea></c:chart></c:chartSpace>"""
DIAGRAM = '<d:m xmlns:d="d" xmlns:a="a"><d:pt><a:t>Open the </a:t><a:t>valve</a:t></d:pt><d:pt/><d:pt><a:t>Close it</a:t></d:pt></d:m>'


def test_a_chart_is_the_table_that_it_draws_and_a_diagram_its_words(tmp_path):
    path = tmp_path / "a.docx"
    docx.Document().save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("word/charts/chart1.xml", CHART)
        archive.writestr("word/diagrams/data1.xml", DIAGRAM)
        archive.writestr("word/embeddings/a.bin", "")
    items = read(path)
    [table] = tables(items)
    assert (table.header, table.caption) == (("", "2023", "2024"), "Chart Sales")
    assert table.rows == (("North", "7", ""), ("South", "9", "4"))
    assert "Open the valve\nClose it" in texts(items)
    assert "left out, no reader for: 1 × .bin (a.bin)" in [item.reason for item in items if isinstance(item, Problem)]


DAYS = """<c:chartSpace xmlns:c="c"><c:date1904 val="{start}"/><c:chart><c:ser><c:tx><c:v>Sold</c:v></c:tx><c:cat><c:numCache>
<c:formatCode>m/d/yy</c:formatCode><c:pt idx="0"><c:v>37261.0</c:v></c:pt><c:pt idx="1"><c:v>soon</c:v></c:pt></c:numCache></c:cat>
<c:val><c:numCache><c:formatCode>0%</c:formatCode><c:pt idx="0"><c:v>0.25</c:v></c:pt>
<c:pt idx="1" formatCode="General"><c:v>3.0</c:v></c:pt></c:numCache></c:val></c:ser></c:chart></c:chartSpace>"""
BUBBLES = """<c:chartSpace xmlns:c="c"><c:chart><c:ser><c:tx><c:v>North</c:v></c:tx><c:xVal><c:pt idx="0"><c:v>0.7</c:v></c:pt></c:xVal>
<c:yVal><c:pt idx="0"><c:v>2.7</c:v></c:pt></c:yVal><c:bubbleSize><c:pt idx="0"><c:v>10</c:v></c:pt></c:bubbleSize></c:ser>
<c:ser><c:tx><c:v>South</c:v></c:tx><c:xVal><c:pt idx="0"><c:v>0.9</c:v></c:pt></c:xVal>
<c:yVal><c:pt idx="0"><c:v>3.1</c:v></c:pt></c:yVal></c:ser></c:chart></c:chartSpace>"""


def test_a_chart_shows_its_dates_and_shares_as_cells_do_and_keeps_bubbles_where_they_are(tmp_path):
    path = tmp_path / "a.docx"
    docx.Document().save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("word/charts/chart1.xml", DAYS.format(start=0))
        archive.writestr("word/charts/chart2.xml", DAYS.format(start=1))
        archive.writestr("word/charts/chart3.xml", BUBBLES)
    days, later, bubbles = tables(read(path))
    assert days.rows == (("2002-01-05", "25%"), ("soon", "3"))
    assert later.rows[0] == ("2006-01-06", "25%")
    assert bubbles.header == ("", "North", "North, size", "South")
    assert bubbles.rows == (("0.7", "2.7", "10", ""), ("0.9", "", "", "3.1"))


def test_a_picture_written_into_a_page_is_told_and_a_blank_is_not(tmp_path):
    page = '<p>As you see: <img src="data:image/png;base64,{}"></p>'
    (tmp_path / "a.html").write_text(page.format("A" * 4000))
    (tmp_path / "b.html").write_text(page.format("A" * 40))
    told = [
        [(p.where, p.reason) for p in read(tmp_path / name) if isinstance(p, Problem)] for name in ("a.html", "b.html")
    ]
    assert told == [[("its pictures", "left out")], []]


def test_the_title_on_the_page_goes_before_one_in_the_properties_and_neither_is_lost(tmp_path):
    document = docx.Document()
    document.core_properties.title = "Word Document"
    document.add_heading("Lease of the mill", 0)
    document.add_paragraph("It ends in May.")
    document.save(tmp_path / "a.docx")
    [passage] = read(tmp_path / "a.docx")
    assert (passage.title, passage.text) == ("Lease of the mill", "It ends in May.")
    document.add_heading("Second title", 0)
    document.save(tmp_path / "a.docx")
    assert texts(read(tmp_path / "a.docx")) == ["It ends in May.\nSecond title"]
