"""Tests what people reported of programs that read documents: words that are seen in a file and were not found."""

import sqlite3
import zipfile
from email.message import EmailMessage

import docx
import openpyxl
import pypdf
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from pypdf.annotations import Highlight
from pypdf.generic import ArrayObject, FloatObject, NameObject, TextStringObject
from reportlab.pdfgen.canvas import Canvas

from r1router.ingest import readers
from r1router.ingest.records import Passage, Problem, Table
from reading import lines, read, written

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def words(path):
    """All that is stored of the texts of a file."""
    return "\n".join(item.text for item in read(path) if isinstance(item, Passage))


def tables(path):
    return [(item.header, item.rows) for item in read(path) if isinstance(item, Table)]


def notes(path):
    return "\n".join(item.caption for item in read(path) if isinstance(item, Table))


def told(path):
    return "\n".join(f"{item.where}: {item.reason}" for item in read(path) if isinstance(item, Problem))


def packed(path, **parts):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def references(*items):
    made = "".join(f'<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{to}"/>' for id, kind, to in items)
    return f'<Relationships xmlns="{PACKAGE}">{made}</Relationships>'


# ── text ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.log", "\x1b[31mERROR\x1b[0m pump 7 \x1b]0;title\x07failed\x07", "ERROR pump 7 failed"),
        ("a.txt", "N\bNA\bAM\bME\bE of the pump", "NAME of the pump"),
        ("a.xml", "<p name='M&#252;ller'>R&amp;D &#x1F6A2; &copy;</p>", "<p name='Müller'>R&D 🚢 &copy;</p>"),
        ("a.properties", "size=Gr\\u00f6\\u00dfe \\ud83d\\udea2", "size=Größe 🚢"),
        (
            "a.ics",
            "SUMMARY:Quarterly mainte\r\n nance\r\nLOCATION:Quay 7\\, Rosvik",
            "SUMMARY:Quarterly maintenance\nLOCATION:Quay 7, Rosvik",
        ),
        (
            "a.vcf",
            "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg M=\n=C3=BCller\nTEL:1",
            "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Jörg Müller\nTEL:1",
        ),
        ("a.py", 'x = "&amp;\\u00f6"', 'x = "&amp;\\u00f6"'),
    ],
)
def test_codes_in_place_of_letters_are_the_letters(tmp_path, name, content, text):
    assert words(written(tmp_path / name, content)) == text


# ── web pages ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<dl><dt><button>How do I pay?</button><dd>By card.</dl><button>Send</button>", "How do I pay?\n\nBy card."),
        ("<button aria-expanded=false>Where?</button> At the quay.", "Where? At the quay."),
        ("<iframe srcdoc='<p>inner</p>'></iframe><iframe src=x>none</iframe>", "inner"),
        ("<div><template shadowrootmode=open><p>shown</template><template>not</template></div>", "shown"),
        ("<math><semantics><mfrac><mi>a</mi><mi>b</mi></mfrac></semantics></math>", "a/b"),
        (
            "<math><semantics><mi>a</mi><annotation encoding=application/x-tex>a_1</annotation></semantics></math>",
            "a_1",
        ),
        ("<ol type=a><li>one<li>two</ol><ol type=I start=4><li>four</ol>", "a. one\n\nb. two\n\nIV. four"),
        ("<ol reversed><li>second<li>first</ol>", "2. second\n\n1. first"),
        ("<p>first</body><body><p>second</body></html><p>last", "first\n\nsecond\n\nlast"),
        ("<dialog>closed</dialog><dialog open>open</dialog>", "open"),
        ("<div id=app></div><noscript><p>Open 9 to 5</noscript><script>x()</script>", "Open 9 to 5"),
    ],
)
def test_a_page_is_read_as_it_is_seen(tmp_path, body, text):
    assert words(written(tmp_path / "a.html", f"<html><body>{body}")) == text


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("The main-\ntenance of a pump.", "The maintenance of a pump."),  # a word of English
        ("Der Bootssteg-\nwart ruft. Fragt den Bootsstegwart.", "Der Bootsstegwart ruft. Fragt den Bootsstegwart."),
        ("A blue-\nbrown jar, blue-brown inside.", "A blue-brown jar, blue-brown inside."),  # the hyphen is its own
        ("Their long-\nterm plans.", "Their long-\nterm plans."),  # nobody knows
        ("Nord-\nSüd", "Nord-\nSüd"),
        ("A res\u00ad\n  ervoir", "A reservoir"),
    ],
)
def test_a_word_that_the_end_of_a_line_cuts_is_joined_where_the_whole_word_is_known(tmp_path, text, read_as):
    assert words(written(tmp_path / "a.txt", text)) == read_as


def test_code_keeps_its_lines(tmp_path):
    assert words(written(tmp_path / "a.sh", "echo main-\ntenance")) == "echo main-\ntenance"


def test_a_page_that_is_xml_has_text_as_it_stands(tmp_path):
    page = '<?xml version="1.0"?><html><body><p><![CDATA[a < b & c]]></p></body></html>'
    assert words(written(tmp_path / "a.xhtml", page)) == "a < b & c"


