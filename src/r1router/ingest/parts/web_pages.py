"""Reads the words and tables of a web page, in their order, because mails, books and notebooks hold pages too."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import grids
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.encodings import find_codec
from r1router.ingest.parts.files import find_encoding, read_mark, read_whole, report_doubts
from r1router.ingest.parts.numbering import write_number
from r1router.ingest.parts.sections import Sections, hold_spaces
from r1router.ingest.parts.titles import choose_title
from r1router.ingest.records import About, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.scripts import cut_terms
from r1router.types import Kind

_DROPPED = frozenset(
    {"script", "style", "noscript", "template", "nav", "iframe", "object", "canvas", "audio", "video", "head"}
    | {"datalist", "rt", "rp"}
)
"""What has no words of the page: code, other pages, what moves, menus, how a word is read."""
_NAMES_A_PART = frozenset({*(f"h{level}" for level in range(1, 7)), "summary", "dt", "th", "legend", "label"})
"""Where a button is no command but a title that one presses: the questions of a page that folds its answers."""
_SMALL_PICTURE = 2_000
"""Characters of a picture written into a page, at most, for one that says nothing: a blank, an arrow."""
_TEX = "application/x-tex"
_STRUCK = frozenset({"del", "s", "strike"})
_FORMULAS = {"mfrac": "/", "msup": "^", "msub": "_"}
_FIELDS = frozenset({"label", "textarea", "select"})
_CELLS = ("cell", "gridcell", "columnheader", "rowheader")
_EXPONENT = re.compile(r"\s{0,3}[+−-]?\d{1,4}\s{0,3}$")
_SHORT = 200
"""Characters of a cell of data, at most, where a table lies in another one."""
_ROLES = frozenset({"navigation", "search", "menu", "menubar"})
_BLOCK_NAMES = (
    "address article aside blockquote body br caption center dd details dialog div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hr legend li main menu ol p pre section summary table tbody td tfoot th"
    " thead tr ul text title desc"  # the last three are of a drawing
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_NOTES = frozenset({"footnote", "endnote", "rearnote", "doc-footnote", "doc-endnote"})
"""What a book hides until one presses its mark."""
_PLACES = {"thead": 0, "tfoot": 2}
"""Where the rows of a part of a table are shown, wherever they are written."""
_CLASSES = frozenset({"mw-editsection", "headerlink"})
"""What Wikipedia and Sphinx put between the words: "[edit]", "¶"."""
_UNTYPED = frozenset({"hidden", "password", "file", "color", "range"})
_BUTTONS = frozenset({"submit", "reset", "button"})
_FILLED = ("input", "textarea")
_PARTS = {
    "nav": "its menus", "button": "its buttons", "input": "its buttons", "rt": "its readings above words",
    "noscript": "its words for browsers without scripts", "object": "its words in place of objects",
    "option": "its choices that are not chosen",
}  # fmt: skip
"""What is left out with the words of an element."""
_SPACES = re.compile(r"[ \t\r\n\f]+")
"""What a browser shows as one space; others are shown as they are."""
_PREFORMATTED = frozenset({"pre", "listing", "xmp", "textarea"})
_KEEPS_SPACES = re.compile(
    r"(?:^|;)\s{0,9}white-space\s{0,9}:\s{0,9}(?:pre(?:-wrap)?|break-spaces)\s{0,9}(?:;|!|$)", re.I
)
_UNSEEN = re.compile(r"(?:^|;)\s{0,9}(?:display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden)", re.IGNORECASE)
_OF_OTHERS = re.compile(r"^(?:article|book|dc|dcterms|og|citation)[:.]|^citation_")
_FOR_BROWSERS = re.compile(
    r"viewport|robots|googlebot|theme-color|referrer|format-detection|generator|color-scheme|twitter|fb|msapplication"
    r"|apple-|csrf|image|url|type$|site_name|rating|google|msvalidate|handheld"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_END = re.compile(r"</(?:body|html)\s{0,9}>", re.IGNORECASE)
"""What stands behind them is on the page all the same, but not in the tree that lxml makes."""
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
"""Text as it stands, in a page that is XML; a browser takes it for a comment in any other."""
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)


def read_page(file: SourceFile, *, as_: Kind | None) -> Iterator[Record | Problem]:
    """The records of a page that is part of another file."""
    root, notes = parse_page(file)
    yield from read_parsed(root, file, as_)
    yield from notes


def read_parsed(root: Any, file: SourceFile, as_: Kind | None, title: str = "") -> Iterator[Record | Problem]:
    """A passage for each section and a record for each table of data, in their order, under the page's own title where
    none is given."""
    from lxml import etree  # type: ignore[import-untyped]

    titles = (_words(e) for name in ("title", "h1") for e in root.iter(name) if not _is_drawn(e))
    sections = Sections(file, title or choose_title(titles, file.path))
    heading = next((_words(e) for e in root.iter("h1")), "")
    walk = etree.iterwalk(root, events=("start", "end"))
    tables = 0
    left_out: dict[str, None] = {}
    preformatted = 0
    for event, element in walk:
        tag = element.tag
        if event == "end":
            preformatted -= _is_preformatted(element)
            ends = tag in _BLOCKS and tag != "br"
            sections.write(_end(element) + ("\n" if ends else "") + _space(element.tail, preformatted))
            continue
        preformatted += _is_preformatted(element)
        if _is_dropped(element):
            left_out.update(find_left_out(element))
            walk.skip_subtree()
        elif tag in _HEADINGS:
            name = _words(element)
            for passage in sections.heading(
                _HEADINGS[tag], sections.title if name == heading and name in sections.title else name
            ):
                if as_ != "table":
                    yield passage
            left_out.update(find_left_out(element))
            walk.skip_subtree()
        elif (tag == "table" or element.get("role") in ("table", "grid")) and (rows := _data(element)):
            tables += 1
            yield from sections.find_tables(
                grids.spread_cells(rows),
                id=f"{file.source}:table {tables}",
                caption=_caption(element),
                as_=as_,
            )
            left_out.update(find_left_out(element))
            walk.skip_subtree()
        else:
            left_out.update(find_left_out(element) if tag == "img" else {})
            sections.write(("\n" if tag in _BLOCKS else "") + _alt(element) + _space(element.text, preformatted))
    if as_ != "table":
        yield from sections.end()
        yield from (Problem(file.source, noun, "left out", read=True) for noun in left_out)


def read_words(markup: str, *, tables: bool = True) -> str:
    """What a reader sees of a page, on one line; without `tables`, what stands around those of data."""
    from lxml import etree

    root = parse_markup(markup)
    if root is None:
        return ""
    for table in [] if tables else [table for table in root.iter("table") if _data(table)]:
        etree.strip_elements(table, "*", with_tail=False)
        table.text = None
    return _words(root)


def find_left_out(root: Any) -> dict[str, None]:
    """Names what is left out of a page or a part of it, where people see it, at once or when they press something."""
    from lxml import etree

    found: dict[str, None] = {}
    walk = etree.iterwalk(root, events=("start",))
    for _, element in walk:
        is_dropped = _is_dropped(element)
        if (is_dropped or element.tag == "img") and (noun := _name_part(element)):
            found[noun] = None
        if is_dropped:
            walk.skip_subtree()
    return found


def show_as_without_scripts(root: Any) -> None:
    """Makes what a page says to those who run no scripts a part of it, where that is more than it says without."""
    parts = list(root.iter("noscript"))
    if sum(map(count_words, parts)) > count_words(root):
        for part in parts:
            part.tag = "div"


def count_words(root: Any) -> int:
    """How many words a reader sees of a page that is parsed already."""
    return len(_words(root).split())


def says_more(root: Any | None, plain: str) -> bool:
    """Whether a page, given by its root, has what the plain text beside it has not: that may only say that there is a
    page, and a person sees the page."""
    return root is not None and (has_tables(root) or not set(cut_terms(_words(root))) <= set(cut_terms(plain)))


def has_tables(root: Any) -> bool:
    """Whether there is a table of data in it."""
    return any(_data(table) for table in root.iter("table"))


def find_tables(markup: str) -> list[tuple[list[list[grids.Cell]], str]]:
    """(cells, caption) of each table of data in a piece of a page that stands in another file."""
    from lxml import etree

    if "<table" not in markup.lower():
        return []
    root = etree.fromstring(f"<body>{markup}</body>", etree.HTMLParser(no_network=True, remove_comments=True))
    found = [(_data(table), _caption(table)) for table in root.iter("table")]
    return [(rows, caption) for rows, caption in found if rows]


def describe_page(root: Any) -> About:
    """What the page says of itself: its language, and what `<meta>` names but settings for browsers."""
    found: dict[str, list[str]] = {}
    for meta in root.iter("meta"):
        named = (meta.get("name") or meta.get("property") or meta.get("itemprop") or "").strip().lower()
        name, content = _OF_OTHERS.sub("", named), (meta.get("content") or "").strip()
        if name and content and not _FOR_BROWSERS.match(name):
            found.setdefault(name.removesuffix("_time"), []).append(content)
    said: dict[str, Any] = {name: values if len(values) > 1 else values[0] for name, values in found.items()}
    language = (root.get("lang") or "").strip()
    return About({**said, **({"lang": language} if language else {})})


def parse_page(file: SourceFile) -> tuple[Any, list[Problem]]:
    """The page's root, and what to report about its encoding."""
    data = read_whole(file.path, file.source)
    notes: list[Problem] = []
    declared = _CHARSET.search(data[:4096])
    named = read_mark(data) or (find_codec(declared[1].decode()) if declared else "")
    if not data.isascii() and not read_mark(data) and _is_utf8(data):
        named = "utf-8"  # whatever the page says of itself
    try:
        text = data.decode(named or "no codec")
    except (LookupError, UnicodeDecodeError):
        encoding = find_encoding(file)
        text, notes = data.decode(encoding.name, encoding.errors), list(report_doubts(file))
    if not text.strip():
        raise UnreadableFile(file.source, "the file is empty")
    if text.lstrip().startswith("<?xml"):
        text = _escape_cdata(text)
    root = parse_markup(text)
    if root is None:
        raise UnreadableFile(file.source, "has no HTML in it")
    return root, notes


