# ruff: noqa: E501  (lines of XML)
"""Further kinds of file, each by a small one made here."""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest

from r1router.errors import UnreadableFile
from r1router.ingest import readers
from r1router.ingest.parts.registry import find_reader
from r1router.ingest.records import Passage, Table
from reading import read, written

P = "http://schemas.openxmlformats.org/presentationml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
REL = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def texts(path):
    return [item.text for item in read(path) if isinstance(item, Passage)]


def zipped(path, parts):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_a_markdown_table_is_a_table_and_one_in_code_is_none(tmp_path):
    table = "| Station | Line |\n|---|:-:|\n| A \\| B | 1 |\n| C | 2 |\n"
    path = written(tmp_path / "a.md", f"# Lines\n\nBefore.\n\n{table}\nAfter.\n\n```\n{table}```\n")
    first = next(item for item in read(path) if isinstance(item, Table))
    assert (first.header, first.rows, first.title) == (("Station", "Line"), (("A | B", "1"), ("C", "2")), "Lines")
    assert sum(isinstance(item, Table) for item in read(path)) == 1
    assert "|---|" in "".join(texts(path))


def test_a_json_file_gives_its_lists_and_its_values(tmp_path):
    path = written(
        tmp_path / "a.json", {"name": "Depots", "data": {"rows_": [{"city": "Oslo", "n": 7}, {"city": "Lund"}]}}
    )
    table, passage = read(path)
    assert (table.header, table.rows) == (("city", "n"), (("Oslo", "7"), ("Lund", "")))
    assert passage.text == "name: Depots"
    assert texts(written(tmp_path / "b.json", [{"text": "One."}, {"text": "Two."}])) == ["One.", "Two."]


def test_a_notebook_gives_words_code_and_output(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# Heat\n", "It is warm."]},
        {"cell_type": "code", "source": ["print(7)"], "outputs": [{"output_type": "stream", "text": ["7\n"]}]},
    ]
    [passage] = read(written(tmp_path / "a.ipynb", {"cells": cells}))
    assert (passage.section, passage.text) == ("Heat", "It is warm.\nprint(7)\n7")


