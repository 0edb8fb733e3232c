"""Reads a mail that was saved by Outlook (.msg): one passage, and what is attached like the files of an archive."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts import encodings
from r1router.ingest.parts.cells import make_title, write_cell
from r1router.ingest.parts.files import check_size
from r1router.ingest.parts.inside import Member
from r1router.ingest.parts.letters import Letter, read_letter
from r1router.ingest.readers import rtf
from r1router.ingest.readers.mail import look as look  # by its name only, as other mail
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.msg",)
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_FROM, _FROM_ADDRESS, _SENT, _RECEIVED = 0x0C1A, 0x0C1F, 0x0039, 0x0E06
_TO, _CC, _SUBJECT, _BODY, _RTF, _HTML = 0x0E04, 0x0E03, 0x0037, 0x1000, 0x1009, 0x1013
_DATA, _LONG_NAME, _SHORT_NAME, _SHOWN_NAME = 0x3701, 0x3707, 0x3704, 0x3001
"""Ids of properties, as [MS-OXPROPS] numbers them."""
_WHOLE_MAIL = "__substg1.0_3701000D"
_OUTER, _INNER, _ATTACHMENT = 32, 24, 8
"""Bytes in front of the properties of a file's own mail, of one inside, and of an attachment."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    from olefile import OleFileIO, isOleFile  # type: ignore[import-untyped]
    from oxmsg.storage import Storage

    check_size(file.path, file.source)
    if not isOleFile(str(file.path)):
        raise UnreadableFile(file.source, "is no mail by Outlook, whatever its name says")
    with OleFileIO(str(file.path)) as ole:
        letter = _open(Storage.from_ole(ole), _OUTER, make_title(file.path))
    yield from read_letter(letter, file, "1", as_=as_, ocr=ocr)


def _open(storage: Any, offset: int, title: str) -> Letter:
    from oxmsg.properties import Properties

    held = Properties(storage, properties_header_offset=offset)
    said = {id: write_cell(held.str_prop_value(id)) for id in (_FROM, _FROM_ADDRESS, _TO, _CC, _SUBJECT)}
    address = f"<{said[_FROM_ADDRESS]}>" if "@" in said[_FROM_ADDRESS] else ""
    sent = held.date_prop_value(_SENT) or held.date_prop_value(_RECEIVED)
    lines = {"From": f"{said[_FROM]} {address}".strip(), "To": said[_TO], "Cc": said[_CC], "Date": write_cell(sent)}
    letter = Letter(said[_SUBJECT] or title, [f"{name}: {value}" for name, value in lines.items() if value])
    letter.plain = held.str_prop_value(_BODY) or ""
    letter.page = held.str_prop_value(_HTML) or _decode(held.binary_prop_value(_HTML) or b"", held)
    if not letter.plain.strip() and not letter.page and (packed := held.binary_prop_value(_RTF)):
        from compressed_rtf import decompress  # type: ignore[import-untyped]

        letter.plain = rtf.write_text(decompress(packed))
    for number, attached in enumerate(storage.iter_attachment_storages(), 1):
        inner = next((part for part in attached.storages if part.name == _WHOLE_MAIL), None)
        about = Properties(attached, properties_header_offset=_ATTACHMENT)
        names = (about.str_prop_value(id) for id in (_LONG_NAME, _SHORT_NAME, _SHOWN_NAME))
        name = write_cell(next(filter(None, names), f"attachment {number}"))
        if inner is not None:
            letter.forwarded.append(_open(inner, _INNER, name))
        elif (data := about.binary_prop_value(_DATA)) is not None:
            letter.attached.append(Member(name, partial(io.BytesIO, data)))
        else:
            letter.left_out.append(f"attachment {name} left out: it is not in the file")
    return letter


def _decode(page: bytes, held: Any) -> str:
    try:
        return page.decode(held.body_encoding)
    except (LookupError, UnicodeDecodeError):
        guess = next(encodings.guess(page), None)
        return page.decode(guess.name if guess else "utf-8", "replace")