def _escape_cdata(text: str) -> str:
    """The page with what stands in its CDATA written as other text is. Looks for each end once."""
    parts, start = [], 0
    while (at := text.find(_CDATA, start)) >= 0 and (end := text.find(_CDATA_END, at)) >= 0:
        parts += [text[start:at], html.escape(text[at + len(_CDATA) : end])]
        start = end + len(_CDATA_END)
    return "".join([*parts, text[start:]])


def parse_markup(text: str) -> Any | None:
    """The root of a page; None where there is nothing in it."""
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    return etree.fromstring(_END.sub("", text).encode("utf-8", "replace"), parser) if text.strip() else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_dropped(element: Any) -> bool:
    tag = element.tag
    if not isinstance(tag, str) or element.get("role") in _ROLES:
        return True
    if tag in _DROPPED:  # but a page in the page that is written out here, and what is drawn in a place of its own
        return not (tag == "iframe" and element.get("srcdoc")) and "shadowrootmode" not in element.attrib
    if tag in _FILLED and (_kind(element) in _BUTTONS or _hint(element)):
        return True
    if tag == "button" and not _names_a_part(element):
        return True
    if element.getparent() is not None and element.getparent().tag == "semantics":
        return bool(element is not _formula(element.getparent()))
    if tag == "option" and not _is_chosen(element):
        return True
    classes = (element.get("class") or "").split()
    if not _CLASSES.isdisjoint(classes) or (tag == "sup" and "reference" in classes):  # Wikipedia's marks of notes
        return True
    return _is_hidden(element)


