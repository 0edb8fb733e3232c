"""Reads one knowledge base from its folder: entries kept by LanceDB inside this process, the rest in files beside.

    kbs/<name>/kb.json          card, embedders, format
    kbs/<name>/index.lance      one row an entry: text, location, vectors, full-text index
    kbs/<name>/tables/          long tables as typed columns, one file each
    kbs/<name>/pictures/        copies of the pictures, named by content
    kbs/<name>/sources.sqlite   which sources are in it, complete
    kbs/<name>/vectors.json     what the index of its vectors finds, where memory is too small for them
    kbs/<name>/about.sqlite     what is known of them: path, dates, author, … for filters

A search runs over one version of the table, so a writer beside it is never seen half-way; any number of
processes may search while one writes.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from r1router.errors import InputError, KnowledgeBaseError
from r1router.kb import manifest as manifests
from r1router.kb.manifest import Manifest
from r1router.kb.rows import ABOUT, BATCH, PICTURES, SPACES, STORED
from r1router.kb.stores.folder import table as tables
from r1router.kb.stores.folder.check import check
from r1router.kb.stores.folder.field_sets import SqliteFieldSets
from r1router.kb.stores.folder.ledger import FILE as LEDGER
from r1router.kb.stores.folder.ledger import SqliteLedger
from r1router.kb.stores.folder.long_tables import TableFiles
from r1router.kb.stores.folder.newest import Newest
from r1router.kb.stores.folder.vector_index import read_measured
from r1router.kb.stores.folder.vectors import ALL
from r1router.kb.stores.folder.writer import REMOVED, explain_refusals, hold_lock, open_folder_writer, sweep
from r1router.kb.stores.store import Equal, Finding, Inspection, Row, Snapshot, StoreWriter

T = TypeVar("T")


class FolderStore:
    """What `store.Store` says, for one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self.ledger, self.field_sets, self.tables = SqliteLedger(folder), SqliteFieldSets(folder), TableFiles(folder)
        self._newest = Newest(folder)

    @property
    def place(self) -> str:
        return str(self.folder)

    def exists(self) -> bool:
        return (self.folder / manifests.FILE).exists()

    def read_manifest(self) -> Manifest:
        return manifests.read(self.folder)

    def find_stamp(self) -> Hashable:
        try:
            status = (self.folder / manifests.FILE).stat()
        except OSError as error:
            raise KnowledgeBaseError(f"{self.folder} cannot be read: {error}") from error
        return status.st_mtime_ns, status.st_ino

    def use(self, work: Callable[[Snapshot], T], *, empty: T) -> T:
        return self._newest.use(work, empty=empty)

    def count(self) -> int:
        table = tables.open_table(self.folder)
        return table.count_rows() if table is not None else 0

    def count_sources(self) -> Iterator[tuple[str, int | None, int]]:
        table = tables.open_table(self.folder)
        wanted = [name for name in ("source", ABOUT) if table is not None and name in table.schema.names]
        for batch in table.search().select(wanted).to_batches() if table is not None else ():
            known = batch.column(ABOUT).to_pylist() if ABOUT in wanted else [None] * len(batch)
            for source, id_ in zip(batch.column("source").to_pylist(), known, strict=True):
                yield source, id_, 1

    def read_entries(
        self,
        equal: Equal,
        *,
        in_tables: bool = False,
        limit: int | None = None,
        columns: Sequence[str] | None = None,
        about: Collection[int] | None = None,
    ) -> list[Row]:
        return tables.read_entries(self.folder, equal, in_tables=in_tables, limit=limit, columns=columns, about=about)

    def read_batches(self, source: str) -> Iterator[list[Row]]:
        wanted = (*STORED, "digest", ABOUT, *SPACES)
        table = tables.open_table(self.folder)
        names = [name for name in wanted if table is not None and name in table.schema.names]
        found = table.search().where(f"source = {tables.quote(source)}").select(names) if table is not None else None
        for batch in found.to_batches() if found is not None else ():
            for start in range(0, len(batch), BATCH):
                yield [dict.fromkeys(wanted) | row for row in batch.slice(start, BATCH).to_pylist()]

    def find_picture(self, name: str) -> Path | None:
        path = self.folder / PICTURES / name
        return path if path.is_file() else None

    def measure(self) -> int:
        return sum(map(_measure, self.folder.rglob("*")))

    def inspect(self) -> Inspection:
        found = [
            self.folder / manifests.FILE,
            self.folder / LEDGER,
            *self.folder.glob(f"{tables.NAME}.lance/_versions"),
        ]
        times = [path.stat().st_mtime for path in found if path.exists()]
        written = datetime.fromtimestamp(max(times), tz=UTC) if times else None
        built = [each for each in read_measured(self.folder).values() if each.kind]
        if not built:
            return Inspection("exact", None, written)
        [worst, *_] = sorted(built, key=lambda each: each.recall or 0.0)
        parts = "all parts" if worst.parts >= ALL else f"{worst.parts} parts"
        return Inspection(f"{worst.kind}, {parts} searched, built at {worst.entries:,} entries", worst.recall, written)

    def open_writer(self, manifest: Manifest) -> AbstractContextManager[StoreWriter]:
        sweep(self.folder.parent)
        return open_folder_writer(self.folder, manifest)

    def remove(self) -> None:
        """At once and whole; whatever interrupts the rest, the next run goes on."""
        if not self.exists():
            raise KnowledgeBaseError(f"{self.folder} is not a knowledge base: it has no {manifests.FILE}")
        sweep(self.folder.parent)
        gone = self.folder.with_name(f"{REMOVED}{self.name}-{uuid.uuid4().hex[:8]}")
        with hold_lock(self.folder), explain_refusals(self.folder):
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def rename(self, name: str) -> None:
        target = self.folder.with_name(name)
        if target.exists():
            raise InputError(f"{target} is there already; choose another name")
        with hold_lock(self.folder):
            manifests.write(self.folder, replace(manifests.read(self.folder), name=name))
            self.folder.rename(target)

    def check(self, *, repair: bool) -> list[Finding]:
        return check(self.folder, repair=repair)


def _measure(path: Path) -> int:
    with suppress(OSError):  # a writer has tidied it up
        return path.stat().st_size if path.is_file() else 0
    return 0
