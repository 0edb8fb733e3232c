"""Keeps what a knowledge base in Milvus has beside its entries: its state, ledger, sets of fields, files, leases."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from r1router.cache import keep_file
from r1router.errors import KnowledgeBaseError
from r1router.kb.stores.about import put_bases_first
from r1router.kb.stores.milvus.address import explain_reading, explain_writing
from r1router.kb.stores.milvus.collections import NOBODY, Database, Part, encode
from r1router.kb.stores.sent_tables import FOLDER
from r1router.kb.stores.store import FieldSet, Taken

PIECE = 6 << 20
"""Bytes of a file that are sent and held together."""
SETTLED = 0.3
"""Seconds until a note that two have written has the value of one of them, for all who read it."""
TRIES = 3
"""To read a file that is replaced meanwhile."""
Find = Callable[[], str]
"""Gives the id of the knowledge base; "" where there is none."""


@dataclass(frozen=True, slots=True)
class State:
    """A knowledge base: one row, so that it changes at once."""

    id: str
    name: str
    manifest: str
    dim: int | None = None
    """Numbers in a vector; None before anything is stored."""
    image_dim: int | None = None
    version: int = 0
    """Another one after each change."""
    card: int = 0
    """Another one when the card was written anew."""
    unfinished: bool = False
    written: str = ""
    """When something changed last, in ISO 8601."""


def read_states(database: Database) -> dict[str, State]:
    """Of all knowledge bases, by name, sorted."""
    states = [State(**json.loads(part.value)) for part in database.list_parts("kb")]
    return {state.name: state for state in sorted(states, key=lambda each: each.name)}


def put_state(database: Database, state: State) -> None:
    database.put_parts([Part("kb", state.id, "", json.dumps(asdict(state)))])


class LeaseNote:
    """What `lease.Note` says. Milvus cannot compare and set, so who takes it looks again when all has settled."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name

    def read(self) -> str:
        with explain_reading(self._database.address):
            return self._database.read_part("lease", NOBODY, self._name) or ""

    def replace(self, before: str, after: str, *, is_taken: bool) -> bool:
        if self.read() != before:
            return False
        with explain_writing(self._database.address):
            self._database.put_parts([Part("lease", NOBODY, self._name, after)])
        if is_taken:
            time.sleep(SETTLED)
        return self.read() == after


class MilvusLedger:
    """What `store.Ledger` says."""

    def __init__(self, database: Database, find: Find) -> None:
        self._database, self._find = database, find

    def read(self) -> dict[str, Taken]:
        with explain_reading(self._database.address):
            kb = self._find()
            parts = list(self._database.list_parts("source", kb)) if kb else []
        taken = {part.name: _read_taken(part) for part in parts}
        return dict(sorted(taken.items()))

    def put(self, taken: Iterable[Taken]) -> None:
        with explain_writing(self._database.address):
            kb = self._find()
            self._database.put_parts(Part("source", kb, each.source, json.dumps(asdict(each))) for each in taken)

    def drop(self, sources: Iterable[str]) -> None:
        with explain_writing(self._database.address):
            self._database.drop_parts("source", self._find(), sources)


def _read_taken(part: Part) -> Taken:
    told = json.loads(part.value)
    return Taken(**{**told, "yields": tuple(told["yields"])})


class MilvusFieldSets:
    """What `store.FieldSets` says."""

    def __init__(self, database: Database, find: Find) -> None:
        self._database, self._find = database, find

    def read(self) -> Iterator[FieldSet]:
        with explain_reading(self._database.address):
            kb = self._find()
            parts = self._database.list_parts("about", kb) if kb else ()
            yield from put_bases_first(FieldSet(int(part.name), *json.loads(part.value)) for part in parts)

    def put(self, sets: Sequence[FieldSet]) -> None:
        with explain_writing(self._database.address):
            kb = self._find()
            self._database.put_parts(Part("about", kb, str(s.id), json.dumps([s.of, s.fields])) for s in sets)

    def drop(self, ids: Collection[int]) -> None:
        with explain_writing(self._database.address):
            self._database.drop_parts("about", self._find(), map(str, ids))