def _name_part(element: Any) -> str:
    """What is left out with an element, where it says something that people see; empty for others."""
    if element.tag == "img":
        return "its pictures" if _is_kept_inside(element) else ""
    if element.tag in _FILLED and _hint(element):
        return "its hints in empty fields"
    if not (element.get("value") if element.tag == "input" else any(map(str.strip, element.itertext()))):
        return ""
    if element.get("role") in _ROLES:
        return "its menus"
    return _PARTS.get(element.tag, "its hidden parts" if _is_hidden(element) else "")


def _is_kept_inside(picture: Any) -> bool:
    """Whether the page holds it itself, and it is no blank or sign; others are files of their own."""
    address = picture.get("src") or ""
    return address.startswith("data:image/") and len(address) > _SMALL_PICTURE


def _is_hidden(element: Any) -> bool:
    if not _NOTES.isdisjoint(f"{element.get('epub:type', '')} {element.get('role', '')}".split()):
        return False
    if element.tag == "dialog" and "open" not in element.attrib:
        return True
    if "hidden" in element.attrib and element.get("hidden") != "until-found":
        return True
    return bool(_UNSEEN.search(element.get("style") or ""))


def _is_preformatted(element: Any) -> bool:
    return element.tag in _PREFORMATTED or bool(_KEEPS_SPACES.search(element.get("style") or ""))


def _names_a_part(button: Any) -> bool:
    if not {"aria-expanded", "aria-controls"}.isdisjoint(button.attrib):
        return True
    return any(around.tag in _NAMES_A_PART for around in button.iterancestors())


def _formula(semantics: Any) -> Any:
    """Of the ways in which a formula is written, the one in TeX, which is on one line, else the first."""
    stated = (way for way in semantics if way.tag == "annotation" and way.get("encoding") == _TEX)
    return next(stated, next(iter(semantics), None))


def _is_chosen(option: Any) -> bool:
    """Whether a form shows it: the one that is selected, else the first."""
    choice = next(option.iterancestors("select"), None)
    options = list(choice.iter("option")) if choice is not None else [option]
    chosen = [one for one in options if "selected" in one.attrib]
    return option in (chosen or options[:1])


def _kind(field: Any) -> str:
    return (field.get("type") or "text").lower() if field.tag == "input" else ""


