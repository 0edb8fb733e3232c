"""Tests what the page on formats says, row by row, on one file that has everything: it is found, or it is told."""

# ruff: noqa: E501  (lines of XML)
from __future__ import annotations

import gzip
import io
import re
import sqlite3
import struct
import tarfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pypdf
import pytest
from olefile import OleFileIO
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image as SheetImage
from PIL import Image
from pypdf.annotations import Text
from reportlab.pdfgen.canvas import Canvas

from binary_sheets import binary_workbook
from compound import compound, mail, properties
from held_files import HEIC, XLS
from reading import read_all, write, written

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
TABLE = "Name      Town      Sum\nAda       Oslo      12\nBo        Rome      7\nCy        Lima      9\n"


def png() -> bytes:
    """More than 2 kB, since less is taken for an ornament."""
    Image.effect_noise((240, 240), 60).save(drawn := io.BytesIO(), "png")
    return drawn.getvalue()


def pack(path: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def make_text(folder: Path) -> Path:
    words = f"A kept word, and a mainte-\nnance plan for maintenance.\n\n{TABLE}\n\x1b[31mred\x1b[0m"
    written(folder / "a.ics", "SUMMARY:Quarterly repa\r\n ir\r\nLOCATION:Quay 7\\, Rosvik\r\n")
    contact = "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg\nPHOTO;ENCODING=b;TYPE=JPEG:" + "AbCd" * 99
    written(folder / "b.vcf", contact)
    return written(folder / "c.txt", words)


def make_code(folder: Path) -> Path:
    written(folder / "Makefile", "all: makeword")
    written(folder / "a.properties", "size=Gr\\u00f6\\u00dfe")
    return written(folder / "a.py", "x = 'codeword'")


def make_xml(folder: Path) -> Path:
    return written(folder / "a.xml", "<p name='M&#252;ller'><!-- remark -->R&amp;D</p>")


def make_markdown(folder: Path) -> Path:
    written(folder / "b.md", '+++\nauthor = "Tina"\n+++\ntomltext')
    words = "# Head\nA [link](https://address.example) <!-- remark -->\n\n| A | B |\n|---|---|\n| cell | 2 |\n\n```\ncode = 1\n```\n"
    return written(folder / "a.md", f"---\nauthor: Fran\n---\n{words}")


def make_rst(folder: Path) -> Path:
    return written(
        folder / "a.rst",
        "Title\n=====\n\nA `link <https://address.example>`_ and :ref:`sphinxword`.\n\n.. remark\n\n.. note:: noteword\n\n"
        ".. include:: other.inc\n\n.. code-block:: python\n\n   code = 1\n\n=====  =====\nA      B\n=====  =====\n"
        "simple  2\n=====  =====\n\n+------+----+\n| G    | H  |\n+======+====+\n| grid | g2 |\n+------+----+\n\n"
        ".. csv-table::\n   :header: K,L\n\n   comma,k2\n\n.. list-table::\n   :header-rows: 1\n\n   * - M\n     - N\n"
        "   * - listed\n     - m2\n\nFoot [1]_\n\n.. [1] footword\n",
    )


def make_html(folder: Path) -> Path:
    picture = "x" * 3_000
    return written(
        folder / "a.html",
        "<title>Page</title><body><script>scripted</script><nav>menu</nav><noscript>unscripted</noscript><h1>Section</h1>"
        "<p>A <a href='https://address.example'>link</a> <img src=x.png alt=alternative><button>press</button>"
        "<dl><dt><button>titled</button><dd>folded</dl><p hidden>hiddenword</p><dialog>dialogue</dialog>"
        "<input value=filled><select><option>unchosen<option selected>chosen</select><ruby>漢<rt>reading</rt></ruby>"
        "<math><semantics><mi>a</mi><annotation encoding=application/x-tex>a_{tex}</annotation></semantics></math>"
        f"<input placeholder=Hint><object data=x>no film</object><iframe srcdoc='<p>inner</p>'></iframe><img src='data:image/png;base64,{picture}'><video src=film.mp4></video>"
        "<table><tr><th>A<th>B<tr><td>cell<td>2</table><p>Müller",
    )


def make_pdf(folder: Path) -> Path:
    canvas = Canvas(str(folder / "plain.pdf"))
    for line, words in enumerate(
        ("A kept word and the well-", "known hyphen, a mainte-", "nance plan for maintenance.")
    ):
        canvas.drawString(72, 760 - 14 * line, words)
    for row, cells in enumerate((("Name", "Town"), ("Ada", "Oslo"), ("Bo", "Rome"))):
        for column, cell in enumerate(cells):
            canvas.rect(72 + 100 * column, 640 - 20 * row, 100, 20)
            canvas.drawString(76 + 100 * column, 646 - 20 * row, cell)
    canvas.drawInlineImage(Image.open(io.BytesIO(png())), 72, 400, 120, 120)
    canvas.acroForm.textfield(name="field", value="filled", x=72, y=300, width=200, height=20)
    canvas.save()
    writer = pypdf.PdfWriter(clone_from=folder / "plain.pdf")
    writer.add_annotation(0, Text(rect=(72, 200, 92, 220), text="annotated"))
    writer.add_attachment("notes.txt", b"attached word")
    writer.write(folder / "a.pdf")
    (folder / "plain.pdf").unlink()
    return folder / "a.pdf"


def make_docx(folder: Path) -> Path:
    document = docx.Document()
    document.add_heading("Section", 1)
    document.add_paragraph("first item", style="List Number")
    table = document.add_table(2, 2)
    for cell, words in zip((c for row in table.rows for c in row.cells), ("A", "B", "cell", "2"), strict=True):
        cell.text = words
    document.add_picture(io.BytesIO(png()))
    document.sections[0].header.paragraphs[0].text = "headword"
    document.sections[0].footer.paragraphs[0].text = "tailword"
    document.add_comment(document.add_paragraph("commented").runs, text="remark", author="Ann")
    for markup in (
        '<w:ins w:id="1" w:author="a"><w:r><w:t>inserted</w:t></w:r></w:ins>',
        '<w:del w:id="2" w:author="a"><w:r><w:delText>deleted</w:delText></w:r></w:del>',
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>vanished</w:t></w:r>",
        "<w:r><w:pict><v:textbox xmlns:v='urn:schemas-microsoft-com:vml'><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p>"
        "</w:txbxContent></v:textbox></w:pict></w:r>",
    ):
        document.add_paragraph()._p.append(docx.oxml.parse_xml(markup.replace(">", f' xmlns:w="{W}">', 1)))
    document.save(folder / "a.docx")
    return folder / "a.docx"


def make_rtf(folder: Path) -> Path:
    return written(
        folder / "a.rtf",
        r"{\rtf1\ansi{\header headword\par}{\footer tailword\par}kept{\footnote noted} {\deleted gone}{\v vanished}"
        r"{\pict\pngblip 89504e47}{\shp{\*\shpinst{\shptxt boxed\par}}}\par"
        r"\trowd\cellx1\cellx2 A\cell B\cell\row\trowd\cellx1\cellx2 cell\cell 2\cell\row}",
    )


def make_doc(folder: Path) -> Path:
    written(folder / "b.doc", rb"{\rtf1 richword\par}")
    return written(folder / "a.doc", "<html><p>pageword</p></html>")


def make_odt(folder: Path) -> Path:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for name, long in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"))
    )
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
    row = "<table:table-row>{}</table:table-row>".format
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{word}</text:p></table:table-cell>'
        for word in ("{}", "{}")
    )
    return pack(
        folder / "a.odt",
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {spaces}><office:body><office:text>"
            "<text:tracked-changes><text:changed-region><text:deletion><text:p>deleted</text:p></text:deletion></text:changed-region></text:tracked-changes>"
            '<text:h text:outline-level="1">Section</text:h><text:p>kept<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation>'
            "<text:note-body><text:p>noted</text:p></text:note-body></text:note><office:annotation><dc:creator>Ann</dc:creator><text:p>remark</text:p></office:annotation></text:p>"
            "<text:p><draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame></text:p>"
            '<text:section text:name="s" text:display="none"><text:p>vanished</text:p></text:section>'
            '<text:p><draw:frame><draw:image xlink:href="Pictures/a.png"/></draw:frame></text:p>'
            f"<table:table>{row(cells.format('A', 'B'))}{row(cells.format('cell', '2'))}</table:table>"
            "</office:text></office:body></office:document-content>",
            "Pictures/a.png": png(),
        },
    )


