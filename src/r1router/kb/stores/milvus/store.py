"""Reads one knowledge base from Milvus, which any number of processes may do while one writes."""

from __future__ import annotations

import operator
import time
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from r1router.errors import InputError, KnowledgeBaseError
from r1router.kb import manifest as manifests
from r1router.kb.manifest import Manifest
from r1router.kb.rows import BATCH, PICTURES, SPACES, STORED
from r1router.kb.stores.allowed_sets import KeptFilters
from r1router.kb.stores.compare import compare_with_ledger
from r1router.kb.stores.milvus.address import TIMEOUT, explain_reading, explain_writing
from r1router.kb.stores.milvus.collections import Database, make_key, quote, write_any
from r1router.kb.stores.milvus.parts import (
    MilvusFieldSets,
    MilvusFiles,
    MilvusLedger,
    State,
    put_state,
    read_states,
)
from r1router.kb.stores.milvus.snapshot import MilvusSnapshot, Version, read_content
from r1router.kb.stores.milvus.writer import hold_kb, open_milvus_writer
from r1router.kb.stores.sent_tables import SentTables
from r1router.kb.stores.store import Equal, Finding, Inspection, Row, Snapshot, StoreWriter

T = TypeVar("T")

_ATTEMPTS = 6
"""Times that a search is done, over 0.6 seconds, where a writer took away what it had found."""
NUMBER = 4
"""Bytes of one number of a vector."""


