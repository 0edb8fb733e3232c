"""Declares what a store of knowledge bases does, because each engine is one file beside this one that does it.

    Catalog      a place with several knowledge bases: a folder of folders, a data base
    Store        one knowledge base there, to be read
    Snapshot     one version of its entries, to be searched
    StoreWriter  the same knowledge base, to be written by the one process that holds the right to

All that is no matter of where things lie is above: embedding queries, fusing rankings, spreading sources, reading
tables (`kb.stored`, `kb.stored_tables`); ids of what is known, cards, what a run has still to write (`kb.writer`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from r1router.filters.tree import Filter
from r1router.kb.entry import Entry
from r1router.kb.manifest import Manifest
from r1router.kb.products import Vectors
from r1router.table import TableBlock
from r1router.tables.store import TableFile

T = TypeVar("T")
Row = dict[str, Any]
"""Columns of `kb.rows` by name."""
Equal = Mapping[str, str | int]
"""Which entries are meant: those with these values in these columns; all where it is empty."""


# ── what a knowledge base keeps beside its entries ─────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Taken:
    """One source as it was when it was taken in."""

    source: str
    path: str
    """Absolute path of the file then: tells two files apart that are shown alike, and what is gone."""
    fingerprint: str
    """Of the content and of how it was cut; empty while unfinished."""
    entries: int
    """Entries that it has in this knowledge base."""
    yields: tuple[str, ...]
    """Names of all knowledge bases that got entries from it, this one among them or not."""


class Ledger(Protocol):
    """Which sources were taken in. A source without a fingerprint is unfinished and will be read again."""

    def read(self) -> dict[str, Taken]:
        """By source, sorted; empty before the first is complete."""
        ...

    def put(self, taken: Iterable[Taken]) -> None: ...

    def drop(self, sources: Iterable[str]) -> None: ...


class FieldSet(NamedTuple):
    """A set of fields that are known of a source or a record. Its id follows from it, so it never changes."""

    id: int
    of: int
    """The set that it adds to; 0 for none."""
    fields: str
    """As JSON."""


class FieldSets(Protocol):
    """What is known of the sources, each set of fields once; see `about.py` beside this file."""

    def read(self) -> Iterator[FieldSet]:
        """All of them, those first that add to none; none before the first is stored. Raises `KnowledgeBaseError`."""
        ...

    def put(self, sets: Sequence[FieldSet]) -> None:
        """Those that are there already stay."""
        ...

    def drop(self, ids: Collection[int]) -> None: ...


class LongTables(Protocol):
    """The files of tables that are too long to be read from the entries."""

    def find(self, source: str, record: str) -> Path | None:
        """The file of a table, on this machine; None where it has none."""
        ...

    def list_records(self) -> list[tuple[str, str]]:
        """Source and record of each table that has a file."""
        ...

    def take(self, source: str, record: str, file: Path) -> None:
        """Keeps a copy of a finished file of another store."""
        ...

    def begin(self, source: str, record: str, block: TableBlock) -> TableFile:
        """A new file for a table, which takes the place of the one before once it is finished."""
        ...

    def drop(self, source: str, *, but: Collection[str] = ()) -> None:
        """Removes the files of a source, `but` those of these records."""
        ...

    def tidy(self) -> None:
        """Removes what an interrupted run has left behind."""
        ...


# ── reading ────────────────────────────────────────────────────────────────────────────────────


class Allowed(Protocol):
    """What a filter lets through of one version."""

    @property
    def ids(self) -> frozenset[int]:
        """Of the sets of fields that fit and that entries have."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """Of all fields in these sets."""
        ...

    def __len__(self) -> int:
        """Entries."""
        ...


class Snapshot(Protocol):
    """The entries at one version. Several threads may search it at once; row ids mean something inside it only."""

    def __len__(self) -> int: ...

    def measure_width(self, space: str) -> int:
        """Numbers in a vector of "vector" or "image_vector"; 0 where none is stored."""
        ...

    def allow(self, tree: Filter) -> Allowed:
        """What a filter lets through. Raises `InputError` where the entries were never described."""
        ...

    def find_nearest(self, space: str, queries: Vectors, k: int, tree: Filter | None = None) -> list[list[int]]:
        """Row ids of the `k` highest dot products for each query, best first; of those that the filter lets through."""
        ...

    def find_matching(self, terms: str, phrases: Sequence[str], k: int, tree: Filter | None = None) -> list[int]:
        """Row ids of the `k` best BM25 scores for any of the terms, best first; those that have all the phrases first.

        Terms, and those of a phrase, have a blank between them.
        """
        ...

    def compare(self, space: str, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[float | None]:
        """The dot product of one query vector with the vector of each of these rows; None for those without one."""
        ...

    def read_rows(self, row_ids: Sequence[int]) -> dict[int, Row]:
        """The stored columns by row id. Raises `LookupError` where this version is gone."""
        ...

    def describe(self, kind: str, tree: Filter) -> str:
        """What the entries that a filter lets through hold, in a line for the card."""
        ...


@dataclass(frozen=True, slots=True)
class Inspection:
    """How a knowledge base is stored."""

    index: str
    """How vectors are compared, in words: "exact", or by which index."""
    recall: float | None
    """Share of the ten nearest that this index found when it was measured; None where it was not."""
    written: datetime | None
    """When something in it changed last; None where the store does not tell."""


class Finding(NamedTuple):
    """Something that is wrong with a knowledge base."""

    what: str
    mended: bool


class Store(Protocol):
    """One knowledge base. Reads the newest version at every call, and nothing before the first."""

    @property
    def name(self) -> str:
        """What it is found by in its catalog."""
        ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def field_sets(self) -> FieldSets: ...

    @property
    def tables(self) -> LongTables: ...

    @property
    def place(self) -> str:
        """Where it is, to be shown: without a password."""
        ...

    def exists(self) -> bool: ...

    def read_manifest(self) -> Manifest:
        """Raises `KnowledgeBaseError` where there is none, or none of our format."""
        ...

    def find_stamp(self) -> Hashable:
        """What is another one when the card was written anew. Raises `KnowledgeBaseError` where there is none."""
        ...

    def use(self, work: Callable[[Snapshot], T], *, empty: T) -> T:
        """What `work` makes of the newest version, `empty` before anything is stored; it may be done again.

        Raises `KnowledgeBaseError` where it cannot be read.
        """
        ...

    def count(self) -> int:
        """Entries."""
        ...

    def count_sources(self) -> Iterator[tuple[str, int | None, int]]:
        """Each source with the id of a set of fields, and how many entries have both; in parts that add up."""
        ...

    def read_entries(
        self,
        equal: Equal,
        *,
        in_tables: bool = False,
        limit: int | None = None,
        columns: Sequence[str] | None = None,
        about: Collection[int] | None = None,
    ) -> list[Row]:
        """The stored columns of these entries; `in_tables`: of rows of tables only. `about`: of these sets of fields.

        Raises `KnowledgeBaseError` where it cannot be read.
        """
        ...

    def read_batches(self, source: str) -> Iterator[list[Row]]:
        """The entries of one source, some hundreds at a time, with their digests and vectors too."""
        ...

    def find_picture(self, name: str) -> Path | None:
        """The file of a picture, on this machine; None where there is none."""
        ...

    def measure(self) -> int:
        """Bytes that it takes."""
        ...

    def inspect(self) -> Inspection:
        """How it is stored, without opening it for a search."""
        ...

    def open_writer(self, manifest: Manifest) -> AbstractContextManager[StoreWriter]:
        """Makes it where it is not there. Raises `Busy` while another process writes to it."""
        ...

    def remove(self) -> None:
        """Deletes all of it. Raises `Busy`, and `KnowledgeBaseError` where there is none."""
        ...

    def rename(self, name: str) -> None:
        """Raises `InputError` where the name is taken, `Busy`."""
        ...

    def check(self, *, repair: bool) -> list[Finding]:
        """What is wrong with it; nothing where it is whole. With `repair`, what can be mended is. Raises `Busy`."""
        ...


# ── writing ────────────────────────────────────────────────────────────────────────────────────


class StoreWriter(Protocol):
    """The right to write to one knowledge base. Whatever interrupts it, each call is done whole or not at all."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def field_sets(self) -> FieldSets: ...

    @property
    def tables(self) -> LongTables: ...

    @property
    def is_unfinished(self) -> bool:
        """Whether the run before changed something and did not come to its end."""
        ...

    def explain(self) -> AbstractContextManager[None]:
        """Raises `NotWritten` for what the store refuses inside."""
        ...

    def group_writes(self) -> AbstractContextManager[None]:
        """What is written inside is seen by readers at once, where the engine has transactions."""
        ...

    def read_held(self) -> Iterator[tuple[str, str, str, int | None]]:
        """Source, id, digest and set of fields of every entry."""
        ...

    def read_about(self) -> Iterator[int]:
        """Ids of the sets of fields that entries have, each at least once."""
        ...

    def begin_change(self) -> None:
        """Remembers that something is changed, until `finish`."""
        ...

    def put(self, entries: Sequence[Entry], vectors: Vectors, image_vectors: Vectors | None) -> None:
        """Adds entries or replaces those with the same ids. `vectors`: of those to be embedded, in their order."""
        ...

    def describe(self, entries: Sequence[Entry]) -> None:
        """Takes down the sets of fields of entries that stay as they are otherwise."""
        ...

    def drop(self, ids: Sequence[str]) -> None: ...

    def drop_source(self, source: str) -> None: ...

    def tidy(self) -> None:
        """After changes: brings indexes up to date, and deletes pictures that nothing shows any more."""
        ...

    def say_what_it_holds(self, kind: str) -> str:
        """A line for the card."""
        ...

    def sample_rows(self, most: int, columns: Sequence[str], *, of_tables: bool = False) -> Iterator[Row]:
        """These columns of so many entries that are spread over all, few of which are in memory at a time; `of_tables`:
        of the first of each table."""
        ...

    def finish(self, manifest: Manifest | None) -> None:
        """The run has come to its end; the card is this one now, where one is given."""
        ...


# ── where knowledge bases are ──────────────────────────────────────────────────────────────────


class Catalog(Protocol):
    """A place with several knowledge bases."""

    kind: str
    """What such a place is, in words: "the folder"."""

    @property
    def place(self) -> str:
        """Where it is, to be shown: without a password."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder that it is, for what only a folder can do; None for any other place."""
        ...

    def exists(self) -> bool: ...

    def list_stores(self) -> dict[str, Store]:
        """By name, sorted; none where the place does not exist."""
        ...

    def list_stamps(self) -> dict[str, Hashable]:
        """`Store.find_stamp` of all of them, by name, sorted; in one question where it is asked of an engine."""
        ...

    def get_store(self, name: str) -> Store:
        """The store of this name, whether it exists or is to be made."""
        ...

    def read_note(self, name: str) -> str:
        """A text that is kept beside the knowledge bases; "" where there is none."""
        ...

    def change_note(self, name: str, change: Callable[[str], str]) -> None:
        """Replaces it by what `change` makes of it; by one process at a time. Raises `NotWritten`."""
        ...
