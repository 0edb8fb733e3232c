"""Reads one knowledge base from object storage, which any number of machines may do while one writes.

s3://BUCKET/PREFIX/<name>/kb.json        card, embedders, format; what has one is a knowledge base
s3://BUCKET/PREFIX/<name>/index.lance    one row an entry: text, location, vectors, full-text index
s3://BUCKET/PREFIX/<name>/…              what is beside them (`parts.py`)
"""

from __future__ import annotations

import re
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
from r1router.kb.stores.bucket.parts import SMALL
from r1router.kb.stores.compare import compare_with_ledger
from r1router.kb.stores.folder.home import UNFINISHED
from r1router.kb.stores.folder.table import NAME, read_rows
from r1router.kb.stores.folder.table_store import TableStore
from r1router.kb.stores.folder.vector_index import FILE as MEASURED
from r1router.kb.stores.folder.writer import FolderWriter
from r1router.kb.stores.sent_tables import FOLDER
from r1router.kb.stores.store import Finding, Inspection, Row, StoreWriter

_OURS = re.compile(
    rf"({'|'.join((NAME, *SMALL))})\.lance/.+"
    rf"|{PICTURES}/[0-9a-f]{{32}}\.[a-z]+"
    rf"|{FOLDER}/[0-9a-f]{{32}}\.[a-z]+(\.json)?"
    rf"|{'|'.join(map(re.escape, (manifests.FILE, UNFINISHED, MEASURED, LOCK)))}"
)
"""Names of what a knowledge base has below its prefix."""


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
        with hold_bucket(self._objects) as lease:
            ours = _list_ours(self._objects)
            lease.check()
            self._objects.drop([manifests.FILE, *ours])

    def rename(self, name: str) -> None:
        """Storage knows no other names for what it has, so all is copied there, within it."""
        target = self._kbs.open_below(name)
        _check_free(target)
        with hold_bucket(self._objects) as lease, hold_bucket(target) as target_lease:
            _check_free(target)  # again, since another process may have had the right until now
            target.drop(_list_ours(target))
            ours = _list_ours(self._objects)
            for each in ours:
                self._objects.copy(each, target)
            target_lease.check()
            BucketHome(self._kbs, name).write_manifest(replace(self.read_manifest(), name=name))
            lease.check()
            self._objects.drop([manifests.FILE, *ours])

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
    if objects.find_version(manifests.FILE) is None:
        _list_ours(objects)  # before a lock is put beside what others have there
    with hold_bucket(objects) as lease, tempfile.TemporaryDirectory(prefix="r1router-") as scratch:
        home = BucketHome(kbs, name, lease=lease, scratch=Path(scratch))
        if not home.has(manifests.FILE):
            objects.drop(_list_ours(objects))
            home.write_manifest(manifest)
        with home.explain():
            writer = FolderWriter(home)
        yield writer
        home.ledger.tidy()
        home.field_sets.tidy()


def _check_free(target: Objects) -> None:
    if target.find_version(manifests.FILE) is not None:
        raise InputError(f"{target.place} is there already; choose another name")
    _list_ours(target)


def _list_ours(objects: Objects) -> list[str]:
    """Names of all but the card and the lock, which its holder gives back.

    Raises `InputError` where something lies there that is not of a knowledge base: we delete nothing of others.
    """
    names = [each.name for each in objects.list_all()]
    if other := next((name for name in names if not _OURS.fullmatch(name)), None):
        raise InputError(
            f"{objects.place}/{other} is not of a knowledge base, and what lies there is never deleted: move it, or "
            "choose another prefix"
        )
    return [name for name in names if name not in (manifests.FILE, LOCK)]
