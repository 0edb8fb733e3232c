"""Lists the knowledge bases that are sub-folders of a folder, and keeps notes beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path

import filelock

from r1router.errors import KnowledgeBaseError
from r1router.kb import manifest as manifests
from r1router.kb.stores.folder.home import explain_refusals
from r1router.kb.stores.folder.store import FolderStore
from r1router.kb.stores.store import Store


class FolderCatalog:
    """What `store.Catalog` says, for a folder."""

    kind = "the folder"

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder

    @property
    def place(self) -> str:
        return str(self.folder)

    def exists(self) -> bool:
        return self.folder.is_dir()

    def list_stores(self) -> dict[str, Store]:
        return {name: FolderStore(path) for name, path in list_kb_folders(self.folder).items()}

    def list_stamps(self) -> dict[str, Hashable]:
        stamps = {}
        for name, store in self.list_stores().items():
            with suppress(KnowledgeBaseError):  # it was removed just now
                stamps[name] = store.find_stamp()
        return stamps

    def get_store(self, name: str) -> FolderStore:
        return FolderStore(self.folder / name)

    def read_note(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""

    def change_note(self, name: str, change: Callable[[str], str]) -> None:
        if not self.folder.is_dir():
            return
        with explain_refusals(self.folder), filelock.FileLock(self.folder / f".{name}.lock"):
            before = self.read_note(name)
            after = change(before)
            if after != before:
                scratch = self.folder / f".{name}.{os.getpid()}"
                scratch.write_text(after, encoding="utf-8")
                scratch.replace(self.folder / name)


def list_kb_folders(folder: str | Path) -> dict[str, Path]:
    """The sub-folders that are knowledge bases, by name, sorted; none where `folder` does not exist."""
    found = (path.parent for path in sorted(Path(folder).glob(f"*/{manifests.FILE}")))
    return {path.name: path for path in found if not path.name.startswith(".")}