def test_the_title_of_a_drawing_is_not_that_of_its_page(tmp_path):
    path = written(tmp_path / "tides.html", "<svg><text>High</text><text>Low</text><title>Map</title></svg><p>Sea</p>")
    assert [(item.title, item.text.split()) for item in read(path)] == [("tides", ["High", "Low", "Map", "Sea"])]


def test_rows_of_a_page_stand_where_they_are_shown(tmp_path):
    table = (
        "<table><tfoot><tr><td>Sum<td>9</tfoot><tbody><tr><td>x<td>4<tr><td>y<td>5</tbody><thead><tr><th>A<th>B</table>"
    )
    path = written(tmp_path / "a.html", table)
    assert tables(path)[0] == (("A", "B"), (("x", "4"), ("y", "5")))
    assert notes(path) == "\nSum: B 9"


def test_lines_in_a_cell_of_markdown_and_fields_in_toml_are_read(tmp_path):
    text = '+++\ntitle = "Pump manual"\n+++\n| op | meaning |\n|---|---|\n| x | either<br>or |\n'
    [table] = read(written(tmp_path / "a.md", text))
    assert (table.title, table.rows) == ("Pump manual", (("x", "either or"),))


def test_signs_of_the_font_symbol_are_the_letters_that_they_show(tmp_path):
    signs = "".join(
        f'<w:r><w:sym w:font="{f}" w:char="{c}"/></w:r>' for f, c in (("Symbol", "F061"), ("Wingdings", "F0FE"))
    )
    document = f'<w:document xmlns:w="{W}"><w:body><w:p>{signs}</w:p></w:body></w:document>'
    main = references(("rId1", "officeDocument", "word/document.xml"))
    assert words(packed(tmp_path / "a.docx", **{"word/document.xml": document, "_rels/.rels": main})) == "α•"


def test_menus_of_a_page_are_told(tmp_path):
    path = written(
        tmp_path / "a.html", "<nav><a>Spare parts</a></nav><ul role=menu><li>Contact</ul><nav></nav><p>Hello"
    )
    assert (words(path), told(path)) == ("Hello", "its menus: left out")


# ── Markdown and notebooks ─────────────────────────────────────────────────────────────────────


def test_a_table_in_a_quote_is_a_table_and_the_name_of_a_heading_for_links_is_not_shown(tmp_path):
    table, passage = read(
        written(tmp_path / "a.md", "## Usage ## {#usage}\n\n> | Who | Age |\n> |---|---|\n> | Ada | 36 |\n\nx")
    )
    assert (table.header, table.rows, table.section) == (("Who", "Age"), (("Ada", "36"),), "Usage")
    assert passage.text == "x"


def test_pictures_inside_of_markdown_are_no_words_and_those_in_a_notebook_are_told(tmp_path):
    data = "data:image/png;base64," + "QUJD" * 100
    text = f"![plan]({data}) ![map][one]\n\nBelow\n\n[one]: <{data}>\n"
    assert words(written(tmp_path / "a.md", text)) == "plan ![map][one]\n\nBelow"
    cell = {"cell_type": "markdown", "source": "Plan", "attachments": {"p.png": {"image/png": "QUJD"}}}
    assert told(written(tmp_path / "b.ipynb", {"cells": [cell]})) == "its pictures: 1 picture left out"


@pytest.mark.parametrize("around", ["<p>{}</p>", "<h2>Ports {}</h2>", "<table><tr><th>A<th>B<tr><td>{}<td>2</table>"])
def test_what_is_left_out_of_a_part_of_a_page_is_told_wherever_it_stands(tmp_path, around):
    markup = around.format(
        "<button>Buy</button><input type=submit value=Send><input placeholder=Search><object data=x>no film</object>"
        "<select><option>Rome<option>Oslo</select><span hidden>old</span><ruby>漢<rt>kan</rt></ruby>"
    )
    nouns = ("buttons", "hints in empty fields", "words in place of objects", "choices", "hidden parts", "readings")
    page = written(tmp_path / "a.html", f"<html><body>{markup}<p>read")
    book = written(tmp_path / "b.ipynb", {"cells": [output(**{"text/html": markup})]})
    for path in (page, book):
        assert [noun for noun in nouns if f"its {noun}" not in told(path)] == []


def test_words_for_a_button_that_is_a_picture_and_fields_of_any_kind_are_read(tmp_path):
    fields = "<input type=image alt=Go><input type=search value=quay><input type=month value=May>"
    assert words(written(tmp_path / "a.html", f"<html><body>{fields}<input type=hidden value=x>")).split() == [
        "Go",
        "quay",
        "May",
    ]


