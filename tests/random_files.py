"""Makes files of random structure whose every word stands there once, because a reader loses what nobody thought of.

Each kind has rules: what a page, a block, a cell may look like, with places in « » for other rules and for words. One
seed gives one file; `Pen.written` knows each word of it, and what is told of one that people see and nobody indexes.
"""

# ruff: noqa: E501  (lines of markup)
from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from random import Random
from typing import NamedTuple

import openpyxl
from openpyxl.comments import Comment

Rules = Mapping[str, "Sequence[str] | Callable[[Pen], str]"]
DEEPEST = 5
"""Rules inside each other; then the first way to write each is taken."""
_PLACE = re.compile(r"«(\w+)(\*?)(?::([^»]*))?»")
_SYLLABLES = [a + b for a in "bdfghklmnprstvz" for b in "aeiou"]


class Pen:
    """Writes by rules, in words and numbers that it never repeats."""

    def __init__(self, seed: int, rules: Rules) -> None:
        self.random = Random(seed)
        self.rules = dict(rules)
        self.written: dict[str, str] = {}
        """What is told in place of each word where it is not indexed: empty where it must be."""
        self.depth = 0

    def write(self, template: str) -> str:
        return _PLACE.sub(lambda place: self.fill(*place.groups()), template)

    def fill(self, name: str, again: str | None = None, told: str | None = None) -> str:
        """What a place holds: «block» a block, «block*» one to three, «words:told so» words that are left out and told."""
        return "".join(self._fill(name, told or "") for _ in range(self.random.randint(1, 3) if again else 1))

    def _fill(self, name: str, told: str) -> str:
        if name == "words":
            return " ".join(self._find_new(told) for _ in range(self.random.randint(1, 4)))
        if name in ("word", "number"):
            return self._find_new(told, is_number=name == "number")
        rule = self.rules[name]
        self.depth += 1
        if callable(rule):
            said = rule(self)
        else:
            said = self.write(rule[0] if self.depth > DEEPEST else self.random.choice(rule))
        self.depth -= 1
        return said

    def _find_new(self, told: str, *, is_number: bool = False) -> str:
        while True:
            syllables = "".join(self.random.choices(_SYLLABLES, k=3))
            word = (
                str(self.random.randint(10_000, 99_999))
                if is_number
                else self.random.choice((syllables, syllables.capitalize()))
            )
            if word.lower() not in self.written:
                self.written[word.lower()] = told
                return word


class Cell(NamedTuple):
    text: str
    wide: int = 1
    high: int = 1
    is_head: bool = False


def lay_out(pen: Pen, *, merged: bool = True) -> list[list[Cell | None]]:
    """Rows of cells, filled by the rules "cell" and "value"; None where one from above or the left goes on."""
    random = pen.random
    height, width, heads = random.randint(1, 5), random.randint(1, 4), random.choice((0, 0, 1, 1, 1, 2))
    kinds = [random.choice(("value", "cell", "cell")) for _ in range(width)]
    taken: set[tuple[int, int]] = set()
    rows: list[list[Cell | None]] = []
    for row in range(height):
        cells: list[Cell | None] = []
        for column in range(width):
            if (row, column) in taken:
                cells.append(None)
                continue
            wide, high = (random.choice((1, 1, 1, 1, 2, 3)) if merged else 1 for _ in range(2))
            while wide > 1 and (column + wide > width or any((row, column + n) in taken for n in range(wide))):
                wide -= 1
            high = min(high, height - row)
            taken.update((row + a, column + b) for a in range(high) for b in range(wide))
            is_head = row < heads
            is_empty = bool(row or column) and random.random() < 0.1
            text = "" if is_empty else pen.fill("cell" if is_head else kinds[column])
            cells.append(Cell(text, wide, high, is_head))
        rows.append(cells)
    return rows


def write_file(pen: Pen) -> str:
    return pen.fill("file")


def pack(parts: Mapping[str, str | bytes]) -> bytes:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


# ── pages ──────────────────────────────────────────────────────────────────────────────────────


def write_html_table(pen: Pen) -> str:
    def write_cell(cell: Cell) -> str:
        tag = "th" if cell.is_head else "td"
        return f'<{tag} colspan="{cell.wide}" rowspan="{cell.high}">{cell.text}</{tag}>'

    rows = ["".join(write_cell(cell) for cell in row if cell) for row in lay_out(pen)]
    caption = pen.write(pen.random.choice(("", "<caption>«inline»</caption>")))
    return f"<table>{caption}{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


HTML: Rules = {
    "file": ["<!doctype html><html><head><title>«words»</title></head><body>«block*»«block*»«block*»<p>«words»</p></body></html>"],
    "inline": [
        "«words» ", "<b>«words»</b> ", "<a href='x'>«words»</a> ", "<img src='x' alt='«words»'/>", "<i>«inline»</i> ",
        "<span>«inline*»</span> ", "<input value='«words»'/> ", "<label>«words» <input value='«words»'/></label> ",
        "<code>«words»</code> ", "<del>«words»</del> ", "<textarea>«words»</textarea> ", "<output>«words»</output> ",
        "<select><option selected='selected'>«words»</option><option>«words:choices»</option></select> ",
        "<button>«words:buttons»</button> ", "<input type='submit' value='«words:buttons»'/> ", "<input placeholder='«words:hints»'/> ",
        "<ruby>«word»<rt>«word:readings»</rt></ruby> ", "<q>«words»</q> ", "<abbr title='x'>«word»</abbr> ",
        "<math><mi>«word»</mi></math> ", "<svg><text>«words»</text></svg> ", "<span hidden='hidden'>«words:hidden»</span> ",
        "<sup>«words»</sup> ", "<object data='x'>«words:in place of objects»</object> ", "<input type='image' src='x' alt='«words»'/> ",
    ],
    "block": [
        "<p>«inline*»</p>", "<h1>«inline»</h1>", "<h2>«inline»</h2>", "<h3>«inline*»</h3>", "<ul>«item*»</ul>", "<ol>«item*»</ol>",
        "<dl><dt>«inline»</dt><dd>«inline»«block»</dd></dl>", "<blockquote>«block»</blockquote>", "<pre>«words»\n  «words»</pre>",
        "<figure><img src='x' alt='«words»'/><figcaption>«inline»</figcaption></figure>", "«table»", "«table»",
        "<details><summary>«inline»</summary>«block*»</details>", "<div>«inline»«block»«words»</div>", "«inline»",
        "<table role='presentation'><tr><td>«block»</td><td>«block»</td></tr></table>", "<table><tr><td>«block»</td></tr></table>",
        "<fieldset><legend>«words»</legend>«block»</fieldset>", "<aside>«block»</aside>", "<nav>«words:menus»</nav>",
        "<header>«block»</header>", "<footer>«block»</footer>", "<noscript>«words:without scripts»</noscript>",
        "<div style='display:none'>«words:hidden»</div>", "<dialog open='open'>«words»</dialog>",
        "<iframe srcdoc='&lt;p&gt;«words»&lt;/p&gt;'></iframe>", "<form>«block»</form>", "<address>«words»</address>",
        "<menu>«item»</menu>", "<section><h2>«inline»</h2>«block»</section>", "<main>«block»</main>", "<center>«block»</center>",
    ],
    "item": ["<li>«inline*»</li>", "<li>«inline»<ul>«item*»</ul></li>", "<li>«block»</li>"],
    "cell": ["«words»", "«words»", "«inline»", "<p>«words»</p><p>«words»</p>", "«table»"],
    "value": ["«number»"],
    "table": write_html_table,
}  # fmt: skip


