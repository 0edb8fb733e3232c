"""Opens the place where knowledge bases are kept, by its location."""

from __future__ import annotations

from pathlib import Path

from r1router.errors import InputError
from r1router.kb.stores.store import Catalog


def open_catalog(location: str | Path) -> Catalog:
    """A folder, which need not exist, or `postgresql://HOST/DATABASE`. Raises `InputError` for anything else."""
    scheme, mark, _ = str(location).partition("://")
    if not mark:
        from r1router.kb.stores.folder.catalog import FolderCatalog  # it needs what needs the protocol beside it

        return FolderCatalog(Path(location))
    if scheme in ("postgresql", "postgres"):
        from r1router.kb.stores.postgres.catalog import PostgresCatalog

        return PostgresCatalog(str(location))
    raise InputError(f"{scheme}:// is no place for knowledge bases: give a folder, or postgresql://HOST/DATABASE")
