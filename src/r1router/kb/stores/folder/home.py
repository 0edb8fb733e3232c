"""Says where the files of one LanceDB knowledge base lie: in a folder, or under a prefix of object storage.

Home        what the table's readers and writer need of such a place; `stores/bucket` has the other one
FolderHome  a folder of this machine
"""

from __future__ import annotations

import time
from collections.abc import Collection, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from r1router.errors import NotWritten
from r1router.kb import manifest as manifests
from r1router.kb.manifest import Manifest
from r1router.kb.rows import PICTURES
from r1router.kb.stores.folder.field_sets import SqliteFieldSets
from r1router.kb.stores.folder.ledger import SqliteLedger
from r1router.kb.stores.folder.long_tables import TableFiles
from r1router.kb.stores.folder.table import NAME, create_table, open_table, open_tables
from r1router.kb.stores.store import FieldSets, Ledger, LongTables

UNFINISHED = ".unfinished"
"""A file that is there from a run's first change until its card is written: the next run writes the card anew."""
_SETTLED = 2_000_000_000
"""Nanoseconds after which what a folder says of its last change will not stand for one more."""


class Home(Protocol):
    name: str
    place: str
    """Where it is, to be shown."""
    kbs: str
    """The location that it is one of."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def field_sets(self) -> FieldSets: ...

    @property
    def tables(self) -> LongTables: ...

    def open_table(self, *, session: Any = None) -> Any | None:
        """At its newest version, and staying there; None where nothing was stored yet. `session`: its caches."""
        ...

    def find_stamp(self) -> Hashable | None:
        """What is another one after every version of the table; None where only the table itself can tell."""
        ...

    def create_table(self, *, dim: int, image_dim: int | None, session: Any = None) -> Any:
        """An empty table with its full-text index."""
        ...

    def explain(self) -> AbstractContextManager[None]:
        """Raises `NotWritten` for what is refused inside."""
        ...

    def check_right(self) -> None:
        """To be called before a change. Raises `NotWritten` where the right to write went to another process."""
        ...

    def read_manifest(self) -> Manifest:
        """Raises `KnowledgeBaseError`."""
        ...

    def write_manifest(self, manifest: Manifest) -> None: ...

    def has(self, file: str) -> bool: ...

    def read(self, file: str) -> str:
        """ "" where there is none."""
        ...

    def write(self, file: str, text: str) -> None:
        """Whole or not at all."""
        ...

    def drop(self, file: str) -> None: ...

    def keep_picture(self, name: str, data: bytes) -> None:
        """Stores a picture once. `name`: its path inside."""
        ...

    def drop_pictures(self, *, but: Collection[str]) -> None:
        """Removes all, but those with these names."""
        ...


@contextmanager
def explain_refusals(place: str | Path) -> Iterator[None]:
    """Raises `NotWritten` for what the disk or the store refuses, in whatever words each of them says it."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise NotWritten(str(place), error) from error


class FolderHome:
    """What `Home` says, of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name, self.place, self.kbs = folder.name, str(folder), str(folder.parent)
        self.ledger, self.field_sets, self.tables = SqliteLedger(folder), SqliteFieldSets(folder), TableFiles(folder)

    def open_table(self, *, session: Any = None) -> Any | None:
        return open_table(self.folder, session=session)

    def find_stamp(self) -> Hashable | None:
        try:
            versions = (self.folder / f"{NAME}.lance" / "_versions").stat()
        except OSError:
            return None
        is_settled = (
            time.time_ns() - versions.st_mtime_ns > _SETTLED
        )  # two versions may come within a tick of the clock
        return (versions.st_ino, versions.st_mtime_ns) if is_settled else None

    def create_table(self, *, dim: int, image_dim: int | None, session: Any = None) -> Any:
        return create_table(open_tables(self.folder, session=session), dim=dim, image_dim=image_dim)

    def explain(self) -> AbstractContextManager[None]:
        return explain_refusals(self.folder)

    def check_right(self) -> None:
        """A lock of the system stays with its process."""

    def read_manifest(self) -> Manifest:
        return manifests.read(self.folder)

    def write_manifest(self, manifest: Manifest) -> None:
        manifests.write(self.folder, manifest)

    def has(self, file: str) -> bool:
        return (self.folder / file).exists()

    def read(self, file: str) -> str:
        try:
            return (self.folder / file).read_text("utf-8")
        except (OSError, ValueError):
            return ""

    def write(self, file: str, text: str) -> None:
        scratch = (self.folder / file).with_suffix(".new")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(self.folder / file)

    def drop(self, file: str) -> None:
        (self.folder / file).unlink(missing_ok=True)

    def keep_picture(self, name: str, data: bytes) -> None:
        path = self.folder / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            scratch = path.with_suffix(".new")
            scratch.write_bytes(data)
            scratch.replace(path)

    def drop_pictures(self, *, but: Collection[str]) -> None:
        pictures = self.folder / PICTURES
        if pictures.is_dir():
            for path in pictures.iterdir():
                if f"{PICTURES}/{path.name}" not in but:
                    path.unlink()
