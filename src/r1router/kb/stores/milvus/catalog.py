"""Lists the knowledge bases of a data base of Milvus, and keeps notes beside them."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from r1router.kb.stores.milvus.address import explain_reading, explain_writing, read_address
from r1router.kb.stores.milvus.collections import NOBODY, Database, Part
from r1router.kb.stores.milvus.parts import read_states
from r1router.kb.stores.milvus.store import MilvusStore
from r1router.kb.stores.milvus.writer import hold_kb
from r1router.kb.stores.store import Store


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
            with hold_kb(self._database, f"the note {name}"):
                before = self.read_note(name)
                after = change(before)
                if after != before:
                    self._database.put_parts([Part("note", NOBODY, name, after)])