def make_epub(pen: Pen) -> bytes:
    chapters = {f"{n}.xhtml": pen.fill("file") for n in range(pen.random.randint(1, 3))}
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    title = pen.write('<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">«words»</dc:title>')
    opened = '<html xmlns="http://www.w3.org/1999/xhtml">'
    return pack(
        {
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="o.opf"/></rootfiles></container>',
            "o.opf": f'<package xmlns="http://www.idpf.org/2007/opf"><metadata>{title}</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>',
            **{name: page.replace("<html>", opened) for name, page in chapters.items()},
        }
    )


def make_mail(pen: Pen) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = pen.write("«word» <a@x.example>"), pen.write("«word» <b@x.example>")
    message["Subject"] = pen.fill("words")
    shape = pen.random.choice(("plain", "page", "both"))
    plain = "" if shape == "page" else pen.write("«words»\n\n«words»\n> «words»\n\n-- \n«words»\n")
    if shape == "page":
        message.set_content(pen.write("<html><body>«block*»</body></html>"), subtype="html")
    else:
        message.set_content(plain)
    if shape == "both":
        shown = "".join(f"<p>{line}</p>" for line in plain.splitlines() if line)
        message.add_alternative(f"<html><body>{shown}{pen.fill('block')}</body></html>", subtype="html")
    for number in range(pen.random.randint(0, 2)):
        kind = pen.random.choice(("txt", "html", "mail"))
        if kind == "mail":
            inner = EmailMessage()
            inner["Subject"] = pen.fill("words")
            inner.set_content(pen.fill("words"))
            message.add_attachment(inner)
        else:
            name = pen.write(f"«word» {number}.{kind}")
            message.add_attachment(
                pen.fill("words" if kind == "txt" else "file"), subtype={"txt": "plain"}.get(kind, kind), filename=name
            )
    return bytes(message)


# ── marked-up text ─────────────────────────────────────────────────────────────────────────────


def write_pipes(pen: Pen) -> str:
    rows = [[cell.text if cell else "" for cell in row] for row in lay_out(pen, merged=False)]
    rows.insert(1, ["---"] * len(rows[0]))
    for row in rows[2:]:
        if pen.random.random() < 0.1:
            row.append(pen.fill("cell"))
        elif pen.random.random() < 0.1 and not row[-1]:
            row.pop()
    edge = pen.random.choice(("|", "")) if len(rows[0]) > 1 else "|"
    return "".join(f"{edge} {' | '.join(row)} {edge}".strip() + "\n" for row in rows) + "\n"


MARKDOWN: Rules = {
    "file": ["«front»«block*»«block*»«block*»«block*»"],
    "front": ["", "", "---\ntitle: «words»\n---\n\n"],
    "inline": [
        "«words» ", "**«words»** ", "*«words»* ", "`«words»` ", "[«words»](x.html) ", "![«words»](x.png) ", "~~«words»~~ ",
        "<kbd>«words»</kbd> ", "[![«words»](x.png)](y.html) ", "<img src='x' alt='«words»'> ", "[«words»](x.html 'x') ",
        "[«words»][x] ", "<span title='x'>«words»</span> ", "$«word»^2$ ", "«words»<br>«words» ", "[^n]: «words» ", "<«word»> ",
    ],
    "block": [
        "«inline*»\n\n", "# «inline»\n\n", "## «inline»\n\n", "### «inline*» ###\n\n", "«words»\n====\n\n", "«words»\n---\n\n",
        "- «inline»\n- «inline»\n  - «inline»\n\n", "1. «inline»\n2. «inline»\n\n", "> «inline»\n> «inline»\n\n", "- [ ] «words»\n- [x] «words»\n\n",
        "```py\n# «words»\n«words»\n```\n\n", "    «words»\n    «words»\n\n", "«table»", "«table»", "«words»:\n\n«table»",
        "<details>\n<summary>«words»</summary>\n\n«block»</details>\n\n", "<table>\n<tr><th>«words»</th><th>«words»</th></tr>\n<tr><td>«words»</td><td>«words»</td></tr>\n</table>\n\n",
        "<p align='center'>«words»</p>\n\n", "«words»\n: «words»\n\n", "- «words»\n\n  «words»\n\n", "> | «word» | «word» |\n> |---|---|\n> | «word» | «word» |\n\n",
        "- «words»\n\n  | «word» | «word» |\n  |---|---|\n  | «word» | «word» |\n\n", "<div>«words»\n\n«block»</div>\n\n", "***\n\n", "<table><tr><td>«words»</td></tr></table>\n\n",
        "~~~\n| «words» |\n|---|\n~~~\n\n", "#«words»\n\n", "\\# «words»\n\n", "!!! note «words»\n    «words»\n\n", "::: «word»\n«words»\n:::\n\n",
        "<dl><dt>«words»</dt><dd>«words»</dd></dl>\n\n", "[x]: x.html\n\n", "   «words»\n\t«words»\n\n",
    ],
    "cell": ["«words»", "«words»", "**«words»**", "`«words»`", "«words» \\| «words»", "[«words»](x)", "![«words»](x.png)", "«words»<br>«words»"],
    "value": ["«number»"],
    "table": write_pipes,
}  # fmt: skip


