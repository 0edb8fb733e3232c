"""Lists the knowledge bases below a prefix of object storage, and keeps notes beside them."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from r1router.errors import NotWritten
from r1router.kb import manifest as manifests
from r1router.kb.stores.bucket.objects import Objects
from r1router.kb.stores.bucket.store import BucketStore
from r1router.kb.stores.store import Store

_ATTEMPTS = 10


class BucketCatalog:
    """What `store.Catalog` says. Raises `InputError` for a location that cannot be one."""

    kind = "the storage"
    folder = None

    def __init__(self, location: str) -> None:
        self._objects = Objects(location)

    @property
    def place(self) -> str:
        return self._objects.place

    def exists(self) -> bool:
        """A prefix is there as soon as something is below it."""
        return bool(self._objects.list_folders())

    def list_stores(self) -> dict[str, Store]:
        return {name: BucketStore(self._objects, name) for name in self.list_stamps()}

    def list_stamps(self) -> dict[str, Hashable]:
        versions = {n: self._objects.find_version(f"{n}/{manifests.FILE}") for n in self._objects.list_folders()}
        return {name: tuple(sorted(v.items())) for name, v in versions.items() if v is not None}

    def get_store(self, name: str) -> BucketStore:
        return BucketStore(self._objects, name)

    def read_note(self, name: str) -> str:
        return (self._objects.read(name) or b"").decode("utf-8", "replace")

    def change_note(self, name: str, change: Callable[[str], str]) -> None:
        if not self.exists():
            return
        for _ in range(_ATTEMPTS):
            data, version = self._objects.read_with_version(name)
            before = (data or b"").decode("utf-8", "replace")
            after = change(before)
            if after == before or self._objects.replace(name, after.encode(), version):
                return
        raise NotWritten(f"{self.place}/{name}", OSError("others write to it all the time"), advice="try again")
