# ruff: noqa: E501  (lines of XML)
"""Word documents as a person sees them: each odd corner of the format in a file of a few lines."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from docx import Document

from r1router.ingest.records import Passage, Picture, Problem, Table
from reading import read
from small_embedders import plain_picture

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NOTE = f'<w:footnotes xmlns:w="{W}"><w:footnote w:id="2"><w:p><w:r><w:t>measured in 2021</w:t></w:r></w:p></w:footnote></w:footnotes>'
HEADER = f'<w:hdr xmlns:w="{W}"><w:p><w:r><w:t>Order ZD-88</w:t></w:r></w:p><w:p><w:r><w:t>7</w:t></w:r></w:p></w:hdr>'
COMMENT = (
    f'<w:comments xmlns:w="{W}"><w:comment w:id="0"><w:p><w:r><w:t>ask Eva</w:t></w:r></w:p></w:comment></w:comments>'
)


def word(path: Path, body: str, **parts: str | bytes) -> Path:
    """A document with this body; `parts` by name, an underscore for the dot."""
    Document().save(path)
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    kept["word/document.xml"] = (
        f'<w:document xmlns:w="{W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        f'xmlns:v="urn:schemas-microsoft-com:vml"><w:body>{body}</w:body></w:document>'
    ).encode()
    kept |= {
        f"word/{name.replace('_', '.')}": data if isinstance(data, bytes) else data.encode()
        for name, data in parts.items()
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in kept.items():
            archive.writestr(name, data)
    return path


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def paragraph(*inner: str, style: str = "") -> str:
    settings = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{settings}{''.join(inner)}</w:p>"


def cells(*texts: str) -> str:
    return (
        "<w:tr>"
        + "".join(f"<w:tc>{text if '<' in text else paragraph(run(text))}</w:tc>" for text in texts)
        + "</w:tr>"
    )


def texts(path: Path) -> str:
    return "\n".join(item.text for item in read(path) if isinstance(item, Passage))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            paragraph(run("The notice is "), f"<w:ins>{run('ninety')}</w:ins><w:del><w:r><w:delText>thirty</w:delText></w:r></w:del>", run(" days.")),
            "The notice is ninety days.",
        ),
        (
            paragraph(f"<w:moveFrom>{run('old place')}</w:moveFrom>") + paragraph(f"<w:moveTo>{run('new place')}</w:moveTo>"),
            "new place",
        ),
        (f"<w:sdt><w:sdtContent>{paragraph(run('Quillwater Ltd'))}</w:sdtContent></w:sdt>", "Quillwater Ltd"),
        (paragraph(run("No. "), f"<w:sdt><w:sdtContent>{run('KX-4471')}</w:sdtContent></w:sdt>"), "No. KX-4471"),
        (paragraph(f'<w:fldSimple w:instr="PAGEREF x">{run("12")}</w:fldSimple>', "<w:r><w:instrText>DATE</w:instrText></w:r>"), "12"),
        (paragraph(f"<w:smartTag>{run('Oslo')}</w:smartTag>", f"<w:hyperlink>{run(' here')}</w:hyperlink>"), "Oslo here"),
        (paragraph("<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>", run("seen")), "seen"),
        (
            paragraph(run("Before."), f"<w:r><mc:AlternateContent><mc:Choice><w:drawing><w:txbxContent>{paragraph(run('In a box.'))}</w:txbxContent></w:drawing></mc:Choice>"
            f"<mc:Fallback><w:pict><w:txbxContent>{paragraph(run('In a box.'))}</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>"),
            "Before.\nIn a box.",
        ),
        (paragraph(f"<w:r><w:pict><v:textbox><w:txbxContent>{paragraph(run('Old box.'))}</w:txbxContent></v:textbox></w:pict></w:r>"), "Old box."),
        (paragraph(run("400 litres"), '<w:r><w:footnoteReference w:id="2"/></w:r>'), "400 litres [measured in 2021]"),
    ],
)  # fmt: skip
def test_words_that_a_person_sees_are_read_and_others_not(tmp_path: Path, body: str, text: str) -> None:
    assert texts(word(tmp_path / "a.docx", body, footnotes_xml=NOTE)) == text


def test_lists_have_their_numbers(tmp_path: Path) -> None:
    levels = "".join(
        f'<w:lvl w:ilvl="{n}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for n, (kind, text) in enumerate((("decimal", "%1."), ("lowerLetter", "%1.%2)"), ("bullet", "-")))
    )
    numbering = f'<w:numbering xmlns:w="{W}"><w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum><w:num w:numId="5"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    places = ((0, "Open"), (1, "slowly"), (1, "fully"), (0, "Close"), (1, "again"), (2, "now"))
    body = "".join(
        f'<w:p><w:pPr><w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="5"/></w:numPr></w:pPr>{run(text)}</w:p>'
        for level, text in places
    )
    read_ = texts(word(tmp_path / "a.docx", body, numbering_xml=numbering))
    assert read_.split("\n") == ["1. Open", "1.a) slowly", "1.b) fully", "2. Close", "2.a) again", "• now"]


def test_headers_footers_and_comments_come_last(tmp_path: Path) -> None:
    path = word(
        tmp_path / "a.docx", paragraph(run("Words.")), header1_xml=HEADER, header2_xml=HEADER, comments_xml=COMMENT
    )
    assert [(p.section, p.text) for p in read(path) if isinstance(p, Passage)] == [
        ("", "Words."), ("Comments", "ask Eva"), ("Header", "Order ZD-88"),
    ]  # fmt: skip


def test_a_table_in_a_cell_is_part_of_what_the_cell_says(tmp_path: Path) -> None:
    inner = f"<w:tbl>{cells('Torque', '45 Nm')}</w:tbl>{paragraph()}"
    file = word(tmp_path / "a.docx", f"<w:tbl>{cells('Part', 'Spec')}{cells('Bolt M10', inner)}</w:tbl>")
    table, guess = read(file)
    assert isinstance(guess, Problem)
    assert isinstance(table, Table)
    assert (table.header, table.rows) == (("Part", "Spec"), (("Bolt M10", "Torque 45 Nm"),))


def test_a_row_that_was_deleted_is_gone_and_marked_heads_name_the_columns(tmp_path: Path) -> None:
    head = cells("2022", "2023").replace("<w:tr>", "<w:tr><w:trPr><w:tblHeader/></w:trPr>")
    gone = cells("7", "8").replace("<w:tr>", "<w:tr><w:trPr><w:del/></w:trPr>")
    [table] = read(word(tmp_path / "a.docx", f"<w:tbl>{head}{cells('1', '2')}{gone}{cells('3', '4')}</w:tbl>"))
    assert (table.header, table.rows) == (("2022", "2023"), (("1", "2"), ("3", "4")))


def test_pictures_are_told_and_read_when_asked_for(tmp_path: Path) -> None:
    picture = plain_picture("red").data
    path = word(tmp_path / "a.docx", paragraph(run("Words.")), **{"media/image1_png": picture + b"\0" * 2_000})
    *_, problem = read(path)
    assert isinstance(problem, Problem)
    assert problem.reason.startswith("1 picture left out")
    [found] = read(path, as_="image")
    assert isinstance(found, Picture)


def test_a_span_of_a_billion_columns_is_no_bomb(tmp_path: Path) -> None:
    wide = cells("x", "y").replace("<w:tc>", '<w:tc><w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr>', 1)
    read(word(tmp_path / "a.docx", f"<w:tbl>{wide}{cells('1', '2')}</w:tbl>"))


def test_formulas_between_paragraphs_and_words_for_old_pictures_are_read_and_deleted_notes_told(tmp_path: Path) -> None:
    formula = '<m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:r><m:t>E=mc</m:t></m:r></m:oMath>'
    picture = '<w:r><w:pict><v:shape alt="A red crane"><v:imagedata/></v:shape></w:pict></w:r>'
    header = (
        f'<w:hdr xmlns:w="{W}"><w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>{run("Draft")}</w:p></w:hdr>'
    )
    path = word(tmp_path / "a.docx", paragraph(run("See"), picture) + formula, header1_xml=header)
    items = read(path)
    assert [item.text for item in items if isinstance(item, Passage)] == ["See A red crane\nE=mc", "Draft"]
    assert [item.where for item in items if isinstance(item, Problem)] == ["its deleted text"]


def test_a_heading_above_an_empty_table_is_read(tmp_path: Path) -> None:
    empty = f"<w:tbl>{cells('', '')}{cells('', '')}</w:tbl>"
    path = word(tmp_path / "a.docx", paragraph(run("Prices"), style="Heading1") + empty)
    assert texts(path) == "Prices"
