"""Writes entries and their vectors to the table of one knowledge base, by one process at a time.

Whatever interrupts it, each batch is in the table whole or not at all, and a source counts as taken in only
after all its entries are.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import filelock
import numpy as np

from r1router.errors import Busy, KnowledgeBaseError, NotWritten
from r1router.kb import manifest as manifests
from r1router.kb.about import About
from r1router.kb.card import describe_entries
from r1router.kb.embedding import Vectors
from r1router.kb.entry import Entry
from r1router.kb.languages import SAMPLE, choose_language, count_languages
from r1router.kb.ledger import Ledger
from r1router.kb.long_tables import LongTables
from r1router.kb.manifest import Manifest
from r1router.kb.table import (
    ABOUT,
    CELLS,
    PICTURES,
    TERMS,
    add_about,
    add_cells,
    add_terms,
    create_table,
    index_words,
    open_small_caches,
    open_table,
    quote,
    write_cells,
)
from r1router.scripts import cut_terms_to_store
from r1router.types import Image

P = ParamSpec("P")
T = TypeVar("T")

LOCK = "write.lock"
UNTIDY_ROWS = 16_384
"""Rows outside the full-text index, which each search scans, before a long run stops to index them."""
SMALL_BATCH = 1_000
"""After more entries than these, written together, memory is given back."""
UNTIDY_SHARE = 0.02
"""Share of such rows that a finished run leaves; tidying rewrites the whole table, so it waits for some."""
KEPT_VERSIONS = timedelta(seconds=30)
"""Versions older than this go when the table is tidied: longer than a search takes that began before."""
UNFINISHED = ".unfinished"
"""A file that is there from a run's first change until its card is written: the next run writes the card anew."""
_REMOVED = ".removed-"

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
_log = logging.getLogger(__name__)