def output(**data):
    return {"cell_type": "code", "source": "f()", "outputs": [{"output_type": "display_data", "data": data}]}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"text/plain": "<IPython.core.display.HTML object>", "text/html": "<h3>Result</h3>is 42"}, "Result is 42"),
        ({"text/plain": "<IPython.core.display.Markdown object>", "text/markdown": "**high**"}, "**high**"),
        (
            {"text/plain": "<IPython.core.display.JSON object>", "application/json": {"town": "Moss"}},
            '{"town": "Moss"}',
        ),
        ({"text/plain": "Fit(x)", "text/html": "<div>Fit(<b>x</b>)</div>"}, "Fit(x)"),
        ({"text/plain": "Fit(x)", "text/html": "<div>drawn</div>"}, "drawn"),
        ({"text/plain": "<Figure size 640x480>"}, "<Figure size 640x480>"),
    ],
)
def test_an_output_of_a_notebook_is_what_it_shows(tmp_path, data, text):
    assert words(written(tmp_path / "a.ipynb", {"cells": [output(**data)]})) == f"f()\n{text}"


def test_a_notebook_gives_tables_of_its_text_and_the_words_around_those_of_its_outputs(tmp_path):
    page = "<p>Figures for May</p><table><tr><th>a<th>b<tr><td>1<td>2</table>"
    text = {"cell_type": "markdown", "source": "| Plant | MW |\n|---|---|\n| Tokke | 430 |"}
    path = written(tmp_path / "a.ipynb", {"cells": [text, output(**{"text/html": page})]})
    assert tables(path) == [(("Plant", "MW"), (("Tokke", "430"),)), (("a", "b"), (("1", "2"),))]
    assert words(path) == "f()\nFigures for May"


# ── data ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content",
    [
        '{"Plant":"Alta","MW":150}\n{"Plant":"Tokke","MW":430}\n',
        '{"columns":["Plant","MW"],"index":[0,1],"data":[["Alta",150],["Tokke",430]]}',
        '{"Plant":{"0":"Alta","1":"Tokke"},"MW":{"0":150,"1":430}}',
        '{"Plant":["Alta","Tokke"],"MW":[150,430]}',
        '[["Plant","MW"],["Alta",150],["Tokke",430]]',
    ],
)
def test_a_table_is_found_whichever_way_round_a_program_writes_it_as_json(tmp_path, content):
    assert tables(written(tmp_path / "a.json", content)) == [(("Plant", "MW"), (("Alta", "150"), ("Tokke", "430")))]


def test_the_properties_of_a_place_are_its_columns(tmp_path):
    places = [{"type": "Feature", "properties": {"name": n}, "geometry": {"type": "Point"}} for n in ("Quay", "Mill")]
    [(header, rows)] = tables(written(tmp_path / "a.geojson", {"type": "FeatureCollection", "features": places}))
    assert (header, rows[1][0]) == (("name", "geometry"), "Mill")


def test_both_values_of_a_name_that_comes_twice_are_kept(tmp_path):
    assert (
        words(written(tmp_path / "a.json", '{"note": "first", "note": "second", "x": 1}'))
        == "note: first, second\nx: 1"
    )
    assert tables(written(tmp_path / "b.jsonl", '{"k": 1, "k": 2}\n{"k": 3}\n')) == [(("k",), (("1, 2",), ("3",)))]


