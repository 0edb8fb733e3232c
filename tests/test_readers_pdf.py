"""PDF pages as a person reads them: columns, tables, forms, notes, scans and titles."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas
from reportlab.platypus import SimpleDocTemplate
from reportlab.platypus import Table as Drawn

from r1router.ingest.parts.titles import is_by_a_program
from r1router.ingest.records import Passage, Picture, Problem, Table
from reading import read

ROWS = [
    ["Port", "First", "Last"],
    ["Hamn", "06:55", "21:40"],
    ["Rosvik", "07:10", "21:10"],
    ["Udden", "07:30", "20:50"],
]


def page(path: Path, draw: object) -> Path:
    sheet = canvas.Canvas(str(path), pagesize=A4)
    draw(sheet)  # type: ignore[operator]
    sheet.save()
    return path


def test_columns_are_read_one_after_the_other_although_the_file_has_them_line_by_line(tmp_path: Path) -> None:
    left = [f"the left column says line {n} in so many words" for n in range(8)]
    right = [f"the right column goes on with line {n} of it" for n in range(8)]

    def draw(sheet: canvas.Canvas) -> None:
        sheet.drawString(
            60, 780, "A title over both columns of the page, which is longer than one column is wide, by far"
        )
        for n, (one, other) in enumerate(zip(left, right, strict=True)):
            sheet.setFontSize(10)
            sheet.drawString(60, 740 - 14 * n, one)
            sheet.drawString(320, 740 - 14 * n, other)

    [passage] = read(page(tmp_path / "a.pdf", draw))
    assert passage.text.split("\n")[1:] == left + right


def test_a_table_with_ruled_lines_is_a_table_and_in_the_text(tmp_path: Path) -> None:
    SimpleDocTemplate(str(tmp_path / "a.pdf")).build([Drawn(ROWS, style=[("GRID", (0, 0), (-1, -1), 1, colors.black)])])
    passage, table = read(tmp_path / "a.pdf")
    assert isinstance(table, Table)
    assert [table.header, *table.rows] == [tuple(row) for row in ROWS]
    assert table.page == 1
    assert "Rosvik 07:10 21:10" in passage.text


def test_a_table_without_lines_is_found_by_its_white_space(tmp_path: Path) -> None:
    SimpleDocTemplate(str(tmp_path / "a.pdf")).build([Drawn(ROWS, colWidths=[120, 80, 80])])
    _, table = read(tmp_path / "a.pdf")
    assert [table.header, *table.rows] == [tuple(row) for row in ROWS]


def test_what_was_filled_into_a_form_is_read(tmp_path: Path) -> None:
    def draw(sheet: canvas.Canvas) -> None:
        sheet.drawString(60, 780, "Tenant name:")
        sheet.acroForm.textfield(name="tenant", value="Marisol Vey", x=150, y=770, width=200, height=20)
        sheet.acroForm.checkbox(name="pets", checked=False, x=150, y=700)

    [passage] = read(page(tmp_path / "a.pdf", draw))
    assert "Tenant name:" in passage.text
    assert "Marisol Vey" in passage.text
    assert "pets" not in passage.text


def test_a_scan_is_read_by_the_recognizer_and_says_so(tmp_path: Path) -> None:
    scan = Pillow.new("RGB", (1200, 400), "white")
    ImageDraw.Draw(scan).text((60, 120), "Spare keys are in the blue box", "black", ImageFont.load_default(64))
    path = page(tmp_path / "a.pdf", lambda sheet: sheet.drawImage(ImageReader(scan), 60, 500, 480, 160))
    passage, problem = read(path, ocr=True)
    assert "blue box" in passage.text
    assert isinstance(problem, Problem)
    assert problem.read


def test_pictures_on_a_page_are_told_and_read_when_asked_for(tmp_path: Path) -> None:
    def draw(sheet: canvas.Canvas) -> None:
        sheet.drawString(60, 780, "Words.")
        sheet.drawImage(ImageReader(Pillow.effect_noise((200, 200), 80)), 60, 500)

    path = page(tmp_path / "a.pdf", draw)
    passage, problem = read(path)
    assert isinstance(passage, Passage)
    assert problem.reason.startswith("1 picture left out")
    [picture] = read(path, as_="image")
    assert isinstance(picture, Picture)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_file_that_opens_without_a_password_is_read(tmp_path: Path, algorithm: str) -> None:
    page(tmp_path / "plain.pdf", lambda sheet: sheet.drawString(60, 780, "The gate code is Heron."))
    writer = PdfWriter(clone_from=io.BytesIO((tmp_path / "plain.pdf").read_bytes()))
    writer.encrypt("", "of the owner", algorithm=algorithm)
    writer.write(tmp_path / "a.pdf")
    assert PdfReader(tmp_path / "a.pdf").is_encrypted
    assert read(tmp_path / "a.pdf")[0].text == "The gate code is Heron."


def test_files_that_are_attached_are_read_under_their_names(tmp_path: Path) -> None:
    page(tmp_path / "plain.pdf", lambda sheet: sheet.drawString(72, 700, "This is the cover."))
    writer = PdfWriter(clone_from=tmp_path / "plain.pdf")
    writer.add_attachment("note.txt", b"Words inside the attachment.")
    writer.add_attachment("plan.dwg", b"x")
    writer.write(tmp_path / "a.pdf")
    items = read(tmp_path / "a.pdf")
    words = {item.section: item.text for item in items if isinstance(item, Passage)}
    assert words == {"": "This is the cover.", "note.txt": "Words inside the attachment."}
    assert any(".dwg" in item.reason for item in items if isinstance(item, Problem))


def test_columns_of_a_script_of_wide_signs_are_read_one_after_the_other(tmp_path: Path) -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    def draw(sheet: canvas.Canvas) -> None:
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
        sheet.setFont("STSong-Light", 10)
        for x, column in ((60, "左"), (300, "右")):
            for n in range(8):
                sheet.drawString(x, 700 - 14 * n, f"{column}栏的文字第{n}行从这里继续往下写")

    text = read(page(tmp_path / "a.pdf", draw))[0].text
    assert text.index("左栏的文字第7行") < text.index("右栏的文字第0行")


CODE = """\
def area(shapes):
    total = 0
    for shape in shapes:
        if shape.is_open:
            continue    # counts for nothing
        total += shape.width * shape.height
    return total"""


@pytest.mark.parametrize("font", ["Courier", "Courier-Bold"])
def test_code_keeps_its_indentation_and_the_text_around_it_its_lines(tmp_path: Path, font: str) -> None:
    def draw(sheet: canvas.Canvas) -> None:
        sheet.drawString(60, 780, "The area of all shapes is computed like this:")
        sheet.setFont(font, 9)
        for n, line in enumerate(CODE.splitlines()):
            blanks = len(line) - len(line.lstrip())
            sheet.drawString(72 + 5.4 * blanks, 750 - 11 * n, line.lstrip())
        sheet.setFont("Helvetica", 10)
        sheet.drawString(90, 640, "An indented note in usual letters.")

    [passage] = read(page(tmp_path / "a.pdf", draw))
    after = "An indented note in usual letters."
    assert passage.text == f"The area of all shapes is computed like this:\n{CODE}\n{after}"


@pytest.mark.parametrize("apart", [True, False], ids=["in letters of their own", "in the same letters"])
def test_numbers_of_lines_stand_before_the_code_and_make_no_table(tmp_path: Path, apart: bool) -> None:
    def draw(sheet: canvas.Canvas) -> None:
        for n, line in enumerate(CODE.splitlines(), 1):
            sheet.setFont("Courier", 9)
            if apart:
                sheet.drawString(72, 750 - 11 * n, line)
                sheet.setFont("Helvetica", 6)
                sheet.drawString(60, 750 - 11 * n, str(n))
            else:
                sheet.drawString(60, 750 - 11 * n, f"{n} {line}")

    [passage] = read(page(tmp_path / "a.pdf", draw))
    assert passage.text == "\n".join(f"{n} {line}" for n, line in enumerate(CODE.splitlines(), 1))


def test_a_table_in_letters_of_one_width_is_a_table(tmp_path: Path) -> None:
    def draw(sheet: canvas.Canvas) -> None:
        sheet.setFont("Courier", 10)
        for n, row in enumerate(ROWS):
            sheet.drawString(60, 750 - 12 * n, "".join(f"{cell:12}" for cell in row))

    passage, table = read(page(tmp_path / "a.pdf", draw))
    assert [table.header, *table.rows] == [tuple(row) for row in ROWS]
    assert passage.text.splitlines()[0] == "Port        First       Last"


@pytest.mark.parametrize(
    "title",
    [
        *("(anonymous)", "PowerPoint Presentation", "PowerPoint-Präsentation", "Slide 1", "untitled", "Document1"),
        *("Präsentation1", "无标题", "スライド 1", "Презентация1", "Sin título 2"),
        *("Microsoft Word - x", "Présentation PowerPoint", "report.docx", "Layout 1", "Folie 12", "Book1"),
    ],
)
def test_titles_by_programs_are_none(title: str) -> None:
    assert is_by_a_program(title)


@pytest.mark.parametrize("title", ["Document management", "Slide rules", "Page turners of 2020", "Unknown pleasures"])
def test_titles_by_people_are_kept(title: str) -> None:
    assert not is_by_a_program(title)
