"""Lists the knowledge bases of a schema in PostgreSQL, and keeps notes beside them."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from r1router.kb.stores.postgres import address as addresses
from r1router.kb.stores.postgres.address import explain_writing, open_connection, read_address
from r1router.kb.stores.postgres.store import PostgresStore
from r1router.kb.stores.postgres.tables import has_tables, read_states
from r1router.kb.stores.store import Store


class PostgresCatalog:
    """What `store.Catalog` says, for a schema. Raises `InputError` for a location that cannot be one."""

    kind = "the data base"
    folder = None

    def __init__(self, location: str) -> None:
        self._address = read_address(location)

    @property
    def place(self) -> str:
        return self._address.place

    def exists(self) -> bool:
        """Where the data base answers: our tables are made with the first knowledge base."""
        with addresses.read(self._address):
            return True

    def list_stores(self) -> dict[str, Store]:
        with addresses.read(self._address) as db:
            names = [state.name for state in read_states(db, self._address)]
        return {name: PostgresStore(self._address, name) for name in names}

    def list_stamps(self) -> dict[str, Hashable]:
        with addresses.read(self._address) as db:
            return {state.name: state.stamp for state in read_states(db, self._address)}

    def get_store(self, name: str) -> PostgresStore:
        return PostgresStore(self._address, name)

    def read_note(self, name: str) -> str:
        with addresses.read(self._address) as db:
            if not has_tables(db, self._address):
                return ""
            found = db.execute("select content from notes where name = %s", [name]).fetchone()
        return found[0] if found else ""

    def change_note(self, name: str, change: Callable[[str], str]) -> None:
        with explain_writing(self._address), open_connection(self._address) as db, db.transaction():
            if not has_tables(db, self._address):
                return
            db.execute("insert into notes values (%s, '') on conflict do nothing", [name])
            before = db.execute("select content from notes where name = %s for update", [name]).fetchone()[0]
            db.execute("update notes set content = %s where name = %s", [change(before), name])
