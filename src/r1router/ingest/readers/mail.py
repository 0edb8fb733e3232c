"""Reads mail (.eml, .mbox) as one passage for each message: who wrote whom when about what, and the words."""

from __future__ import annotations

import email
import email.policy
import mailbox
import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

from r1router.ingest.parts.cells import Ids, make_title, tidy, write_cell
from r1router.ingest.parts.sections import tidy_spaces
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.eml", "*.mbox")
KINDS: tuple[Kind, ...] = ("text",)

_HEADERS = ("From", "To", "Cc", "Date")


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    ids = Ids()
    for number, message in enumerate(_messages(file), 1):
        subject = write_cell(str(message.get("Subject", ""))) or make_title(file.path)
        about = [f"{name}: {write_cell(str(message[name]))}" for name in _HEADERS if message.get(name)]
        text = "\n".join([*about, "", _words(message)]).strip()
        if text:
            yield Passage(ids.unique(f"{file.source}:message {number}"), file.source, tidy(text), subject)
        names = [part.get_filename() or part.get_content_type() for part in message.iter_attachments()]
        if names:
            yield Problem(file.source, f"message {number}", f"attachments left out: {', '.join(names)}", read=True)


def _messages(file: SourceFile) -> Iterator[EmailMessage]:
    def parse(stream: Any) -> Any:
        return email.message_from_binary_file(stream, policy=email.policy.default)

    if file.path.suffix.lower() == ".eml":
        with file.path.open("rb") as stream:
            yield parse(stream)
        return
    yield from mailbox.mbox(file.path, factory=parse, create=False)  # type: ignore[misc]


def _words(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    text = str(body.get_content())
    if body.get_content_type() != "text/html":
        return tidy_spaces(text)
    from lxml import html  # type: ignore[import-untyped]

    root = html.fromstring(text or "<p></p>")
    for element in root.xpath("//script|//style|//head"):
        element.drop_tree()
    return tidy_spaces(re.sub(r"\n{3,}", "\n\n", "\n".join(root.itertext())))
