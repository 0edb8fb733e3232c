"""What white space says in a document: how code is indented, what stands beside what, where a line cuts a word."""

from email.message import EmailMessage
from pathlib import Path

import docx
import pytest
from reportlab.pdfgen.canvas import Canvas

from r1router.ingest.records import Passage, Problem
from reading import read, written
from test_readers_opendocument import opendocument, told
from test_readers_reported import book

CODE = "def f(x):\n    if x:\n        return 1"


def words(path: Path) -> str:
    return "\n\n".join(item.text for item in read(path) if isinstance(item, Passage))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"<p>Say   it\nso:</p><pre>\n{CODE}\n</pre><p>Done.", f"Say it so:\n\n{CODE}\n\nDone."),
        (f"<pre><code>{CODE.replace('  if', '<b>  if</b>')}</code></pre>", CODE),
        (f"<pre>{CODE.replace(chr(10), '<br>')}</pre>", CODE),
        (f'<div style="color: red; white-space:pre-wrap">{CODE}</div>', CODE),
        ("<pre>\tx\n\ty</pre>", "\tx\n\ty"),
        ("<code>if x:<br>&nbsp;&nbsp;&nbsp; y</code>", "if x:\n    y"),
        ("<p>10&nbsp;km, &nbsp; or more<p>&nbsp;<p>", "10 km, or more"),
        ("<pre>Port    Ships\nOslo        7</pre>", "Port    Ships\nOslo        7"),
    ],
)
def test_a_page_keeps_the_indentation_of_what_is_preformatted(tmp_path, body, text):
    assert words(written(tmp_path / "a.html", f"<html><body>{body}")) == text


def test_a_book_keeps_the_indentation_of_code(tmp_path):
    page = f"<html><body><h1>On f</h1><pre>{CODE}</pre></body></html>"
    pages = {"1.xhtml": ("application/xhtml+xml", page)}
    assert words(book(tmp_path / "a.epub", pages, ["1.xhtml"])) == CODE


def test_documents_keep_the_indentation_of_lines(tmp_path):
    indented = '<text:s text:c="4"/>if x:', '<text:s text:c="8"/>return 1'
    lines = "".join(f"<text:p>{line}</text:p>" for line in ("\n def f(x):", *indented))
    assert words(opendocument(tmp_path / "a.odt", lines)) == CODE
    document = docx.Document()
    for line in CODE.splitlines():
        document.add_paragraph(line)
    document.save(tmp_path / "a.docx")
    assert words(tmp_path / "a.docx") == CODE
    rich = "\\par ".join(CODE.splitlines())
    assert words(written(tmp_path / "a.rtf", f"{{\\rtf1 {rich}}}")) == CODE


def test_a_mail_keeps_its_columns(tmp_path):
    mail = EmailMessage()
    mail["Subject"] = "Rates"
    mail.set_content("Port    Ships\nOslo        7\n    of these 2 old\n")
    assert words(written(tmp_path / "a.eml", bytes(mail))) == "Port    Ships\nOslo        7\n    of these 2 old"


PORTS = [("Port", "Ships", "Tons of fish"), ("Oslo", "7", "12000"), ("Bergen", "12", "950"), ("Molde", "3", "41")]
BLANKS = "\n".join(f"{port:<12}{ships:>5}  {tons:>12}" for port, ships, tons in PORTS)
BARS = "\n".join(f"| {port:<6} | {ships:>5} | {tons:>12} |" for port, ships, tons in PORTS)
TOWNS = "NAME    WHERE\n------  -----\nalpha   north\nbeta    south\ngamma     sea"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"Of 2024:\n{BLANKS}\nThat is all.", PORTS),
        (f"+---+\n{BARS}\n+---+", PORTS),
        (TOWNS, [("NAME", "WHERE"), ("alpha", "north"), ("beta", "south"), ("gamma", "sea")]),
        (" id | town\n----+------\n  1 | Oslo\n  2 | Molde\n", [("id", "town"), ("1", "Oslo"), ("2", "Molde")]),
        ("Words  in   two\nor  three   pieces\nthat   stand  in no\ncolumns   of  them", None),
        ("-x    do not do it\n-y    do it twice\n-z    do it", None),  # no names, no values
        ("Port    Ships\nOslo    7", None),  # too few lines
        ("key      value of 1\nlonger   2 and more\nlong value 3  4", None),  # words stand across
    ],
)
def test_columns_made_by_blanks_are_a_table_where_that_is_plain_and_stay_in_the_text(tmp_path, text, rows):
    passage, *tables = read(written(tmp_path / "a.txt", text))
    assert passage.text == text.strip("\n")
    assert [[table.header, *table.rows] for table in tables] == ([rows] if rows else [])