def write_rst_table(pen: Pen) -> str:
    rows = [[cell.text if cell else "" for cell in row] for row in lay_out(pen, merged=False)]
    match pen.random.choice(("list", "csv", "grid", "grid")):
        case "list":
            items = "".join(
                f"   * - {first}\n" + "".join(f"     - {text}\n" for text in others) for first, *others in rows
            )
            return pen.write(f".. list-table:: «words»\n   :header-rows: {min(1, len(rows) - 1)}\n\n{items}\n")
        case "csv":
            lines = ("   " + ",".join(f'"{text}"' for text in row) + "\n" for row in rows)
            return pen.write(f".. csv-table:: «words»\n\n{''.join(lines)}\n")
    width, columns = max(len(text) for row in rows for text in row) + 2, len(rows[0])
    rule = "+" + ("-" * width + "+") * columns + "\n"
    lines = [rule + "|" + "".join(f" {text.ljust(width - 1)}|" for text in row) + "\n" for row in rows]
    if pen.random.random() < 0.5:  # a cell over the whole width
        lines.append(rule + "|" + pen.write(" «word»").ljust((width + 1) * columns - 1) + "|\n")
    return f"{''.join(lines)}{rule}\n"


RST: Rules = {
    "file": ["«title»«block*»«block*»«block*»«section*»"],
    "title": ["", "======================================\n«word»\n======================================\n\n"],
    "section": ["«word»\n------------\n\n«block*»", "«word» «word»\n---------------------\n\n«word»\n~~~~~~~~~~~~\n\n«block»"],
    "inline": ["«words» ", "*«words»* ", "**«words»** ", "``«words»`` ", "`«words» <x.html>`_ ", "`«words»` ", ":ref:`«words» <x>` ", ":kbd:`«word»` ", ":sub:`«word»` ", "[#]_ "],
    "block": [
        "«inline*»\n\n", "- «inline»\n- «inline»\n\n  - «inline»\n\n", "1. «inline»\n2. «inline»\n\n", "«word»\n   «inline»\n\n", ":«word»: «inline»\n\n",
        "«words»::\n\n   «words»\n\n", ".. note:: «inline»\n\n", ".. warning::\n\n   «inline»\n\n   «inline»\n\n", ".. image:: x.png\n   :alt: «words»\n\n",
        ".. figure:: x.png\n   :alt: «words»\n\n   «inline»\n\n   «inline»\n\n", ".. code-block:: py\n   :caption: «words»\n\n   «words»\n\n", "   «inline»\n\n   -- «words»\n\n",
        "| «words»\n| «words»\n\n", ".. [#] «inline»\n\n", ".. [«word»] «inline»\n\n", "«table»", "«table»", ".. topic:: «words»\n\n   «inline»\n\n", ".. sidebar:: «words»\n\n   «inline»\n\n",
        ".. math:: «word»\n\n", ".. unheard:: «words»\n\n   «words»\n\n", ".. versionadded:: 1\n   «words»\n\n", "-a  «words»\n-b  «words»\n\n", ".. rubric:: «words»\n\n", ".. epigraph::\n\n   «words»\n\n",
        "«substitution»", ".. admonition:: «words»\n\n   «words»\n\n", ".. toctree::\n   :caption: «words»\n\n   «word»\n\n", ".. raw:: html\n\n   <b>«words»</b>\n\n", ".. parsed-literal::\n\n   «words»\n\n",
        "=========  =========\n«word»     «word»\n=========  =========\n«word»     «word»\n«word»     «word»\n=========  =========\n\n", ">>> «words»\n\n", ".. contents:: «words»\n\n", ".. container:: x\n\n   «inline»\n\n", ".. py:function:: «word»(«word»)\n\n   «words»\n\n",
    ],
    "substitution": lambda pen: pen.write(f".. |{len(pen.written)}| replace:: «words»\n\nx |{len(pen.written)}|\n\n"),
    "cell": ["«words»", "«word»", "*«words»*", "``«words»``"],
    "value": ["«number»"],
    "table": write_rst_table,
}  # fmt: skip


WIKI: Rules = {
    "file": ["«article»«article*»"],
    "article": ['<doc id="1" url="u" title="«words»">\n«words»\n\n«words»\n«words»\n\n</doc>\n'],
}


# ── word processors and slides ─────────────────────────────────────────────────────────────────

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WP = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
_MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_WPS = "http://schemas.microsoft.com/office/word/2010/wordprocessingShape"
_OPEN = f'xmlns:w="{_W}" xmlns:a="{_A}" xmlns:p="{_P}" xmlns:r="{_R}" xmlns:wp="{_WP}" xmlns:mc="{_MC}" xmlns:wps="{_WPS}" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'


def relate(*items: tuple[str, str]) -> str:
    """Relations of these (kind, target), their ids r0, r1, …"""
    listed = "".join(
        f'<Relationship Id="r{n}" Type="{_R}/{kind}" Target="{to}"/>' for n, (kind, to) in enumerate(items)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{listed}</Relationships>'
    )


def write_word_table(pen: Pen) -> str:
    lines = []
    below: dict[int, Cell] = {}
    """By column, the cell above that goes on there."""
    for row in lay_out(pen):
        cells, column = [], 0
        while column < len(row):
            cell = row[column] or below[column]._replace(text="")
            below[column] = cell
            merge = "" if cell.high < 2 else f"<w:vMerge w:val='{'restart' if row[column] else 'continue'}'/>"
            cells.append(
                f"<w:tc><w:tcPr><w:gridSpan w:val='{cell.wide}'/>{merge}</w:tcPr>{cell.text or '<w:p/>'}</w:tc>"
            )
            column += cell.wide
        head = "<w:trPr><w:tblHeader/></w:trPr>" if any(cell and cell.is_head for cell in row) else ""
        lines.append(f"<w:tr>{head}{''.join(cells)}</w:tr>")
    return f"<w:tbl>{''.join(lines)}</w:tbl><w:p/>"


