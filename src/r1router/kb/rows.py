"""Describes an entry as the columns that every store keeps of it, and reads them back.

Beside these columns a store keeps the entry's terms for full text, its digest, the id of what is known of its source,
and its vectors: "vector" of its text, and "image_vector" of its picture.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from r1router.errors import KnowledgeBaseError
from r1router.kb.entry import Entry
from r1router.scripts import cut_terms_to_store
from r1router.table import TableBlock
from r1router.types import Image

STORED = ("id", "record", "title", "text", "source", "page", "section", "first_row", "last_row", "image", "cells")
"""Columns that make an `Evidence`."""
NUMBERS = frozenset(("page", "first_row", "last_row"))
"""Those of them that are whole numbers; the others are text."""
SPACES = ("vector", "image_vector")
BATCH = 512
"""Entries that are read together where all of them are read."""
FEW = 16
"""Entries that are read together where each may have megabytes: all cells of a wide table."""
PICTURES = "pictures"
"""What the path of a picture begins with, in the column of pictures; its name follows from its content."""
ABOUT = "about"
"""The column with the id of what is known of an entry's source; null where nothing was told."""
CELLS = "cells"
"""The column with the caption, header and rows of a block of a table, as JSON; null for what is none."""
TERMS = "terms"
"""The column that full text searches: what `scripts.cut_terms_to_store` makes of `text`."""

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


def write_columns(entries: Sequence[Entry], *, keep: Callable[[Image], str]) -> dict[str, list[Any]]:
    """All columns but the vectors, by name. `keep` stores a picture and returns its path for the column."""
    return {
        "id": [e.id for e in entries],
        "record": [e.record for e in entries],
        "title": [e.title for e in entries],
        "text": [e.text for e in entries],
        "source": [e.source for e in entries],
        "page": [e.page for e in entries],
        "section": [e.section for e in entries],
        "first_row": [e.rows[0] if e.rows else None for e in entries],
        "last_row": [e.rows[1] if e.rows else None for e in entries],
        "image": [keep(e.image) if e.image else None for e in entries],
        CELLS: [write_cells(e.table) for e in entries],
        TERMS: [cut_terms_to_store(e.text) for e in entries],
        "digest": [e.digest for e in entries],
        ABOUT: [e.about for e in entries],
    }


def name_picture(image: Image) -> str:
    """The path for the column, which follows from the content. Raises `KnowledgeBaseError` for what we do not store."""
    extension = _EXTENSIONS.get(image.media_type)
    if extension is None:
        raise KnowledgeBaseError(f"{image.name or 'a picture'}: {image.media_type} is not a picture we store")
    return f"{PICTURES}/{hashlib.sha256(image.data).hexdigest()[:32]}.{extension}"


def write_cells(block: TableBlock | None) -> str | None:
    """What of a block is in no other column, as it is stored."""
    if block is None:
        return None
    return json.dumps([block.caption, block.header, block.rows], ensure_ascii=False, separators=(",", ":"))


def read_block(row: Mapping[str, Any]) -> TableBlock | None:
    """The block of a table that a stored entry is; None for any other, and for one stored before there were cells."""
    if not (cells := row.get(CELLS)):
        return None
    caption, header, rows = json.loads(cells)
    first = row["first_row"] or 1
    return TableBlock(row["title"], row["section"], caption, tuple(header), tuple(map(tuple, rows)), first)
