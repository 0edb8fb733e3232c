"""Opens the LanceDB table of a knowledge base, and declares its columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from r1router.errors import KnowledgeBaseError
from r1router.kb.rows import ABOUT, CELLS, NUMBERS, SPACES, STORED, TERMS
from r1router.kb.stores.store import Equal, Row
from r1router.scripts import LONGEST, cut_terms_to_store

NAME = "index"
WRITER_CACHE = 16 << 20
"""Bytes of each of a writer's two caches: it seldom needs again what it wrote or merged."""
READER_CACHE = 64 << 20
"""Bytes of what a reader remembers of files, and of the index at least."""
BOUNDS = {
    "LANCE_DEFAULT_BATCH_SIZE": "1024",
    "LANCE_DEFAULT_IO_BUFFER_SIZE": str(64 << 20),
    "LANCE_FTS_PARTITION_SIZE": "64",
    "LANCE_FTS_NUM_SHARDS": "2",
}
"""What the store takes from the environment: rows read at once, bytes read ahead of a scan, megabytes of words that one
thread gathers before it writes them (and that are merged at most), and how many threads do so. Its own are 8,192, 2 GB,
2 GB and half of the cores, so that what tidying holds grows with the table, and with what a row has."""
FEWEST_SORTED = 50_000
"""Entries from which on ids and sets of fields get an index: to look through so many takes some milliseconds."""


def open_caches(*, index: int, files: int) -> Any:
    """A session with caches of these bytes. The store's own keep up to 7 GB of what was just written or read."""
    return _import_store().Session(index_cache_size_bytes=index, metadata_cache_size_bytes=files)


def open_tables(place: str | Path, *, session: Any = None) -> Any:
    """The tables of a folder or of a prefix of object storage. `session`: its caches."""
    return _import_store().connect(place, session=session)


def _import_store() -> Any:
    """The package of the store, which reads its settings from the environment, some when it is imported."""
    os.environ.setdefault("LANCEDB_LOG", "error")  # what it warns of is told in an error of ours, where it matters
    for name, value in BOUNDS.items():
        os.environ.setdefault(name, value)
    import lancedb

    return lancedb


def open_table(folder: Path, *, session: Any = None) -> Any | None:
    """At its newest version, and staying there; None where nothing was stored yet. `session`: its caches."""
    if not (folder / f"{NAME}.lance").is_dir():
        return None
    return open_tables(folder, session=session).open_table(NAME)


def create_table(db: Any, *, dim: int, image_dim: int | None) -> Any:
    """An empty table with its full-text index. `db`: what `open_tables` gave."""
    import pyarrow as pa  # type: ignore[import-untyped]

    text, number = pa.string(), pa.int32()
    fields = [(name, number if name in NUMBERS else text) for name in STORED]
    fields += [(TERMS, text), ("digest", text), (ABOUT, pa.int64()), ("vector", pa.list_(pa.float32(), dim))]
    if image_dim is not None:
        fields.append(("image_vector", pa.list_(pa.float32(), image_dim)))
    table = db.create_table(NAME, schema=pa.schema(fields))
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


def index_columns(table: Any) -> None:
    """Makes what finds entries by their ids and by what is known of them, where there are many entries."""
    from lancedb.index import BTree

    if table.count_rows() >= FEWEST_SORTED:
        for column in ("id", ABOUT):
            if find_index(table, column) is None:
                table.create_index(column, config=BTree())


def index_vectors(table: Any, space: str) -> str:
    """Builds the approximate index of a vector column, in place of the one that it has; returns of which kind it is."""
    from lancedb.index import IvfRq, IvfSq

    has_bits = table.schema.field(space).type.list_size % 8 == 0  # codes of one bit a number fill whole bytes
    config: Any = IvfRq(distance_type="dot") if has_bits else IvfSq(distance_type="dot")
    table.create_index(space, config=config, replace=True)
    return "IVF_RQ" if has_bits else "IVF_SQ"


def find_index(table: Any, column: str) -> Any | None:
    """What the store says of the index of a column; None where there is none."""
    return next((index for index in table.list_indices() if index.columns == [column]), None)


def drop_index(table: Any, column: str) -> None:
    while index := find_index(table, column):
        table.drop_index(index.name)


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


def search_words(table: Any, query: Any) -> Any:
    """A search for such a query. It is what `table.search` makes too, which asks for the columns first."""
    from lancedb.query import LanceFtsQueryBuilder

    return LanceFtsQueryBuilder(table, query)


def add_terms(table: Any) -> None:
    """Gives the column of terms to a table that was made before there was one."""
    import pyarrow as pa

    table.add_columns(pa.field(TERMS, pa.string()))
    for batch in table.search().select(["id", "text"]).to_batches():
        stored = [cut_terms_to_store(text) for text in batch.column("text").to_pylist()]
        rows = pa.table({"id": batch.column("id"), TERMS: pa.array(stored, pa.string())})
        table.merge_insert("id").when_matched_update_all().execute(rows)
    drop_index(table, TERMS)
    drop_index(table, "text")  # which had it before
    index_words(table)


def add_cells(table: Any) -> None:
    """Gives the column of cells to a table that was made before there was one. They come when files are read again."""
    import pyarrow as pa

    table.add_columns(pa.field(CELLS, pa.string()))


def add_about(table: Any) -> None:
    """Gives the column of what is known of sources to a table that was made before there was one."""
    import pyarrow as pa

    table.add_columns(pa.field(ABOUT, pa.int64()))


@contextmanager
def explain_reading(place: str) -> Iterator[None]:
    """Raises `KnowledgeBaseError` for what the store says, in whatever words. `place`: where that is."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise KnowledgeBaseError(f"{place} cannot be read: {error}") from error


def read_entries(
    open_newest: Callable[[], Any | None],
    place: str,
    equal: Equal,
    *,
    in_tables: bool = False,
    limit: int | None = None,
    columns: Sequence[str] | None = None,
    about: Collection[int] | None = None,
) -> list[Row]:
    """The stored columns of the entries that have these values, in the newest version; [] where none is stored.

    `in_tables`: of rows of tables only. `about`: only of entries whose sources these are. Raises `KnowledgeBaseError`
    where it cannot be read; `place`: where that is.
    """
    with explain_reading(place):
        table = open_newest()
        if table is None:
            return []
        wanted = (*(columns or STORED), *((ABOUT,) if about is not None else ()))
        names = [name for name in wanted if name in table.schema.names]
        most = limit if limit and about is None else max(1, table.count_rows())
        conditions = [f"{name} = {quote(value) if isinstance(value, str) else value}" for name, value in equal.items()]
        conditions += ["first_row IS NOT NULL"] if in_tables else []
        found = table.search().select(names).limit(most)
        rows = list(read_rows(found.where(" AND ".join(conditions)) if conditions else found))
    return rows if about is None else [row for row in rows if row.get(ABOUT) in about][:limit]


def read_rows(found: Any, *, together: int = 1_000) -> Iterator[Row]:
    """What a query of the store finds, so many rows at a time: making objects of all at once holds Python's lock."""
    for batch in found.to_batches(together):
        yield from batch.to_pylist()


def find_spaces(table: Any) -> list[str]:
    """Names of its vector columns."""
    return [name for name in SPACES if name in table.schema.names]


def quote(text: str) -> str:
    """`text` as the store's filters take it."""
    return "'" + text.replace("'", "''") + "'"
