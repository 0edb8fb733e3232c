"""Reads mail and pages saved like it as a passage for each message, and what is attached like files of an archive."""

from __future__ import annotations

import email
import email.policy
import io
import mimetypes
import re
from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import IO, Any

from r1router.ingest.parts import encodings
from r1router.ingest.parts.cells import make_title, write_cell
from r1router.ingest.parts.files import check_size
from r1router.ingest.parts.inside import Member
from r1router.ingest.parts.letters import Letter, read_letter
from r1router.ingest.parts.registry import Look
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.eml", "*.mbox", "*.mht", "*.mhtml")
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_HEADERS = ("From", "To", "Cc", "Date")
_PLAIN = ("us-ascii", "ascii", "unknown-8bit", "x-unknown", "default")
_FROM = re.compile(rb"From \S.*\d\d:\d\d.*\d{4}|From .*\d{4}\s*$|From - |From \S+@\S+\s*$")
_QUOTED_FROM = re.compile(rb"^>(>*From )")
_TWICE = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html"})
"""Other forms of the same words."""
_PACKED = (
    "winmail.dat left out: Outlook packed the attachments into it (TNEF); unpack it, for example with"
    " `tnef winmail.dat`, or ask for the mail as HTML"
)
_NOT_SEEN = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    for number, message in enumerate(_messages(file), 1):
        yield from read_letter(_open(message, make_title(file.path)), file, str(number), as_=as_, ocr=ocr)


def look(path: Path, as_: Kind | None) -> Look:
    """What is attached is found while it is read: a large mailbox takes minutes."""
    return ("text",), ()


def _messages(file: SourceFile) -> Iterator[EmailMessage]:
    if file.path.suffix.lower() != ".mbox":
        check_size(file.path, file.source)
        with file.path.open("rb") as stream:
            yield email.message_from_binary_file(stream, policy=email.policy.default)
        return
    with file.path.open("rb") as stream:
        yield from (email.message_from_bytes(b"".join(lines), policy=email.policy.default) for lines in _split(stream))


def _split(stream: IO[bytes]) -> Iterator[list[bytes]]:
    """The lines of each mail in a mailbox. A sentence that begins with "From" begins none: a mail comes behind a blank
    line and says when it came."""
    lines: list[bytes] = []
    is_begun, is_blank = False, True
    for line in stream:
        if is_blank and _FROM.match(line):
            if is_begun:
                yield lines
            lines, is_begun = [], True
        elif is_begun:
            lines.append(_QUOTED_FROM.sub(rb"\1", line))
        is_blank = not line.strip()
    if is_begun:
        yield lines


def _open(message: EmailMessage, title: str) -> Letter:
    is_saved_page = "saved by" in _header(message, "From").lower()
    headers = () if is_saved_page else _HEADERS
    about = [f"{name}: {said}" for name in headers if (said := _header(message, name))]
    letter = Letter(_header(message, "Subject") or title, about)
    plain, page = message.get_body(("plain",)), message.get_body(("html",))
    letter.plain = _words(plain, letter) if plain is not None else ""
    letter.page = _words(page, letter) if page is not None else ""
    inline = 0
    for number, part in enumerate(_parts(message, [plain, page]), 1):
        kind = part.get_content_type()
        if kind == "message/rfc822" and isinstance(inner := part.get_payload(0), EmailMessage):
            letter.forwarded.append(_open(inner, part.get_filename() or letter.subject))
        elif kind == "application/pgp-encrypted" or part.get_param("smime-type") == "enveloped-data":
            letter.left_out.append("its text is encrypted, and left out")
        elif part.get_content_maintype() == "image" and part.get("Content-ID") and not part.is_attachment():
            inline += 1
        elif kind == "message/delivery-status":
            letter.plain += "".join(f"\n{said}" for block in part.get_payload() for said in str(block).splitlines())
        elif kind == "application/ms-tnef" or (part.get_filename() or "").lower() == "winmail.dat":
            letter.left_out.append(_PACKED)
        elif kind not in _NOT_SEEN:
            suffix = mimetypes.guess_extension(kind) or (".txt" if kind.startswith("text/") else "")
            name = write_cell(part.get_filename()) or f"part {number}{suffix}"
            letter.attached.append(Member(name, partial(_open_part, part)))
    if inline:
        letter.left_out.append(f"{inline} picture{'s' * (inline > 1)} inside the text left out")
    return letter


def _parts(message: EmailMessage, bodies: list[Any]) -> Iterator[EmailMessage]:
    """What a message has besides both forms of its body; the parts of a message in it are its own."""
    for part in message.get_payload() if message.is_multipart() else (message,):
        if not isinstance(part, EmailMessage) or any(part is body for body in bodies):
            continue
        if part.get_content_maintype() == "multipart":
            yield from _parts(part, bodies)
        elif message.get_content_type() == "multipart/alternative" and part.get_content_type() in _TWICE:
            continue
        else:
            yield part


def _open_part(part: Any) -> io.BytesIO:
    data = part.get_payload(decode=True)
    return io.BytesIO(data if isinstance(data, bytes) else b"")


def _words(part: Any, letter: Letter) -> str:
    """The text of a part in the encoding that it names, else in one that fits."""
    data = _open_part(part).read()
    named = part.get_content_charset() or "utf-8"
    # Programs call what they do not know ASCII; then the letters themselves say more.
    for name in ("utf-8",) if named in _PLAIN else (encodings.find_codec(named), "utf-8"):
        try:
            return data.decode(name)
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    guess = next(encodings.guess(data), None)
    letter.left_out += [guess.doubt] if guess and guess.doubt else []
    if guess is None:
        letter.left_out.append("its encoding cannot be told; letters beyond ASCII were replaced")
    return data.decode(guess.name if guess else "ascii", "replace")


def _header(message: EmailMessage, name: str) -> str:
    """Decoded; one with raw bytes, as old programs write them, in an encoding that fits."""
    raw = next((value for called, value in message.raw_items() if called.lower() == name.lower()), "")
    try:
        raw.encode()
    except UnicodeEncodeError:
        data = raw.encode("utf-8", "surrogateescape")
        try:
            return write_cell(data.decode())
        except UnicodeDecodeError:
            guess = next(encodings.guess(data), None)
            return write_cell(data.decode(guess.name if guess else "ascii", "replace"))
    return write_cell(str(message[name])) if raw else ""
