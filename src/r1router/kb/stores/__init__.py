"""Opens the place where knowledge bases are kept, by its location."""

from __future__ import annotations

from pathlib import Path

from r1router.errors import InputError
from r1router.kb.stores.store import Catalog


def open_catalog(location: str | Path) -> Catalog:
    """A folder, which need not exist, `s3://BUCKET/PREFIX` (`gs://`, `az://`), `postgresql://HOST/DATABASE` or `milvus://…`.

    Raises `InputError` for anything else.
    """
    scheme, mark, _ = str(location).partition("://")
    if not mark:
        from r1router.kb.stores.folder.catalog import FolderCatalog  # it needs what needs the protocol beside it

        return FolderCatalog(Path(location))
    if scheme in ("postgresql", "postgres"):
        from r1router.kb.stores.postgres.catalog import PostgresCatalog

        return PostgresCatalog(str(location))
    if scheme == "milvus":
        from r1router.kb.stores.milvus.catalog import MilvusCatalog

        return MilvusCatalog(str(location))
    if scheme in ("s3", "gs", "az"):
        from r1router.kb.stores.bucket.catalog import BucketCatalog

        return BucketCatalog(str(location))
    raise InputError(
        f"{scheme}:// is no place for knowledge bases: give a folder, s3://BUCKET/PREFIX (or gs://, az://), "
        "postgresql://HOST/DATABASE or milvus://HOST:PORT/DATABASE"
    )
