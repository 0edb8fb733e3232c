"""Opens the place where knowledge bases are kept, by its location."""

from __future__ import annotations

from pathlib import Path

from r1router.kb.stores.store import Shelf


def open_shelf(location: str | Path) -> Shelf:
    """A folder, which need not exist."""
    from r1router.kb.stores.folder.shelf import FolderShelf  # it needs what needs the protocol beside it

    return FolderShelf(Path(location))
