"""Defines what a reader makes of a file, before it is cut into entries: passages, tables, pictures.

A record's `id` is the one that the file gives it (a jsonl row with an "id"), else the reader's own:
the source path with a page, sheet or ordinal, stable as long as the file's structure is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from r1router.types import Image, Kind


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of text that is never joined with another one: a page, a section, a jsonl row."""

    id: str
    source: str
    text: str
    title: str = ""
    page: int | None = None
    """1-based."""
    section: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """(name, value) of what a row has beside its text: short values, in their order."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What is known of it alone, as it was found; see `About`."""


@dataclass(frozen=True, slots=True)
class Table:
    id: str
    source: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Each as long as the header."""
    title: str = ""
    section: str = ""
    caption: str = ""
    page: int | None = None
    first_row: int = 1
    """1-based number of `rows[0]` in the whole table. A long table comes as several records that share
    `id` and `header` and follow each other in order, so number its rows from here: `first_row + i`."""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    id: str
    source: str
    image: Image
    title: str = ""
    caption: str = ""
    words: str = ""
    """Words found in the picture by OCR."""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class About:
    """What is known of all records of a file that follow: its author, dates, language, fields of its front matter."""

    fields: Mapping[str, Any]
    """As they were found; `filters.fields.clean` brings them into form."""
    firm: bool = False
    """Whether it was said beside the file, or is a fact about it, and is in form already: what the document says itself
    does not change it."""


Record = Passage | Table | Picture


def find_kind(record: Record) -> Kind:
    """The kind of knowledge base that it goes to."""
    match record:
        case Passage():
            return "text"
        case Picture():
            return "image"
        case Table():
            return "table"


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a file that could not be read while the rest could; collected by the index run."""

    path: str
    """`source` of the file."""
    where: str
    """"line 17", "page 3", "sheet Totals"; empty for the whole file."""
    reason: str
    read: bool = False
    """Whether it was read all the same: a choice to know of, or a part that was left out on purpose."""
