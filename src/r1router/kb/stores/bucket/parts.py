"""Keeps what a knowledge base in object storage has beside its entries.

<name>/sources.lance      which sources are in it, complete
<name>/about.lance        what is known of them
<name>/pictures/, tables/ files, copied into the cache of the machine that reads them
<name>/write.lock         who writes to it
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from r1router.cache import keep_file
from r1router.errors import InputError
from r1router.kb.stores.about import put_bases_first
from r1router.kb.stores.bucket.objects import Objects, Version
from r1router.kb.stores.folder.table import open_tables, quote
from r1router.kb.stores.sent_tables import FOLDER
from r1router.kb.stores.store import FieldSet, Taken

KEPT_VERSIONS = timedelta(seconds=60)
SOURCES_TABLE, ABOUT_TABLE = "sources", "about"
SMALL = (SOURCES_TABLE, ABOUT_TABLE)
"""Names of the tables beside that of the entries."""
_TOLD = ".json"
"""What the name of a file ends with that says whose table another one is."""


def open_small(objects: Objects, name: str) -> Any | None:
    """A table beside that of the entries; None where there is none yet."""
    try:
        return open_tables(objects.place).open_table(name)
    except ValueError as error:
        if "not found" in str(error):
            return None
        raise


class _Small:
    """A small table whose rows are replaced by their key."""

    def __init__(self, objects: Objects, name: str, key: str, columns: dict[str, str]) -> None:
        """`columns`: "text" or "number" by name."""
        self._objects, self._name, self._key, self._columns = objects, name, key, columns

    def read(self) -> Iterator[dict[str, Any]]:
        with self._objects.explain_reading():
            table = open_small(self._objects, self._name)
            for batch in table.search().to_batches() if table is not None else ():
                yield from batch.to_pylist()

    def put(self, rows: Sequence[dict[str, Any]]) -> None:
        import pyarrow as pa  # type: ignore[import-untyped]

        if not rows:
            return
        kinds = {"text": pa.string(), "number": pa.int64()}
        schema = pa.schema([(name, kinds[kind]) for name, kind in self._columns.items()])
        given = pa.Table.from_pylist(list(rows), schema=schema)
        with self._objects.explain_writing():
            table = open_small(self._objects, self._name)
            if table is None:
                table = open_tables(self._objects.place).create_table(self._name, schema=schema, exist_ok=True)
            table.merge_insert(self._key).when_matched_update_all().when_not_matched_insert_all().execute(given)

    def drop(self, conditions: Iterable[str]) -> None:
        """`conditions`: keys as the store reads them."""
        keys = list(conditions)
        with self._objects.explain_writing():
            table = open_small(self._objects, self._name)
            if table is None:
                return
            for start in range(0, len(keys), 1000):
                table.delete(f"{self._key} in ({', '.join(keys[start : start + 1000])})")

    def tidy(self) -> None:
        with self._objects.explain_writing():
            if (table := open_small(self._objects, self._name)) is not None:
                table.optimize(cleanup_older_than=KEPT_VERSIONS)


class BucketLedger:
    """What `store.Ledger` says."""

    def __init__(self, objects: Objects) -> None:
        columns = dict.fromkeys(("source", "path", "fingerprint", "yields"), "text") | {"entries": "number"}
        self._table = _Small(objects, SOURCES_TABLE, "source", columns)

    def read(self) -> dict[str, Taken]:
        rows = sorted(self._table.read(), key=lambda row: row["source"])
        taken = [Taken(r["source"], r["path"], r["fingerprint"], r["entries"], _split(r["yields"])) for r in rows]
        return {each.source: each for each in taken}

    def put(self, taken: Iterable[Taken]) -> None:
        rows = {
            t.source: {
                "source": t.source, "path": t.path, "fingerprint": t.fingerprint, "yields": "/".join(t.yields),
                "entries": t.entries,
            }
            for t in taken
        }  # fmt: skip
        self._table.put(list(rows.values()))

    def drop(self, sources: Iterable[str]) -> None:
        self._table.drop(map(quote, sources))

    def tidy(self) -> None:
        """One file instead of one for each change."""
        self._table.tidy()


def _split(names: str) -> tuple[str, ...]:
    return tuple(filter(None, names.split("/")))


class BucketFieldSets:
    """What `store.FieldSets` says."""

    def __init__(self, objects: Objects) -> None:
        self._table = _Small(objects, ABOUT_TABLE, "id", {"id": "number", "of": "number", "fields": "text"})

    def read(self) -> Iterator[FieldSet]:
        return put_bases_first(FieldSet(row["id"], row["of"], row["fields"]) for row in self._table.read())

    def put(self, sets: Sequence[FieldSet]) -> None:
        self._table.put([each._asdict() for each in {each.id: each for each in sets}.values()])

    def drop(self, ids: Collection[int]) -> None:
        self._table.drop(map(str, ids))

    def tidy(self) -> None:
        """One file instead of one for each change."""
        self._table.tidy()


class BucketFiles:
    """What `sent_tables.Files` says."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def fetch(self, name: str) -> Path | None:
        version = self._objects.find_version(name)
        if version is None:
            return None
        key = hashlib.sha256(f"{self._objects.place} {name} {sorted(version.items())}".encode()).hexdigest()

        def write(stream: BinaryIO) -> None:
            data = self._objects.read(name)
            if data is None:
                raise LookupError(name)
            stream.write(data)

        try:
            return keep_file(f"{key}{Path(name).suffix}", write)
        except LookupError:  # it was removed just now
            return None

    def store(self, name: str, file: Path, *, source: str = "", record: str = "") -> None:
        self._objects.write(f"{name}{_TOLD}", json.dumps([source, record]).encode())
        self._objects.write(name, file.read_bytes())

    def list_tables(self) -> list[tuple[str, str]]:
        return sorted(told for _, told in self._list_told())

    def drop_table_files(self, source: str, *, but: Collection[str]) -> None:
        for name, (of, record) in self._list_told():
            if of == source and record not in but:
                self._objects.drop([name, f"{name}{_TOLD}"])

    def _list_told(self) -> list[tuple[str, tuple[str, str]]]:
        """The name of each long table, with its source and record."""
        names = {each.name for each in self._objects.list_all(FOLDER)}
        found = []
        for name in sorted(names):
            if f"{name}{_TOLD}" in names and (told := self._objects.read(f"{name}{_TOLD}")):
                source, record = json.loads(told)
                found.append((name, (source, record)))
        return found


class LockNote:
    """What `lease.Note` says: an object that is written only if it is still what it was."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects, self._name = objects, name

    def read(self) -> str:
        return (self._objects.read(self._name) or b"").decode()

    def replace(self, before: str, after: str, *, is_taken: bool) -> bool:
        data, version = self._objects.read_with_version(self._name)
        if (data or b"").decode() != before:
            return False
        if data is not None and not version:
            raise InputError(f"{self._objects.place} tells no versions of objects, so no two could write to it in turn")
        return self._objects.replace(self._name, after.encode(), _keep_tag(version))


def _keep_tag(version: Version) -> Version:
    """What is compared; some storages want only one of the two."""
    return {"e_tag": version["e_tag"]} if version.get("e_tag") else version
