"""Documents to passages, and everything that can be wrong with a file."""

import gzip
import io
import json
import os
from pathlib import Path

import pytest
from docx import Document
from pypdf import PdfReader, PdfWriter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from r1router.errors import InputError, UnreadableFile
from r1router.ingest import readers
from r1router.ingest.readers import _read, text
from r1router.ingest.records import Passage, Problem, Record, Table
from r1router.ingest.sources import SourceFile
from r1router.kb.manifest import Manifest, write


def read(path: Path, **options) -> list[Record | Problem]:
    [file] = readers.find([path])
    return list(readers.read(file, **options))


def reason(path: Path, **options) -> str:
    with pytest.raises(UnreadableFile) as raised:
        read(path, **options)
    assert raised.value.path == path.as_posix()
    return raised.value.reason


def sources(files: list[SourceFile]) -> list[str]:
    return [file.source for file in files]


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


# ── which files ────────────────────────────────────────────────────────────────────────────────


def test_a_folder_is_walked_in_order_and_hidden_things_are_left_out(tmp_path):
    docs = tmp_path / "docs"
    for name in ("b.txt", "a.md", "sub/c.txt", ".git/x.txt", ".hidden.txt", "~$a.docx", "sub/__pycache__/d.txt"):
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("words")
    assert sources(readers.find([docs])) == ["docs/a.md", "docs/b.txt", "docs/sub/c.txt"]


def test_a_file_keeps_the_name_it_was_given_by(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("words")
    monkeypatch.chdir(tmp_path)
    assert sources(readers.find(["docs/a.md"])) == ["docs/a.md"]
    assert sources(readers.find([Path("docs")])) == ["docs/a.md"]
    monkeypatch.chdir(tmp_path / "docs")
    assert sources(readers.find(["."])) == ["docs/a.md"]


def test_a_file_given_twice_is_found_once(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    assert len(readers.find([tmp_path, tmp_path / "a.txt", tmp_path])) == 1


def test_folders_of_the_same_name_are_told_apart(tmp_path, monkeypatch):
    for parent in ("x", "y"):
        (tmp_path / parent / "docs").mkdir(parents=True)
        (tmp_path / parent / "docs" / "a.txt").write_text("words")
    monkeypatch.chdir(tmp_path)
    assert sources(readers.find(["x/docs", "y/docs"])) == ["x/docs/a.txt", "y/docs/a.txt"]


def test_links_that_lead_in_circles_end(tmp_path):
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / "docs" / "sub" / "a.txt").write_text("words")
    os.symlink(tmp_path / "docs", tmp_path / "docs" / "sub" / "up")
    os.symlink(tmp_path / "nothing", tmp_path / "docs" / "gone.txt")
    assert sources(readers.find([tmp_path / "docs"])) == ["docs/sub/a.txt"]


def test_a_knowledge_base_is_not_indexed_into_another(tmp_path):
    (tmp_path / "kbs" / "text").mkdir(parents=True)
    write(tmp_path / "kbs" / "text", Manifest("text", "text", "minilm:"))
    (tmp_path / "kbs" / "text" / "notes.txt").write_text("words")
    (tmp_path / "a.txt").write_text("words")
    assert sources(readers.find([tmp_path])) == [f"{tmp_path.name}/a.txt"]


def test_a_path_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(InputError, match="nothing here does not exist"):
        readers.find([tmp_path / "nothing here"])


def test_a_file_of_an_unknown_kind_is_told_what_is_supported(tmp_path):
    (tmp_path / "a.xyz").write_text("words")
    [file] = readers.find([tmp_path])
    assert file.kinds == ()
    with pytest.raises(UnreadableFile, match=r"no reader for this kind of file; supported: .*\*\.csv.*\*\.pdf"):
        list(readers.read(file))


def test_a_text_cannot_be_read_as_a_picture(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("words")
    assert reason(path, as_="image") == "cannot be read as image; it holds text"


def test_what_a_file_holds_is_known_before_it_is_read(tmp_path):
    (tmp_path / "a.html").write_text("<p>Words")
    (tmp_path / "b.html").write_text(PAGE)
    (tmp_path / "c.docx").write_bytes(b"damaged")
    (tmp_path / "d.jsonl").write_text(lines({"text": "x"}, {"header": ["a"], "rows": [["1"]]}))
    (tmp_path / "e.jsonl").write_text(lines({"city": "Graz"}, {"city": "Linz", "image": "linz.png"}))
    (tmp_path / "f.xlsx").write_bytes(b"damaged")
    assert [file.kinds for file in readers.find([tmp_path])] == [
        ("text",),
        ("text", "table"),
        ("text",),
        ("text", "table"),
        ("table",),
        ("table",),
    ]
    assert [file.kinds for file in readers.find([tmp_path], as_="table")] == [("table",)] * 6


# ── plain text ─────────────────────────────────────────────────────────────────────────────────


def test_a_text_file_is_one_passage_titled_by_its_name(tmp_path):
    path = tmp_path / "river_notes-2.txt"
    path.write_text("The Danube.\n\nIt is long.\n")
    source = path.as_posix()
    assert read(path) == [Passage(source, source, "The Danube.\n\nIt is long.", "river notes 2")]


def test_a_long_text_is_cut_at_blank_lines_without_losing_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "PART", 1000)
    path = tmp_path / "long.txt"
    words = "\n\n".join(f"paragraph {i} " + "x" * 100 for i in range(50))
    path.write_text(words + "\n")
    parts = read(path)
    assert len(parts) > 3
    assert "\n\n".join(part.text for part in parts) == words
    assert [part.id for part in parts[:2]] == [path.as_posix(), f"{path.as_posix()}:part 2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "cp1252"])
def test_text_is_read_in_its_encoding(tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes("Die Straße führt nach Köln und weiter bis an das Meer".encode(encoding))
    assert read(path)[0].text == "Die Straße führt nach Köln und weiter bis an das Meer"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"abc\0\0\0\1def", "NUL bytes"),
        ("Привет, мир и люди".encode("koi8-r"), "UTF-8, UTF-16 and Windows-1252 were tried"),
        ("日本語の文章です".encode("shift-jis"), "UTF-8, UTF-16 and Windows-1252 were tried"),
    ],
)
def test_a_text_file_that_is_none_is_told_why(tmp_path, content, said):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert said in reason(path)


