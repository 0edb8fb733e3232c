"""Writes one knowledge base to Milvus, by the one process that holds its lease.

A batch is one call, and whole; a source of several batches is seen in parts until the last. What was not finished is
known by the ledger, and the next run goes on from there.
"""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from r1router.kb import manifest as manifests
from r1router.kb.entry import Entry
from r1router.kb.manifest import Manifest
from r1router.kb.products import Vectors
from r1router.kb.rows import PICTURES, SPACES, STORED, TERMS, name_picture, write_columns
from r1router.kb.stores.lease import Lease, hold_lease
from r1router.kb.stores.milvus.address import TIMEOUT, explain_writing
from r1router.kb.stores.milvus.collections import MOST_BYTES, Database, check_length, cut, make_key, quote, write_terms
from r1router.kb.stores.milvus.parts import (
    LeaseNote,
    MilvusFieldSets,
    MilvusFiles,
    MilvusLedger,
    State,
    put_state,
    read_states,
)
from r1router.kb.stores.milvus.snapshot import describe_collection, read_content
from r1router.kb.stores.sent_tables import SentTables
from r1router.kb.stores.store import Row
from r1router.types import Image


@contextmanager
def open_milvus_writer(database: Database, name: str, manifest: Manifest) -> Iterator[MilvusWriter]:
    """Makes the knowledge base where it is not there, and our collections. Raises `Busy`."""
    with explain_writing(database.address):
        database.make_parts()
    with hold_kb(database, name) as lease, tempfile.TemporaryDirectory(prefix="r1router-") as scratch:
        with explain_writing(database.address):
            state = read_states(database).get(name)
            if state is None:
                state = State(uuid.uuid4().hex[:16], name, manifests.render(manifest))
                put_state(database, state)
        yield MilvusWriter(database, state, lease, Path(scratch))


def hold_kb(database: Database, name: str) -> AbstractContextManager[Lease]:
    """The only right to write to a knowledge base. Raises `Busy`."""
    return hold_lease(LeaseNote(database, name), f"{name} at {database.address.place}")