def make_pptx(folder: Path) -> Path:
    def relate(*items: tuple[str, str, str]) -> str:
        made = "".join(f'<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{to}"/>' for id, kind, to in items)
        return f'<Relationships xmlns="{PACKAGE}">{made}</Relationships>'

    def slide(words: str, more: str = "", shown: str = "") -> str:
        text = f"<p:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:txBody>"
        return f'<p:sld xmlns:p="{P}" xmlns:a="{A}" xmlns:r="{OFFICE}"{shown}><p:cSld><p:spTree><p:sp>{text}</p:sp>{more}</p:spTree></p:cSld></p:sld>'

    def cell(words: str) -> str:
        return f"<a:tc><a:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></a:txBody></a:tc>"

    table = f"<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tr>{cell('A')}{cell('B')}</a:tr><a:tr>{cell('cell')}{cell('2')}</a:tr></a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    picture = '<p:pic><p:nvPicPr><p:cNvPr id="9" name="p" descr="A red crane"/></p:nvPicPr><p:blipFill><a:blip r:embed="r9"/></p:blipFill></p:pic>'
    return pack(
        folder / "a.pptx",
        {
            "_rels/.rels": relate(("r1", "officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{P}" xmlns:r="{OFFICE}"><p:sldIdLst><p:sldId id="256" r:id="r1"/><p:sldId id="257" r:id="r2"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": relate(
                ("r1", "slide", "slides/slide1.xml"), ("r2", "slide", "slides/slide2.xml")
            ),
            "ppt/slides/slide1.xml": slide("kept", table + picture),
            "ppt/slides/_rels/slide1.xml.rels": relate(
                ("r1", "notesSlide", "../notesSlides/n1.xml"),
                ("r2", "comments", "../comments/c1.xml"),
                ("r9", "image", "../media/a.png"),
            ),
            "ppt/notesSlides/n1.xml": f'<p:notes xmlns:p="{P}" xmlns:a="{A}"><a:p><a:r><a:t>noted</a:t></a:r></a:p></p:notes>',
            "ppt/comments/c1.xml": f'<p:cmLst xmlns:p="{P}"><p:cm><p:text>remark</p:text></p:cm></p:cmLst>',
            "ppt/slides/slide2.xml": slide("vanished", shown=' show="0"'),
            "ppt/media/a.png": png(),
        },
    )


def make_epub(folder: Path) -> Path:
    return pack(
        folder / "a.epub",
        {
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="o.opf"/></rootfiles></container>',
            "o.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="p" href="p.png" media-type="image/png"/></manifest><spine><itemref idref="a"/></spine></package>',
            "a.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body><h1>Chapter</h1><p>kept</p><aside epub:type="footnote" hidden="">noted</aside>'
            '<img src="p.png" alt=""/><table><tr><th>A</th><th>B</th></tr><tr><td>cell</td><td>2</td></tr></table></body></html>',
            "p.png": png(),
        },
    )


def make_xlsx(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (("Site", "Share", "Code"), ("Bergen", 0.125, 67), ("", 0.5, 99), ("Oslo", 0.25, 1), ("Rome", 0.75, 2)):
        sheet.append(row)
    for row in range(2, 6):
        sheet.cell(row, 2).number_format, sheet.cell(row, 3).number_format = "0.0%", "00000"
    sheet.merge_cells("A2:A3")
    sheet["A4"].comment = Comment("remark", "Ann")
    sheet.row_dimensions[5].hidden = True
    sheet["E1"], sheet["E2"], sheet["F1"], sheet["F2"] = "Formula", "=1+1", "Left", "x"
    sheet.oddHeader.center.text = "headword"
    chart = BarChart()
    chart.add_data(Reference(sheet, 2, 1, 2, 4))
    sheet.add_chart(chart, "H2")
    sheet.add_image(SheetImage(io.BytesIO(png())), "H20")
    book.create_sheet("Old").append(("vanished", 1))
    book["Old"].sheet_state = "hidden"
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


def make_xlsb(folder: Path) -> Path:
    sheets = {"Sales": [["City", "Share"], ["Oslo", 12.5], ["Rome", "#N/A"]], "Old": [["vanished", 1.0]]}
    return binary_workbook(folder / "a.xlsb", sheets, hidden={"Old"})


def make_xls(folder: Path) -> Path:
    written(folder / "b.xls", "<html><p>pageword</p></html>")
    with OleFileIO(XLS) as ole:
        held, end, rest = ole.openstream("Workbook").read().rpartition(b"\x0a\0\0\0")
    drawn = b"".join(struct.pack("<6H", 0x5D, 8, 0x15, 4, kind, 0) for kind in (5, 6, 8))
    return written(folder / "a.xls", compound({"Workbook": held + drawn + end + rest}))


def make_csv(folder: Path) -> Path:
    return written(folder / "a.csv", "Report of March\nName;Sum\nAda;1,5\nBo;2,5\nTotal;4,0\n\nA line below\n")


def make_parquet(folder: Path) -> Path:
    rows = [{"name": "cell", "raw": b"\x00\xff"}, {"name": "other", "raw": b"\x01"}]
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    return folder / "a.parquet"


def make_json(folder: Path) -> Path:
    written(folder / "b.jsonl", '{"text": "textword", "author": "fieldword"}\n')
    content = '{"a": [{"x": 1, "y": "listword"}, {"x": 2, "y": "z"}], "b": {"p": [1, 2], "q": ["columnword", "r"]}, '
    return written(folder / "a.json", content + '"c": [["h", "i"], ["inlist", "k"]], "d": "once", "d": "twice"}')


def make_sqlite(folder: Path) -> Path:
    with sqlite3.connect(folder / "a.db") as base:
        base.executescript(
            "create table t(a, b blob); insert into t values('cell', x'00ff'); create view v as select a as viewed from t;"
            "create table empty(z); create virtual table f using fts5(body); insert into f values('indexed');"
        )
    base.close()
    return folder / "a.db"


def make_notebook(folder: Path) -> Path:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "streamed"},
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"},
        },
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"text/html": "<table><tr><th>A<th>B<tr><td>cell<td>2</table>"},
        },
        {"output_type": "display_data", "metadata": {}, "data": {"application/json": {"k": "jsonword"}}},
        {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": "marked"}},
        {"output_type": "error", "ename": "ValueError", "evalue": "wrongly", "traceback": ["traced"]},
    ]
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "# Head\nkept"},
        {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": "code = 1", "outputs": outputs},
    ]
    return written(folder / "a.ipynb", {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def make_mail(folder: Path) -> Path:
    message, inner = EmailMessage(), EmailMessage()
    for name, value in (
        ("From", "Ada <a@x.example>"),
        ("To", "bo@y.example"),
        ("Cc", "cy@z.example"),
        ("Subject", "Topic"),
    ):
        message[name] = value
    message["Date"] = "Mon, 3 Mar 2025 10:00:00 +0100"
    message.set_content(f"kept\n\n{TABLE}")
    message.add_attachment(
        png(), maintype="image", subtype="png", filename="inline.png", disposition="inline", cid="<p1>"
    )
    message.add_attachment("attached", filename="notes.txt")
    message.add_attachment("SUMMARY:invited", subtype="calendar", filename="invite.ics")
    message.add_attachment(b"x" * 50, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    message.add_attachment(b"signed", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    inner["Subject"], inner["From"] = "Inside", "q@z.example"
    inner.set_content("forwarded")
    message.add_attachment(inner)
    return written(folder / "a.eml", bytes(message))


def make_outlook(folder: Path) -> Path:
    inner = mail({(0x37, 0x1F): "Inside", (0x1000, 0x1F): "forwarded"}, front=24)
    attached = [
        {**properties({(0x3705, 3): 5, (0x3001, 0x1F): "Inside"}, 8), "__substg1.0_3701000D": inner},
        properties({(0x3705, 3): 1, (0x3707, 0x1F): "a.txt", (0x3701, 0x102): b"attached"}, 8),
        properties({(0x3705, 3): 1, (0x3707, 0x1F): "a.unk", (0x3701, 0x102): b"zz"}, 8),
        properties({(0x3705, 3): 1, (0x3707, 0x1F): "b.txt"}, 8),
    ]
    headers = {(0x37, 0x1F): "Topic", (0xC1A, 0x1F): "Ada", (0xE04, 0x1F): "bo@y.example"}
    words = {(0x39, 0x40): 133_500_000_000_000_000, (0x1000, 0x1F): f"kept\n\n{TABLE}"}
    return written(folder / "a.msg", compound(mail(headers | words, attached=attached)))


def make_photograph(folder: Path) -> Path:
    written(folder / "a.txt", "A caption")
    return written(folder / "a.heic", HEIC)


def make_archive(folder: Path) -> Path:
    with tarfile.open(folder / "b.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "b.txt"
        archive.addfile(link)
        (info := tarfile.TarInfo("b.txt")).size = 6
        archive.addfile(info, io.BytesIO(b"tarred"))
    return pack(folder / "a.zip", {"in/a.txt": "zipped", "in/b.unk": "zz"})


def make_compressed(folder: Path) -> Path:
    written(folder / "b.unk.gz", gzip.compress(b"zz"))
    return written(folder / "a.md.gz", gzip.compress(b"# H\nunpacked"))


def make_picture(folder: Path) -> Path:
    written(folder / "a.txt", "A caption")
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "b.gif", save_all=True, append_images=frames[1:])
    return written(folder / "a.png", png())


def make_drawing(folder: Path) -> Path:
    words = "<title>Titled</title><desc>described</desc><text x='1' y='20'>worded</text>"
    return written(
        folder / "a.svg",
        f"<svg xmlns='http://www.w3.org/2000/svg' width='50' height='50'>{words}<image href='out.png' width='5' height='5'/></svg>",
    )


def make_wiki(folder: Path) -> Path:
    moved = '<doc id="2" url="u" title="Moved">\nMoved\n\n</doc>\n'
    return written(folder / "wiki_00", f'<doc id="1" url="u" title="Pump">\nPump\n\nkept words\n</doc>\n{moved}')


Made = tuple[Callable[[Path], Path], str, str, tuple[str, ...]]
ROWS: dict[str, Made] = {
    # first name in the row: what makes the file; what is kept; what is not; what is told
    "*.txt": (make_text, "kept|maintenance plan|Ada Oslo|red|repair|Quay 7, Rosvik|Jörg", "[31m|mainte-|AbCdAbCd", ("packed",)),
    "*.py": (make_code, "codeword|makeword|Größe", "", ()),
    "*.xml": (make_xml, "Müller|R&D|remark", "", ()),
    "*.md": (make_markdown, "Head|link|cell|code = 1|tomltext", "remark|address.example", ()),
    "*.rst": (make_rst, "Title|link|sphinxword|noteword|other.inc|code = 1|simple|grid|comma|listed|footword", "remark|address.example", ()),
    "*.html": (
        make_html,
        "Section|link|alternative|filled|chosen|titled|folded|inner|a_{tex}|漢|cell|Müller",
        "scripted|menu|unscripted|press|hiddenword|dialogue|unchosen|reading|address.example",
        ("its menus", "without scripts", "its buttons", "its hidden parts", "its pictures", "not chosen", "readings", "its hints", "in place of objects"),
    ),
    "*.pdf": (make_pdf, "kept|well-known|maintenance plan|Ada Oslo|filled|annotated|attached word", "", ("its pictures",)),
    "*.docx": (
        make_docx,
        "Section|1. first item|cell|headword|tailword|remark|inserted|boxed",
        "deleted|vanished",
        ("its pictures", "hidden", "deleted"),
    ),
    "*.rtf": (make_rtf, "kept|noted|boxed|headword|tailword|cell", "gone|vanished", ("picture", "hidden", "deleted")),
    "*.doc": (make_doc, "pageword|richword", "", ()),
    "*.odt": (make_odt, "Section|kept|noted|remark|boxed|cell", "deleted|vanished", ("picture", "hidden", "deleted")),
    "*.pptx": (make_pptx, "kept|cell|noted|remark|A red crane", "vanished", ("picture", "hidden")),
    "*.epub": (make_epub, "Chapter|kept|noted|cell", "", ("picture",)),
    "*.xlsx": (make_xlsx, "Bergen 12.5% 00067|Bergen 50.0% 00099|remark|headword", "vanished|Rome", ("hidden row", "is hidden", "chart", "picture", "formula")),
    "*.xlsb": (make_xlsb, "Oslo 12.5", "vanished", ("number formats", "is hidden", "1 cell shows an error")),
    "*.xls": (make_xls, "Dresden 12.5% 01067|pageword", "", ("1 hidden row", "is hidden", "1 chart, 1 text box, 1 picture")),
    "*.csv": (make_csv, "Report of March|Ada 1,5|Total|A line below", "", ()),
    "*.parquet": (make_parquet, "cell|other", "", ("binary",)),
    "*.jsonl": (make_json, "textword|fieldword|listword|columnword|inlist|once|twice", "", ()),
    "*.db": (make_sqlite, "cell|viewed|indexed", "", ("binary", "no rows")),
    "*.ipynb": (make_notebook, "kept|code = 1|streamed|cell|jsonword|marked|wrongly|traced", "", ("picture",)),
    "*.eml": (make_mail, "Topic|Ada|bo@y|cy@z|2025|kept|Ada Oslo|attached|invited|Inside|forwarded", "signed", ("winmail.dat", "1 picture inside")),
    "*.msg": (make_outlook, "Topic|Ada|bo@y|2024|kept|Ada Oslo|attached|Inside|forwarded", "", (".unk", "b.txt left out: it is not in the file")),
    "*.zip": (make_archive, "zipped|tarred", "zz", (".unk", "link")),
    "*.gz": (make_compressed, "unpacked", "zz", (".unk",)),
    "*.png": (make_picture, "A caption", "", ("of which the first is",)),
    "*.heic": (make_photograph, "A caption", "", ()),
    "*.svg": (make_drawing, "Titled|described|worded", "", ("outside",)),
    "wiki_00": (make_wiki, "Pump|kept words", "", ()),
}  # fmt: skip


def list_rows() -> list[str]:
    table = PAGE.read_text(encoding="utf-8").partition("| files |")[2].partition("\n\n")[0]
    return [found[1] for line in table.splitlines() if (found := re.match(r"\|[^|`]*`([^`]+)`", line))]


def test_every_row_of_the_page_is_tried() -> None:
    assert set(list_rows()) == ROWS.keys()


@pytest.mark.parametrize("row", ROWS)
def test_what_the_page_says_of_a_format_is_so(tmp_path: Path, row: str) -> None:
    make, kept, lost, told = ROWS[row]
    make(tmp_path)
    records = []
    said = []
    for item in read_all(tmp_path):
        (said if isinstance(item, str) else records).append(item)
    found = "\n".join(map(write, records))
    assert [word for word in kept.split("|") if word not in found] == [], found
    assert [word for word in lost.split("|") if word and word in found] == [], found
    assert [word for word in told if word not in "\n".join(said)] == [], said
