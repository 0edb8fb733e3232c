"""Reads a Rich Text file as a passage for each section and the records of each table, in their order.

It is read as a person sees it: hidden and deleted words are left out, notes stand behind their paragraph; headers and
footers come last. The libraries for this format lose notes, boxes and the cells of tables, and keep deleted words.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from r1router.errors import UnreadableFile
from r1router.ingest.parts import grids
from r1router.ingest.parts.cells import make_title, write_cell
from r1router.ingest.parts.files import read_whole
from r1router.ingest.parts.numbering import write_item
from r1router.ingest.parts.sections import Sections
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.rtf",)
KINDS: tuple[Kind, ...] = ("text", "table")

_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,32})(-?\d{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\(.)|([{}])|[\r\n\0]+|([^\\{}\r\n\0]+)", re.DOTALL
)
_MARKS = {
    "tab": "\t", "line": "\n", "lbr": "\n", "nestrow": "\n", "nestcell": " ", "bullet": "•", "emdash": "—",
    "endash": "–", "emspace": " ", "enspace": " ", "qmspace": " ",
    "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”",
}  # fmt: skip
_SIGNS = {b"~": "\u00a0", b"_": "-", b"-": "", b"{": "{", b"}": "}", b"\\": "\\"}
_SHOWN = frozenset({"shpinst", "shptxt", "result", "fldrslt", "listtext", "pntext", "upr", "title", "dptxbxtext"})
"""Groups whose words are seen although their mark says that a program may skip them."""
_UNSEEN_GROUPS = (
    "fonttbl colortbl info pict objdata fldinst shprslt nonshppict sp themedata xe tc listtable listoverridetable"
    " rsidtbl generator filetbl revtbl atnid atnauthor atnref atndate pntxta pntxtb template bkmkstart bkmkend ftnsep"
    " ftnsepc aftnsep datafield"
)
_SKIPPED = frozenset(_UNSEEN_GROUPS.split())
_MARGINS = {
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "Header"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "Footer"),
    "annotation": "Comments",
}
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    255: "cp850",
}  # fmt: skip
_UNSEEN = {"v": "its hidden text", "deleted": "its deleted text"}
_HEADING = re.compile(r"(?:heading|überschrift|titre|titolo|título) ?([1-9])$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds until the brace that closes it."""

    into: str = "text"
    """Where its words go: "text", "note", a margin's name, "title", "fonts", "styles"; "" for nowhere."""
    font: int = -1
    skip: int = 1
    """Characters that stand for a \\u where that is not known."""
    unseen: bool = False


@dataclass(slots=True)
class _Reading:
    """The paragraph that is being read, and what the file says of its fonts and styles."""

    encoding: str = "cp1252"
    fonts: dict[int, str] = field(default_factory=dict)
    levels: dict[int, int] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    """By where they go."""
    raw: bytearray = field(default_factory=bytearray)
    level: int = 0
    in_table: bool = False
    row: list[grids.Cell] = field(default_factory=list)
    rows: list[list[grids.Cell]] = field(default_factory=list)
    pictures: int = 0
    left_out: set[str] = field(default_factory=set)

    def take(self, into: str) -> str:
        """The words that went there since they were taken last, halves of letters beyond 16 bits joined."""
        said = "".join(self.words.pop(into, ()))
        return said.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def take_said(self) -> str:
        """The words of a paragraph or cell, its notes behind them."""
        said, note = self.take("text"), write_cell(self.take("note"))
        return f"{said.rstrip()} [{note}]" if note else said


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    data = read_whole(file.path, file.source)
    if not data.lstrip().startswith(b"{\\rtf"):
        raise UnreadableFile(file.source, "is no Rich Text file, whatever its name says")
    sections = Sections(file, make_title(file.path), indented=True)
    margins: dict[str, dict[str, None]] = {"Header": {}, "Footer": {}, "Comments": {}}
    tables = 0
    state = _Reading()
    for part in _walk(data, state):
        match part:
            case "title":
                sections.title = write_cell(state.take("title")) or sections.title
            case "Header" | "Footer" | "Comments":
                if (said := write_cell(state.take(part))) and (len(said) > 3 or any(map(str.isalpha, said))):
                    margins[part][said] = None
            case "table":
                tables += 1
                rows, state.rows = state.rows, []
                yield from sections.find_tables(
                    grids.spread_cells(rows),
                    id=f"{file.source}:table {tables}",
                    as_=as_,
                )
            case "paragraph":
                text = write_item("", state.take_said())
                if state.level and text.strip():
                    yield from (passage for passage in sections.heading(state.level, text) if as_ != "table")
                else:
                    sections.write(text + "\n")
    for called, lines in margins.items():
        if lines:
            yield from (passage for passage in sections.heading(1, called) if as_ != "table")
            sections.write("\n".join(lines))
    yield from (passage for passage in sections.end() if as_ != "table")
    yield from (Problem(file.source, part, "left out", read=True) for part in sorted(state.left_out))
    if state.pictures:
        said = f"{state.pictures} picture{'s' * (state.pictures > 1)} left out"
        yield Problem(file.source, "its pictures", said, read=True)


