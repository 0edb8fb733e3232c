"""Decodes what some kinds of text write in place of letters, so that M&#252;ller is found, and a folded word."""

from __future__ import annotations

import html
import quopri
import re

from r1router.ingest.parts import encodings

_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos);", re.IGNORECASE)
_CODE_UNIT = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_FOLD = re.compile(r"\r?\n[ \t]")
_QUOTED = re.compile(
    r"^([^:\n]*;ENCODING=QUOTED-PRINTABLE[^:\n]*):((?:[^\n]*=\n)*[^\n]*)$", re.IGNORECASE | re.MULTILINE
)
_CHARSET = re.compile(r"CHARSET=([\w.:-]+)", re.IGNORECASE)
_BACKSLASH = re.compile(r"\\([nN,;\\])")


def decode_escapes(text: str, suffix: str) -> str:
    """The text with letters where a file of this suffix has codes for them; as it is for all other kinds.

    >>> decode_escapes("<p>M&#252;ller &amp; Co</p>", ".xml")
    '<p>Müller & Co</p>'
    """
    match suffix.lower():
        case ".xml":
            return _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
        case ".properties":
            return _CODE_UNIT.sub(_read_code_units, text)
        case ".ics" | ".vcf":
            unfolded = _FOLD.sub("", _QUOTED.sub(_read_quoted, text))
            return _BACKSLASH.sub(lambda found: "\n" if found[1] in "nN" else found[1], unfolded)
        case _:
            return text


def _read_code_units(found: re.Match[str]) -> str:
    """Pairs of surrogates are one letter."""
    units = bytes.fromhex(found[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def _read_quoted(found: re.Match[str]) -> str:
    """A line of a contact by an old telephone."""
    stated = _CHARSET.search(found[1])
    name = (encodings.find_codec(stated[1]) if stated else "") or "utf-8"
    return f"{found[1]}:{quopri.decodestring(found[2].encode()).decode(name, 'replace')}"
