"""Opens the place where knowledge bases are kept, by its location."""

from __future__ import annotations

from pathlib import Path

from r1router.errors import InputError
from r1router.kb.stores.store import Shelf


def open_shelf(location: str | Path) -> Shelf:
    """A folder, which need not exist, or `postgresql://HOST/DATABASE`. Raises `InputError` for anything else."""
    scheme, mark, _ = str(location).partition("://")
    if not mark:
        from r1router.kb.stores.folder.shelf import FolderShelf  # it needs what needs the protocol beside it

        return FolderShelf(Path(location))
    if scheme in ("postgresql", "postgres"):
        from r1router.kb.stores.postgres.shelf import PostgresShelf

        return PostgresShelf(str(location))
    raise InputError(f"{scheme}:// is no place for knowledge bases: give a folder, or postgresql://HOST/DATABASE")