def write_text(data: bytes) -> str:
    """The words of a text that stands in another file, tables as lines."""
    state = _Reading()
    lines: list[str] = []
    for part in _walk(data, state):
        if part == "paragraph":
            lines.append(state.take("text"))
        elif part == "table":
            lines += [" | ".join(cell.text for cell in row) for row in state.rows]
            state.rows = []
    return "\n".join(lines)


def _walk(data: bytes, state: _Reading) -> Iterator[str]:
    """Names what is complete: "paragraph", "table", "title", or a margin. Its words are in `state`."""
    group, outer = _Group(), list[_Group]()
    optional, skip, at = False, 0, 0
    style = -1
    while token := _TOKEN.match(data, at):
        at = token.end()
        word, number, byte, sign, brace, text = token.groups()
        called = word.decode() if word else ""
        if byte or text:
            plain = bytes([int(byte, 16)]) if byte else text
            skipped = min(skip, len(plain))
            skip -= skipped
            if group.into and not group.unseen:
                state.raw += plain[skipped:]
            continue
        if brace or sign or called:
            _decode(state, group)
            skip = skip if called == "u" else 0
        if brace == b"{":
            outer.append(group)
        elif brace == b"}":
            if group.into in ("fonts", "styles"):
                _note_name(state, group, style)
            before, group = group, outer.pop() if outer else _Group("")
            if before.into != group.into and before.into in ("title", *_MARGINS.values()):
                yield before.into
            if not outer:
                break
        elif sign == b"*":
            optional = True
            continue
        elif sign:
            _say(state, group, _SIGNS.get(sign, "\n" if sign in b"\r\n" else ""))
        elif called:
            value = int(number) if number else None
            if called in ("par", "sect", "page", "row", "cell", "intbl", "pard") and group.into == "text":
                yield from _end_part(called, state)
            elif called == "bin":
                at += max(0, value or 0)
            elif called == "s" and group.into == "styles":
                style = value or 0
            else:
                skip = _say_word(called, value, state, group)
                group = _enter(called, value, state, group, optional)
        optional = False
    _decode(state, group)
    yield from _end_part("par", state) if state.words.get("text") else ()
    if state.rows:
        yield "table"


def _end_part(called: str, state: _Reading) -> Iterator[str]:
    match called:
        case "intbl":
            state.in_table = True
        case "pard":
            state.in_table, state.level = False, 0
        case "cell":
            state.row.append(grids.Cell(write_cell(state.take_said())))
        case "row":
            state.rows.append(state.row)
            state.row = []
        case _ if state.in_table or state.row:
            state.words.setdefault("text", []).append("\n")
        case _:
            if state.rows:
                yield "table"
            yield "paragraph"


def _say_word(called: str, value: int | None, state: _Reading, group: _Group) -> int:
    """Writes what a control word stands for; how many of the next characters stand for the same."""
    if called == "u" and value is not None:
        _say(state, group, chr(value % 0x10000))
        return group.skip
    if called in _MARKS:
        _say(state, group, _MARKS[called])
    return 0


def _enter(called: str, value: int | None, state: _Reading, group: _Group, optional: bool) -> _Group:
    """The group as it is after this control word."""
    match called:
        case "fonttbl" | "stylesheet":
            return replace(group, into="fonts" if called == "fonttbl" else "styles")
        case "info":
            return replace(group, into="info")
        case "title" if group.into == "info":
            return replace(group, into="title")
        case "f" | "deff":
            return replace(group, font=value or 0)
        case "fcharset" if group.into == "fonts":
            state.fonts[group.font] = _CHARSETS.get(value or 0, "")
        case "ansicpg" | "mac" | "pc" | "pca":
            state.encoding = _codec(f"cp{value}" if called == "ansicpg" else {"mac": "mac_roman"}.get(called, "cp850"))
        case "uc":
            return replace(group, skip=max(0, value if value is not None else 1))
        case "v" | "deleted" | "htmlrtf":
            if called in _UNSEEN and value != 0 and group.into == "text":
                state.left_out.add(_UNSEEN[called])
            return replace(group, unseen=value != 0)
        case "plain":
            return replace(group, unseen=False)
        case "s" if group.into == "text":
            state.level = state.levels.get(value or 0, 0)
        case "outlinelevel" if group.into == "text" and value is not None and value < 9:
            state.level = value + 1
        case "shptxt":
            _say(state, group, "\n")
        case "footnote" if group.into == "text":
            state.words.setdefault("note", []).extend(["] ["] if state.words.get("note") else [])
            return replace(group, into="note")
        case called if called in _MARGINS and group.into == "text":
            return replace(group, into=_MARGINS[called])
        case "pict":
            state.pictures += group.into == "text"
            return replace(group, into="")
        case called if called in _SKIPPED or (optional and called not in _SHOWN):
            return replace(group, into="")
    return group


def _note_name(state: _Reading, group: _Group, style: int) -> None:
    """A style that is a heading by its name."""
    said = state.take(group.into).strip(" ;")
    if group.into == "styles" and (heading := _HEADING.match(said)):
        state.levels[style] = int(heading[1])


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def _decode(state: _Reading, group: _Group) -> None:
    if state.raw:
        said = bytes(state.raw).decode(state.fonts.get(group.font) or state.encoding, "replace")
        state.raw.clear()
        _say(state, group, said)


def _say(state: _Reading, group: _Group, words: str) -> None:
    if group.into and not group.unseen:
        state.words.setdefault(group.into, []).append(words)
