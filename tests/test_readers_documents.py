"""Markdown, web pages, PDF and Word documents to passages by section or page, and their tables."""

import io
from email.message import EmailMessage

import pytest
from docx import Document
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from r1router.ingest.records import Passage, Problem, Table
from reading import read, reason, written

# ── markdown, html ─────────────────────────────────────────────────────────────────────────────


def test_markdown_gives_a_passage_for_each_section_under_its_headings(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "# Guide\n\nIntro with a [link](http://x.org) and ![a picture](p.png).\n\n## Install\n\n"
        "```sh\n# not a heading\nif x:\n    make\n```\n### Linux ###\nUse apt.\n<!-- hidden -->\n\n"
        "Usage\n-----\nRun it.\n## Install\nAgain.\n## Empty\n"
    )
    source = path.as_posix()
    assert [(p.id.removeprefix(source), p.section, p.title) for p in read(path)] == [
        ("", "", "Guide"),
        (":Install", "Install", "Guide"),
        (":Install > Linux", "Install > Linux", "Guide"),
        (":Usage", "Usage", "Guide"),
        (":Install#2", "Install", "Guide"),
        ("#2", "", "Guide"),  # the heading with nothing under it
    ]
    texts = [p.text for p in read(path)]
    assert texts[0] == "Intro with a link and a picture."
    assert texts[1] == "```sh\n# not a heading\nif x:\n    make\n```"
    assert texts[2] == "Use apt."


def test_the_title_of_markdown_is_in_its_front_matter(tmp_path):
    path = tmp_path / "a.md"
    path.write_text('---\nauthor: B\ntitle: "On Rivers"\n---\n# First\nWords.\n')
    [passage] = read(path)
    assert (passage.title, passage.section, passage.text) == ("On Rivers", "First", "Words.")


PAGE = """<!DOCTYPE html><html><head><title>Countries &amp; cities</title><style>p {}</style></head><body>
<nav>Home | About</nav><header><h1>Countries &amp; cities</h1></header><p>Before <b>any</b>
   heading<sup class="reference">[1]</sup>.</p><h2>Austria<span class="mw-editsection">[edit]</span></h2>
<p>A country.</p><script>var x = "never";</script>
<table><caption>Largest cities</caption>
 <tr><th rowspan="2">City</th><th colspan="2">Population</th></tr><tr><th>2001</th><th>2011</th></tr>
 <tr><td>Vienna</td><td>1,550,123</td><td>1,714,142</td></tr>
 <tr><td>Graz<br>(Styria)</td><td colspan="2">about 250,000</td></tr>
 <tr><td colspan="3">Smaller ones</td></tr>
 <tr><td rowspan="2">Linz</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>
</table><p>After the table.</p>
<table role="presentation"><tr><td>laid</td><td>out</td></tr><tr><td>like</td><td>this</td></tr></table>
<footer>Contact</footer></body></html>"""