def test_columns_in_a_mail_are_a_table_with_what_is_known_of_the_mail(tmp_path):
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "Rates", "ann@example.org"
    mail.set_content(BLANKS)
    path = written(tmp_path / "a.eml", bytes(mail))
    _, table = read(path)
    assert [table.header, *table.rows] == PORTS
    assert table.title == "Rates"
    assert [type(item) for item in read(path, as_="text")] == [Passage]


def test_what_a_page_says_without_scripts_is_told_or_read_where_it_says_more(tmp_path):
    path = written(tmp_path / "a.html", "<p>Open all day, every day of the year.<noscript>Use scripts</noscript>")
    passage, problem = read(path)
    assert (passage.text, problem.where, problem.reason) == (
        "Open all day, every day of the year.", "its words for browsers without scripts", "left out",
    )  # fmt: skip
    path = written(tmp_path / "b.html", "<p>Harbour</p><noscript><p>Open all day, every day.</noscript>")
    assert [item.text for item in read(path)] == ["Harbour\n\nOpen all day, every day."]
    path = written(tmp_path / "c.html", "<p>Harbour</p><noscript><img src=count.gif></noscript>")
    assert [item.text for item in read(path)] == ["Harbour"]


def test_attachments_that_outlook_packed_are_told(tmp_path):
    mail = EmailMessage()
    mail.set_content("See the attached figures.")
    mail.add_attachment(b"\x78\x9f\x3e\x22", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    [problem] = (item for item in read(written(tmp_path / "a.eml", bytes(mail))) if isinstance(item, Problem))
    assert problem.where == "message 1"
    assert problem.reason.startswith("winmail.dat left out: Outlook packed the attachments into it (TNEF)")


@pytest.mark.parametrize(
    ("pages", "text"),
    [
        (["A well-\nknown quay."], "A well-known quay."),  # two words of English, which are none together
        (["The main-\ntenance of it."], "The maintenance of it."),  # a word of English
        (["Ein Wasser-\nwerk steht dort."], "Ein Wasserwerk steht dort."),  # nobody knows: cut
        (["Am nord-\nost Kai.", "Der nord-ost Kai."], "Am nord-ost Kai."),  # seen with its hyphen, on a later page
        (["Ein rosa-\nrot Boot.", "Rosarot ist es."], "Ein rosarot Boot."),  # seen as one word
        (["Das grau-\nblau Boot.", "Es ist grau, oder blau."], "Das grau-blau Boot."),  # each seen alone
    ],
)
def test_a_hyphen_at_the_end_of_a_line_of_a_pdf_stays_where_it_is_the_word_s_own(tmp_path, pages, text):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    for page in pages:
        for number, line in enumerate(page.split("\n")):
            canvas.drawString(72, 700 - 16 * number, line)
        canvas.showPage()
    canvas.save()
    assert read(tmp_path / "a.pdf")[0].text == text


def shape(words: str, x: float, y: float, **more: str) -> str:
    settings = " ".join(f'{name}="{value}"' for name, value in more.items())
    place = f'svg:x="{x}cm" svg:y="{y}cm" svg:width="5cm" svg:height="2cm"'
    return f"<draw:frame {place} {settings}><draw:text-box><text:p>{words}</text:p></draw:text-box></draw:frame>"


def test_boxes_of_a_slide_are_read_as_they_stand(tmp_path):
    columns = [
        shape(f"{name} {n}", 9 * place, 4 + 3 * n) for place, name in enumerate(("left", "right")) for n in (1, 2, 3)
    ]
    mixed = [columns[n] for n in (4, 2, 0, 5, 1, 3)]
    group = f"<draw:g>{shape('below, right', 9, 25)}{shape('below, left', 0, 25)}</draw:g>"
    turned = '<draw:frame svg:width="5cm" svg:height="2cm" draw:transform="rotate(0.1) translate(0cm 20cm)">'
    turned += "<draw:text-box><text:p>turned</text:p></draw:text-box></draw:frame>"
    notes = f"<presentation:notes>{shape('said', 0, 0)}</presentation:notes>"
    title = '<draw:frame presentation:class="title" svg:x="0cm" svg:y="1cm" svg:width="20cm" svg:height="2cm">'
    title += "<draw:text-box><text:p>Ports</text:p></draw:text-box></draw:frame>"
    path = opendocument(tmp_path / "a.odp", f"<draw:page>{notes}{group}{turned}{''.join(mixed)}{title}</draw:page>")
    assert told(path) == []
    assert words(path).splitlines() == [
        *("Ports", "left 1", "left 2", "left 3", "right 1", "right 2", "right 3"),
        *("turned", "below, left", "below, right", "Notes: said"),
    ]
