"""Lists the knowledge bases of a data base of Milvus, and keeps notes beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager

from r1router.errors import Busy
from r1router.kb.stores.milvus.address import explain_reading, explain_writing, read_address
from r1router.kb.stores.milvus.collections import NOBODY, Database, Part
from r1router.kb.stores.milvus.parts import read_states
from r1router.kb.stores.milvus.store import MilvusStore
from r1router.kb.stores.milvus.writer import hold_kb
from r1router.kb.stores.store import Store

WAITED = 10.0
"""Seconds until a note that another process is changing is given up."""
_POLL = 0.2


class MilvusCatalog:
    """What `store.Catalog` says. Raises `InputError` for a location that cannot be one."""

    kind = "the data base"
    folder = None

    def __init__(self, location: str) -> None:
        self._database = Database(read_address(location))

    @property
    def place(self) -> str:
        return self._database.address.place

    def exists(self) -> bool:
        """Where Milvus answers: our collections are made with the first knowledge base."""
        with explain_reading(self._database.address):
            self._database.has_parts()
        return True

    def list_stores(self) -> dict[str, Store]:
        with explain_reading(self._database.address):
            return {name: MilvusStore(self._database, name) for name in read_states(self._database)}

    def list_stamps(self) -> dict[str, Hashable]:
        with explain_reading(self._database.address):
            return {name: (state.id, state.card) for name, state in read_states(self._database).items()}

    def get_store(self, name: str) -> MilvusStore:
        return MilvusStore(self._database, name)

    def read_note(self, name: str) -> str:
        with explain_reading(self._database.address):
            return self._database.read_part("note", NOBODY, name) or ""

    def change_note(self, name: str, change: Callable[[str], str]) -> None:
        with explain_writing(self._database.address):
            if not self._database.has_parts():
                return
            with self._hold_note(name):
                before = self.read_note(name)
                after = change(before)
                if after != before:
                    self._database.put_parts([Part("note", NOBODY, name, after)])

    @contextmanager
    def _hold_note(self, name: str) -> Iterator[None]:
        """Waits for its turn, since a change takes a moment only. Raises `Busy`."""
        until = time.monotonic() + WAITED
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(hold_kb(self._database, f"the note {name}"))
                    break
                except Busy:
                    if time.monotonic() > until:
                        raise
                    time.sleep(_POLL)
            yield
