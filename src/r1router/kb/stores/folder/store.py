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
from collections.abc import Hashable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from r1router.errors import InputError, KnowledgeBaseError
from r1router.kb import manifest as manifests
from r1router.kb.manifest import Manifest
from r1router.kb.rows import PICTURES
from r1router.kb.stores.folder import table as tables
from r1router.kb.stores.folder.check import check
from r1router.kb.stores.folder.home import FolderHome, explain_refusals
from r1router.kb.stores.folder.ledger import FILE as LEDGER
from r1router.kb.stores.folder.table_store import TableStore
from r1router.kb.stores.folder.writer import REMOVED, hold_lock, open_folder_writer, sweep
from r1router.kb.stores.store import Finding, Inspection, StoreWriter


class FolderStore(TableStore):
    """What `store.Store` says, for one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(FolderHome(folder))
        self.folder = folder

    def exists(self) -> bool:
        return (self.folder / manifests.FILE).exists()

    def find_stamp(self) -> Hashable:
        try:
            status = (self.folder / manifests.FILE).stat()
        except OSError as error:
            raise KnowledgeBaseError(f"{self.folder} cannot be read: {error}") from error
        return status.st_mtime_ns, status.st_ino

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
        return Inspection(*self.describe_index(), written)

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
