"""Says where the files of one LanceDB knowledge base lie in object storage."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from r1router.errors import KnowledgeBaseError
from r1router.kb import manifest as manifests
from r1router.kb.manifest import Manifest
from r1router.kb.rows import PICTURES
from r1router.kb.stores.bucket.objects import Objects
from r1router.kb.stores.bucket.parts import BucketFieldSets, BucketFiles, BucketLedger, LockNote
from r1router.kb.stores.folder.table import NAME, create_table, open_tables
from r1router.kb.stores.lease import Lease, hold_lease
from r1router.kb.stores.sent_tables import SentTables

LOCK = "write.lock"


class BucketHome:
    """What `folder.home.Home` says, of a prefix."""

    def __init__(self, kbs: Objects, name: str, *, lease: Lease | None = None, scratch: Path | None = None) -> None:
        """`lease`, `scratch`: of a writer."""
        self.objects, self.name, self.kbs = kbs.open_below(name), name, kbs.place
        self.place = self.objects.place
        self.ledger, self.field_sets = BucketLedger(self.objects), BucketFieldSets(self.objects)
        self.files = BucketFiles(self.objects)
        self.tables = SentTables(self.files, scratch)
        self._lease = lease

    def open_table(self, *, session: Any = None) -> Any | None:
        try:
            return open_tables(self.place, session=session).open_table(NAME)
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, ValueError) and "not found" in str(error):
                return None
            raise KnowledgeBaseError(f"{self.place} cannot be read: {error}") from error

    def find_stamp(self) -> Hashable | None:
        return None  # to ask for it takes as long as to ask the table

    def create_table(self, *, dim: int, image_dim: int | None, session: Any = None) -> Any:
        return create_table(open_tables(self.place, session=session), dim=dim, image_dim=image_dim)

    def explain(self) -> AbstractContextManager[None]:
        return self.objects.explain_writing()

    def check_right(self) -> None:
        if self._lease is not None:
            self._lease.check()

    def read_manifest(self) -> Manifest:
        written = self.objects.read(manifests.FILE)
        if written is None:
            raise KnowledgeBaseError(f"{self.place} is not a knowledge base: it has no {manifests.FILE}")
        return manifests.parse(written.decode("utf-8", "replace"), place=f"{self.place}/{manifests.FILE}")

    def write_manifest(self, manifest: Manifest) -> None:
        self.objects.write(manifests.FILE, manifests.render(manifest).encode())

    def has(self, file: str) -> bool:
        return self.objects.find_version(file) is not None

    def read(self, file: str) -> str:
        return (self.objects.read(file) or b"").decode("utf-8", "replace")

    def write(self, file: str, text: str) -> None:
        self.objects.write(file, text.encode())

    def drop(self, file: str) -> None:
        self.objects.drop([file])

    def keep_picture(self, name: str, data: bytes) -> None:
        if not self.has(name):
            self.objects.write(name, data)

    def drop_pictures(self, *, but: Collection[str]) -> None:
        self.objects.drop([each.name for each in self.objects.list_all(PICTURES) if each.name not in but])


@contextmanager
def hold_bucket(objects: Objects) -> Iterator[Lease]:
    """The only right to write below a prefix. Raises `Busy`."""
    with hold_lease(LockNote(objects, LOCK), objects.place) as lease:
        yield lease