class MilvusWriter:
    """What `store.StoreWriter` says."""

    def __init__(self, database: Database, state: State, lease: Lease, scratch: Path) -> None:
        self._database, self._state, self._lease = database, state, lease
        self._entries = database.name_entries(state.id)
        self.is_unfinished = state.unfinished

        def find() -> str:
            return state.id

        self.ledger, self.field_sets = MilvusLedger(database, find), MilvusFieldSets(database, find)
        self._files = MilvusFiles(database, find)
        self.tables = SentTables(self._files, scratch)

    def explain(self) -> AbstractContextManager[None]:
        return explain_writing(self._database.address)

    def group_writes(self) -> AbstractContextManager[None]:
        return nullcontext()

    def read_held(self) -> Iterator[tuple[str, str, str, int | None]]:
        if self._state.dim is not None:
            for row in self._database.read_all(self._entries, "", ["source", "id", "digest", "about"]):
                yield row["source"], row["id"], row["digest"], row["about"] or None

    def read_about(self) -> Iterator[int]:
        if self._state.dim is not None:
            for row in self._database.read_all(self._entries, "about != 0", ["about"]):
                yield row["about"]

    def begin_change(self) -> None:
        self._change(unfinished=True)

    def put(self, entries: Sequence[Entry], vectors: Vectors, image_vectors: Vectors | None) -> None:
        self._lease.check()
        if self._state.dim is None:
            image_dim = image_vectors.shape[1] if image_vectors is not None else None
            self._database.make_entries(self._state.id, dim=vectors.shape[1], image_dim=image_dim)
            self._change(dim=vectors.shape[1], image_dim=image_dim)
        self._database.send(self._entries, self._write_rows(entries, vectors, image_vectors))
        self._change()

    def _write_rows(
        self, entries: Sequence[Entry], vectors: Vectors, image_vectors: Vectors | None
    ) -> Iterator[dict[str, Any]]:
        columns = write_columns(entries, keep=self._keep)
        given, first = iter(vectors), time.time_ns()
        for place, entry in enumerate(entries):
            stored = {name: columns[name][place] for name in STORED}
            row = {
                "key": make_key(entry.id),
                "id": check_length(entry.id, "an id"),
                "record": check_length(entry.record, "the id of a record"),
                "source": check_length(entry.source, "the name of a source"),
                "title": entry.title[: MOST_BYTES // 4],
                "image": stored["image"] or "",
                "digest": entry.digest,
                "row": first + place,
                "about": entry.about or 0,
                "first_row": entry.rows[0] if entry.rows else 0,
                "embedded": entry.embedded,
                "content": cut(json.dumps(stored, ensure_ascii=False, separators=(",", ":"))),
                "terms": write_terms(columns[TERMS][place].split()),
                "vector": next(given).tolist() if entry.embedded else [0.0] * (self._state.dim or 0),
            }
            if image_vectors is not None:
                row["image_vector"] = image_vectors[place].tolist()
            yield row

    def describe(self, entries: Sequence[Entry]) -> None:
        self._lease.check()
        changed = {make_key(entry.id): entry.about or 0 for entry in entries}
        fields = ["*"]
        rows = self._database.read_keys(self._entries, list(changed), fields)
        self._database.send(
            self._entries,
            (
                {name: v for name, v in row.items() if name != "words"} | {"about": changed[key]}
                for key, row in rows.items()
            ),
        )
        self._change()

    def drop(self, ids: Sequence[str]) -> None:
        self._lease.check()
        for start in range(0, len(ids), 1_000):
            keys = [make_key(id_) for id_ in ids[start : start + 1_000]]
            self._database.ask("delete", self._entries, ids=keys, timeout=TIMEOUT)
        self._change()

    def drop_source(self, source: str) -> None:
        self._lease.check()
        self._database.ask("delete", self._entries, filter=f"source == {quote(source)}", timeout=TIMEOUT)
        self._change()

    def tidy(self) -> None:
        """Segments and indexes are Milvus's own to tidy."""
        if self._state.dim is None:
            return
        self._lease.check()
        shown = {row["image"] for row in self._database.read_all(self._entries, 'image != ""', ["image"])}
        pictures = ((name, file) for name, file in self._files.list_all() if name.startswith(f"{PICTURES}/"))
        self._files.drop([(name, file) for name, file in pictures if name not in shown])

    def say_what_it_holds(self, kind: str) -> str:
        return describe_collection(self._database, self._state, kind)

    def sample_rows(self, most: int, columns: Sequence[str], *, of_tables: bool = False) -> Iterator[Row]:
        """The first by their keys, which chance gave them, in the order in which they were written."""
        if self._state.dim is None:
            return
        spaces = [column for column in columns if column in SPACES]
        found = self._database.ask(
            "query",
            self._entries,
            filter="first_row == 1" if of_tables else 'key != ""',
            limit=most,
            output_fields=["row", "key"],
            timeout=TIMEOUT,
        )
        keys = [row["key"] for row in sorted(found, key=lambda row: row["row"])]
        for row in self._database.read_few(self._entries, keys, ["embedded", "content", *spaces]):
            vectors = {space: row[space] if row["embedded"] or space != "vector" else None for space in spaces}
            stored = read_content(row) | vectors
            yield {column: stored[column] for column in columns}

    def finish(self, manifest: Manifest | None) -> None:
        self._lease.check()
        if manifest is not None:
            self._change(manifest=manifests.render(manifest), card=self._state.card + 1, unfinished=False)
        elif self._state.unfinished:
            self._change(unfinished=False)

    def _change(self, **changes: Any) -> None:
        now = datetime.now(tz=UTC).isoformat()
        self._state = replace(self._state, version=self._state.version + 1, written=now, **changes)
        put_state(self._database, self._state)

    def _keep(self, image: Image) -> str:
        name = name_picture(image)
        self._files.keep(name, image.data)
        return name