def test_what_a_data_base_holds_as_bytes_and_tables_without_rows_are_told(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute("CREATE TABLE staff (name, photo)")
        base.executemany(
            "INSERT INTO staff VALUES (?, ?)", [("Ada", b"\xff\xd8"), ("Bo", b"\xfe\x00"), ("Cy", b"text")]
        )
        base.execute("CREATE TABLE orders (id, what)")
    base.close()
    assert tables(tmp_path / "a.db") == [(("name", "photo"), (("Ada", ""), ("Bo", ""), ("Cy", "text")))]
    assert told(tmp_path / "a.db") == (
        "table orders: has names of columns (id, what) and no rows\ntable staff: 2 binary values of photo left out"
    )


@pytest.mark.parametrize(
    ("content", "header", "row"),
    [
        ("k,v,n\n'a','x, y','1'\n'b','z','2'\n", ("k", "v", "n"), ("a", "x, y", "1")),
        ("comment\nWell, that was easy\nNice, quick, and cheap\n", ("comment",), ("Well, that was easy",)),
        ("k,v\nit's,1\nnone's,2\n", ("k", "v"), ("it's", "1")),
        ('"id,town,beds"\n"1,Oslo,40"\n"2,""Moss, old"",7"\n', ("id", "town", "beds"), ("1", "Oslo", "40")),
        ('id;town\n1;Oslo\n"2;""Moss; old"""\n', ("id", "town"), ("1", "Oslo")),
        ('"name"\n"Moss, Ann"\n"Vey, Bo"\n', ("name",), ("Moss, Ann",)),
        ("name,remark\nAnn,“tall, dark”\nBob,“short, fair”\n", ("name", "remark"), ("Ann", "tall, dark")),
        (" id | town   \n----+--------\n  1 | Oslo   \n  2 | Bergen \n", ("id", "town"), ("1", "Oslo")),
        ("| id | town |\n|---|:---|\n| 1 | Oslo |\n| 2 | Bergen |\n", ("id", "town"), ("1", "Oslo")),
        ("id,town\n1,--\n--,--\n", ("id", "town"), ("1", "--")),
        (",name,age\n0,Ann,31\n1,Bob,22\n", ("column 1", "name", "age"), ("0", "Ann", "31")),
    ],
)
def test_values_are_cut_where_they_end(tmp_path, content, header, row):
    [(names, rows)] = tables(written(tmp_path / "a.csv", content))
    assert (names, rows[0]) == (header, row)


def test_a_cell_of_a_long_text_is_read(tmp_path):
    path = written(tmp_path / "a.csv", f'k,v\na,"{"word " * 60_000}end"\nb,after it\n')
    [(header, rows)] = tables(path)
    assert (header, rows[0][1][-3:], rows[1]) == (("k", "v"), "end", ("b", "after it"))


def test_lines_above_a_table_are_kept_with_blank_lines_between_them(tmp_path):
    content = (
        '"Source","Development Indicators",\n\n"Updated","2023-09-19",\n\n'
        '"Country","Code","2020",\nNorway,NOR,5379475,\nSweden,SWE,10353442,\n'
    )
    [table] = [item for item in read(written(tmp_path / "a.csv", content)) if isinstance(item, Table)]
    assert (table.header, table.rows[0]) == (("Country", "Code", "2020"), ("Norway", "NOR", "5379475"))
    assert (table.title, table.caption) == ("Source: Development Indicators", "Updated: 2023-09-19")


# ── workbooks ──────────────────────────────────────────────────────────────────────────────────


def workbook(path, *rows, formats=None):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place, code in (formats or {}).items():
        book.active[place].number_format = code
    book.save(path)
    return path


def test_rows_between_blank_ones_stay_in_the_table_where_a_value_is_missing(tmp_path):
    rows = ["Name", "Age", "Town"], ["Ida", 41, None], [], ["Per", None, "Moss"], [], ["Eva", 29, "Oslo"]
    assert tables(workbook(tmp_path / "a.xlsx", *rows)) == [
        (("Name", "Age", "Town"), (("Ida", "41", ""), ("Per", "", "Moss"), ("Eva", "29", "Oslo")))
    ]


def test_a_cell_is_shown_as_its_format_shows_it_and_hidden_ones_are_told(tmp_path):
    formats = {"B2": ";;;", "C2": "#,##0;-#,##0;", "C3": "#,##0;-#,##0;"}
    path = workbook(
        tmp_path / "a.xlsx",
        ["k", "secret", "n", "tiny"],
        ["a_x000D_\nb", 98765, 1234, 0.00001],
        ["c", 3, 0, 1],
        formats=formats,
    )
    assert tables(path) == [(("k", "secret", "n", "tiny"), (("a b", "", "1,234", "0.00001"), ("c", "3", "", "1")))]
    assert told(path) == "sheet Sheet: left out: 1 hidden cell"


def test_dates_of_a_workbook_that_counts_from_1904_are_right(tmp_path):
    import datetime

    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for row in (["What", "When"], ["Launch", datetime.date(2020, 5, 17)]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert tables(tmp_path / "a.xlsx") == [(("What", "When"), (("Launch", "2020-05-17"),))]


def test_text_boxes_headers_and_documents_in_a_workbook_are_read(tmp_path):
    book = openpyxl.Workbook()
    for row in (["k", "v"], ["a", 1]):
        book.active.append(row)
    book.active.oddHeader.center.text = "Draft of &D"
    book.save(tmp_path / "b.xlsx")
    box = f'<d xmlns:a="{A}"><sp><txBody><a:p><a:r><a:t>without tax</a:t></a:r></a:p></txBody></sp></d>'
    with zipfile.ZipFile(tmp_path / "b.xlsx") as before, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as after:
        for part in before.namelist():
            after.writestr(part, before.read(part))
        after.writestr(
            "xl/worksheets/_rels/sheet1.xml.rels", references(("r1", "drawing", "/xl/drawings/drawing1.xml"))
        )
        after.writestr("xl/drawings/drawing1.xml", box)
        after.writestr("xl/embeddings/offer.txt", "net 30 days")
    (tmp_path / "b.xlsx").unlink()
    assert "Header: Draft of Text box: without tax" in notes(tmp_path / "a.xlsx")
    assert words(tmp_path / "a.xlsx") == "net 30 days"


def test_a_workbook_in_the_strict_form_is_read(tmp_path):
    book = openpyxl.load_workbook(workbook(tmp_path / "b.xlsx", ["k", "v"], ["a", 17], ["b", "#N/A"]))
    book.active["B2"].number_format = "0.00"
    book.save(tmp_path / "b.xlsx")
    with zipfile.ZipFile(tmp_path / "b.xlsx") as before:
        parts = {part: before.read(part) for part in before.namelist()}
    old, new = (
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    )
    strict = {
        name: part.replace(old, new).replace(
            OFFICE.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships"
        )
        for name, part in parts.items()
    }
    (tmp_path / "b.xlsx").unlink()
    path = packed(tmp_path / "a.xlsx", **strict)
    assert tables(path) == [(("k", "v"), (("a", "17.00"), ("b", "#N/A")))]
    assert "values were read" not in told(path)


def test_a_workbook_in_the_xml_of_2003_and_one_of_today_are_read_under_the_old_name(tmp_path):
    names = (
        'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"'
    )

    def cell(value, kind="String", more=""):
        return f'<Cell {more}><Data ss:Type="{kind}">{value}</Data></Cell>'

    at_three = cell("9", "Number", 'ss:Index="3"')
    written(
        tmp_path / "a.xls",
        f'<?xml version="1.0"?><Workbook {names}><Worksheet ss:Name="Stock"><Table><Column/><Column ss:Hidden="1"/>'
        f"<Row>{cell('Item')}{cell('Secret')}{cell('Qty')}</Row>"
        f"<Row>{cell('Rope')}{cell('x')}{cell('4.0', 'Number')}</Row><Row>{cell('Hook')}{at_three}</Row>"
        "</Table></Worksheet></Workbook>",
    )
    workbook(tmp_path / "b.xls", ["Item", "Qty"], ["Rope", 4], ["Hook", 9])
    expected = (("Item", "Qty"), (("Rope", "4"), ("Hook", "9")))
    assert tables(tmp_path / "a.xls") == tables(tmp_path / "b.xls") == [expected]


# ── documents ──────────────────────────────────────────────────────────────────────────────────


def document(path, body, **parts):
    docx.Document().save(path)
    with zipfile.ZipFile(path) as before:
        kept = {name: before.read(name) for name in before.namelist() if name not in ("word/document.xml", *parts)}
    spaces = f'xmlns:w="{W}" xmlns:v="urn:schemas-microsoft-com:vml"'
    kept["word/document.xml"] = f"<w:document {spaces}><w:body>{body}</w:body></w:document>".encode()
    return packed(path, **kept, **{name: part.replace("@W", spaces) for name, part in parts.items()})


def test_choices_drawn_letters_and_comments_are_in_a_document_and_hidden_styles_are_not(tmp_path):
    choices = '<w:ddList><w:result w:val="1"/><w:listEntry w:val="Normal"/><w:listEntry w:val="Express"/></w:ddList>'
    body = (
        f'<w:p><w:r><w:t>Delivery: </w:t></w:r><w:r><w:fldChar w:fldCharType="begin"><w:ffData>'
        f"{choices}</w:ffData></w:fldChar></w:r></w:p>"
        '<w:p><w:r><w:pict><v:shape><v:textpath string="GRAND OPENING"/></v:shape></w:pict></w:r></w:p>'
        '<w:p><w:r><w:rPr><w:rStyle w:val="Ghost"/></w:rPr><w:t>INVISIBLE</w:t></w:r></w:p>'
    )
    style = (
        '<w:styles @W><w:style w:type="character" w:styleId="Ghost"><w:name w:val="g"/><w:rPr>'
        "<w:vanish/></w:rPr></w:style></w:styles>"
    )
    comment = (
        '<w:comments @W><w:comment w:author="Ada"><w:p><w:r><w:t>too dear</w:t></w:r></w:p></w:comment></w:comments>'
    )
    said = words(document(tmp_path / "a.docx", body, **{"word/styles.xml": style, "word/comments.xml": comment}))
    assert said.split("\n") == ["Delivery: Express", "GRAND OPENING", "Ada: too dear"]


def test_a_document_inside_of_a_document_is_read(tmp_path):
    workbook(tmp_path / "b.xlsx", ["Plant", "MW"], ["Tokke", 430])
    path = document(tmp_path / "a.docx", "<w:p><w:r><w:t>See below.</w:t></w:r></w:p>")
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(tmp_path / "b.xlsx", "word/embeddings/Sheet1.xlsx")
        archive.writestr("word/afchunk.htm", "<p>Terms are net 30.</p>")
    (tmp_path / "b.xlsx").unlink()
    assert tables(path) == [(("Plant", "MW"), (("Tokke", "430"),))]
    assert words(path) == "See below.\nTerms are net 30."
    [file] = readers.find([path])
    assert file.kinds == ("text", "table")


def test_a_chunk_of_a_document_is_read_whatever_it_is_called(tmp_path):
    chunks = {
        "word/html.htm": "<p>Terms are net 30.</p>",
        "word/afchunk.mft": "<html><p>Fees are due in May.</p></html>",
        "word/_rels/document.xml.rels": references(
            ("r8", "aFChunk", "/word/html.htm"), ("r9", "aFChunk", "/word/afchunk.mft")
        ),
    }
    path = document(tmp_path / "a.docx", "<w:p><w:r><w:t>See below.</w:t></w:r></w:p>", **chunks)
    assert sorted(words(path).split("\n")) == ["Fees are due in May.", "See below.", "Terms are net 30."]


def slides(path, shapes, layout="", notes=""):
    spaces = f'xmlns:p="{P}" xmlns:a="{A}" xmlns:r="{OFFICE}"'

    def tree(name, shapes):
        return f"<p:{name} {spaces}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:{name}>"

    return packed(
        path,
        **{
            "_rels/.rels": references(("r1", "officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": f'<p:presentation {spaces}><p:sldIdLst><p:sldId id="1" r:id="r1"/></p:sldIdLst>'
            f"</p:presentation>",
            "ppt/_rels/presentation.xml.rels": references(("r1", "slide", "slides/slide1.xml")),
            "ppt/slides/slide1.xml": tree("sld", shapes),
            "ppt/slides/_rels/slide1.xml.rels": references(
                ("r1", "slideLayout", "../slideLayouts/slideLayout1.xml"),
                ("r2", "notesSlide", "../notesSlides/notesSlide1.xml"),
            ),
            "ppt/slideLayouts/slideLayout1.xml": tree("sldLayout", layout),
            "ppt/notesSlides/notesSlide1.xml": tree("notes", notes),
        },
    )


def shape(*paragraphs, place=""):
    made = "".join(p if p.startswith("<") else f"<a:p><a:r><a:t>{p}</a:t></a:r></a:p>" for p in paragraphs)
    fills = f'<p:nvPr><p:ph type="{place}"/></p:nvPr>' if place else ""
    return f"<p:sp>{fills}<p:txBody>{made}</p:txBody></p:sp>"


def test_a_slide_has_its_breaks_numbers_pictures_notes_and_what_its_layout_shows(tmp_path):
    counted = "".join(
        f'<a:p><a:pPr><a:buAutoNum type="arabicPeriod"/></a:pPr><a:r><a:t>{t}</a:t></a:r></a:p>'
        for t in ("Stop", "Close")
    )
    broken = "<a:p><a:r><a:t>one</a:t></a:r><a:br/><a:r><a:t>Two</a:t></a:r></a:p>"
    picture = '<p:pic><p:nvPicPr><p:cNvPr descr="Power generated by wind"/></p:nvPicPr></p:pic>'
    guessed = '<p:pic><p:nvPicPr><p:cNvPr descr="A logo&#10;Description automatically generated"/></p:nvPicPr></p:pic>'
    path = slides(
        tmp_path / "a.pptx",
        shape(broken, counted) + picture + guessed,
        layout=shape("Strictly internal") + shape("Click to add title", place="title"),
        notes=shape("Built in", "1987", place="body") + shape("1", place="sldNum"),
    )
    slide, every = [item for item in read(path) if isinstance(item, Passage)]
    assert slide.text.split("\n") == [
        "one",
        "Two",
        "1. Stop",
        "2. Close",
        "Power generated by wind",
        "Notes: Built in 1987",
    ]
    assert (every.section, every.text) == ("Every slide", "Strictly internal")


def placed(words, x, y, width, height, place=""):
    """A box of a slide, in inches."""
    at = [int(n * 914400) for n in (x, y, width, height)]
    where = f'<p:spPr><a:xfrm><a:off x="{at[0]}" y="{at[1]}"/><a:ext cx="{at[2]}" cy="{at[3]}"/></a:xfrm></p:spPr>'
    return shape(words, place=place).replace("<p:txBody>", f"{where}<p:txBody>")


def test_boxes_of_a_slide_come_as_they_stand_where_the_order_of_the_file_is_none(tmp_path):
    boxes = (
        placed("the note below", 1, 6, 8, 1),
        placed("right, its words", 5, 3, 3, 2),
        placed("left, its words", 1, 3, 3, 2),
        placed("right", 5, 2, 3, 1),
        placed("left", 1, 2, 3, 1),
        shape("Title", place="title"),
    )
    wanted = ["Title", "left", "left, its words", "right", "right, its words", "the note below"]
    assert words(slides(tmp_path / "a.pptx", "".join(boxes))).split("\n") == wanted
    group = f"<p:grpSp>{''.join(boxes[:-1])}</p:grpSp>"
    assert words(slides(tmp_path / "a.pptx", group + boxes[-1])).split("\n") == wanted


def test_boxes_of_a_slide_keep_an_order_that_goes_down_and_right(tmp_path):
    """By rows or by columns: an author may have chosen it for those who listen."""
    cells = {name: placed(name, x, y, 3, 1) for name, x, y in (("A1", 1, 2), ("B1", 5, 2), ("A2", 1, 4), ("B2", 5, 4))}
    for order in (["A1", "B1", "A2", "B2"], ["A1", "A2", "B1", "B2"]):
        path = slides(tmp_path / "a.pptx", "".join(cells[name] for name in order))
        assert words(path).split("\n") == order


def test_what_fills_a_place_of_the_layout_stands_there(tmp_path):
    layout = placed("Click", 1, 2, 3, 4, place="body").replace('type="body"', 'type="body" idx="13"')
    fills = shape("The list", place="body").replace('type="body"', 'idx="13"')
    path = slides(tmp_path / "a.pptx", placed("below", 1, 6.5, 3, 0.5) + fills, layout=layout)
    assert next(item for item in read(path) if isinstance(item, Passage)).text.split("\n") == ["The list", "below"]


def test_what_a_slide_says_for_old_programs_is_not_said_twice_and_a_formula_keeps_its_form(tmp_path):
    formula = "<a:p><m><sSup><e><t>x</t></e><sup><t>2</t></sup></sSup></m></a:p>"
    twice = f"<mc><Choice>{shape('Heron')}</Choice><Fallback>{shape('Heron')}</Fallback></mc>"
    assert words(slides(tmp_path / "a.pptx", twice + shape(formula))).split("\n") == ["Heron", "x^2"]


def opendocument(path, kind, body, **parts):
    names = ["office", "text", "table", "draw", "form"]
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    content = (
        f"<office:document-content {spaces} xmlns:xlink='http://www.w3.org/1999/xlink'>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    return packed(path, **{"content.xml": content, **parts})


def test_formulas_fields_and_other_objects_of_an_opendocument_are_read_or_told(tmp_path):
    form = (
        '<office:forms><form:form><form:text form:name="Port" form:current-value="Rosvik"/>'
        '<form:checkbox form:label="Paid" form:current-state="checked"/></form:form></office:forms>'
    )
    body = (
        form + "<text:p>See <draw:frame><draw:object xlink:href='./Object 1'/></draw:frame>"
        "<draw:frame><draw:object xlink:href='./Object 2'/></draw:frame></text:p>"
    )
    formula = (
        "<math xmlns='http://www.w3.org/1998/Math/MathML'><semantics><mi>E</mi><annotation>"
        "E = m c^2</annotation></semantics></math>"
    )
    path = opendocument(
        tmp_path / "a.odt", "text", body, **{"Object 1/content.xml": formula, "Object 2/content.xml": "<x/>"}
    )
    assert words(path) == "See\nE = m c^2\nPort: Rosvik\n☒ Paid"
    assert told(path) == "what is hidden: left out: 1 embedded object"


def test_a_text_box_over_a_sheet_is_read(tmp_path):
    def row(*cells):
        return (
            "<table:table-row>"
            + "".join(f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in cells)
            + "</table:table-row>"
        )

    box = (
        "<table:shapes><draw:frame><draw:text-box><text:p>without tax</text:p></draw:text-box>"
        "</draw:frame></table:shapes>"
    )
    path = opendocument(
        tmp_path / "a.ods",
        "spreadsheet",
        f"<table:table table:name='S'>{box}{row('k', 'v')}{row('a', '1')}</table:table>",
    )
    assert "Text box: without tax" in notes(path)


def test_a_comment_at_marked_words_of_a_pdf_is_a_note(tmp_path):
    canvas = Canvas(str(tmp_path / "b.pdf"))
    canvas.drawString(72, 720, "page text")
    canvas.showPage()
    canvas.save()
    writer = pypdf.PdfWriter(clone_from=str(tmp_path / "b.pdf"))
    corners = ArrayObject([FloatObject(v) for v in (72, 735, 140, 735, 72, 715, 140, 715)])
    mark = Highlight(rect=(72, 715, 140, 735), quad_points=corners)
    mark[NameObject("/Contents")] = TextStringObject("why this clause")
    writer.add_annotation(0, mark)
    writer.write(str(tmp_path / "a.pdf"))
    writer.close()
    (tmp_path / "b.pdf").unlink()
    assert words(tmp_path / "a.pdf") == "page text\nNote: why this clause"


def book(path, pages, spine):
    items = "".join(f'<item id="{n}" href="{n}" media-type="{kind}"/>' for n, (kind, _) in pages.items())
    order = "".join(f'<itemref idref="{n}"/>' for n in spine)
    package = (
        f'<package xmlns="http://www.idpf.org/2007/opf"><metadata><title>Quay</title>'
        f"</metadata><manifest>{items}</manifest><spine>{order}</spine></package>"
    )
    container = "<container><rootfiles><rootfile full-path='c.opf'/></rootfiles></container>"
    return packed(
        path, **{"META-INF/container.xml": container, "c.opf": package, **{n: text for n, (_, text) in pages.items()}}
    )


def test_pages_of_a_book_that_are_drawings_of_an_old_kind_or_out_of_its_order_are_read(tmp_path):
    pages = {
        "notes.xhtml": ("application/xhtml+xml", "<html><body><p>endnotes</p></body></html>"),
        "map.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'><text>map of piers</text></svg>"),
        "1.html": ("text/x-oeb1-document", "<html><body><p>chapter</p></body></html>"),
    }
    assert words(book(tmp_path / "a.epub", pages, ["map.svg", "1.html"])).split("\n") == [
        "map of piers",
        "chapter",
        "endnotes",
    ]


# ── mail ───────────────────────────────────────────────────────────────────────────────────────


def test_an_invitation_is_read(tmp_path):
    mail = EmailMessage()
    mail["Subject"] = "Invitation"
    mail.set_content("You are invited.")
    mail.add_alternative("BEGIN:VCALENDAR\nSUMMARY:Turbine inspection\nEND:VCALENDAR", subtype="calendar")
    assert "SUMMARY:Turbine inspection" in words(written(tmp_path / "a.eml", mail.as_bytes()))


def test_the_reason_why_a_mail_came_back_is_read(tmp_path):
    report = (
        b"Subject: failed\nMIME-Version: 1.0\nContent-Type: multipart/report; boundary=B\n\n"
        b"--B\nContent-Type: text/plain\n\n"
        b"Not delivered.\n--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; "
        b"x\n\nDiagnostic-Code: mailbox full\n--B--\n"
    )
    assert "mailbox full" in words(written(tmp_path / "a.eml", report))


def test_a_sentence_that_begins_with_from_begins_no_mail(tmp_path):
    mails = (
        b"From a@b Mon Jan  1 00:00:00 2024\r\nSubject: one\r\n\r\nSeen.\r\n\r\n"
        b"From the quay we saw it.\r\n>From here on.\r\n\r\n"
        b"From b@c Tue Jan  2 00:00:00 2024\r\nSubject: two\r\n\r\nSecond.\r\n"
    )
    first, second = read(written(tmp_path / "a.mbox", mails))
    assert (first.title, second.title, second.text) == ("one", "two", "Second.")
    assert first.text.split() == ["Seen.", "From", "the", "quay", "we", "saw", "it.", "From", "here", "on."]


def test_marks_and_raised_figures_of_a_pdf_stay_in_their_line(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    said = canvas.beginText(72, 720)
    for font, rise, text in (
        ("Courier", 0, "alias"),
        ("Helvetica", 0, ", the load"),
        ("Helvetica", 4, "3"),
        ("Helvetica", 0, " of "),
        ("Courier", 0, 'd="x"'),
        ("Times-Roman", 0, "."),
    ):
        said.setFont(font, 7 if rise else 12)
        said.setRise(rise)
        said.textOut(text)
    canvas.drawText(said)
    canvas.drawString(72, 700, "The main-")
    canvas.drawString(72, 684, "tenance of IT-")
    canvas.drawString(72, 668, "Systems.")
    canvas.showPage()
    canvas.save()
    assert words(tmp_path / "a.pdf") == 'alias, the load3 of d="x".\nThe maintenance of IT-\nSystems.'


def test_a_raised_number_behind_a_sentence_of_a_pdf_is_no_part_of_it(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    said = canvas.beginText(72, 720)
    for rise, text in (
        (0, "The valve was closed."),
        (4, "12"),
        (0, " Water is H"),
        (-2, "2"),
        (0, "O, and 3."),
        (0, "14."),
    ):
        said.setFont("Helvetica", 7 if rise else 12)
        said.setRise(rise)
        said.textOut(text)
    canvas.drawText(said)
    canvas.showPage()
    canvas.save()
    assert words(tmp_path / "a.pdf") == "The valve was closed. 12 Water is H2O, and 3.14."


def test_a_list_of_contents_is_no_table_and_its_dots_are_one_sign(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    for place, (name, page) in enumerate([("Scope", "3"), ("Terms", "4"), ("Payment", "17"), ("Notes", "20")]):
        canvas.drawString(72, 720 - 16 * place, f"{name} {'. ' * 40}")
        canvas.drawString(420, 720 - 16 * place, page)
    canvas.showPage()
    canvas.save()
    assert tables(tmp_path / "a.pdf") == []
    assert words(tmp_path / "a.pdf").split("\n") == ["Scope … 3", "Terms … 4", "Payment … 17", "Notes … 20"]


def test_a_document_that_is_nothing_but_its_title_is_kept(tmp_path):
    written = docx.Document()
    written.add_paragraph("Closed on Mondays", style="Title")
    written.save(tmp_path / "a.docx")
    [passage] = read(tmp_path / "a.docx")
    assert "Closed on Mondays" in passage.text


def test_of_two_fields_that_could_be_the_title_or_the_id_neither_is_lost(tmp_path):
    row = {"id": 7, "doc_id": "B-12", "title": "Pump", "name": "Aqua 300", "section": "Water", "heading": "Garden"}
    written(tmp_path / "a.jsonl", lines({**row, "page": "12a", "text": "Two years of warranty."}))
    [passage] = read(tmp_path / "a.jsonl")
    assert (passage.id, passage.title, passage.section) == ("7", "Pump", "Water")
    assert dict(passage.fields) == {"doc_id": "B-12", "name": "Aqua 300", "heading": "Garden", "page": "12a"}


def test_of_a_mail_in_two_forms_the_one_is_read_that_has_more(tmp_path):
    """Some programs write a plain text beside the page that a person sees, and leave parts of the page out."""
    for name, page in (("a", "<p>Dear Ms Lind,</p><p>the ferry is late.</p>"), ("b", "<p>Dear Ms Lind,</p>")):
        mail = EmailMessage()
        mail["Subject"] = "Ferry"
        mail.set_content("Dear Ms Lind,\n> quoted only here")
        mail.add_alternative(page, subtype="html")
        (tmp_path / f"{name}.eml").write_bytes(mail.as_bytes())
    more, less = (item.text for item in read(tmp_path) if isinstance(item, Passage))
    assert "the ferry is late" in more
    assert "quoted only here" in less
