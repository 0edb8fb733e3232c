"""Packs and unpacks knowledge bases, because what took an hour to index is given away in one file."""

from __future__ import annotations

import shutil
import tarfile
import uuid
from dataclasses import replace
from pathlib import Path

from r1router.errors import InputError
from r1router.kb import manifest
from r1router.kb.stores import open_catalog
from r1router.kb.stores.folder.catalog import list_kb_folders
from r1router.kb.stores.folder.home import UNFINISHED
from r1router.kb.stores.folder.store import FolderStore
from r1router.kb.stores.folder.writer import LOCK, hold_lock
from r1router.kb.stores.store import Store

SUFFIX = ".r1kb.tar.gz"
_UNPACKED = ".unpacked-"


def pack(store: Store, file: Path) -> None:
    """Writes all of a knowledge base into one compressed file, whole or not at all. Raises `InputError`, `Busy`."""
    if file.exists():
        raise InputError(f"{file} is there already; name another file, or remove it")
    if not isinstance(store, FolderStore):
        raise InputError(f"{store.place} is no folder, and only a folder can be packed; kb copy brings it into one")
    folder, scratch = store.folder, file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        with hold_lock(folder):
            if (folder / UNFINISHED).exists():
                raise InputError(
                    f"{folder.name} is unfinished: an indexing run of it was interrupted; index again first"
                )
            with tarfile.open(scratch, "w:gz", compresslevel=3) as packed:
                packed.add(folder, folder.name, filter=lambda info: None if info.name.endswith(f"/{LOCK}") else info)
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)


def unpack(file: Path, location: str | Path, *, name: str | None = None) -> Store:
    """Puts a packed knowledge base among the others, under its own name or another one.

    Nothing is written outside the new folder, whatever the file says. Raises `InputError` for a file that is none and
    for a name that is taken.
    """
    catalog = open_catalog(location)
    if catalog.folder is None:
        raise InputError(f"{catalog.place} is no folder, and only a folder takes what was packed; kb copy goes on")
    kbs = catalog.folder
    kbs.mkdir(parents=True, exist_ok=True)
    scratch = kbs / f"{_UNPACKED}{uuid.uuid4().hex[:8]}"
    try:
        try:
            with tarfile.open(file) as packed:
                packed.extractall(scratch, filter="data")
        except FileNotFoundError as error:
            raise InputError(f"there is no file {file}") from error
        except (tarfile.TarError, EOFError, OSError) as error:
            reason = str(error).partition("\n")[0].rstrip(":")  # tarfile lists on further lines what it tried
            raise InputError(f"{file} is no packed knowledge base: {reason}; r1router kb export writes one") from error
        found = list_kb_folders(scratch)
        if len(found) != 1:
            raise InputError(
                f"{file} is no packed knowledge base: it holds {len(found)}; `r1router kb export` writes one"
            )
        [(own, folder)] = found.items()
        target = kbs / manifest.check_name(name or own)
        if target.exists():
            raise InputError(f"{target} is there already; give another name with --name")
        manifest.write(folder, replace(manifest.read(folder), name=target.name))
        folder.rename(target)
        return FolderStore(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
