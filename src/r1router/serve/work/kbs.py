"""Opens the knowledge bases that are in a folder now, so that new and changed ones are served without a restart."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock

from r1router.errors import KnowledgeBaseError
from r1router.kb import list_kb_folders
from r1router.kb import manifest as manifests
from r1router.kb.embedding import Embedders
from r1router.kb.lance import LanceKnowledgeBase
from r1router.serve.problems import Refused
from r1router.types import ImageEmbedder, TextEmbedder

_log = logging.getLogger(__name__)


class KnowledgeBases:
    """Opened knowledge bases of one folder; they share their embedders."""

    def __init__(
        self, folder: Path, *, text_embedder: TextEmbedder | None = None, image_embedder: ImageEmbedder | None = None
    ) -> None:
        self.folder = folder
        self._text, self._image = text_embedder, image_embedder
        self._embedders = Embedders(text=text_embedder, image=image_embedder)
        self._opened: dict[str, LanceKnowledgeBase] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._lock = Lock()

    def open_all(self) -> dict[str, LanceKnowledgeBase]:
        """By name, sorted. One that cannot be opened is left out, and the log says why."""
        with self._lock:
            folders = list_kb_folders(self.folder)
            for name, folder in folders.items():
                try:
                    self._look_at(name, folder)
                except (KnowledgeBaseError, OSError) as error:
                    self._forget(name)
                    _log.warning("%s is left out: %s", name, error)
            for name in self._opened.keys() - folders.keys():
                self._forget(name)
            return {name: self._opened[name] for name in folders if name in self._opened}

    def get(self, name: str) -> LanceKnowledgeBase:
        """Raises `Refused` for a name that is not there."""
        found = self.open_all().get(name)
        if found is None:
            raise Refused(404, "there is no knowledge base of this name")
        return found

    def select(self, names: list[str] | None) -> dict[str, LanceKnowledgeBase]:
        """Those named, or all. Raises `Refused` for a name that is not there."""
        there = self.open_all()
        unknown = [name for name in names or () if name not in there]
        if unknown:
            raise Refused(400, f"kbs: unknown knowledge base; known: {', '.join(there) or 'none'}")
        return {name: there[name] for name in names} if names else there

    def is_readable(self) -> bool:
        """Whether the folder is there and nothing in it is damaged."""
        return self.folder.is_dir() and self.open_all().keys() == list_kb_folders(self.folder).keys()

    def _look_at(self, name: str, folder: Path) -> None:
        """Opens what is new, and again what has a new card: it may have been deleted and made anew."""
        status = (folder / manifests.FILE).stat()
        seen = (status.st_mtime_ns, status.st_ino)
        if self._seen.get(name) == seen:
            return
        self._opened[name] = LanceKnowledgeBase(
            folder, text_embedder=self._text, image_embedder=self._image, embedders=self._embedders
        )
        self._seen[name] = seen

    def _forget(self, name: str) -> None:
        self._opened.pop(name, None)
        self._seen.pop(name, None)
