"""Opens knowledge bases: a seam with one protocol (`types.KnowledgeBase`) and one file an implementation.

A mapping from name to anything with a `card` and a `search` is what the rest of the package takes; what the
folder on disk gives is one way to come by it. To keep one elsewhere, say in Postgres, write these two: `memory.py` is
the shortest that does, `tests/test_kb_contract.py` what it must hold to.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from r1router.errors import EmbedderMismatch, InputError, KnowledgeBaseError, UnknownName
from r1router.types import ImageEmbedder, TextEmbedder

if TYPE_CHECKING:
    from r1router.kb.lance import LanceKnowledgeBase


_log = logging.getLogger(__name__)


def open_kbs(
    folder: str | Path, *, text_embedder: TextEmbedder | None = None, image_embedder: ImageEmbedder | None = None
) -> dict[str, LanceKnowledgeBase]:
    """Every knowledge base in `folder`, by name; they share their embedders, opened at the first search.

    One that is damaged is left out, and the log says why. Raises `InputError` where there is none, `KnowledgeBaseError`
    where all are damaged, `EmbedderMismatch` for an embedder that did not build one of them.
    """
    from r1router.kb.embedding import Embedders
    from r1router.kb.lance import LanceKnowledgeBase

    shared = Embedders(text=text_embedder, image=image_embedder)
    folders = list_kb_folders(folder)
    if not folders:
        missing = "is empty of them" if Path(folder).is_dir() else "does not exist"
        raise InputError(
            f"no knowledge bases: the folder {str(folder)!r} {missing}; "
            f"make some with: r1router index FILES… --kbs {folder}"
        )
    opened, damaged = {}, []
    for name, path in folders.items():
        try:
            opened[name] = LanceKnowledgeBase(
                path, text_embedder=text_embedder, image_embedder=image_embedder, embedders=shared
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
) -> LanceKnowledgeBase:
    """The knowledge base that is this folder, such as `kbs/text`.

    Raises `KnowledgeBaseError` where it is none, `EmbedderMismatch` for an embedder that did not build it.
    """
    from r1router.kb.lance import LanceKnowledgeBase

    return LanceKnowledgeBase(folder, text_embedder=text_embedder, image_embedder=image_embedder)


def list_kb_folders(folder: str | Path) -> dict[str, Path]:
    """The sub-folders that are knowledge bases, by name, sorted; none where `folder` does not exist."""
    from r1router.kb.manifest import FILE

    found = (path.parent for path in sorted(Path(folder).glob(f"*/{FILE}")))
    return {path.name: path for path in found if not path.name.startswith(".")}


def find_kb(folder: str | Path, name: str) -> Path:
    """The folder of one of them. Raises `UnknownName` with the nearest name."""
    folders = list_kb_folders(folder)
    if name not in folders:
        raise UnknownName("knowledge base", name, folders)
    return folders[name]
