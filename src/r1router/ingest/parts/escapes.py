"""Decodes what some kinds of text write in place of letters, so that M&#252;ller is found, and a folded word."""

from __future__ import annotations

import html
import quopri
import re

from r1router.ingest.parts import encodings

_MARKED_UP = "xml xsd xsl rss atom opml fb2 gpx kml plist webloc resx dita docbook"
XML = tuple(f".{name}" for name in _MARKED_UP.split())
"""Suffixes of text that is marked up by XML."""
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos);", re.IGNORECASE)
_CODE_UNIT = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_FOLD = re.compile(r"\r?\n[ \t]")
_QUOTED = ";ENCODING=QUOTED-PRINTABLE"
_CHARSET = re.compile(r"CHARSET=([\w.:-]+)", re.IGNORECASE)
_PACKED = re.compile(
    r"^((?:PHOTO|LOGO|SOUND|KEY|ATTACH)\b[^:\n]*):(?:data:[^,\n]*,)?[\w+/]{100,}={0,2}\r?$",
    re.MULTILINE | re.IGNORECASE,
)
_BACKSLASH = re.compile(r"\\([nN,;\\])")


def decode_escapes(text: str, suffix: str) -> str:
    """The text with letters where a file of this suffix has codes for them; as it is for all other kinds.

    >>> decode_escapes("<p>M&#252;ller &amp; Co</p>", ".xml")
    '<p>Müller & Co</p>'
    """
    match suffix.lower():
        case kind if kind in XML:
            return _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
        case ".properties":
            return _CODE_UNIT.sub(_read_code_units, text)
        case ".ics" | ".vcf":
            unfolded = _FOLD.sub("", _read_quoted_lines(text) if _QUOTED in text.upper() else text)
            return _BACKSLASH.sub(lambda found: "\n" if found[1] in "nN" else found[1], unfolded)
        case _:
            return text


def drop_packed(text: str, suffix: str) -> tuple[str, int]:
    """Calendars and contacts without pictures, sounds and files that are packed into them, and how many these are."""
    return _PACKED.subn(r"\1:", text) if suffix.lower() in (".ics", ".vcf") else (text, 0)


def _read_code_units(found: re.Match[str]) -> str:
    """Pairs of surrogates are one letter."""
    units = bytes.fromhex(found[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def _read_quoted_lines(text: str) -> str:
    """The lines of a contact by an old telephone; one that ends with "=" goes on in the next."""
    read: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and _QUOTED in name.upper():
            written = [value]
            while written[-1].rstrip("\r").endswith("=") and (more := next(lines, None)) is not None:
                written.append(more)
            line = f"{name}:{_read_quoted(name, chr(10).join(written))}"
        read.append(line)
    return "\n".join(read)


def _read_quoted(name: str, value: str) -> str:
    stated = _CHARSET.search(name)
    codec = (encodings.find_codec(stated[1]) if stated else "") or "utf-8"
    return quopri.decodestring(value.encode()).decode(codec, "replace")
