"""Describes what a knowledge base stores for one entry: the unit that is embedded, searched and shown."""

from __future__ import annotations

from dataclasses import dataclass

from r1router.table import TableBlock
from r1router.types import Image


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    """Unique in its knowledge base: the record's id, "#" and a number."""
    record: str
    source: str
    text: str
    """What is embedded, searched by words and read by the policy; the title is part of it."""
    digest: str
    """Of everything above and below but the id; an entry whose digest stays is not embedded again."""
    title: str = ""
    page: int | None = None
    section: str = ""
    rows: tuple[int, int] | None = None
    table: TableBlock | None = None
    """The rows of a table that it is; `text` says the same, its long cells cut."""
    embedded: bool = True
    """Whether it is found by its meaning too; else by its words alone."""
    image: Image | None = None
    about: int | None = None
    """Id of the set of fields of its source (`kb/stores/about.py`)."""
