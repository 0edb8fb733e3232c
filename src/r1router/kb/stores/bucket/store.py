"""Reads one knowledge base from object storage, which any number of machines may do while one writes.

s3://BUCKET/PREFIX/<name>/kb.json        card, embedders, format; what has one is a knowledge base
s3://BUCKET/PREFIX/<name>/index.lance    one row an entry: text, location, vectors, full-text index
s3://BUCKET/PREFIX/<name>/…              what is beside them (`parts.py`)
"""

from __future__ import annotations

import tempfile
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from r1router.errors import InputError, KnowledgeBaseError
from r1router.kb import manifest as manifests
from r1router.kb.manifest import Manifest
from r1router.kb.rows import ABOUT, PICTURES
from r1router.kb.stores.bucket.home import LOCK, BucketHome, hold_bucket
from r1router.kb.stores.bucket.objects import Objects
from r1router.kb.stores.compare import compare_with_ledger
from r1router.kb.stores.folder.table import read_rows
from r1router.kb.stores.folder.table_store import TableStore
from r1router.kb.stores.folder.writer import FolderWriter
from r1router.kb.stores.store import Finding, Inspection, Row, StoreWriter


class BucketStore(TableStore):
    """What `store.Store` says, for one prefix."""

    def __init__(self, kbs: Objects, name: str) -> None:
        home = BucketHome(kbs, name)
        super().__init__(home)
        self._kbs, self._objects, self._files = kbs, home.objects, home.files

    def exists(self) -> bool:
        return self._objects.find_version(manifests.FILE) is not None

    def find_stamp(self) -> Hashable:
        version = self._objects.find_version(manifests.FILE)
        if version is None:
            raise KnowledgeBaseError(f"{self.place} is not a knowledge base: it has no {manifests.FILE}")
        return tuple(sorted(version.items()))

    def find_picture(self, name: str) -> Path | None:
        return self._files.fetch(f"{PICTURES}/{name}")

    def measure(self) -> int:
        return sum(each.bytes for each in self._objects.list_all())

    def inspect(self) -> Inspection:
        times = [each.written for each in self._objects.list_all() if each.name != LOCK]
        return Inspection(*self.describe_index(), max(times, default=None))

    def open_writer(self, manifest: Manifest) -> AbstractContextManager[StoreWriter]:
        return _open_writer(self._kbs, self.name, manifest)

    def remove(self) -> None:
        """At once, since what has no card is none; whatever interrupts the rest, the next writer goes on."""
        self.find_stamp()
        with hold_bucket(self._objects):
            self._objects.drop([manifests.FILE])
            _drop_all(self._objects)

    def rename(self, name: str) -> None:
        """Storage knows no other names for what it has, so all is copied there, within it."""
        target = self._kbs.open_below(name)
        if target.find_version(manifests.FILE) is not None:
            raise InputError(f"{target.place} is there already; choose another name")
        with hold_bucket(self._objects), hold_bucket(target):
            _drop_all(target)
            for each in list(self._objects.list_all()):
                if each.name not in (manifests.FILE, LOCK):
                    self._objects.copy(each.name, target)
            BucketHome(self._kbs, name).write_manifest(replace(self.read_manifest(), name=name))
            self._objects.drop([manifests.FILE])
            _drop_all(self._objects)

    def check(self, *, repair: bool) -> list[Finding]:
        with hold_bucket(self._objects):
            table = self._home.open_table()
            if table is None:
                return []
            described = {each.id for each in self.field_sets.read()}
            files = {each.name for each in self._objects.list_all(PICTURES)}
            rows: Iterator[Row] = read_rows(table.search().select(["source", ABOUT, "image"]))
            return list(compare_with_ledger(rows, self.ledger, described=described, files=files, repair=repair))


@contextmanager
def _open_writer(kbs: Objects, name: str, manifest: Manifest) -> Iterator[FolderWriter]:
    """Makes the knowledge base where it is not there. Raises `Busy`."""
    objects = kbs.open_below(name)
    with hold_bucket(objects) as lease, tempfile.TemporaryDirectory(prefix="r1router-") as scratch:
        home = BucketHome(kbs, name, lease=lease, scratch=Path(scratch))
        if not home.has(manifests.FILE):
            _drop_all(objects)
            home.write_manifest(manifest)
        with home.explain():
            writer = FolderWriter(home)
        yield writer
        home.ledger.tidy()
        home.field_sets.tidy()


def _drop_all(objects: Objects) -> None:
    """All but the lock, which its holder gives back: what a removal that was interrupted has left."""
    objects.drop([each.name for each in objects.list_all() if each.name != LOCK])