def test_a_few_wrong_bytes_do_not_turn_the_other_letters_into_others(tmp_path, caplog):
    path = tmp_path / "a.txt"
    path.write_bytes("Straße, Köln, Győr ".encode() + b"\xff")
    assert read(path)[0].text == "Straße, Köln, Győr \ufffd"
    assert "byte 0xff near position 22" in caplog.text


def test_a_compressed_text_is_read_and_a_cut_off_one_reported(tmp_path):
    path = tmp_path / "a.txt.gz"
    whole = gzip.compress(os.urandom(2000).hex().encode())
    path.write_bytes(whole)
    assert read(path)[0].title == "a"
    path.write_bytes(whole[:-200])
    assert "damaged or cut off" in reason(path)
    path.write_bytes(b"no gzip")
    assert "damaged or cut off" in reason(path)


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
    assert " ".join(second.text.split()) == "A country. After the table. laid out like this"


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
    texts = [r.text for r in read(path, as_="text")]
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
            from PIL import Image

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


# ── json lines, WikiExtractor ──────────────────────────────────────────────────────────────────


def test_rows_with_text_are_passages_under_their_own_ids(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(
        gzip.compress(
            lines(
                {"id": "w1", "title": "Danube", "text": "A river.", "section": "Course"},
                {"_id": 7, "contents": '"Rhine"\nAnother river.'},
                {"passage": "No id."},
                {"id": "w1", "text": "The id again."},
            ).encode()
        )
    )
    source = path.as_posix()
    assert read(path) == [
        Passage("w1", source, "A river.", "Danube", section="Course"),
        Passage("7", source, "Another river.", "Rhine"),
        Passage(f"{source}:line 3", source, "No id."),
        Passage("w1#2", source, "The id again."),
    ]
    assert readers.find([path])[0].kinds == ("text",)


def test_a_bad_line_is_reported_by_its_number_and_the_good_ones_are_kept(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        lines({"text": "one"}),
        "\n",
        '{"text": "two"\n',
        "[1, 2]\n",
        lines({"text": " "}, {"x": 1}, {"text": "six"}),
    ]
    path.write_text("".join(rows))
    found = read(path)
    assert [r.text for r in found if isinstance(r, Passage)] == ["one", "six"]
    problems = {r.where: r.reason for r in found if isinstance(r, Problem)}
    assert problems["line 3"].startswith("is not JSON")
    assert problems["line 4"] == "is JSON but not an object: [1, 2]"
    assert problems["line 5"] == "its text is empty"
    assert problems["line 6"] == "has none of the fields text, header and rows, or file"


def test_a_file_of_bad_lines_only_is_unreadable_and_says_the_first(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("nonsense\n" * 5)
    assert reason(path).startswith("line 1: is not JSON")
    assert reason(path).endswith("(and 4 more problems)")


def test_many_problems_of_one_file_are_counted_not_listed(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines({"text": "good"}) + "nonsense\n" * 100)
    problems = [r for r in read(path) if isinstance(r, Problem)]
    assert len(problems) == _read.MOST_PROBLEMS + 1
    assert problems[-1].reason == "and 80 more problems"


def test_text_that_no_index_could_store_is_mended(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "half a \\ud83d pair and a \\u0000 byte"}\n')
    read(path)[0].text.encode()
    assert "\0" not in read(path)[0].text


def test_wiki_extractor_blocks_are_articles(tmp_path):
    path = tmp_path / "AA" / "wiki_00"
    path.parent.mkdir()
    path.write_text(
        '<doc id="12" url="https://en.wikipedia.org/wiki?curid=12" title="Danube &amp; Rhine">\nDanube &amp; Rhine\n\n'
        'Two rivers.\n</doc>\n<doc id="13" url="" title="Empty">\nEmpty\n\n</doc>\n<doc id="14" title="Cut">\nHalf'
    )
    passage, problem = read(tmp_path)
    source = f"{tmp_path.name}/AA/wiki_00"
    assert passage == Passage("12", source, "Two rivers.", "Danube & Rhine")
    assert (problem.where, problem.reason) == ("line 10", "the <doc> is not closed: the file is cut off")


def test_wiki_extractor_json_is_articles_too(tmp_path):
    path = tmp_path / "wiki_01"
    path.write_text(
        lines({"id": "1", "url": "", "title": "A", "text": "Words."}, {"id": "2", "title": "B", "text": ""})
    )
    assert read(path) == [Passage("1", path.as_posix(), "Words.", "A")]
