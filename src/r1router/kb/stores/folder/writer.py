"""Writes the folder of one knowledge base, by one process at a time.

Whatever interrupts it, each batch is in the table whole or not at all, and a source counts as taken in only
after all its entries are.
"""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from r1router.errors import Busy
from r1router.kb import manifest as manifests
from r1router.kb.entry import Entry
from r1router.kb.manifest import Manifest
from r1router.kb.products import Vectors
from r1router.kb.rows import ABOUT, CELLS, FEW, TERMS, name_picture, write_columns
from r1router.kb.stores.folder.described import describe_table
from r1router.kb.stores.folder.home import UNFINISHED, FolderHome, Home, explain_refusals
from r1router.kb.stores.folder.memory_limit import read_memory_limit
from r1router.kb.stores.folder.table import (
    WRITER_CACHE,
    add_about,
    add_cells,
    add_terms,
    find_index,
    index_columns,
    index_words,
    open_caches,
    quote,
    read_rows,
)
from r1router.kb.stores.folder.vector_index import bring_vectors_up_to_date
from r1router.kb.stores.store import Row
from r1router.types import Image

LOCK = "write.lock"
UNTIDY_ROWS, UNTIDY_GROWTH = 16_384, 0.1
"""Rows outside the full-text index, which each search scans, before a long run stops to index them: so many, or this
share of all, since tidying rewrites the whole table."""
CONVERTED = 512
"""Entries that become columns at once: no other thread of Python's runs meanwhile."""
SMALL_BATCH = 1_000
"""After more entries than these, written together, memory is given back."""
UNTIDY_SHARE = 0.02
"""Share of such rows that a finished run leaves; tidying rewrites the whole table, so it waits for some."""
KEPT_VERSIONS = timedelta(seconds=30)
"""Versions older than this go when the table is tidied: longer than a search takes that began before."""
REMOVED = ".removed-"
"""What the name of a folder begins with that is on its way out."""
LARGE = 256 << 10
"""Bytes from which on memory goes back to the system as soon as it is freed."""
_ARENAS, _MAPPED = -8, -3
"""What glibc calls M_ARENA_MAX and M_MMAP_THRESHOLD."""


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Holds the only right to write. Raises `Busy` when another process has it; a killed one loses it."""
    lock = filelock.FileLock(folder / LOCK)
    with explain_refusals(folder):
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise Busy(f"another process is writing to {folder}; try again when it has finished") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def open_folder_writer(folder: Path, manifest: Manifest) -> Iterator[FolderWriter]:
    """Makes the folder where it is not there. Raises `Busy`."""
    with explain_refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder):
        with explain_refusals(folder):
            writer = FolderWriter(FolderHome(folder))
            if not (folder / manifests.FILE).exists():
                manifests.write(folder, manifest)
        yield writer


def sweep(kbs: Path) -> None:
    """Deletes what removals left that were interrupted."""
    for left in kbs.glob(f"{REMOVED}*"):
        shutil.rmtree(left, ignore_errors=True)


class FolderWriter:
    """What `store.StoreWriter` says, for the table that this process has the right to write to."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.ledger, self.field_sets, self.tables = home.ledger, home.field_sets, home.tables
        _keep_heap_small()
        self._session = open_caches(index=WRITER_CACHE, files=WRITER_CACHE)
        self._limit = read_memory_limit()
        self._table: Any = home.open_table(session=self._session)
        self._dropped = 0
        """Entries, since it was opened."""
        self.is_unfinished = self._table is not None and home.has(UNFINISHED)
        if self._table is not None:
            self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        """Gives a table the columns and the index that it lacks, since it was made earlier or its writer was killed."""
        for column, add in ((TERMS, add_terms), (CELLS, add_cells), (ABOUT, add_about)):
            if column not in self._table.schema.names:
                add(self._table)
        if find_index(self._table, TERMS) is None:
            index_words(self._table)

    def explain(self) -> AbstractContextManager[None]:
        return self._home.explain()

    def group_writes(self) -> AbstractContextManager[None]:
        return nullcontext()

    def read_held(self) -> Iterator[tuple[str, str, str, int | None]]:
        if self._table is not None:
            for batch in self._table.search().select(["source", "id", "digest", ABOUT]).to_batches():
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def read_about(self) -> Iterator[int]:
        if self._table is not None:
            for batch in self._table.search().select([ABOUT]).to_batches():
                yield from batch.column(ABOUT).drop_null().unique().to_pylist()

    def begin_change(self) -> None:
        self._home.check_right()
        self._home.write(UNFINISHED, "")

    def put(self, entries: Sequence[Entry], vectors: Vectors, image_vectors: Vectors | None) -> None:
        import pyarrow as pa  # type: ignore[import-untyped]

        self._home.check_right()
        if self._table is None:
            image_dim = image_vectors.shape[1] if image_vectors is not None else None
            self._table = self._home.create_table(dim=vectors.shape[1], image_dim=image_dim, session=self._session)
        there = {"vector": _column(vectors, [e.embedded for e in entries])}
        if image_vectors is not None:
            there["image_vector"] = _column(image_vectors, [True] * len(entries))
        parts = []
        for start in range(0, len(entries), CONVERTED):
            columns: dict[str, Any] = write_columns(entries[start : start + CONVERTED], keep=self._keep)
            columns |= {name: column.slice(start, CONVERTED) for name, column in there.items()}
            parts.append(pa.table(columns, schema=self._table.schema))
        rows = pa.concat_tables(parts)
        merge = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
        merge.execute(rows, on_bad_vectors="error" if all(e.embedded for e in entries) else "null")
        if self._unindexed() > max(UNTIDY_ROWS, UNTIDY_GROWTH * self._table.count_rows()):
            self._optimise()
        elif len(entries) > SMALL_BATCH:
            _give_memory_back()

    def describe(self, entries: Sequence[Entry]) -> None:
        import pyarrow as pa

        self._home.check_right()
        ids = pa.array([entry.id for entry in entries], pa.string())
        rows = pa.table({"id": ids, ABOUT: pa.array([entry.about for entry in entries], pa.int64())})
        self._table.merge_insert("id").when_matched_update_all().execute(rows)

    def drop(self, ids: Sequence[str]) -> None:
        self._home.check_right()
        for start in range(0, len(ids), 1000):
            self._delete(f"id in ({', '.join(map(quote, ids[start : start + 1000]))})")

    def drop_source(self, source: str) -> None:
        self._home.check_right()
        self._delete(f"source = {quote(source)}")

    def _delete(self, which: str) -> None:
        there = self._table.count_rows()
        self._table.delete(which)
        self._dropped += there - self._table.count_rows()

    def tidy(self) -> None:
        self._home.check_right()
        if self._dropped > self._table.count_rows():
            # Its words are merged with those of later entries otherwise: a gigabyte, where they were very many.
            index_words(self._table)
            self._optimise()
        elif self._unindexed() > UNTIDY_SHARE * self._table.count_rows():
            self._optimise()
        else:
            self._index_many()
        self._forget_pictures()

    def say_what_it_holds(self, kind: str) -> str:
        return describe_table(self._table, kind)

    def sample_rows(self, most: int, columns: Sequence[str], *, of_tables: bool = False) -> Iterator[Row]:
        if self._table is None:
            return
        if of_tables:
            first = self._table.search().where("first_row = 1").select(["first_row"]).with_row_id(True).to_arrow()
            ids = sorted(first["_rowid"].to_pylist())
            places = [ids[place] for place in _spread(len(ids), most)]
        else:
            places = _spread(self._table.count_rows(), most)
        take = self._table.take_row_ids if of_tables else self._table.take_offsets
        for start in range(0, len(places), FEW):
            yield from take(places[start : start + FEW]).select([*columns]).to_arrow().to_pylist()

    def finish(self, manifest: Manifest | None) -> None:
        self._home.check_right()
        if manifest is not None:
            self._home.write_manifest(manifest)
        self._home.drop(UNFINISHED)

    def _unindexed(self) -> int:
        return max((index.num_unindexed_rows or 0 for index in self._table.list_indices()), default=0)

    def _optimise(self) -> None:
        """One file of rows and one index instead of one for each batch."""
        self._table.optimize(cleanup_older_than=KEPT_VERSIONS)
        self._index_many()
        _give_memory_back()

    def _index_many(self) -> None:
        """The indexes that only a large table has."""
        index_columns(self._table)
        bring_vectors_up_to_date(self._table, self._home, limit=self._limit)

    def _keep(self, image: Image) -> str:
        """Stores a picture once; returns its path inside the folder."""
        name = name_picture(image)
        self._home.keep_picture(name, image.data)
        return name

    def _forget_pictures(self) -> None:
        shown = {row["image"] for row in read_rows(self._table.search().select(["image"]))}
        self._home.drop_pictures(but=shown)