DOCX: Rules = {
    "inline": [
        "<w:r><w:t>«words» </w:t></w:r>", "<w:r><w:rPr><w:b/></w:rPr><w:t>«words» </w:t></w:r>", "<w:hyperlink>«inline»</w:hyperlink>", "<w:ins>«inline»</w:ins>", "<w:moveTo>«inline»</w:moveTo>",
        "<w:sdt><w:sdtContent>«inline»</w:sdtContent></w:sdt>", "<w:smartTag>«inline»</w:smartTag>", "<w:fldSimple w:instr='X'>«inline»</w:fldSimple>",
        "<w:del><w:r><w:delText>«words:deleted»</w:delText></w:r></w:del>", "<w:r><w:rPr><w:vanish/></w:rPr><w:t>«words:hidden»</w:t></w:r>", "<w:r><w:tab/><w:t>«words»</w:t><w:br/></w:r>",
        "<w:r><w:pict><v:shape><v:textbox><w:txbxContent>«block»</w:txbxContent></v:textbox></v:shape></w:pict></w:r>",
        "<w:r><mc:AlternateContent><mc:Choice><w:drawing><wp:inline><wp:docPr id='1' name='x' descr='«words»'/><a:graphic><a:graphicData><wps:wsp><wps:txbx><w:txbxContent>«block»</w:txbxContent></wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict/></mc:Fallback></mc:AlternateContent></w:r>",
        "<w:r><w:drawing><wp:inline><wp:docPr id='1' name='x' descr='«words»'/></wp:inline></w:drawing></w:r>", "<w:r><w:ruby><w:rt><w:r><w:t>«word»</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>«word»</w:t></w:r></w:rubyBase></w:ruby><w:t> </w:t></w:r>",
        "<w:r><w:pict><v:shape><v:textpath string='«words»'/></v:shape></w:pict></w:r>", "<m:oMath><m:r><m:t>«word» </m:t></m:r></m:oMath>", "<w:r><w:footnoteReference w:id='«footnote»'/></w:r>", "<w:r><w:endnoteReference w:id='«endnote»'/></w:r>", "<w:r><w:commentReference w:id='«comment»'/></w:r>",
        "<w:r><w:pict><v:shape alt='«words»'><v:imagedata/></v:shape></w:pict></w:r>", "<w:r><w:rPr><w:caps/></w:rPr><w:t>«words» </w:t></w:r>", "<w:dir>«inline»</w:dir>", "<w:customXml>«inline»</w:customXml>",
    ],
    "block": [
        "<w:p>«inline*»</w:p>", "<w:p><w:pPr><w:pStyle w:val='Heading1'/></w:pPr>«inline»</w:p>", "<w:p><w:pPr><w:pStyle w:val='Heading2'/></w:pPr>«inline*»</w:p>", "<w:p><w:pPr><w:pStyle w:val='Title'/></w:pPr>«inline»</w:p>",
        "<w:p><w:pPr><w:pStyle w:val='Caption'/></w:pPr>«inline»</w:p>", "<w:p><w:pPr><w:numPr><w:ilvl w:val='0'/><w:numId w:val='1'/></w:numPr></w:pPr>«inline»</w:p>", "«table»", "«table»", "<w:sdt><w:sdtContent>«block*»</w:sdtContent></w:sdt>",
        "<w:p><w:pPr><w:outlineLvl w:val='1'/></w:pPr>«inline»</w:p>", "<w:customXml>«block»</w:customXml>", "<m:oMathPara><m:oMath><m:r><m:t>«word»</m:t></m:r></m:oMath></m:oMathPara>", "<w:ins>«block»</w:ins>", "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>«inline»</w:p>",
    ],
    "cell": ["<w:p><w:r><w:t>«words»</w:t></w:r></w:p>", "<w:p>«inline»</w:p>", "<w:p>«inline»</w:p><w:p>«inline»</w:p>", "«table»", "<w:p><w:pPr><w:pStyle w:val='Heading2'/></w:pPr>«inline»</w:p>", "<w:sdt><w:sdtContent><w:p>«inline»</w:p></w:sdtContent></w:sdt>"],
    "value": ["<w:p><w:r><w:t>«number»</w:t></w:r></w:p>"],
    "table": write_word_table,
}  # fmt: skip


_STYLES = {"Heading1": "heading 1", "Heading2": "heading 2", "Title": "title", "Caption": "caption"}


def make_docx(pen: Pen) -> bytes:
    notes: dict[str, list[str]] = {"footnote": [], "endnote": [], "comment": []}

    def refer_to(kind: str) -> str:
        said = pen.write("<w:p><w:r><w:t>«words»</w:t></w:r></w:p><w:p><w:r><w:t>«words»</w:t></w:r></w:p>")
        notes[kind].append(f"<w:{kind} w:id='{len(notes[kind])}'>{said}</w:{kind}>")
        return str(len(notes[kind]) - 1)

    pen.rules |= {kind: lambda _, kind=kind: refer_to(kind) for kind in notes}
    body = pen.write("«block*»«block*»«block*»«block*»")
    styles = "".join(f"<w:style w:styleId='{id}'><w:name w:val='{name}'/></w:style>" for id, name in _STYLES.items())
    numbers = "<w:lvl w:ilvl='0'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl>"
    return pack(
        {
            "_rels/.rels": relate(("officeDocument", "word/document.xml")),
            "word/document.xml": f"<w:document {_OPEN}><w:body>{body}</w:body></w:document>",
            "word/header1.xml": f"<w:hdr {_OPEN}>{pen.fill('block')}</w:hdr>",
            "word/footer1.xml": f"<w:ftr {_OPEN}>{pen.fill('block')}</w:ftr>",
            "word/styles.xml": f"<w:styles {_OPEN}>{styles}</w:styles>",
            "word/numbering.xml": f"<w:numbering {_OPEN}><w:abstractNum w:abstractNumId='0'>{numbers}</w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num></w:numbering>",
            **{f"word/{kind}s.xml": f"<w:{kind}s {_OPEN}>{''.join(held)}</w:{kind}s>" for kind, held in notes.items()},
        }
    )