def test_a_page_gives_its_sections_without_menus_scripts_and_tables(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(PAGE)
    first, second = (r for r in read(path) if isinstance(r, Passage))
    assert (first.title, first.section, first.text) == ("Countries & cities", "", "Before any heading.")
    assert second.section == "Austria"
    assert " ".join(second.text.split()) == "A country. After the table. laid out like this Contact"


def test_a_table_of_a_page_is_spread_out_with_its_caption_and_section(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(PAGE)
    [table] = (r for r in read(path) if isinstance(r, Table))
    assert table.header == ("City", "Population 2001", "Population 2011")
    assert table.rows == (
        ("Vienna", "1,550,123", "1,714,142"),
        ("Graz (Styria)", "about 250,000", "about 250,000"),
        ("Smaller ones", "", ""),
        ("Linz", "1", "2"),
        ("Linz", "3", "4"),
    )
    assert (table.title, table.section, table.caption) == ("Countries & cities", "Austria", "Largest cities")
    assert table.id == f"{path.as_posix()}:table 1"


def test_an_info_box_is_one_row_under_its_names(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(
        "<table><tr><th colspan=2>Austria</th></tr><tr><th>Capital</th><td>Vienna</td></tr>"
        "<tr><th>Anthem</th><td>Land der Berge</td></tr></table>"
    )
    [table] = read(path)
    assert (table.header, table.rows, table.caption) == (
        ("Capital", "Anthem"),
        (("Vienna", "Land der Berge"),),
        "Austria",
    )


def test_pages_without_tables_or_with_broken_markup_are_read(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<p>One<p>Two <b>bold <table><tr><td>single")
    [passage] = read(path)
    assert passage.text.split() == ["One", "Two", "bold", "single"]


def test_a_page_may_be_read_as_one_kind_only(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(PAGE)
    assert {type(r) for r in read(path, as_="table")} == {Table}
    texts = [r.text for r in read(path, as_="text") if isinstance(r, Passage)]
    assert "City: Vienna; Population 2001: 1,550,123; Population 2011: 1,714,142" in texts


def test_a_page_says_its_own_encoding(tmp_path):
    path = tmp_path / "a.html"
    path.write_bytes('<meta charset="koi8-r"><title>Река</title><p>Волга'.encode("koi8-r"))
    [passage] = read(path)
    assert (passage.title, passage.text) == ("Река", "Волга")


def test_a_page_may_be_nested_deeply_but_not_without_end(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("<div>" * 1500 + "deep" + "</div>" * 1500)
    assert read(path)[0].text == "deep"
    path.write_text("<div>" * 50_000 + "deep" + "</div>" * 50_000)
    assert reason(path)


# ── pdf, docx ──────────────────────────────────────────────────────────────────────────────────


def pdf(*pages: str, title: str = "", picture: bool = False) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    if title:
        canvas.setTitle(title)
    for page in pages:
        for number, line in enumerate(page.splitlines()):
            canvas.drawString(72, 700 - 20 * number, line)
        if picture:
            canvas.drawImage(ImageReader(Image.new("RGB", (20, 20), "red")), 0, 0)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_a_pdf_gives_a_passage_for_each_page(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf("The first page is know-\nledge.", "", "The third.", title="On pages"))
    source = path.as_posix()
    assert read(path) == [
        Passage(f"{source}:p1", source, "The first page is knowledge.", "On pages", 1),
        Passage(f"{source}:p3", source, "The third.", "On pages", 3),
    ]


def test_a_pdf_without_a_title_worth_the_name_is_titled_by_its_file(tmp_path):
    path = tmp_path / "annual_report.pdf"
    path.write_bytes(pdf("Words", title="Microsoft Word - draft.docx"))
    assert read(path)[0].title == "annual report"


def test_a_scanned_pdf_is_told_how_to_get_its_text(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf("", "", picture=True))
    assert "all 2 pages are pictures" in reason(path)
    path.write_bytes(pdf("words", picture=True))
    assert [type(r) for r in read(path)] == [Passage]


def test_a_scanned_page_among_others_is_reported(tmp_path):
    path = tmp_path / "a.pdf"
    writer = PdfWriter()
    for part in (pdf("words"), pdf("", picture=True)):
        writer.append(PdfReader(io.BytesIO(part)))
    writer.write(path)
    passage, problem = read(path)
    assert passage.page == 1
    assert problem == Problem(path.as_posix(), "page 2", "is a picture without text, probably a scan")


@pytest.mark.parametrize("password", ["", "secret"])
def test_an_encrypted_pdf_is_read_only_where_no_password_is_needed(tmp_path, password):
    path = tmp_path / "a.pdf"
    writer = PdfWriter(clone_from=io.BytesIO(pdf("words")))
    writer.encrypt(password, "of the owner", algorithm="RC4-128")
    writer.write(path)
    if password:
        assert "encrypted with a password" in reason(path)
    else:
        assert read(path)[0].text == "words"


@pytest.mark.parametrize("damage", ["cut", "none"])
def test_a_damaged_pdf_is_reported(tmp_path, damage):
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf("words")[:200] if damage == "cut" else b"no pdf at all")
    assert "damaged" in reason(path)


def test_a_word_document_gives_sections_and_tables(tmp_path):
    path = tmp_path / "a.docx"
    document = Document()
    document.add_heading("On rivers", 0)
    document.add_paragraph("Intro.")
    document.add_heading("Europe", 1)
    document.add_paragraph("Long ones.")
    document.add_paragraph("Table 1: Rivers", style="Caption")
    table = document.add_table(rows=3, cols=2)
    for row, cells in zip(table.rows, (("River", "km"), ("Danube", "2850"), ("Rhine", "1233")), strict=True):
        for cell, value in zip(row.cells, cells, strict=True):
            cell.text = value
    document.add_heading("Asia", 2)
    document.add_paragraph("Longer ones.")
    frame = document.add_table(rows=1, cols=1)
    frame.cell(0, 0).text = "A framed note."
    document.save(path)
    found = read(path)
    source = path.as_posix()
    assert [r for r in found if isinstance(r, Passage)] == [
        Passage(source, source, "Intro.", "On rivers"),
        Passage(f"{source}:Europe", source, "Long ones.\nTable 1: Rivers", "On rivers", section="Europe"),
        Passage(
            f"{source}:Europe > Asia", source, "Longer ones.\nA framed note.", "On rivers", section="Europe > Asia"
        ),
    ]
    [table] = (r for r in found if isinstance(r, Table))
    assert (table.header, table.rows) == (("River", "km"), (("Danube", "2850"), ("Rhine", "1233")))
    assert (table.section, table.caption, table.id) == ("Europe", "Table 1: Rivers", f"{source}:table 1")


def test_merged_cells_of_a_word_table_are_spread_and_a_line_over_all_is_its_caption(tmp_path):
    path = tmp_path / "a.docx"
    document = Document()
    table = document.add_table(rows=4, cols=2)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "Rivers of the world"
    for place, value in (((1, 0), "River"), ((1, 1), "Sea"), ((2, 0), "Danube"), ((3, 0), "Dnieper")):
        table.cell(*place).text = value
    table.cell(2, 1).merge(table.cell(3, 1)).text = "Black Sea"
    document.save(path)
    [table] = read(path)
    assert (table.header, table.caption) == (("River", "Sea"), "Rivers of the world")
    assert table.rows == (("Danube", "Black Sea"), ("Dnieper", "Black Sea"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 cut off", "damaged, cut off or no docx file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "encrypted with a password or in the format before 2007"),
    ],
)
def test_a_damaged_or_encrypted_word_document_is_reported(tmp_path, content, said):
    path = tmp_path / "a.docx"
    path.write_bytes(content)
    assert said in reason(path)


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("<form><p>It leaves.<input value=Tenant><input type=hidden value=x></form>", "It leaves. Tenant"),
        ("<p>Body.<aside>Beside it.</aside><footer>Call 555-01</footer>", "Body.\nBeside it.\nCall 555-01"),
        ('<p>See <img src=a.png alt="A red crane"> here', "See A red crane here"),
        ("<p>Seen<p hidden>1<p style='color:red; display: none'>2<p style='visibility:hidden'>3", "Seen"),
        ("<p>Out<template>1</template><noscript>2</noscript><nav>3</nav><button>4</button>", "Out"),
        ("<label>To</label><select><option>A<option selected>B</select><textarea>Mill</textarea>", "To B Mill"),
        ("<input type=checkbox checked>Yes <input type=radio>No", "☒ Yes ☐ No"),
        ("<p>10<sup>-3</sup> m, the 1<sup>st</sup>, <s>50</s> 40", "10^-3 m, the 1st, ~~50~~ 40"),
        ("<ol start=3><li>Open<li>Close<li value=9>Lock</ol>", "3. Open\n4. Close\n9. Lock"),
        ("<ruby>東<rt>とう</rt>京<rt>きょう</rt></ruby>", "東京"),
        ("<details><summary>More</summary>Inside</details>", "More\nInside"),
        ("<table><tr><td><p>Left<td><table><tr><th>a<th>b<tr><td>1<td>2</table></table>", "Left"),
    ],
)  # fmt: skip
def test_what_is_seen_of_a_page_is_read(tmp_path, inner, text):
    path = written(tmp_path / "a.html", f"<html><body>{inner}</body></html>")
    assert "\n".join(item.text for item in read(path) if isinstance(item, Passage)).replace("\n\n", "\n") == text


def test_a_table_of_data_inside_one_for_the_layout_is_a_table(tmp_path):
    path = written(tmp_path / "a.html", "<table><tr><td>x<td><table><tr><th>a<th>b<tr><td>1<td>2</table></table>")
    [table] = (item for item in read(path) if isinstance(item, Table))
    assert (table.header, table.rows) == (("a", "b"), (("1", "2"),))


def test_a_table_of_data_stays_one_although_a_cell_holds_a_small_one(tmp_path):
    inner = "<table><tr><td>heater<td>yes</table>"
    rows = f"<tr><th>Model<th>Power<tr><td>E1<td>40 kW {inner}<tr><td>E2<td>55 kW"
    [table] = read(written(tmp_path / "a.html", f"<table>{rows}</table>"))
    assert table.rows == (("E1", "40 kW heater yes"), ("E2", "55 kW"))


@pytest.mark.parametrize(("label", "codec"), [("gb2312", "gbk"), ("iso-8859-1", "cp1252"), ("shift_jis", "cp932")])
def test_labels_of_pages_are_read_as_browsers_read_them(tmp_path, label, codec):
    words = {"gbk": "朱镕玥", "cp1252": "€5 – “fixed”", "cp932": "①髙"}[codec]
    path = written(tmp_path / "a.html", f'<meta charset="{label}"><p>{words}'.encode(codec))
    assert read(path)[0].text == words


@pytest.mark.parametrize(
    ("inner", "header", "row"),
    [
        (
            "<table><tr><td>Model<td>Options<tr><td>E1<td><table><tr><td>heater</table><tr><td>E2<td>none</table>",
            ("Model", "Options"),
            ("E1", "heater"),
        ),
        (
            "<div role=table><div role=row><i role=columnheader>Port</i><i role=columnheader>First</i></div>"
            "<div role=row><i role=cell>Hamn</i><i role=cell>06:55</i></div></div>",
            ("Port", "First"),
            ("Hamn", "06:55"),
        ),
    ],
)
def test_a_table_of_data_is_one_however_it_is_marked(tmp_path, inner, header, row):
    [table] = read(written(tmp_path / "a.html", inner))
    assert (table.header, table.rows[0]) == (header, row)


def test_the_first_heading_is_kept_where_the_page_is_called_otherwise(tmp_path):
    [passage] = read(written(tmp_path / "a.html", "<title>Acme</title><h1>Refunds</h1><p>Within 30 days."))
    assert (passage.title, passage.section) == ("Acme", "Refunds")
    [passage] = read(written(tmp_path / "a.html", "<title>Untitled Document</title><h1>Refunds</h1><p>Within 30 days."))
    assert (passage.title, passage.section) == ("Refunds", "")


def test_a_page_that_a_browser_saved_is_read(tmp_path):
    part = "--B\nContent-Type: text/html; charset=utf-8\n\n<p>Saved words</p>\n--B--\n"
    head = "From: <Saved by Blink>\nSubject: Ports\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=B\n\n"
    [passage] = read(written(tmp_path / "a.mhtml", head + part))
    assert (passage.title, passage.text) == ("Ports", "Saved words")


def test_code_in_markdown_stays_as_it_is_and_tags_in_prose_go(tmp_path):
    code = "handlers[name](event)  # <b>"
    text = f"[Call](x) <b>it</b> with List<String>:\n\n```js\n{code}\n```\n\n    rows[i](x)\n\n<img alt='A red gate'>"
    [passage] = read(written(tmp_path / "a.md", text))
    assert passage.text.splitlines()[0] == "Call it with List<String>:"
    assert code in passage.text
    assert "    rows[i](x)" in passage.text
    assert passage.text.endswith("A red gate")


def test_a_table_in_html_in_markdown_is_a_table(tmp_path):
    text = "Fees:\n\n<table>\n<tr><th>Item<th>Fee</tr>\n<tr><td>Car<td>30</tr>\n</table>\n\nAfter.\n"
    table, passage = read(written(tmp_path / "a.md", text))
    assert (table.header, table.rows) == (("Item", "Fee"), (("Car", "30"),))
    assert passage.text == "Fees:\n\nAfter."


def test_a_page_that_a_script_draws_is_told_so(tmp_path):
    page = '<title>App</title><div id="root"></div><script>draw({"name": "Bergen"})</script>'
    assert "a script draws them" in reason(written(tmp_path / "a.html", page))


def test_a_link_keeps_its_words_whatever_a_program_calls_its_class(tmp_path):
    page = '<p>See the <a class="reference external" href="x">security manual</a>.<sup class="reference">[1]</sup></p>'
    [passage] = read(written(tmp_path / "a.html", page))
    assert passage.text == "See the security manual."


def test_headings_with_nothing_under_them_are_kept_and_those_of_tables_and_sections_are_not_repeated(tmp_path):
    page = written(
        tmp_path / "a.html",
        "<h1>Plan</h1><h2>Ropes</h2><h2>Sails</h2><h3>Jib</h3><p>two</p><h2>Masts</h2>"
        "<table><tr><th>A<th>B<tr><td>1<td>2</table><h2>Anchors</h2><h2>Chains</h2>",
    )
    passages = [item for item in read(page) if isinstance(item, Passage)]
    assert [(item.section, item.text) for item in passages] == [
        ("", "Ropes"),
        ("Sails > Jib", "two"),
        ("", "Anchors\nChains"),
    ]


def test_the_page_of_a_mail_that_stands_with_its_pictures_is_no_attachment(tmp_path):
    message = EmailMessage()
    message.set_content("The code is Heron.")
    message.add_alternative("<p>The code is Heron.</p><img src='cid:p'>", subtype="html")
    message.get_payload()[1].add_related(b"GIF89a", "image", "gif", cid="<p>")
    passage, told = read(written(tmp_path / "a.eml", bytes(message)))
    assert (passage.text, told.reason) == ("The code is Heron.", "1 picture inside the text left out")