def _spread(count: int, most: int) -> list[int]:
    """At most so many places among `count`, in order.

    >>> _spread(3, 5), _spread(5, 3)
    ([0, 1, 2], [0, 2, 4])
    """
    places = (-(-number * count // most) for number in range(most))
    return sorted({place for place in places if place < count})


def _column(vectors: Vectors, there: Sequence[bool]) -> Any:
    """One vector for each entry, in order; null for those that have none."""
    import pyarrow as pa

    mask = np.array(there, bool)
    every = np.zeros((len(mask), vectors.shape[1]), np.float32)
    every[mask] = vectors
    return pa.FixedSizeListArray.from_arrays(pa.array(every.ravel()), vectors.shape[1], mask=pa.array(~mask))


@cache
def _keep_heap_small() -> None:
    """Frees what is large at once, and shares two heaps among all threads, where that is Linux.

    Else each thread of the store has a heap of its own and keeps what it freed there. Writing 50,000 entries then took
    490 MB instead of 40, not counting the 414 MB of the benchmark itself.
    """
    with suppress(OSError, AttributeError, TypeError):
        system = ctypes.CDLL(None)
        system.mallopt(_MAPPED, LARGE)
        system.mallopt(_ARENAS, 2)


def _give_memory_back() -> None:
    """Returns freed memory to the system, where that is Linux: the store's threads would each keep what they had."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
