"""Writes one knowledge base to PostgreSQL, by the one process that holds its advisory lock.

What belongs together is one transaction: entries, how often their terms are, what is known of them, the ledger. A
process that is killed loses its lock, and the data base takes back what it had not finished.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from r1router.errors import Busy
from r1router.kb import manifest as manifests
from r1router.kb.entry import Entry
from r1router.kb.manifest import Manifest
from r1router.kb.products import Vectors
from r1router.kb.rows import FEW, PICTURES, SPACES, TERMS, name_picture, write_columns
from r1router.kb.stores.postgres import snapshot as snapshots
from r1router.kb.stores.postgres.address import Address, explain_writing, open_connection
from r1router.kb.stores.postgres.parts import (
    Files,
    PostgresFieldSets,
    PostgresLedger,
    stream,
    use_connection,
)
from r1router.kb.stores.postgres.snapshot import describe_table, write_vector
from r1router.kb.stores.postgres.tables import (
    COLUMNS,
    MOST_INDEXED,
    State,
    create_entries,
    create_schema,
    read_states,
    write_terms,
)
from r1router.kb.stores.sent_tables import SentTables
from r1router.kb.stores.store import Row
from r1router.types import Image

PATIENCE = 2.0
"""Seconds until a lock is believed: the data base takes a moment to notice that its holder was killed."""


@contextmanager
def open_postgres_writer(address: Address, name: str, manifest: Manifest) -> Iterator[PostgresWriter]:
    """Makes the knowledge base where it is not there, and the schema. Raises `Busy`."""
    with tempfile.TemporaryDirectory(prefix="r1router-") as scratch, open_connection(address) as db:
        with explain_writing(address):
            create_schema(db, address)
            row = [name, manifests.render(manifest)]
            db.execute("insert into kbs (name, manifest) values (%s, %s) on conflict (name) do nothing", row)
            [state] = read_states(db, address, name)
            take_lock(db, address, state, for_session=True)
            [state] = read_states(db, address, name)
        yield PostgresWriter(db, address, state, Path(scratch))


def take_lock(db: Any, address: Address, state: State, *, for_session: bool = False) -> None:
    """Takes the only right to write, until the transaction or the session ends. Raises `Busy`."""
    lock = "pg_try_advisory_lock" if for_session else "pg_try_advisory_xact_lock"
    asked = f"select {lock}(hashtext(%s), %s)", [f"r1router: {address.schema}", state.id]
    until = time.monotonic() + PATIENCE
    while not db.execute(*asked).fetchone()[0]:
        if time.monotonic() > until:
            raise Busy(f"another process is writing to {state.name} at {address.place}; try again when it has finished")
        time.sleep(0.05)


class PostgresWriter:
    """What `store.StoreWriter` says, for the connection that holds the lock."""

    def __init__(self, db: Any, address: Address, state: State, scratch: Path) -> None:
        self._db, self._address, self._state = db, address, state
        self.is_unfinished = state.unfinished

        def use() -> AbstractContextManager[tuple[Any, int]]:
            return use_connection(db, state.id)

        self.ledger, self.field_sets = PostgresLedger(use, use), PostgresFieldSets(use, use)
        self._files = Files(use, use)
        self.tables = SentTables(self._files, scratch)

    def explain(self) -> AbstractContextManager[None]:
        return explain_writing(self._address)

    @contextmanager
    def group_writes(self) -> Iterator[None]:
        with explain_writing(self._address), self._db.transaction():
            yield

    def read_held(self) -> Iterator[tuple[str, str, str, int | None]]:
        if self._state.dim is not None:
            yield from stream(self._db, f"select source, id, digest, about from {self._state.entries_table}")

    def read_about(self) -> Iterator[int]:
        if self._state.dim is not None:
            distinct = f"select distinct about from {self._state.entries_table} where about is not null"
            yield from (id_ for (id_,) in stream(self._db, distinct))

    def begin_change(self) -> None:
        self._db.execute("update kbs set unfinished = true where id = %s", [self._state.id])

    def put(self, entries: Sequence[Entry], vectors: Vectors, image_vectors: Vectors | None) -> None:
        columns = write_columns(entries, keep=self._keep)
        spaces = SPACES if image_vectors is not None else SPACES[:1]
        given = iter(vectors)
        columns["vector"] = [write_vector(next(given)) if entry.embedded else None for entry in entries]
        if image_vectors is not None:
            columns["image_vector"] = [write_vector(vector) for vector in image_vectors]
        columns["length"] = [len(terms.split()) for terms in columns[TERMS]]
        columns[TERMS] = [write_terms(terms) for terms in columns[TERMS]]
        names = (*COLUMNS, "length", TERMS, *spaces)
        with self._db.transaction():
            if self._state.dim is None:
                image_dim = image_vectors.shape[1] if image_vectors is not None else None
                create_entries(self._db, self._state.id, dim=vectors.shape[1], image_dim=image_dim)
                [self._state] = read_states(self._db, self._address, self._state.name)
            table, listed = self._state.entries_table, ", ".join(names)
            with self._db.cursor() as cursor:
                self._forget("id = any(%s)", [columns["id"]])
                with cursor.copy(f"copy {table} ({listed}) from stdin") as copy:
                    for row in zip(*(columns[name] for name in names), strict=True):
                        copy.write_row([_clean(value) for value in row])
            self._count("id = any(%s)", [columns["id"]], sign=1)

    def describe(self, entries: Sequence[Entry]) -> None:
        with self._db.transaction(), self._db.cursor() as cursor:
            changed = f"update {self._state.entries_table} set about = %s where id = %s"
            cursor.executemany(changed, [(entry.about, entry.id) for entry in entries])
            self._note_version()

    def drop(self, ids: Sequence[str]) -> None:
        with self._db.transaction():
            self._forget("id = any(%s)", [list(ids)])

    def drop_source(self, source: str) -> None:
        with self._db.transaction():
            self._forget("md5(source) = md5(%s) and source = %s", [source, source])

    def tidy(self) -> None:
        state = self._state
        if state.dim is None:
            return
        self._db.execute(
            "delete from files where kb = %s and name like %s and name not in "
            f"(select image from {state.entries_table} where image is not null)",
            [state.id, f"{PICTURES}/%"],
        )
        self._db.execute(f"delete from {state.words_table} where entries <= 0")
        self._db.execute(f"analyze {state.entries_table}")
        self._index_vectors()

    def say_what_it_holds(self, kind: str) -> str:
        return describe_table(self._db, self._state.entries_table, kind)

    def sample_rows(self, most: int, columns: Sequence[str], *, of_tables: bool = False) -> Iterator[Row]:
        [state] = read_states(self._db, self._address, self._state.name)
        if state.dim is None or not state.entries:
            return
        read = ", ".join(f"{column}::real[]" if column in SPACES else column for column in columns)
        numbered = (
            "select row, row_number() over (order by row) - 1 as place, count(*) over () as entries "
            f"from {state.entries_table}{' where first_row = 1' if of_tables else ''}"
        )
        found = stream(
            self._db,
            f"select {read} from {state.entries_table} join ({numbered}) as numbered using (row) "
            "where place = 0 or place * %(most)s / entries > (place - 1) * %(most)s / entries order by place",
            {"most": most},
            together=FEW,
        )
        yield from (dict(zip(columns, row, strict=True)) for row in found)

    def finish(self, manifest: Manifest | None) -> None:
        with self._db.transaction():
            if manifest is not None:
                written = manifests.render(manifest)
                self._db.execute("update kbs set manifest = %s where id = %s", [written, self._state.id])
            self._db.execute("update kbs set unfinished = false where id = %s", [self._state.id])

    def _forget(self, condition: str, values: Sequence[Any]) -> None:
        """Takes entries out, and out of what is counted."""
        self._count(condition, values, sign=-1)
        self._db.execute(f"delete from {self._state.entries_table} where {condition}", values)

    def _count(self, condition: str, values: Sequence[Any], *, sign: int) -> None:
        """Adds entries to how many have each term, or takes them away."""
        table, words = self._state.entries_table, self._state.words_table
        self._db.execute(
            f"insert into {words} select lexeme, {sign} * count(*) from {table}, unnest(terms) where {condition} "
            f"group by lexeme order by lexeme "
            f"on conflict (term) do update set entries = {words}.entries + excluded.entries",
            values,
        )
        self._db.execute(
            f"update kbs set version = version + 1, written = now(), entries = kbs.entries + {sign} * found.entries, "
            f"terms = kbs.terms + {sign} * found.terms from (select count(*) as entries, "
            f"coalesce(sum(length), 0) as terms from {table} where {condition}) as found where id = %s",
            [*values, self._state.id],
        )

    def _note_version(self) -> None:
        self._db.execute("update kbs set version = version + 1, written = now() where id = %s", [self._state.id])

    def _index_vectors(self) -> None:
        """HNSW, where there are many and none is there yet; new rows join it by themselves."""
        [state] = read_states(self._db, self._address, self._state.name)
        for space, numbers in zip(SPACES, (state.dim, state.image_dim), strict=True):
            if numbers and numbers <= MOST_INDEXED and state.entries >= snapshots.EXACT_BELOW:
                index = f"{state.entries_table}_{space}_hnsw"
                table = state.entries_table
                self._db.execute(f"create index if not exists {index} on {table} using hnsw ({space} vector_ip_ops)")

    def _keep(self, image: Image) -> str:
        name = name_picture(image)
        self._files.keep(name, image.data)
        return name


def _clean(value: Any) -> Any:
    """Without NUL, which the data base does not take."""
    return value.replace("\0", "") if isinstance(value, str) and "\0" in value else value
