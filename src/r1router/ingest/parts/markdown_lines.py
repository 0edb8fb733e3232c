"""Cuts Markdown into lines and headings, because notebooks and the captions of pictures hold it too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from r1router.ingest.parts.cells import write_cell

_FRONT = re.compile(
    r"\A(?:---[ \t]*\n(?P<yaml>.*?)^(?:---|\.\.\.)|\+\+\+[ \t]*\n(?P<toml>.*?)^\+\+\+)[ \t]*\n",
    re.DOTALL | re.MULTILINE,
)
_FIELD = re.compile(r"^[^\s#:=][^:=\n]*[:=]", re.MULTILINE)
FRONT_TITLE = re.compile(r"^title[ \t]*[:=](.+)$", re.MULTILINE | re.IGNORECASE)
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"\A {0,3}(#{1,6})(?:[ \t](.*))?\Z")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_PICTURE = re.compile(r"<img\s(?:[^<>]{0,500}?\s)?alt=[\"']([^\"'<>]{0,300})[\"'][^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(a|b|big|br|center|code|details|div|em|font|h[1-6]|hr|i|img|kbd|li|ol|p|picture|small|source|span|strong|sub"
    r"|summary|sup|u|ul)(?:\s[^<>]{0,500})?/?>",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?: {4}|\t)\s{0,40}[^\s\d*+-]")
"""An indented line that is no item of a list."""
_NO_HEADING = re.compile(r"\s*([-*+>|#]|\d+[.)])(\s|$)|\s*$| {4}")
"""Lines that an underline of dashes does not make a heading: lists, quotes, tables, blank lines, code."""
_ANCHOR = re.compile(r"[ \t]{0,9}\{[#.][^{}]{0,200}\}$")

_INLINE = r"data:[\w/+.-]{1,80};base64,[A-Za-z0-9+/=]"
_DATA = re.compile(
    rf"^ {{0,3}}\[[^\[\]\n]{{1,99}}\]:[ \t]{{0,9}}<?{_INLINE}{{1,99999999}}>?[ \t]*$|{_INLINE}{{99,99999999}}",
    re.MULTILINE,
)
"""A picture that is written into the file itself."""


def find_front(text: str) -> re.Match[str] | None:
    """The front matter; lines between two rules that name no field are none, but text."""
    front = _FRONT.match(text)
    between = front and (front["yaml"] if front["toml"] is None else front["toml"])
    return front if between is not None and (not between.strip() or _FIELD.search(between)) else None


def parse(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The title ("" without front matter and first-level heading), and lines: (level, heading) or (0, line)."""
    front = find_front(text)
    named = FRONT_TITLE.search(front[0]) if front else None
    body = _without_comments(text[front.end() :] if front else text)
    lines = list(_lines(_DATA.sub("", body)))
    title = named[1].strip().strip("'\"") if named else next((name for level, name in lines if level == 1), "")
    return write_cell(title), lines


def _without_comments(text: str) -> str:
    """One in fenced code is code; one that is not closed is text, as it may be meant so."""
    kept, at, fence = [], 0, ""
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        line = text[at:end]
        mark = FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        begin = -1 if fence else line.find("<!--")
        close = text.find("-->", at + begin + 4) if begin >= 0 else -1
        if begin >= 0 and close < 0:
            break
        kept.append(line if begin < 0 else line[:begin])
        at = end if begin < 0 else close + 3
    return "".join([*kept, text[at:]])


def _lines(body: str) -> Iterator[tuple[int, str]]:
    """In order; a `#` in fenced code is no heading."""
    fence = ""
    before: str | None = None  # held back until it is clear that it is not underlined
    shown = ""
    for line in body.split("\n"):
        mark = FENCE.match(line)
        if mark and (not fence or (line.strip().startswith(fence) and not line.strip().strip(fence[0]))):
            fence = "" if fence else mark[1]
            heading = underline = None
        else:
            heading = None if fence else _HEADING.match(line)
            underline = None if fence or before is None else _UNDERLINE.match(line)
        if underline and before is not None and not _NO_HEADING.match(before):
            yield (1 if underline[1][0] == "=" else 2), shown
            before = None
            continue
        if before is not None:
            yield 0, shown
        if heading:
            yield len(heading[1]), _plain(_without_closing(heading[2] or ""))
            before = None
        else:
            before, shown = line, line if fence or _CODE.match(line) else _plain(line)
    if before is not None:
        yield 0, shown


def _without_closing(heading: str) -> str:
    """A heading without its name for links and the `#` that may end it, and without blanks around."""
    heading = _ANCHOR.sub("", heading.strip(" \t"))
    words = heading.rstrip("#")
    return heading if words and words[-1] not in " \t" else words.rstrip(" \t")


def _plain(line: str) -> str:
    """Links and pictures as the words that they show, and no tags of HTML but those of tables."""
    line = _LINK.sub(r"\1", _LINK.sub(r"\1", line))  # twice for a picture inside a link
    return _TAG.sub(_part, _PICTURE.sub(r" \1 ", line)) if "<" in line else line


def _part(tag: re.Match[str]) -> str:
    """What stands between the words that a tag stands between."""
    return " " if tag[1].lower() == "br" else ""
