"""Keeps the newest version of a table open, for all that search it or a part of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from r1router.errors import CHECK, InputError, KnowledgeBaseError, write_short
from r1router.kb.rows import CELLS
from r1router.kb.stores.folder.home import UNFINISHED, Home
from r1router.kb.stores.folder.memory_limit import read_memory_limit
from r1router.kb.stores.folder.snapshot import FolderSnapshot
from r1router.kb.stores.folder.table import READER_CACHE, open_caches

T = TypeVar("T")

PATIENCE = 10
"""While a writer is at work, a newer version is loaded after as many times what loading the last one took."""
_ATTEMPTS = 6
"""Times that a search opens the newest version, over 0.6 seconds, where a writer took the files of one away."""
_log = logging.getLogger(__name__)


class Newest:
    """Safe to use from several threads. Nothing is read before the first use."""

    def __init__(self, home: Home) -> None:
        """Raises `InputError` where the limit of memory is none."""
        self._home, self._limit = home, read_memory_limit()
        self._caches: Any = None
        self._snapshot: FolderSnapshot | None = None
        self._table: Any = None
        self._stamp: Hashable | None = None
        """Of the version that is loaded, if it was the newest one then."""
        self._loaded = 0.0
        self._refreshing = Lock()

    def use(self, work: Callable[[FolderSnapshot], T], *, empty: T) -> T:
        """What `work` makes of the newest version, `empty` before anything is stored.

        It is done again where a writer took the version away meanwhile. Raises `KnowledgeBaseError` where it
        cannot be read.
        """
        for attempt in range(_ATTEMPTS):
            try:
                snapshot = self._refresh()
                return empty if snapshot is None else work(snapshot)
            except InputError:
                raise
            except (LookupError, OSError, RuntimeError, ValueError) as error:  # how a missing file comes up
                if attempt == _ATTEMPTS - 1:
                    raise KnowledgeBaseError(
                        f"{self._home.place} cannot be searched: {write_short(error)}; {CHECK}"
                    ) from error
                _log.info("%s: opening again, a writer may have tidied up: %s", self._home.place, error)
                with self._refreshing:
                    self._snapshot = self._table = None
                time.sleep(0.02 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _refresh(self) -> FolderSnapshot | None:
        """The newest version, or the last one while patience lasts; None before anything is stored."""
        with self._refreshing:
            known, stamp = self._snapshot, self._home.find_stamp()
            if known and stamp is not None and stamp == self._stamp:
                return known  # to ask the table for its version would cost each search 0.6 to 0.8 CPU-ms
            if self._table is None:
                self._caches = self._caches or open_caches(index=max(self._limit, READER_CACHE), files=READER_CACHE)
                self._table = self._home.open_table(session=self._caches)
            if self._table is None:
                self._home.read_manifest()  # raises where all of it has been removed
                return None
            self._table.checkout_latest()
            if known and known.version == self._table.version:
                self._stamp = stamp
                return known
            is_early = known and time.monotonic() - self._loaded < PATIENCE * known.seconds_to_load
            if is_early and self._home.has(UNFINISHED):
                return known
            self._snapshot = FolderSnapshot(self._home.open_table(session=self._caches), self._home, limit=self._limit)
            if known is None and CELLS not in self._table.schema.names and self._home.read_manifest().kind == "table":
                _log.warning(
                    "%s was indexed before tables could be queried; index its files again for it", self._home.place
                )
            self._stamp, self._loaded = stamp, time.monotonic()
            _log.debug("%s: version %d, %d entries", self._home.place, self._snapshot.version, len(self._snapshot))
            return self._snapshot