def test_a_notebook_gives_its_tables_and_errors_and_old_ones_are_read(tmp_path):
    page = "<table><tr><th></th><th>site</th><th>MW</th></tr><tr><th>0</th><td>Alta</td><td>150</td></tr></table>"
    frame = {"output_type": "execute_result", "data": {"text/html": page, "text/plain": "  site MW"}}
    error = {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero"}
    cells = [{"cell_type": "code", "source": "df", "outputs": [frame, error]}]
    table, passage = read(written(tmp_path / "a.ipynb", {"cells": cells}))
    assert (table.header, table.rows) == (("column 1", "site", "MW"), (("0", "Alta", "150"),))
    assert passage.text == "df\nZeroDivisionError: division by zero"
    old = [{"cell_type": "code", "input": ["x = 7"], "outputs": [{"output_type": "pyout", "text": ["7"]}]}]
    assert texts(written(tmp_path / "b.ipynb", {"worksheets": [{"cells": old}]})) == ["x = 7\n7"]


def test_a_mail_gives_who_when_and_what(tmp_path):
    mail = (
        "From: Ann <ann@example.org>\nTo: Bo\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\nMIME-Version: 1.0\n"
        "Content-Type: text/html; charset=utf-8\n\n<p>The <b>gate</b> code is Heron.<script>x</script>\n"
    )
    [passage] = read(written(tmp_path / "a.eml", mail))
    assert passage.title == "Größe"
    assert passage.text.startswith("From: Ann <ann@example.org>\nTo: Bo\n")
    assert " ".join(passage.text.split()).endswith("The gate code is Heron.")


def test_a_presentation_gives_its_slides_notes_and_tables(tmp_path):
    def cells(*words):
        made = "".join(f"<a:tc><a:txBody><a:p><a:r><a:t>{w}</a:t></a:r></a:p></a:txBody></a:tc>" for w in words)
        return f"<a:tr>{made}</a:tr>"

    slide = (
        f'<p:sld xmlns:p="{P}" xmlns:a="{A}"><p:sp><p:nvPr><p:ph type="title"/></p:nvPr><a:p><a:r><a:t>Ferries</a:t></a:r></a:p>'
        f'</p:sp><p:pic><p:cNvPr descr="A red crane"/></p:pic><p:pic><p:cNvPr descr="Description automatically generated"/></p:pic>'
        f"<p:sp><a:p><a:r><a:t>Last at </a:t></a:r><a:r><a:t>21:40</a:t></a:r></a:p></p:sp><a:tbl>"
        f"{cells('Port', 'First')}{cells('Hamn', '06:55')}</a:tbl></p:sld>"
    )
    path = zipped(
        tmp_path / "a.pptx",
        {
            "_rels/.rels": f'<r xmlns="{REL}"><Relationship Type="{OFFICE}/officeDocument" Target="ppt/presentation.xml"/></r>',
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{P}" xmlns:r="{OFFICE}"><p:sldIdLst><p:sldId id="256" r:id="r1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": f'<r xmlns="{REL}"><Relationship Id="r1" Target="slides/slide1.xml"/></r>',
            "ppt/slides/slide1.xml": slide,
            "ppt/slides/_rels/slide1.xml.rels": f'<r xmlns="{REL}"><Relationship Id="n" Target="../notesSlides/notesSlide1.xml"/><Relationship Id="c" Target="../comments/comment1.xml"/></r>',
            "ppt/comments/comment1.xml": f'<p:cmLst xmlns:p="{P}"><p:cm><p:text>Why so late?</p:text></p:cm></p:cmLst>',
            "ppt/notesSlides/notesSlide1.xml": f'<p:notes xmlns:p="{P}" xmlns:a="{A}"><a:p><a:r><a:t>Say it twice.</a:t></a:r></a:p></p:notes>',
        },
    )
    passage, table = read(path)
    assert (passage.section, passage.page) == ("Ferries", 1)
    assert "Last at 21:40" in passage.text
    assert "Notes: Say it twice." in passage.text
    assert "A red crane" in passage.text
    assert "automatically" not in passage.text
    assert "Comment: Why so late?" in passage.text
    assert (table.header, table.rows) == (("Port", "First"), (("Hamn", "06:55"),))


def opendocument(path, body):
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table", "draw")
    )
    return zipped(
        path,
        {
            "content.xml": f"<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>"
        },
    )


def test_an_opendocument_text_is_read_without_what_was_deleted(tmp_path):
    body = (
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:h text:outline-level='1'>Ferries</text:h>"
        "<text:p>Last at<text:s/><text:span>21:40</text:span>.</text:p>"
    )
    [passage] = read(opendocument(tmp_path / "a.odt", body))
    assert (passage.section, passage.text) == ("Ferries", "Last at 21:40.")


def test_an_opendocument_sheet_is_read_as_it_is_shown(tmp_path):
    def row(*words):
        return (
            "<table:table-row>"
            + "".join(f"<table:table-cell><text:p>{w}</text:p></table:table-cell>" for w in words)
            + "</table:table-row>"
        )

    blank = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>'
    [table] = read(
        opendocument(
            tmp_path / "a.ods",
            f'<table:table table:name="Rates">{row("Site", "Share")}{row("Oslo", "12.5 %")}{blank}</table:table>',
        )
    )
    assert (table.section, table.header, table.rows) == ("Rates", ("Site", "Share"), (("Oslo", "12.5 %"),))


def test_source_code_is_text(tmp_path):
    assert texts(written(tmp_path / "a.py", "def f():\n    return 42\n")) == ["def f():\n    return 42"]


def test_broken_ones_are_reported(tmp_path):
    for name in ("a.json", "a.ipynb", "a.pptx", "a.odt"):
        with pytest.raises(UnreadableFile):
            read(written(tmp_path / name, "{nothing"))