class MilvusStore:
    """What `store.Store` says, for one collection of entries and what belongs to it."""

    def __init__(self, database: Database, name: str) -> None:
        self.name = name
        self._database, self._filters = database, KeptFilters[Version](replaces=operator.ne)
        self.ledger = MilvusLedger(database, self._find_id)
        self.field_sets = MilvusFieldSets(database, self._find_id)
        self._files = MilvusFiles(database, self._find_id)
        self.tables = SentTables(self._files)

    @property
    def place(self) -> str:
        return f"{self.name} at {self._database.address.place}"

    def exists(self) -> bool:
        return bool(self._find_id())

    def read_manifest(self) -> Manifest:
        return manifests.parse(self._read_state().manifest, place=self.place)

    def find_stamp(self) -> Hashable:
        state = self._read_state()
        return state.id, state.card

    def use(self, work: Callable[[Snapshot], T], *, empty: T) -> T:
        for attempt in range(_ATTEMPTS):
            state = self._read_state()
            if state.dim is None:
                return empty
            try:
                with explain_reading(self._database.address):
                    return work(MilvusSnapshot(self._database, state, self.field_sets, self._filters))
            except LookupError as error:
                if attempt == _ATTEMPTS - 1:
                    raise KnowledgeBaseError(f"{self.place} cannot be searched: {error}") from error
                time.sleep(0.02 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def count(self) -> int:
        state = self._read_state()
        with explain_reading(self._database.address):
            return self._database.count(self._database.name_entries(state.id)) if state.dim is not None else 0

    def count_sources(self) -> Iterator[tuple[str, int | None, int]]:
        counted = Counter((row["source"], row["about"] or None) for row in self._read_all("", ["source", "about"]))
        yield from ((source, about, entries) for (source, about), entries in counted.items())

    def read_entries(
        self,
        equal: Equal,
        *,
        in_tables: bool = False,
        limit: int | None = None,
        columns: Sequence[str] | None = None,
        about: Collection[int] | None = None,
    ) -> list[Row]:
        wanted, equals = columns or STORED, dict(equal)
        if about is not None and not about:
            return []
        if "id" in equals:
            equals["key"] = make_key(str(equals.pop("id")))
        conditions = [f"{name} == {quote(v) if isinstance(v, str) else v}" for name, v in equals.items()]
        conditions += ["first_row > 0"] if in_tables else []
        conditions += [write_any("about", about)] if about is not None else []
        rows = list(self._read_all(" and ".join(conditions), ["row", "content"], most=limit if not equal else None))
        rows.sort(key=lambda row: row["row"])
        contents = map(read_content, rows[:limit])
        return [{name: content[name] for name in wanted} for content in contents]

    def read_batches(self, source: str) -> Iterator[list[Row]]:
        state = self._read_state()
        if state.dim is None:
            return
        spaces = [space for space, dim in zip(SPACES, (state.dim, state.image_dim), strict=True) if dim]
        entries = self._database.name_entries(state.id)
        found = self._read_all(f"source == {quote(source)}", ["row", "key"])
        keys = [key for _, key in sorted((row["row"], row["key"]) for row in found)]
        for start in range(0, len(keys), BATCH):
            some = keys[start : start + BATCH]
            with explain_reading(self._database.address):
                rows = self._database.read_keys(entries, some, ["content", "digest", "about", "embedded", *spaces])
            yield [_read_whole(rows[key]) for key in some if key in rows]

    def find_picture(self, name: str) -> Path | None:
        return self._files.fetch(f"{PICTURES}/{name}")

    def measure(self) -> int:
        """Of vectors, pictures and long tables: Milvus does not tell what the rest of a collection takes."""
        state = self._read_state()
        numbers = (state.dim or 0) + (state.image_dim or 0)
        return self.count() * numbers * NUMBER + sum(file.bytes for _, file in self._files.list_all())

    def inspect(self) -> Inspection:
        state = self._read_state()
        kind = self._database.address.index
        if state.dim is not None:
            with explain_reading(self._database.address):
                entries = self._database.name_entries(state.id)
                told = self._database.client.describe_index(entries, index_name="vector", timeout=TIMEOUT) or {}
                kind = told.get("index_type", kind)
        written = datetime.fromisoformat(state.written) if state.written else None
        return Inspection("exact" if kind == "FLAT" else kind, None, written)

    def open_writer(self, manifest: Manifest) -> AbstractContextManager[StoreWriter]:
        return open_milvus_writer(self._database, self.name, manifest)

    def remove(self) -> None:
        with self._change() as state:
            self._database.drop_parts("kb", state.id, [""])
            self._database.client.drop_collection(self._database.name_entries(state.id), timeout=TIMEOUT)
            self._database.drop_all_parts(state.id)

    def rename(self, name: str) -> None:
        with hold_kb(self._database, name), self._change() as state:
            if name in read_states(self._database):
                raise InputError(f"{name} is at {self._database.address.place} already; choose another name")
            renamed = replace(manifests.parse(state.manifest, place=self.place), name=name)
            put_state(
                self._database,
                replace(state, name=name, manifest=manifests.render(renamed), card=state.card + 1),
            )

    def check(self, *, repair: bool) -> list[Finding]:
        with self._change() as state:
            if state.dim is None:
                return []
            rows = self._database.read_all(self._database.name_entries(state.id), "", ["source", "about", "image"])
            described = {each.id for each in self.field_sets.read()}
            files = {name for name, _ in self._files.list_all()}
            return list(compare_with_ledger(rows, self.ledger, described=described, files=files, repair=repair))

    def _read_all(self, condition: str, fields: Sequence[str], most: int | None = None) -> Iterator[Row]:
        """The rows that fit, in no order; `most`: only so many."""
        state = self._read_state()
        if state.dim is None:
            return
        entries = self._database.name_entries(state.id)
        with explain_reading(self._database.address):
            if most is not None:
                condition = condition or 'key != ""'
                yield from self._database.ask(
                    "query", entries, filter=condition, limit=most, output_fields=list(fields), timeout=TIMEOUT
                )
            else:
                yield from self._database.read_all(entries, condition, fields)

    def _read_state(self) -> State:
        """Raises `KnowledgeBaseError` where there is none, or where Milvus cannot be read."""
        with explain_reading(self._database.address):
            state = read_states(self._database).get(self.name)
        if state is None:
            raise KnowledgeBaseError(f"there is no knowledge base {self.name!r} at {self._database.address.place}")
        return state

    def _find_id(self) -> str:
        with explain_reading(self._database.address):
            state = read_states(self._database).get(self.name)
        return state.id if state else ""

    @contextmanager
    def _change(self) -> Iterator[State]:
        """The right to change all of it. Raises `Busy`, `KnowledgeBaseError`."""
        self._read_state()
        with hold_kb(self._database, self.name) as lease:
            state = self._read_state()
            lease.check()
            with explain_writing(self._database.address):
                yield state


def _read_whole(row: Row) -> Row:
    """The stored columns with digest and vectors; no vector where the entry has none."""
    vectors = {space: row.get(space) for space in SPACES}
    if not row["embedded"]:
        vectors["vector"] = None
    return {**read_content(row), "digest": row["digest"], "about": row["about"] or None, **vectors}