@contextmanager
def explain_refusals(folder: Path) -> Iterator[None]:
    """Raises `NotWritten` for what the disk or the store refuses, in whatever words each of them says it."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise NotWritten(str(folder), error) from error


def _told(method: Callable[Concatenate[Writer, P], T]) -> Callable[Concatenate[Writer, P], T]:
    """The method, under `explain_refusals`."""

    @functools.wraps(method)
    def told(writer: Writer, /, *args: P.args, **options: P.kwargs) -> T:
        with explain_refusals(writer.folder):
            return method(writer, *args, **options)

    return told


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
def open_writer(folder: Path, manifest: Manifest) -> Iterator[Writer]:
    """Makes the knowledge base where it is not there. Raises `Busy`."""
    sweep(folder.parent)
    with explain_refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder):
        with explain_refusals(folder):
            writer = Writer(folder, manifest)
        yield writer


def remove(folder: Path) -> None:
    """Deletes a whole knowledge base. Raises `Busy`, and `KnowledgeBaseError` where there is none."""
    if not (folder / manifests.FILE).is_file():
        raise KnowledgeBaseError(f"{folder} is not a knowledge base: it has no {manifests.FILE}")
    sweep(folder.parent)
    gone = folder.with_name(f"{_REMOVED}{folder.name}-{uuid.uuid4().hex[:8]}")
    with hold_lock(folder), explain_refusals(folder):
        folder.rename(gone)  # at once and whole; whatever interrupts the rest, `sweep` goes on
    shutil.rmtree(gone, ignore_errors=True)


def sweep(kbs: Path) -> None:
    """Deletes what removals left that were interrupted."""
    for left in kbs.glob(f"{_REMOVED}*"):
        shutil.rmtree(left, ignore_errors=True)


class Held(NamedTuple):
    """An entry that the table holds."""

    digest: str
    about: int | None


class Writer:
    """The open knowledge base of the process that holds its lock; made by `open_writer`."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.ledger = Ledger(folder)
        self.tables = LongTables(folder)
        self._session = open_small_caches()
        self._table: Any = open_table(folder, session=self._session)
        self._changed = self._table is not None and (folder / UNFINISHED).exists()
        self._languages: Counter[str] | None = None
        if self._table is not None and TERMS not in self._table.schema.names:  # made before there were terms
            add_terms(self._table)
        if self._table is not None and CELLS not in self._table.schema.names:
            add_cells(self._table)
        if self._table is not None and ABOUT not in self._table.schema.names:
            add_about(self._table)
        if self._table is not None and not self._table.list_indices():  # killed right after it was made
            index_words(self._table)
        self.about = About(folder)
        self.held: dict[str, dict[str, Held]] = {}
        """What the table holds, by entry id, by source."""
        if self._table is not None:
            for batch in self._table.search().select(["source", "id", "digest", ABOUT]).to_batches():
                for source, id_, digest, about in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    self.held.setdefault(source, {})[id_] = Held(digest, about)
        if not (folder / manifests.FILE).exists():
            manifests.write(folder, manifest)

    def _note_change(self) -> None:
        if not self._changed:
            (self.folder / UNFINISHED).touch()
            self._changed = True
            self._languages = None

    @_told
    def put(self, entries: Sequence[Entry], vectors: Vectors, image_vectors: Vectors | None) -> None:
        """Adds entries or replaces those with the same ids, in one commit. `vectors`: of those to be embedded."""
        import pyarrow as pa  # type: ignore[import-untyped]

        self._note_change()
        if self._table is None:
            image_dim = image_vectors.shape[1] if image_vectors is not None else None
            self._table = create_table(self.folder, dim=vectors.shape[1], image_dim=image_dim, session=self._session)
        columns: dict[str, Any] = {
            "id": [e.id for e in entries],
            "record": [e.record for e in entries],
            "title": [e.title for e in entries],
            "text": [e.text for e in entries],
            "source": [e.source for e in entries],
            "page": [e.page for e in entries],
            "section": [e.section for e in entries],
            "first_row": [e.rows[0] if e.rows else None for e in entries],
            "last_row": [e.rows[1] if e.rows else None for e in entries],
            "image": [self._keep(e.image) if e.image else None for e in entries],
            CELLS: [write_cells(e.table) for e in entries],
            TERMS: [cut_terms_to_store(e.text) for e in entries],
            "digest": [e.digest for e in entries],
            ABOUT: [e.about for e in entries],
            "vector": _column(vectors, [e.embedded for e in entries]),
        }
        if image_vectors is not None:
            columns["image_vector"] = _column(image_vectors, [True] * len(entries))
        self.about.flush()
        rows = pa.table(columns, schema=self._table.schema)
        merge = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
        merge.execute(rows, on_bad_vectors="error" if all(e.embedded for e in entries) else "null")
        for entry in entries:
            self.held.setdefault(entry.source, {})[entry.id] = Held(entry.digest, entry.about)
        if self._unindexed() > UNTIDY_ROWS:
            self._tidy()
        elif len(entries) > SMALL_BATCH:
            _give_memory_back()

    @_told
    def describe(self, entries: Sequence[Entry]) -> None:
        """Takes down what is known now of the sources of entries that are there, and stay as they are."""
        import pyarrow as pa

        self._note_change()
        self.about.flush()
        ids = pa.array([entry.id for entry in entries], pa.string())
        rows = pa.table({"id": ids, ABOUT: pa.array([entry.about for entry in entries], pa.int64())})
        self._table.merge_insert("id").when_matched_update_all().execute(rows)
        for entry in entries:
            self.held[entry.source][entry.id] = Held(entry.digest, entry.about)

    @_told
    def drop(self, source: str, ids: Iterable[str]) -> None:
        """Removes entries of one source."""
        ids = list(ids)
        if ids:
            self._note_change()
        for start in range(0, len(ids), 1000):
            self._table.delete(f"id in ({', '.join(map(quote, ids[start : start + 1000]))})")
        for id_ in ids:
            self.held.get(source, {}).pop(id_, None)
        if not self.held.get(source):
            self.held.pop(source, None)

    @_told
    def drop_source(self, source: str) -> int:
        """Removes a source with all its entries; returns how many there were."""
        entries = len(self.held.pop(source, ()))
        if entries:
            self._note_change()
            self._table.delete(f"source = {quote(source)}")
        self.tables.drop(source)
        self.ledger.drop([source])
        return entries

    @_told
    def finish(self, *, holds: str | None = None, label: str | None = None) -> None:
        """Brings the full-text index and the card up to date and deletes pictures that nothing shows any more.

        `holds`: a person's line for the card, which then stays.
        """
        if self._changed:
            rows = self._table.count_rows()
            if self._unindexed() > UNTIDY_SHARE * rows:
                self._tidy()
            self._forget_pictures()
            self.about.forget_others({held.about for of in self.held.values() for held in of.values() if held.about})
        self.tables.tidy()
        manifest = self.manifest
        if holds is not None:
            manifest = replace(manifest, holds=holds, holds_given=True)
        elif self._changed and not manifest.holds_given:
            holds = describe_entries(self._table, manifest.kind)
            self._languages = self._sample_languages()
            holds += manifests.describe_language(choose_language(self._languages))
            manifest = replace(manifest, holds=holds)
        if label is not None:
            manifest = replace(manifest, label=label)
        if manifest != self.manifest:
            manifests.write(self.folder, manifest)
            self.manifest = manifest
        self._changed = False
        (self.folder / UNFINISHED).unlink(missing_ok=True)

    def _unindexed(self) -> int:
        return sum(index.num_unindexed_rows or 0 for index in self._table.list_indices())

    def _tidy(self) -> None:
        """One file of rows and one index instead of one for each batch."""
        self._table.optimize(cleanup_older_than=KEPT_VERSIONS)
        _give_memory_back()

    def count_languages(self) -> Counter[str]:
        """Of a sample of its texts, how many are in each language; empty for pictures and tables, which say little.
        After `finish` has described the texts, that sample is not taken again."""
        return self._sample_languages() if self._languages is None else self._languages

    def _sample_languages(self) -> Counter[str]:
        rows = self._table.count_rows() if self._table is not None and self.manifest.kind == "text" else 0
        places = sorted({rows * n // SAMPLE for n in range(SAMPLE)} if rows else ())
        found = self._table.take_offsets(places).select(["text"]).to_arrow() if places else None
        return count_languages(found["text"].to_pylist() if found is not None else ())

    def _keep(self, image: Image) -> str:
        """Stores a picture once; returns its path inside the folder."""
        extension = _EXTENSIONS.get(image.media_type)
        if extension is None:
            raise KnowledgeBaseError(f"{image.name or 'a picture'}: {image.media_type} is not a picture we store")
        name = f"{PICTURES}/{hashlib.sha256(image.data).hexdigest()[:32]}.{extension}"
        path = self.folder / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            scratch = path.with_suffix(".new")
            scratch.write_bytes(image.data)
            scratch.replace(path)
        return name

    def _forget_pictures(self) -> None:
        folder = self.folder / PICTURES
        if folder.is_dir():
            shown = set(self._table.search().select(["image"]).to_arrow()["image"].to_pylist())
            for path in folder.iterdir():
                if f"{PICTURES}/{path.name}" not in shown:
                    path.unlink()


def _column(vectors: Vectors, there: Sequence[bool]) -> Any:
    """One vector for each entry, in order; null for those that have none."""
    import pyarrow as pa

    mask = np.array(there, bool)
    every = np.zeros((len(mask), vectors.shape[1]), np.float32)
    every[mask] = vectors
    return pa.FixedSizeListArray.from_arrays(pa.array(every.ravel()), vectors.shape[1], mask=pa.array(~mask))


def _give_memory_back() -> None:
    """Returns freed memory to the system, where that is Linux: the store's threads would each keep what they had."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
