"""Opens the LanceDB table of a knowledge base, and declares its columns."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from r1router.errors import KnowledgeBaseError
from r1router.scripts import LONGEST, cut_terms_to_store
from r1router.table import TableBlock

NAME = "index"
PICTURES = "pictures"
"""Folder of a knowledge base with copies of its pictures, named by content."""
STORED = ("id", "record", "title", "text", "source", "page", "section", "first_row", "last_row", "image", "cells")
"""Columns that make an `Evidence`; beside them: terms, digest, about, vector and, in an image KB, image_vector."""
ABOUT = "about"
"""The column with the id of what is known of an entry's source, in `about.sqlite`; null where nothing was told."""
CELLS = "cells"
"""The column with the caption, header and rows of a block of a table, as JSON; null for what is none."""
WRITER_CACHE = 64 << 20
"""Bytes of each of a writer's two caches."""
TERMS = "terms"
"""The column that full text searches: what `scripts.cut_terms_to_store` makes of `text`."""


def open_small_caches() -> Any:
    """A session for a writer. The store's own keep up to 7 GB of what was just written."""
    from lancedb import Session

    return Session(index_cache_size_bytes=WRITER_CACHE, metadata_cache_size_bytes=WRITER_CACHE)


def open_table(folder: Path, *, session: Any = None) -> Any | None:
    """At its newest version, and staying there; None where nothing was stored yet. `session`: its caches."""
    if not (folder / f"{NAME}.lance").is_dir():
        return None
    import lancedb

    return lancedb.connect(folder, session=session).open_table(NAME)


def create_table(folder: Path, *, dim: int, image_dim: int | None, session: Any = None) -> Any:
    """An empty table with its full-text index. `session`: its caches."""
    import lancedb
    import pyarrow as pa  # type: ignore[import-untyped]

    text, number = pa.string(), pa.int32()
    fields = [(name, number if name in ("page", "first_row", "last_row") else text) for name in STORED]
    fields += [(TERMS, text), ("digest", text), (ABOUT, pa.int64()), ("vector", pa.list_(pa.float32(), dim))]
    if image_dim is not None:
        fields.append(("image_vector", pa.list_(pa.float32(), image_dim)))
    table = lancedb.connect(folder, session=session).create_table(NAME, schema=pa.schema(fields))
    index_words(table)
    return table


def index_words(table: Any) -> None:
    """The full-text index over the terms, with their places for phrases; queries are cut into terms by us, too."""
    from lancedb.index import FTS

    plain = FTS(
        with_position=True,
        base_tokenizer="whitespace",
        lower_case=False,
        stem=False,
        remove_stop_words=False,
        ascii_folding=False,
        max_token_length=4 * LONGEST,
    )
    table.create_index(TERMS, config=plain)


def write_any_of(terms: str, *, column: str = TERMS) -> Any:
    """The full-text query for entries with any of these terms."""
    from lancedb import query

    match: Any = query.MatchQuery  # type checkers do not see its defaults
    return match(terms, column)


def write_all_phrases(phrases: Sequence[str], terms: str) -> Any:
    """The full-text query for entries with each of these phrases, ranked by all terms."""
    from lancedb import query

    phrase_of: Any = query.PhraseQuery
    parts = [(query.Occur.MUST, phrase_of(phrase, TERMS)) for phrase in phrases]
    return query.BooleanQuery([*parts, (query.Occur.SHOULD, write_any_of(terms))])


def add_terms(table: Any) -> None:
    """Gives the column of terms to a table that was made before there was one."""
    import pyarrow as pa

    table.add_columns(pa.field(TERMS, pa.string()))
    for batch in table.search().select(["id", "text"]).to_batches():
        stored = [cut_terms_to_store(text) for text in batch.column("text").to_pylist()]
        rows = pa.table({"id": batch.column("id"), TERMS: pa.array(stored, pa.string())})
        table.merge_insert("id").when_matched_update_all().execute(rows)
    for index in table.list_indices():
        table.drop_index(index.name)
    index_words(table)


def add_cells(table: Any) -> None:
    """Gives the column of cells to a table that was made before there was one. They come when files are read again."""
    import pyarrow as pa

    table.add_columns(pa.field(CELLS, pa.string()))


def add_about(table: Any) -> None:
    """Gives the column of what is known of sources to a table that was made before there was one."""
    import pyarrow as pa

    table.add_columns(pa.field(ABOUT, pa.int64()))


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


def list_stored_columns(table: Any) -> list[str]:
    """Those of `STORED` that there are."""
    return [name for name in STORED if name in table.schema.names]


def read_entries(
    folder: Path,
    where: str,
    *,
    limit: int | None = None,
    columns: Sequence[str] = STORED,
    about: Collection[int] | None = None,
) -> list[dict[str, Any]]:
    """The stored columns of the entries for which a condition holds, in the newest version; [] where none is stored.

    `about`: only of entries whose sources these are. Raises `KnowledgeBaseError` where the folder cannot be read.
    """
    try:
        table = open_table(folder)
        if table is None:
            return []
        wanted = columns if about is None else (*columns, ABOUT)
        names = [name for name in wanted if name in table.schema.names]
        most = limit if limit and about is None else max(1, table.count_rows())
        found = table.search().where(where).select(names).limit(most)
        rows: list[dict[str, Any]] = found.to_arrow().to_pylist()
    except (OSError, RuntimeError, ValueError) as error:
        raise KnowledgeBaseError(f"{folder} cannot be read: {error}") from error
    return rows if about is None else [row for row in rows if row.get(ABOUT) in about][:limit]


def find_spaces(table: Any) -> list[str]:
    """Names of its vector columns."""
    return [name for name in ("vector", "image_vector") if name in table.schema.names]


def quote(text: str) -> str:
    """`text` as the store's filters take it."""
    return "'" + text.replace("'", "''") + "'"
