"""Makes records of a mail, whatever file it comes from: who wrote whom when about what, the words, the attachments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from r1router.ingest.parts import aligned
from r1router.ingest.parts.cells import tidy
from r1router.ingest.parts.inside import Member, read_inside
from r1router.ingest.parts.sections import tidy_spaces
from r1router.ingest.parts.web_pages import find_left_out, parse_markup, read_parsed, says_more
from r1router.ingest.records import Passage, Problem, Record, Table
from r1router.ingest.sources import SourceFile
from r1router.types import Kind


@dataclass(slots=True)
class Letter:
    subject: str
    about: list[str]
    """Lines such as "From: Ann <ann@example.org>"."""
    plain: str = ""
    page: str = ""
    """The same as HTML; read where it says more than the plain text, or has a table."""
    attached: list[Member] = field(default_factory=list)
    forwarded: list[Letter] = field(default_factory=list)
    """Whole mails that are attached."""
    left_out: list[str] = field(default_factory=list)
    """What is told of it."""

    @property
    def fields(self) -> dict[str, str]:
        """What is known of it and of what is attached: from whom, to whom, when."""
        return {name: value for name, _, value in (line.partition(": ") for line in self.about)}


def read_letter(
    letter: Letter, file: SourceFile, number: str, *, as_: Kind | None, ocr: bool
) -> Iterator[Record | Problem]:
    """The records of a mail; `number` tells it from others in the file."""
    id, where = f"{file.source}:message {number}", f"message {number}"
    page = parse_markup(letter.page) if as_ != "image" else None
    if as_ != "image" and not says_more(page, letter.plain):
        plain = tidy(tidy_spaces(letter.plain, indented=True))
        text = tidy("\n".join([*letter.about, "", plain]).strip())
        if text and as_ != "table":
            yield Passage(id, file.source, text, letter.subject, about=letter.fields)
        for item in aligned.find_records(plain, id=id, source=file.source, title=letter.subject, as_=as_):
            yield replace(item, about=letter.fields) if isinstance(item, Table) else item
        letter.left_out += [f"{noun} left out" for noun in (find_left_out(page) if page is not None else ())]
    elif as_ != "image":
        yield from _read_page(letter, page, file, id, as_)
    for said in letter.left_out:
        yield Problem(file.source, where, said, read=True)
    if letter.attached:
        for item in read_inside(letter.attached, file, as_=as_, ocr=ocr):
            if isinstance(item, Problem):
                yield replace(item, where=f"{where}, {item.where}")
            else:
                yield replace(item, about={**letter.fields, **item.about})
    for place, inner in enumerate(letter.forwarded, 1):
        yield from read_letter(inner, file, f"{number}.{place}", as_=as_, ocr=ocr)


def _read_page(
    letter: Letter, page: Any | None, file: SourceFile, id: str, as_: Kind | None
) -> Iterator[Record | Problem]:
    """The words and tables of a mail in HTML, who wrote it in front of the first words."""
    about, fields = letter.about, letter.fields
    for item in read_parsed(page, replace(file, source=id), as_, letter.subject) if page is not None else ():
        if isinstance(item, Passage):
            text, about = "\n".join([*about, "", item.text] if about else [item.text]), []
            yield replace(item, source=file.source, text=tidy(text), about=fields)
        elif isinstance(item, Problem):
            yield replace(item, path=file.source)
        else:
            yield replace(item, source=file.source, about=fields)
    if about and as_ in (None, "text"):
        yield Passage(id, file.source, tidy("\n".join(about)), letter.subject, about=fields)