@dataclass(frozen=True, slots=True)
class StoredFile:
    digest: str
    bytes: int
    pieces: int
    source: str
    record: str


class _PieceMissing(Exception):
    """A piece of a file is not there."""


class MilvusFiles:
    """What `sent_tables.Files` says: pieces named by the content, and a row that says which belong to a name."""

    def __init__(self, database: Database, find: Find) -> None:
        self._database, self._find = database, find

    def fetch(self, name: str) -> Path | None:
        """Raises `KnowledgeBaseError` where a part of it is missing for good."""
        for _ in range(TRIES):
            with suppress(_PieceMissing):
                return self._fetch(name)
        raise KnowledgeBaseError(
            f"{name} at {self._database.address.place} lacks a part; remove its source (kb rm --source) and "
            "index it again"
        )

    def _fetch(self, name: str) -> Path | None:
        with explain_reading(self._database.address):
            kb = self._find()
            told = self._database.read_part("file", kb, name) if kb else None
            if told is None:
                return None
            file = StoredFile(**json.loads(told))

            def write(stream: BinaryIO) -> None:
                for number in range(file.pieces):
                    piece = self._database.read_part("piece", kb, file.digest, number)
                    if piece is None:  # replaced just now, or missing
                        raise _PieceMissing
                    stream.write(base64.b64decode(piece))

            return keep_file(f"{file.digest}{Path(name).suffix}", write)

    def store(self, name: str, file: Path, *, source: str = "", record: str = "") -> None:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        number, size = 0, 0
        with explain_writing(self._database.address):
            kb = self._find()
            before = self._database.read_part("file", kb, name)
            with file.open("rb") as stream:
                while data := stream.read(PIECE):
                    self._database.put_parts([Part("piece", kb, digest, encode(data), number)])
                    number, size = number + 1, size + len(data)
            told = StoredFile(digest, size, number, source, record)
            self._database.put_parts([Part("file", kb, name, json.dumps(asdict(told)))])
            if before is not None:
                old = StoredFile(**json.loads(before))
                if old.digest != digest:
                    self._drop_pieces(kb, old)

    def keep(self, name: str, data: bytes) -> None:
        """Stores a file whose name follows from its content, where it is not there."""
        with explain_writing(self._database.address):
            kb = self._find()
            if self._database.read_part("file", kb, name) is None:
                digest = hashlib.sha256(data).hexdigest()
                starts = range(0, len(data), PIECE)
                pieces = (
                    Part("piece", kb, digest, encode(data[start : start + PIECE]), number)
                    for number, start in enumerate(starts)
                )
                self._database.put_parts(pieces)
                told = StoredFile(digest, len(data), len(starts), "", "")
                self._database.put_parts([Part("file", kb, name, json.dumps(asdict(told)))])

    def list_all(self) -> Iterator[tuple[str, StoredFile]]:
        with explain_reading(self._database.address):
            kb = self._find()
            for part in self._database.list_parts("file", kb) if kb else ():
                yield part.name, StoredFile(**json.loads(part.value))

    def drop(self, files: Iterable[tuple[str, StoredFile]]) -> None:
        with explain_writing(self._database.address):
            kb = self._find()
            for name, file in files:
                self._database.drop_parts("file", kb, [name])
                self._drop_pieces(kb, file)

    def list_tables(self) -> list[tuple[str, str]]:
        tables = (file for name, file in self.list_all() if name.startswith(f"{FOLDER}/"))
        return sorted((file.source, file.record) for file in tables)

    def drop_table_files(self, source: str, *, but: Collection[str]) -> None:
        files = [
            (name, file)
            for name, file in self.list_all()
            if name.startswith(f"{FOLDER}/") and file.source == source and file.record not in but
        ]
        self.drop(files)

    def _drop_pieces(self, kb: str, file: StoredFile) -> None:
        self._database.drop_pieces(kb, file.digest, file.pieces)
