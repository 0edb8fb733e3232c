"""Opens the knowledge bases that are at a location now, so that new and changed ones are served without a restart."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from pathlib import Path
from threading import Lock

from r1router.errors import InputError, KnowledgeBaseError
from r1router.filters.narrow import check_fields
from r1router.filters.parse import join, parse
from r1router.kb.embedding import Embedders
from r1router.kb.stored import StoredKnowledgeBase
from r1router.kb.stores import open_catalog
from r1router.serve.error_responses import Refused
from r1router.serve.work.askers import EVERYONE, Asker, asker
from r1router.types import ImageEmbedder, TextEmbedder

_log = logging.getLogger(__name__)


class KnowledgeBases:
    """Opened knowledge bases of one location; they share their embedders."""

    def __init__(
        self,
        location: str | Path,
        *,
        where: str = "",
        guarded: bool = False,
        read_only: bool = False,
        text_embedder: TextEmbedder | None = None,
        image_embedder: ImageEmbedder | None = None,
    ) -> None:
        """`where`: what the whole server gives out. `guarded`: only to who has been recognised, and as much as that
        one may see; everything that is given out comes from `open_all`, `get` or `select`. `read_only`: nobody
        changes them here."""
        self.location, self.catalog = location, open_catalog(location)
        self._read_only = read_only
        self._where, self._guarded = where, guarded
        self._text, self._image = text_embedder, image_embedder
        self._embedders = Embedders(text=text_embedder, image=image_embedder)
        self._opened: dict[str, StoredKnowledgeBase] = {}
        self._seen: dict[str, Hashable] = {}
        self._lock = Lock()

    def load(self) -> None:
        """Reads the indexes into memory, so that the first question needs not wait for them and memory stays as it is.

        One that cannot be read is told in the log, as it is when it is asked."""
        for name, kb in self._open().items():
            try:
                kb.search([], k=1)
            except KnowledgeBaseError as error:
                _log.warning("%s cannot be searched: %s", name, error)

    def find_asker(self) -> Asker:
        """Who asks. Raises `Refused` where that is not known and has to be."""
        found = asker.get()
        if found is None and self._guarded:
            raise Refused(401, "this needs a key of the server, as: Authorization: Bearer KEY")
        return found or EVERYONE

    @property
    def may_be_changed(self) -> bool:
        """Whether who asks may change any of them."""
        return not self._read_only and self.find_asker().write

    def check_change(self, *names: str | None) -> None:
        """Raises `Refused` where who asks may not change those of these names; None is one that is not known yet."""
        if self._read_only:
            raise Refused(403, "the knowledge bases of this server are not changed over HTTP")
        one = self.find_asker()
        if not one.write:
            raise Refused(403, "your key may not change the knowledge bases")
        if one.kbs is not None and not one.kbs.issuperset(names):
            raise Refused(403, f"name: your key may fill one of: {', '.join(sorted(one.kbs)) or 'none'}")

    def open_all(self) -> dict[str, StoredKnowledgeBase]:
        """Those that the asker may see, as much of each as it may, by name, sorted."""
        one = self.find_asker()
        opened = {name: kb for name, kb in self._open().items() if one.kbs is None or name in one.kbs}
        where = join(self._where, one.where)
        return self._narrow(opened, where) if where else opened

    def _narrow(self, opened: dict[str, StoredKnowledgeBase], where: str) -> dict[str, StoredKnowledgeBase]:
        """One of whose sources nothing is known is left out, and the log says why."""
        parts = {}
        for name, kb in opened.items():
            part = kb.narrow(parse(where))
            try:
                _ = part.card
                parts[name] = part
            except (InputError, KnowledgeBaseError) as error:
                _log.warning("%s is left out for %r: %s", name, self.find_asker().name, error)
        return parts

    def _open(self) -> dict[str, StoredKnowledgeBase]:
        """By name, sorted. One that cannot be opened is left out, and the log says why."""
        with self._lock:
            stamps = self.catalog.list_stamps()
            for name, seen in stamps.items():
                try:
                    self._look_at(name, seen)
                except (KnowledgeBaseError, OSError) as error:
                    self._forget(name)
                    _log.warning("%s is left out: %s", name, error)
            for name in self._opened.keys() - stamps.keys():
                self._forget(name)
            return {name: self._opened[name] for name in stamps if name in self._opened}

    def get(self, name: str, where: str | None = None) -> StoredKnowledgeBase:
        """The one of this name, or the part of it that a filter lets through.

        Raises `Refused` for a name that is not there, `InputError` for a text that is no filter.
        """
        found = self.open_all().get(name)
        if found is None:
            raise Refused(404, "there is no knowledge base of this name")
        if not (where or "").strip():
            return found
        check_fields({name: found}, where or "")
        return found.narrow(parse(where or ""))

    def select(self, names: list[str] | None) -> dict[str, StoredKnowledgeBase]:
        """Those named, or all. Raises `Refused` for a name that is not there."""
        there = self.open_all()
        unknown = [name for name in names or () if name not in there]
        if unknown:
            raise Refused(400, f"kbs: unknown knowledge base; known: {', '.join(there) or 'none'}")
        return {name: there[name] for name in names} if names else there

    def is_readable(self) -> bool:
        """Whether the location is there and nothing in it is damaged."""
        return self.catalog.exists() and self._open().keys() == self.catalog.list_stores().keys()

    def _look_at(self, name: str, seen: Hashable) -> None:
        """Opens what is new, and again what has a new card: it may have been deleted and made anew."""
        if self._seen.get(name) == seen:
            return
        store = self.catalog.get_store(name)
        self._opened[name] = StoredKnowledgeBase(
            store, text_embedder=self._text, image_embedder=self._image, embedders=self._embedders
        )
        self._seen[name] = seen

    def _forget(self, name: str) -> None:
        self._opened.pop(name, None)
        self._seen.pop(name, None)