@pytest.mark.parametrize("name", ["a.mjs", "a.tf", "README", "Makefile", "a.rss", "a.qmd"])
def test_settings_code_and_what_has_no_suffix_is_text(tmp_path, name):
    assert "The gate code is Heron." in texts(written(tmp_path / name, "about:\n\techo The gate code is Heron.\n"))[0]


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_file_of_any_kind_that_is_compressed_by_itself_is_read(tmp_path, suffix, pack):
    [table, passage] = read(
        written(
            tmp_path / f"a.md.{suffix}", pack(b"# Ports\n\nLast\n\n| Port | First |\n|---|---|\n| Hamn | 06:55 |\n")
        )
    )
    assert (passage.section, passage.text) == ("a.md", "Last")
    assert (table.header, table.rows) == (("Port", "First"), (("Hamn", "06:55"),))
    unknown = written(tmp_path / f"a.dwg.{suffix}", pack(b"x"))
    assert [file.kinds for file in readers.find([unknown])] == [()]


def test_tables_and_texts_that_are_compressed_keep_their_own_readers():
    for name, wanted in {
        "a.csv.gz": "delimited",
        "a.jsonl.gz": "jsonl",
        "a.txt.gz": "text",
        "a.tar.gz": "archive",
    }.items():
        assert find_reader(Path(name)).__name__.endswith(f".{wanted}")


@pytest.mark.parametrize(
    "content",
    [
        b"<html><body><p>The gate code is Heron.</p></body></html>",
        rb"{\rtf1\ansi The gate code is Heron.\par}",
        b'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n\n--b\nContent-Type: text/html\n\n'
        b"<p>The gate code is Heron.</p>\n--b--\n",
        b"The gate code is Heron.",
    ],
    ids=["page", "rich text", "mail", "text"],
)
def test_what_programs_export_as_a_word_document_is_read(tmp_path, content):
    assert texts(written(tmp_path / "a.doc", content)) == ["The gate code is Heron."]


def test_a_real_document_of_word_before_2007_has_no_reader_and_says_what_to_do(tmp_path):
    path = written(tmp_path / "a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert [file.kinds for file in readers.find([tmp_path])] == [()]
    with pytest.raises(UnreadableFile, match="save it as docx"):
        read(path)


def test_an_error_in_a_notebook_says_where_it_was(tmp_path):
    shown = ["\x1b[0;31mValueError\x1b[0m  Traceback", "----> 12 moor(ferry)", "\x1b[0;31mValueError\x1b[0m: no berth"]
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no berth", "traceback": shown}
    path = written(tmp_path / "a.ipynb", {"cells": [{"cell_type": "code", "source": "x", "outputs": [error]}]})
    assert texts(path) == ["x\nValueError  Traceback\n----> 12 moor(ferry)\nValueError: no berth"]


def test_a_note_that_a_book_shows_when_its_mark_is_pressed_is_read(tmp_path):
    note = '<aside epub:type="footnote" hidden="hidden"><p>Heron is a bird.</p></aside>'
    [passage] = read(written(tmp_path / "a.html", f"<html><body><p>See Heron<sup>1</sup></p>{note}</body></html>"))
    assert "Heron is a bird." in passage.text


def test_a_drawing_of_opendocument_is_read(tmp_path):
    body = "<office:drawing><draw:page><draw:custom-shape><text:p>Gate of Heron</text:p></draw:custom-shape></draw:page></office:drawing>"
    assert texts(opendocument(tmp_path / "a.odg", body)) == ["Gate of Heron"]


def test_a_log_that_was_put_aside_is_text(tmp_path):
    for name in ("a.log.1", "a.log.12", "a.log.2025-03-01"):
        assert texts(written(tmp_path / name, "disk full\n")) == ["disk full"]


def test_a_log_of_which_a_crash_left_a_part_unwritten_is_read_and_told(tmp_path):
    passage, problem = read(written(tmp_path / "a.log", b"disk full\n" + bytes(500) + b"\nup again\n"))
    assert passage.text.split() == ["disk", "full", "up", "again"]
    assert "NUL" in problem.reason


def test_a_markdown_table_that_leaves_its_names_empty_has_none_and_keeps_its_first_row(tmp_path):
    [table] = read(written(tmp_path / "a.md", "| | |\n|---|---|\n| Gate | Heron |\n| Quay | Stork |\n"))
    assert (table.header, table.rows) == (("column 1", "column 2"), (("Gate", "Heron"), ("Quay", "Stork")))
