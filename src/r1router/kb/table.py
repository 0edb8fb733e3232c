"""The LanceDB table of a knowledge base: its columns, and how it is made and opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "index"
STORED = ("id", "record", "title", "text", "source", "page", "section", "first_row", "last_row", "image")
"""Columns that make an `Evidence`; beside them: digest, vector and, in an image KB, image_vector."""


def open_table(folder: Path) -> Any | None:
    """At its newest version, and staying there; None where nothing was stored yet."""
    if not (folder / f"{NAME}.lance").is_dir():
        return None
    import lancedb

    return lancedb.connect(folder).open_table(NAME)


def create_table(folder: Path, *, dim: int, image_dim: int | None) -> Any:
    """An empty table with its full-text index."""
    import lancedb
    import pyarrow as pa  # type: ignore[import-untyped]

    text, number = pa.string(), pa.int32()
    fields = [(name, number if name in ("page", "first_row", "last_row") else text) for name in STORED]
    fields += [("digest", text), ("vector", pa.list_(pa.float32(), dim))]
    if image_dim is not None:
        fields.append(("image_vector", pa.list_(pa.float32(), image_dim)))
    table = lancedb.connect(folder).create_table(NAME, schema=pa.schema(fields))
    index_words(table)
    return table


def index_words(table: Any) -> None:
    """The full-text index over `text`: words are split at white space and punctuation, lower case, accents
    folded, neither stemmed nor left out; queries are treated alike."""
    from lancedb.index import FTS

    table.create_index("text", config=FTS(stem=False, remove_stop_words=False, ascii_folding=True))


def spaces(table: Any) -> list[str]:
    """Names of its vector columns."""
    return [name for name in ("vector", "image_vector") if name in table.schema.names]


def quoted(text: str) -> str:
    """`text` as the store's filters take it."""
    return "'" + text.replace("'", "''") + "'"


def above_and_rows(block: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The lines of a stored block of a table: what stands above its rows (title, caption, header), and its rows."""
    lines = block["text"].split("\n")
    above = len(lines) - (block["last_row"] - block["first_row"] + 1)
    return lines[:above], lines[above:]