def _hint(field: Any) -> str:
    """What an empty field says should be filled in."""
    return "" if field.get("value") or (field.text or "").strip() else (field.get("placeholder") or "").strip()


def _alt(element: Any) -> str:
    """The words that stand for a picture, that were filled into a form, or a sign that is drawn: "3." of a list."""
    tag = element.tag
    kind = _kind(element)
    if tag in ("img", "area") or kind == "image":
        return f" {element.get('alt', '').strip()} "
    if kind in ("checkbox", "radio"):
        return " ☒ " if "checked" in element.attrib else " ☐ "
    if kind:
        return f" {element.get('value', '').strip()} " if kind not in _UNTYPED else ""
    if tag == "li":
        return _number(element)
    if tag == "iframe":
        return f" {read_words(element.get('srcdoc', ''))} "
    around = element.getparent()
    if around is not None and around.tag in _FORMULAS and around.index(element) > 0:
        return _FORMULAS[around.tag]
    if tag == "sup" and _EXPONENT.match(element.text or ""):
        return "^"
    return "~~" if tag in _STRUCK else " " if tag in _FIELDS else ""


def _end(element: Any) -> str:
    return "~~ " if element.tag in _STRUCK else " " if element.tag in _FIELDS else ""


def _number(item: Any) -> str:
    """The number of an item of a numbered list."""
    around = item.getparent()
    if around is None or around.tag != "ol":
        return ""
    items = [inner for inner in around if inner.tag == "li"]
    step = -1 if "reversed" in around.attrib else 1
    start = around.get("start") or str(len(items) if step < 0 else 1)
    number = 0
    for place, other in enumerate(items):
        stated = other.get("value", start if place == 0 else "")
        number = int(stated) if stated.strip().lstrip("-").isdecimal() and len(stated) < 9 else number + step
        if other is item:
            break
    return f"{write_number(number, around.get('type') or '1') if number > 0 else number}. "


def _data(table: Any) -> list[list[grids.Cell]]:
    """The cells of a table of data, a table in a cell as its words; empty for one that only lays out the page."""
    if table.get("role") in ("presentation", "none"):
        return []
    if table.tag == "table":
        own = [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]
        own.sort(key=lambda row: _PLACES.get(row.getparent().tag, 1))
        rows = [[_cell(element, row) for element in row if element.tag in ("td", "th")] for row in own]
    else:
        marked = (row for row in table.iterdescendants() if row.get("role") == "row")
        rows = [[_cell(e, row) for e in row.iterdescendants() if e.get("role") in _CELLS] for row in marked]
    nested = next(table.iterdescendants("table"), None) is not None
    if nested and not any(cell.heads for row in rows for cell in row) and not _is_regular(rows):
        return []
    return rows if len(rows) > 1 and any(sum(1 for cell in row if cell.text) > 1 for row in rows) else []


def _is_regular(rows: list[list[grids.Cell]]) -> bool:
    """Whether rows of equally many short cells make a table of data, although there is a table in a cell."""
    return (
        len(rows) > 2
        and len({len(row) for row in rows}) == 1
        and len(rows[0]) > 1
        and all(len(cell.text) < _SHORT for row in rows for cell in row)
    )


def _cell(element: Any, row: Any) -> grids.Cell:
    columns, rows = _span(element, "colspan"), _span(element, "rowspan")
    heads = element.tag == "th" or row.getparent().tag == "thead" or (element.get("role") or "").endswith("header")
    text = _words(element)
    is_bold = any(_words(inner) == text for inner in element.iter("b", "strong"))
    return grids.Cell(text, max(columns, 1), rows if rows else 65_534, heads, is_bold)  # 0: to the end


def _span(element: Any, name: str) -> int:
    value = (element.get(name) or "").strip()
    return min(int(value), 65_534) if value.isdecimal() and len(value) < 8 else 1


def _caption(table: Any) -> str:
    return next((_words(element) for element in table.iter("caption")), "")


def _words(element: Any) -> str:
    """All text inside that a reader of the page sees, as one line."""
    from lxml import etree

    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, node in walk:
        if event == "end":
            parts.append(_end(node) + (" " if node.tag in _BLOCKS else ""))
            parts.append((node.tail or "") if node is not element else "")
        elif node is not element and _is_dropped(node):
            walk.skip_subtree()
        else:
            parts.append((" " if node.tag in _BLOCKS else "") + _alt(node) + (node.text or ""))
    return write_cell("".join(parts))


def _is_drawn(title: Any) -> bool:
    """Whether a title is one of a drawing inside the page."""
    return next(title.iterancestors("svg"), None) is not None


def _space(text: str | None, preformatted: int) -> str:
    return hold_spaces(text or "") if preformatted else _SPACES.sub(" ", text or "")