def write_slide_table(pen: Pen) -> str:
    def write_cell(cell: Cell | None) -> str:
        spans = f'gridSpan="{cell.wide}" rowSpan="{cell.high}"' if cell else 'hMerge="1"'
        return f"<a:tc {spans}><a:txBody>{(cell.text if cell else '') or '<a:p/>'}</a:txBody></a:tc>"

    rows = "".join(f"<a:tr>{''.join(map(write_cell, row))}</a:tr>" for row in lay_out(pen))
    return (
        f"<p:graphicFrame><a:graphic><a:graphicData><a:tbl>{rows}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )


PPTX: Rules = {
    "inline": ["<a:r><a:t>«words» </a:t></a:r>", "<a:r><a:t>«words»</a:t></a:r><a:br/><a:r><a:t>«words» </a:t></a:r>", "<a:fld type='x'><a:t>«words» </a:t></a:fld>", "<mc:AlternateContent><mc:Choice><a:r><a:t>«words» </a:t></a:r></mc:Choice><mc:Fallback/></mc:AlternateContent>"],
    "line": ["<a:p>«inline*»</a:p>", "<a:p><a:pPr><a:buAutoNum type='arabicPeriod'/></a:pPr>«inline»</a:p>", "<a:p><a:pPr lvl='1'/>«inline»</a:p>"],
    "place": ["", "<p:spPr><a:xfrm><a:off x='«length»' y='«length»'/><a:ext cx='«length»' cy='«length»'/></a:xfrm></p:spPr>"],
    "length": ["900000", "100000", "2000000", "5000000"],
    "block": [
        "<p:sp>«place»<p:txBody>«line*»</p:txBody></p:sp>", "<p:sp><p:nvSpPr><p:nvPr><p:ph type='title'/></p:nvPr></p:nvSpPr><p:txBody>«line»</p:txBody></p:sp>", "<p:sp><p:nvSpPr><p:nvPr><p:ph type='body' idx='1'/></p:nvPr></p:nvSpPr><p:txBody>«line*»</p:txBody></p:sp>",
        "<p:pic><p:nvPicPr><p:cNvPr id='1' name='x' descr='«words»'/></p:nvPicPr></p:pic>", "<p:grpSp>«block*»</p:grpSp>", "«table»", "<p:cxnSp/>", "<mc:AlternateContent><mc:Choice>«block»</mc:Choice><mc:Fallback><p:sp/></mc:Fallback></mc:AlternateContent>",
        "<p:sp><p:nvSpPr><p:nvPr><p:ph type='ftr'/></p:nvPr></p:nvSpPr><p:txBody>«line»</p:txBody></p:sp>", "<p:sp><p:nvSpPr><p:cNvPr id='2' name='y' descr='«words»'/></p:nvSpPr></p:sp>",
    ],
    "cell": ["<a:p>«inline»</a:p>", "<a:p>«inline»</a:p><a:p>«inline»</a:p>"],
    "value": ["<a:p><a:r><a:t>«number»</a:t></a:r></a:p>"],
    "table": write_slide_table,
}  # fmt: skip


def make_pptx(pen: Pen) -> bytes:
    def slide(tag: str, content: str, shown: str = "") -> str:
        return f"<p:{tag} {_OPEN}{shown}><p:cSld><p:spTree>{content}</p:spTree></p:cSld></p:{tag}>"

    parts: dict[str, str | bytes] = {}
    slides = pen.random.randint(1, 3)
    for n in range(slides):
        parts[f"ppt/slides/slide{n}.xml"] = slide("sld", pen.fill("block", "*"))
        parts[f"ppt/slides/_rels/slide{n}.xml.rels"] = relate(
            ("slideLayout", "../slideLayouts/l.xml"),
            ("notesSlide", f"../notesSlides/n{n}.xml"),
            ("comments", f"../comments/c{n}.xml"),
        )
        parts[f"ppt/notesSlides/n{n}.xml"] = slide("notes", pen.write("<p:sp><p:txBody>«line*»</p:txBody></p:sp>"))
        parts[f"ppt/comments/c{n}.xml"] = (
            f"<p:cmLst {_OPEN}><p:cm><p:text>{pen.fill('words')}</p:text></p:cm></p:cmLst>"
        )
    listed = "".join(f'<p:sldId id="{n + 256}" r:id="r{n}"/>' for n in range(slides))
    return pack(
        {
            "_rels/.rels": relate(("officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": f"<p:presentation {_OPEN}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": relate(*(("slide", f"slides/slide{n}.xml") for n in range(slides))),
            "ppt/slideLayouts/l.xml": slide("sldLayout", pen.write("<p:sp><p:txBody>«line»</p:txBody></p:sp>")),
            **parts,
        }
    )


_ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for name, long in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("style", "style"), ("presentation", "presentation"), ("svg", "svg-compatible"), ("form", "form"))
) + ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:math="http://www.w3.org/1998/Math/MathML"'  # fmt: skip


def write_open_table(pen: Pen) -> str:
    """As LibreOffice writes it, with a covered cell for each that a merged one hides, or as others do, without."""
    covered = pen.random.choice(("<table:covered-table-cell/>", ""))

    def write_cell(cell: Cell | None) -> str:
        spans = f" table:number-columns-spanned='{cell.wide}' table:number-rows-spanned='{cell.high}'" if cell else ""
        return f"<table:table-cell{spans}>{cell.text}</table:table-cell>" if cell else covered

    first, *rows = (f"<table:table-row>{''.join(map(write_cell, row))}</table:table-row>" for row in lay_out(pen))
    head = pen.random.choice((first, f"<table:table-header-rows>{first}</table:table-header-rows>"))
    return f"<table:table{pen.fill('name')}>{head}{''.join(rows)}</table:table>"


ODT: Rules = {
    "inline": [
        "«words» ", "<text:span>«inline»</text:span> ", "<text:a xlink:href='x'>«inline»</text:a> ", "<text:note><text:note-citation>1</text:note-citation><text:note-body>«block»</text:note-body></text:note>", "«words»<text:tab/><text:s text:c='3'/>«words»<text:line-break/>",
        "<office:annotation><dc:creator>«word»</dc:creator><text:p>«words»</text:p></office:annotation> ", "<draw:frame><draw:text-box>«block*»</draw:text-box></draw:frame>", "<text:span text:style-name='gone'>«words:hidden»</text:span> ",
        "<draw:frame><draw:image xlink:href='x'/><svg:title>«words»</svg:title></draw:frame>", "<draw:frame><draw:image xlink:href='x'/><svg:desc>«words»</svg:desc></draw:frame>", "<text:ruby><text:ruby-base>«word»</text:ruby-base><text:ruby-text>«word»</text:ruby-text></text:ruby> ",
        "<text:bookmark-start/>«words»<text:bookmark-end/> ", "<text:meta>«words»</text:meta> ", "<text:date>«words»</text:date> ", "<draw:custom-shape><text:p>«words»</text:p></draw:custom-shape>", "<text:conditional-text>«words»</text:conditional-text> ", "<draw:rect><text:p>«words»</text:p></draw:rect>", "<draw:frame><draw:object xlink:href='./Object «formula»'/></draw:frame>",
    ],
    "block": [
        "<text:p>«inline*»</text:p>", "<text:h text:outline-level='1'>«inline»</text:h>", "<text:h text:outline-level='2'>«inline*»</text:h>", "<text:list text:style-name='L'>«item*»</text:list>", "<text:list><text:list-header><text:p>«words»</text:p></text:list-header>«item»</text:list>", "«table»", "«table»",
        "<text:section text:name='x'>«block»</text:section>", "<text:section text:display='none'><text:p>«words:hidden»</text:p></text:section>", "<text:table-of-content><text:index-body><text:index-title><text:p>«words»</text:p></text:index-title><text:p>«words»</text:p></text:index-body></text:table-of-content>",
        "<draw:frame><draw:text-box>«block»</draw:text-box></draw:frame>", "<text:numbered-paragraph><text:p>«words»</text:p></text:numbered-paragraph>", "<text:p><text:span><draw:frame><draw:text-box>«block»</draw:text-box></draw:frame></text:span></text:p>",
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>«words:deleted»</text:p></text:deletion></text:changed-region></text:tracked-changes>", "<text:p><draw:g><draw:frame><draw:text-box>«block»</draw:text-box></draw:frame></draw:g></text:p>",
    ],
    "item": ["<text:list-item><text:p>«inline»</text:p></text:list-item>", "<text:list-item><text:h text:outline-level='3'>«inline»</text:h></text:list-item>", "<text:list-item>«block»</text:list-item>", "<text:list-item><text:p>«words»</text:p><text:list>«item»</text:list></text:list-item>"],
    "cell": ["<text:p>«words»</text:p>", "<text:p>«inline»</text:p>", "<text:p>«inline»</text:p><text:p>«inline»</text:p>", "«table»", "<text:list><text:list-item><text:p>«words»</text:p></text:list-item></text:list>", "<text:h>«inline»</text:h>", "<office:annotation><text:p>«words»</text:p></office:annotation><text:p>«words»</text:p>"],
    "value": ["<text:p>«number»</text:p>", "<text:p>«number»</text:p>"],
    "table": write_open_table,
    "name": [""],
    "body": ["<office:text>«block*»«block*»«block*»</office:text>"],
}  # fmt: skip
ODP: Rules = {
    **ODT,
    "shape": [
        "<draw:frame>«place»<draw:text-box>«block»</draw:text-box></draw:frame>", "<draw:frame presentation:class='title'><draw:text-box><text:p>«inline»</text:p></draw:text-box></draw:frame>", "<draw:custom-shape><text:p>«inline»</text:p></draw:custom-shape>", "<draw:g>«shape*»</draw:g>", "<draw:frame>«table»</draw:frame>",
        "<draw:frame><draw:image xlink:href='x'/><svg:desc>«words»</svg:desc></draw:frame>", "<draw:line><text:p>«words»</text:p></draw:line>", "<office:annotation><dc:creator>«word»</dc:creator><text:p>«words»</text:p></office:annotation>", "<draw:a><draw:frame><draw:text-box><text:p>«words»</text:p></draw:text-box></draw:frame></draw:a>",
    ],
    "place": [""],
    "notes": ["", "<presentation:notes><draw:frame><draw:text-box><text:p>«inline»</text:p></draw:text-box></draw:frame></presentation:notes>"],
    "page": ["<draw:page draw:name='page1'>«shape*»«notes»</draw:page>", "<draw:page draw:name='page1' draw:style-name='gone'><draw:frame><draw:text-box><text:p>«words:hidden»</text:p></draw:text-box></draw:frame></draw:page>"],
    "body": ["<office:presentation>«page»«page*»</office:presentation>"],
}  # fmt: skip
ODS: Rules = {
    **ODT,
    "name": ["", " table:name='«word»'"],
    "cell": ["<text:p>«words»</text:p>", "<text:p>«words»</text:p>", "<text:p>«words»</text:p><text:p>«words»</text:p>", "<office:annotation><text:p>«words»</text:p></office:annotation><text:p>«words»</text:p>", "<text:p><text:a xlink:href='x'>«words»</text:a></text:p>"],
    "body": ["<office:spreadsheet>«table*»</office:spreadsheet>"],
}  # fmt: skip


_GONE = "<style:style style:name='gone'><style:text-properties text:display='none'/><style:drawing-page-properties presentation:visibility='hidden'/></style:style>"


def make_odf(pen: Pen) -> bytes:
    formulas: dict[str, str] = {}

    def add_formula(pen: Pen) -> str:
        said = pen.write("<math xmlns='http://www.w3.org/1998/Math/MathML'><mi>«word»</mi></math>")
        formulas[f"Object {len(formulas)}/content.xml"] = said
        return str(len(formulas) - 1)

    pen.rules["formula"] = add_formula
    around = pen.write(
        "<style:header><text:p>«words»</text:p></style:header><style:footer><text:p>«words»</text:p></style:footer>"
    )
    body = f"<office:automatic-styles>{_GONE}</office:automatic-styles><office:body>{pen.fill('body')}</office:body>"
    return pack(
        {
            "content.xml": f"<office:document-content {_ODF}>{body}</office:document-content>",
            "styles.xml": f"<office:document-styles {_ODF}>{around}</office:document-styles>",
            **formulas,
        }
    )


def write_rich_table(pen: Pen) -> str:
    lines = []
    for row in lay_out(pen):
        marks, cells = [], []
        for place, cell in enumerate(row):
            marks.append(f"\\cellx{1000 * (place + 1)}" if cell else f"\\clmrg\\cellx{1000 * (place + 1)}")
            cells.append(f"{cell.text if cell else ''}\\cell ")
        lines.append(f"\\trowd{''.join(marks)}\\pard\\intbl {''.join(cells)}\\row\n")
    return f"{''.join(lines)}\\pard "


RTF: Rules = {
    "file": ["{\\rtf1\\ansi{\\stylesheet{\\s1 heading 1;}{\\s2 heading 2;}}{\\info{\\title «words»}}{\\header «words»\\par}{\\footer «words»\\par}«block*»«block*»«block*»}"],
    "inline": [
        "«words» ", "{\\b «words»} ", "{\\i «inline»} ", "{\\field{\\*\\fldinst HYPERLINK x}{\\fldrslt «words»}} ", "{\\footnote «words»} ", "{\\v «words:hidden»} ", "{\\deleted «words:deleted»} ", "{\\*\\bkmkstart x}«words»{\\*\\bkmkend x} ", "«words»\\tab «words»\\line ",
        "{\\shp{\\*\\shpinst{\\sp{\\sn x}{\\sv y}}{\\shptxt «words»\\par}}} ", "{\\*\\unknown x}«words» ", "{\\super «words»} ", "{\\footnote\\ftnalt «words»} ", "{\\*\\atnid x}{\\*\\annotation «words»} ", "{\\listtext 1.\\tab}«words» ", "{\\ul «words»} ",
    ],
    "block": ["\\pard «inline*»\\par\n", "\\pard\\s1 «inline»\\par\n", "\\pard\\s2 «inline*»\\par\n", "«table»", "\\pard «words»\\line «words»\\par\n", "\\pard{\\pntext 1.\\tab}«words»\\par\n", "{\\pard «inline»\\par}\n", "\\pard «words»\\sect\n", "\\pard «words»\\page «words»\\par\n", "\\pard\\outlinelevel1 «inline»\\par\n", "\\pard «words» \\column «words»\\par\n"],
    "cell": ["«words»", "«inline»", "«words»\\par «words»", "«words»\\line «words»", "{\\pard\\intbl\\itap2 «words»\\nestcell «words»\\nestcell{\\*\\nesttableprops\\trowd\\cellx1\\cellx2\\nestrow}{\\nonesttables\\par}}\\pard\\intbl "],
    "value": ["«number»"],
    "table": write_rich_table,
}  # fmt: skip


# ── sheets ─────────────────────────────────────────────────────────────────────────────────────

Sheet = dict[tuple[int, int], str]
Spans = list[tuple[int, int, int, int]]


def lay_out_sheet(pen: Pen, *, merged: bool) -> tuple[Sheet, Spans]:
    """The text of cells by (row, column) from 1, and (top, left, bottom, right) of merged ones: words, tables under and
    beside each other, with gaps or without."""
    random, sheet, spans = pen.random, Sheet(), Spans()
    top = random.randint(1, 3)
    for _ in range(random.randint(1, 4)):
        left = random.choice((1, 1, 1, 2, 3))
        match random.choice(("table", "table", "table", "line", "pairs", "both")):
            case "line":
                sheet[top, left] = pen.fill("words")
                top += 1
            case "pairs":
                for _ in range(random.randint(1, 3)):
                    sheet[top, left], sheet[top, left + 1] = f"{pen.fill('word')}:", pen.fill("word")
                    top += 1
            case shape:
                height = 0
                for _ in range(2 if shape == "both" else 1):
                    rows = lay_out(pen, merged=merged)
                    for row, cells in enumerate(rows, top):
                        for column, cell in enumerate(cells, left):
                            if cell and cell.text:
                                sheet[row, column] = cell.text
                            if cell and (cell.wide > 1 or cell.high > 1):
                                spans.append((row, column, row + cell.high - 1, column + cell.wide - 1))
                    height, left = max(height, len(rows)), left + len(rows[0]) + random.randint(1, 2)
                top += height
                if random.random() < 0.2:
                    sheet[top, 1], sheet[top, 2] = "Total", pen.fill("number")
                    top += 1
        top += random.choice((0, 1, 1, 2))
    return sheet, spans


CELLS: Rules = {
    "cell": ["«words»", "«word»", "«word»", "«words» (x)", "«word»:", "«word»@«word».de", "# «word»", "«word», «word»"],
    "value": ["«number»"],
}


def make_delimited(pen: Pen, delimiters: str = ",;|", *, is_ragged: bool = False) -> str:
    sheet, _ = lay_out_sheet(pen, merged=False)
    width = max(column for _, column in sheet)
    quoting = pen.random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    table = csv.writer(
        stream := io.StringIO(), delimiter=pen.random.choice(delimiters), quoting=quoting, lineterminator="\n"
    )
    for row in range(1, max(row for row, _ in sheet) + 1):
        cells = [sheet.get((row, column), "") for column in range(1, width + 1)]
        while is_ragged and cells and not cells[-1]:
            cells.pop()
        table.writerow(cells)
    return stream.getvalue()


def make_tabbed(pen: Pen) -> str:
    return make_delimited(pen, "\t", is_ragged=True)


def make_xlsx(pen: Pen) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for _ in range(pen.random.randint(1, 3)):
        page = book.create_sheet(pen.fill("word"))
        sheet, spans = lay_out_sheet(pen, merged=True)
        for place, text in sheet.items():
            held = page.cell(*place, int(text) if text.isdecimal() else text)
            if pen.random.random() < 0.05:
                held.comment = Comment(pen.fill("words"), "x")
        if pen.random.random() < 0.3:
            page.cell(99, 1, pen.write("«words:hidden row»"))
            page.row_dimensions[99].hidden = True
        for top, left, bottom, right in spans:
            page.merge_cells(start_row=top, start_column=left, end_row=bottom, end_column=right)
        page.oddHeader.center.text = pen.write(pen.random.choice(("", "«words»")))
    book.save(packed := io.BytesIO())
    return packed.getvalue()


_XML_OF_2003 = (
    'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"'
)


def make_old_sheets(pen: Pen) -> str:
    """A workbook in the XML of 2003. A merged cell has no others behind it, and a cell may say where it stands."""
    sheet, spans = lay_out_sheet(pen, merged=True)
    merged = {(top, left): (bottom - top, right - left) for top, left, bottom, right in spans}
    rows = ""
    for row in sorted({row for row, _ in sheet}):
        cells = ""
        for column in sorted(column for other, column in sheet if other == row):
            down, across = merged.get((row, column), (0, 0))
            kind = "Number" if sheet[row, column].isdecimal() else "String"
            note = pen.write(pen.random.choice(("", "", "", "<Comment><ss:Data>«words»</ss:Data></Comment>")))
            place = f'ss:Index="{column}" ss:MergeDown="{down}" ss:MergeAcross="{across}"'
            cells += f'<Cell {place}><Data ss:Type="{kind}">{sheet[row, column]}</Data>{note}</Cell>'
        rows += f'<Row ss:Index="{row}">{cells}</Row>'
    name = pen.fill("word")
    return f'<Workbook {_XML_OF_2003}><Worksheet ss:Name="{name}"><Table>{rows}</Table></Worksheet></Workbook>'


# ── data ───────────────────────────────────────────────────────────────────────────────────────

_FIELDS = [
    "id",
    "text",
    "title",
    "section",
    "name",
    "caption",
    "image",
    "author",
    "page",
    "data",
    "rows",
    "columns",
    "header",
    "url",
    "label",
    "description",
]


def write_value(pen: Pen) -> object:
    shapes = ("word", "words", "number", "list", "object", "rows", "grid", "columns")
    match pen.random.choice(shapes) if pen.depth < DEEPEST else "word":
        case "number":
            return int(pen.fill("number"))
        case "list":
            return [write_value(pen) for _ in range(pen.random.randint(1, 3))]
        case "object":
            return write_object(pen)
        case "rows":
            names = [pen.fill("word") for _ in range(3)]
            return [{name: pen.fill("word") for name in names[:width]} for width in (pen.random.choice((3, 2)), 3, 1)]
        case "grid":
            return [[pen.fill("word") for _ in range(3)] for _ in range(3)]
        case "columns":
            return {pen.fill("word"): [pen.fill("word") for _ in range(2)] for _ in range(3)}
        case kind:
            return pen.fill(kind)


def write_object(pen: Pen) -> dict[str, object]:
    pen.depth += 1
    names = pen.random.sample(_FIELDS, k=pen.random.randint(0, 2))
    written = {name: pen.fill("word") if name == "id" else write_value(pen) for name in names}
    written |= {pen.fill("word"): write_value(pen) for _ in range(pen.random.randint(1, 3))}
    pen.depth -= 1
    return written


def make_json(pen: Pen) -> str:
    return json.dumps(write_value(pen) if pen.random.random() < 0.3 else write_object(pen))


def make_jsonl(pen: Pen) -> str:
    if pen.random.random() < 0.5:
        return "".join(json.dumps(write_object(pen)) + "\n" for _ in range(pen.random.randint(1, 4)))
    names = pen.random.sample(_FIELDS[1:], k=3)
    return "".join(json.dumps({name: write_value(pen) for name in names}) + "\n" for _ in range(3))


def write_output(pen: Pen) -> dict[str, object]:
    match pen.random.choice(("stream", "error", "text/plain", "text/markdown", "text/html")):
        case "stream":
            return {"output_type": "stream", "text": [pen.write("«words»\n"), pen.write("«words»\n")]}
        case "error":
            said = {"ename": pen.fill("word"), "evalue": pen.fill("words"), "traceback": [pen.fill("words")]}
            return {"output_type": "error", **said}
        case kind:
            pen.rules = dict(HTML)
            said = pen.fill("block", "*") if kind == "text/html" else pen.fill("words")
            return {"output_type": "display_data", "data": {"text/plain": "<x>", kind: said}}


def make_notebook(pen: Pen) -> str:
    cells: list[dict[str, object]] = []
    for _ in range(pen.random.randint(1, 4)):
        kind = pen.random.choice(("markdown", "code", "raw"))
        pen.rules = dict(MARKDOWN)
        source = pen.fill("block", "*") if kind == "markdown" else pen.write("«words»\n«words»")
        outputs = [write_output(pen) for _ in range(pen.random.randint(0, 2))] if kind == "code" else []
        cells.append({"cell_type": kind, "source": source, "outputs": outputs})
    return json.dumps({"nbformat": 4, "cells": cells})


KINDS: dict[str, tuple[Callable[[Pen], str | bytes], Rules]] = {
    "a.html": (write_file, HTML), "a.md": (write_file, MARKDOWN), "a.rst": (write_file, RST), "a.csv": (make_delimited, CELLS), "a.tsv": (make_tabbed, CELLS),
    "a.docx": (make_docx, DOCX), "a.pptx": (make_pptx, PPTX), "a.xlsx": (make_xlsx, CELLS), "a.xls": (make_old_sheets, CELLS), "a.json": (make_json, {}), "a.jsonl": (make_jsonl, {}), "a.ipynb": (make_notebook, MARKDOWN), "a.eml": (make_mail, HTML), "a.odt": (make_odf, ODT), "a.ods": (make_odf, ODS),
    "a.odp": (make_odf, ODP), "a.epub": (make_epub, HTML), "a.rtf": (write_file, RTF), "wiki_00": (write_file, WIKI),
}  # fmt: skip
"""By the name of the file."""


def make(name: str, seed: int) -> tuple[bytes, dict[str, str]]:
    """The file, and what is told in place of each of its words (empty: it must be read)."""
    write, rules = KINDS[name]
    pen = Pen(seed, rules)
    content = write(pen)
    return content if isinstance(content, bytes) else content.encode(), pen.written
