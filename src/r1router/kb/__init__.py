"""Opens knowledge bases by their location, because searches know them by one protocol only (`types.KnowledgeBase`).

A mapping from name to anything with a `card` and a `search` is what the rest of the package takes; what a location
holds is one way to come by it. Where knowledge bases are kept is a seam below: `stores/store.py` says what an engine
does, and each engine is a folder beside it. `tests/test_kb_contract.py` is what both must hold to.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from r1router.errors import EmbedderMismatch, InputError, KnowledgeBaseError, UnknownName
from r1router.types import ImageEmbedder, TextEmbedder

if TYPE_CHECKING:
    from r1router.kb.stored import StoredKnowledgeBase
    from r1router.kb.stores.store import Store


_log = logging.getLogger(__name__)


def open_kbs(
    location: str | Path, *, text_embedder: TextEmbedder | None = None, image_embedder: ImageEmbedder | None = None
) -> dict[str, StoredKnowledgeBase]:
    """Every knowledge base at a location (a folder), by name; they share their embedders, opened at the first search.

    One that is damaged is left out, and the log says why. Raises `InputError` where there is none, `KnowledgeBaseError`
    where all are damaged, `EmbedderMismatch` for an embedder that did not build one of them.
    """
    from r1router.kb.embedding import Embedders
    from r1router.kb.stored import StoredKnowledgeBase
    from r1router.kb.stores import open_catalog

    shared = Embedders(text=text_embedder, image=image_embedder)
    catalog = open_catalog(location)
    stores = catalog.list_stores()
    if not stores:
        missing = "is empty of them" if catalog.exists() else "does not exist"
        raise InputError(
            f"no knowledge bases: {catalog.kind} {catalog.place!r} {missing}; "
            f"make some with: r1router index FILES… --kbs {catalog.place}"
        )
    opened, damaged = {}, []
    for name, store in stores.items():
        try:
            opened[name] = StoredKnowledgeBase(
                store, text_embedder=text_embedder, image_embedder=image_embedder, embedders=shared
            )
        except EmbedderMismatch:
            raise
        except KnowledgeBaseError as error:
            damaged.append(error)
            _log.warning("%s is left out: %s", name, error)
    if not opened:
        raise damaged[0]
    return opened


def open_kb(
    folder: str | Path, *, text_embedder: TextEmbedder | None = None, image_embedder: ImageEmbedder | None = None
) -> StoredKnowledgeBase:
    """The knowledge base that is this folder, such as `kbs/text`.

    Raises `KnowledgeBaseError` where it is none, `EmbedderMismatch` for an embedder that did not build it.
    """
    from r1router.kb.stored import StoredKnowledgeBase
    from r1router.kb.stores.folder.store import FolderStore

    return StoredKnowledgeBase(FolderStore(Path(folder)), text_embedder=text_embedder, image_embedder=image_embedder)


def find_store(location: str | Path, name: str) -> Store:
    """The one of this name, to be read or written. Raises `UnknownName` with the nearest name."""
    from r1router.kb.stores import open_catalog

    stores = open_catalog(location).list_stores()
    if name not in stores:
        raise UnknownName("knowledge base", name, stores)
    return stores[name]
