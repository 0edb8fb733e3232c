"""Declares our collections in Milvus, and reads and writes their rows.

    <prefix>_parts          what is kept beside the entries: cards, ledgers, sets of fields, files, notes, leases
    <prefix>_entries_<id>   the entries of one knowledge base, with their vectors and their terms for BM25

Milvus has neither transactions nor locks: a call is whole, several are not. Every request is strongly consistent, so
what was written is seen by the next search of every process.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from r1router.errors import InputError
from r1router.kb.rows import FEW, SPACES
from r1router.kb.stores.milvus.address import INDEXES, TIMEOUT, Address, import_pymilvus, open_client

MOST_BYTES = 65_535
"""Of a text field."""
PIECE = 16_000
"""Characters of a text that are kept together, at most four bytes each; a longer one is several pieces."""
MOST_PIECES = 4_096
SENT = 16 << 20
"""Characters of rows that are sent together, about; Milvus takes messages of 64 MB."""
READ = 512
"""Rows that are read together with what may be long of each (`LONG`)."""
READ_SHORT = 4_096
"""Rows that are read together without it. Milvus Lite looks at all rows for each such reading."""
LONG = frozenset(("content", "value"))
MOST_FOUND = 16_384
"""Entries that Milvus ranks for one query, at most."""
NOT_LOADED = 101
"""The code of Milvus's error for a collection that is not in memory."""
NOBODY = "0"
"""The knowledge base of what belongs to none."""
K1, B = 1.2, 0.75
"""Of BM25, as the other stores have them."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is kept beside the entries."""

    kind: str
    kb: str
    name: str
    value: str
    number: int = 0

    @property
    def key(self) -> str:
        return make_key(self.kind, self.kb, self.name, str(self.number))


class Database:
    """The collections of one address."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.parts = f"{address.prefix}_parts"
        self._is_made = False

    @property
    def client(self) -> Any:
        return open_client(self.address)

    def name_entries(self, kb: str) -> str:
        return f"{self.address.prefix}_entries_{kb}"

    def ask(self, request: str, collection: str, **given: Any) -> Any:
        """What a request of Milvus's client gives. A collection that is not loaded, as when Milvus Lite was started
        anew, is loaded first."""
        call = getattr(self.client, request)
        try:
            return call(collection, **given)
        except import_pymilvus().MilvusException as error:
            if error.code != NOT_LOADED:
                raise
        self.client.load_collection(collection, timeout=TIMEOUT)
        return call(collection, **given)

    # ── what is beside the entries ──

    def has_parts(self) -> bool:
        """Whether there is anything of ours."""
        self._is_made = self._is_made or self.client.has_collection(self.parts, timeout=TIMEOUT)
        return self._is_made

    def make_parts(self) -> None:
        """Makes the collection of what is beside the entries, where there is none."""
        if self.has_parts():
            return
        kinds = import_pymilvus().DataType
        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", kinds.VARCHAR, is_primary=True, max_length=64)
        for name, longest in (("kind", 16), ("kb", 32), ("name", MOST_BYTES)):
            schema.add_field(name, kinds.VARCHAR, max_length=longest)
        schema.add_field("number", kinds.INT64)
        _add_pieces(schema, "value")
        schema.add_field("unused", kinds.FLOAT_VECTOR, dim=2)  # every collection has a vector
        indexes = self.client.prepare_index_params()
        indexes.add_index("unused", index_type="FLAT", metric_type="L2")
        for name in ("kind", "kb"):
            indexes.add_index(name, index_type="INVERTED")
        self._create(self.parts, schema, indexes)

    def put_parts(self, parts: Iterable[Part]) -> None:
        """Adds them, or replaces those of the same kind, knowledge base, name and number."""
        rows = (
            {
                "key": part.key, "kind": part.kind, "kb": part.kb, "name": part.name, "number": part.number,
                "value": cut(part.value), "unused": [0.0, 0.0],
            }
            for part in parts
        )  # fmt: skip
        self.send(self.parts, rows)

    def read_part(self, kind: str, kb: str, name: str, number: int = 0) -> str | None:
        """The value; None where there is none."""
        if not self.has_parts():
            return None
        key = make_key(kind, kb, name, str(number))
        found = self.ask("get", self.parts, ids=[key], output_fields=["value"], timeout=TIMEOUT)
        return "".join(found[0]["value"]) if found else None

    def list_parts(self, kind: str, kb: str = "") -> Iterator[Part]:
        """Of one knowledge base, or of all."""
        if self.has_parts():
            of = f" and kb == {quote(kb)}" if kb else ""
            fields = ["kind", "kb", "name", "number", "value"]
            for row in self.read_all(self.parts, f"kind == {quote(kind)}{of}", fields):
                yield Part(row["kind"], row["kb"], row["name"], "".join(row["value"]), row["number"])

    def drop_parts(self, kind: str, kb: str, names: Iterable[str]) -> None:
        for some in _group(make_key(kind, kb, name, "0") for name in names):
            self.ask("delete", self.parts, ids=some, timeout=TIMEOUT)

    def drop_pieces(self, kb: str, digest: str, pieces: int) -> None:
        """Of a file."""
        for some in _group(make_key("piece", kb, digest, str(number)) for number in range(pieces)):
            self.ask("delete", self.parts, ids=some, timeout=TIMEOUT)

    def drop_all_parts(self, kb: str) -> None:
        self.ask("delete", self.parts, filter=f"kb == {quote(kb)}", timeout=TIMEOUT)

    # ── entries ──

    def make_entries(self, kb: str, *, dim: int, image_dim: int | None) -> None:
        name, pymilvus = self.name_entries(kb), import_pymilvus()
        if self.client.has_collection(name, timeout=TIMEOUT):
            return
        kinds = pymilvus.DataType
        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", kinds.VARCHAR, is_primary=True, max_length=64)
        for field in ("id", "record", "source", "title", "image", "digest"):
            schema.add_field(field, kinds.VARCHAR, max_length=MOST_BYTES)
        for field in ("row", "about", "first_row"):
            schema.add_field(field, kinds.INT64)
        schema.add_field("embedded", kinds.BOOL)
        _add_pieces(schema, "content")
        analyzed = {"enable_analyzer": True, "analyzer_params": {"tokenizer": "standard"}}
        schema.add_field("terms", kinds.VARCHAR, max_length=MOST_BYTES, **analyzed)
        schema.add_field("words", kinds.SPARSE_FLOAT_VECTOR)
        bm25 = pymilvus.Function(
            name="bm25",
            function_type=pymilvus.FunctionType.BM25,
            input_field_names=["terms"],
            output_field_names=["words"],
        )
        schema.add_function(bm25)
        indexes = self.client.prepare_index_params()
        params = {"bm25_k1": K1, "bm25_b": B}
        indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=params)
        for field in ("record", "source", "about"):
            indexes.add_index(field, index_type="INVERTED")
        kind = self.address.index
        for space, numbers in zip(SPACES, (dim, image_dim), strict=True):
            if numbers:
                schema.add_field(space, kinds.FLOAT_VECTOR, dim=numbers)
                indexes.add_index(space, index_type=kind, metric_type="IP", params=INDEXES[kind])
        self._create(name, schema, indexes)

    def count(self, collection: str, condition: str = "") -> int:
        found = self.ask("query", collection, filter=condition, output_fields=["count(*)"], timeout=TIMEOUT)
        number: int = found[0]["count(*)"]
        return number

    def read_all(self, collection: str, condition: str, fields: Sequence[str]) -> Iterator[Row]:
        """The rows that fit, in no order, some hundreds or thousands of them in memory at a time."""
        together = READ_SHORT if LONG.isdisjoint(fields) else READ
        found = self.ask(
            "query_iterator",
            collection,
            batch_size=together,
            filter=condition,
            output_fields=list(fields),
            timeout=TIMEOUT,
        )
        try:
            while rows := found.next():
                yield from rows
        finally:
            found.close()

    def read_keys(self, collection: str, keys: Sequence[str], fields: Sequence[str]) -> dict[str, Row]:
        """By their keys; those that are gone are left out."""
        found: dict[str, Row] = {}
        for some in _group(keys):
            rows = self.ask("get", collection, ids=some, output_fields=["key", *fields], timeout=TIMEOUT)
            found.update((row["key"], row) for row in rows)
        return found

    def read_few(self, collection: str, keys: Sequence[str], fields: Sequence[str]) -> Iterator[Row]:
        """The same in the order of the keys, where each may have megabytes."""
        for start in range(0, len(keys), FEW):
            some = keys[start : start + FEW]
            found = self.read_keys(collection, some, fields)
            yield from (found[key] for key in some if key in found)

    def send(self, collection: str, rows: Iterable[Row]) -> None:
        """Adds rows, or replaces those with the same keys; a message at a time."""
        waiting, size = list[Row](), 0
        for row in rows:
            waiting.append(row)
            size += sum(sum(map(len, v)) if _is_pieces(v) else len(v) for v in row.values() if hasattr(v, "__len__"))
            if size > SENT:
                self.client.upsert(collection, waiting, timeout=TIMEOUT)
                waiting, size = [], 0
        if waiting:
            self.client.upsert(collection, waiting, timeout=TIMEOUT)

    def _create(self, name: str, schema: Any, indexes: Any) -> None:
        self.client.create_collection(
            name, schema=schema, index_params=indexes, consistency_level="Strong", timeout=TIMEOUT
        )


def make_key(*parts: str) -> str:
    """Names a row by what it is, in 32 letters."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def quote(text: str) -> str:
    """As a text of Milvus's conditions."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def cut(text: str) -> list[str]:
    """The pieces of a text, which a field takes."""
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    if len(pieces) > MOST_PIECES:
        raise InputError(f"Milvus keeps {MOST_PIECES * PIECE:,} characters together, not {len(text):,}")
    return pieces


def check_length(text: str, what: str) -> str:
    """Raises `InputError` where it is longer than a field."""
    if len(text) > MOST_BYTES // 4 and len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise InputError(f"Milvus takes {MOST_BYTES:,} bytes of {what}; {text[:60]!r}… is longer")
    return text


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def write_terms(terms: Iterable[str]) -> str:
    """Terms as every analyzer of Milvus leaves them: of letters a to z and digits, with blanks between and around.

    Of more than a field takes each is kept once: they are found, and count once.
    """
    written = [term if term.isascii() and term.isalnum() else f"u{term.encode().hex()}" for term in terms]
    if sum(map(len, written)) + len(written) >= MOST_BYTES:
        written = list(dict.fromkeys(written))
        size = 1
        for number, term in enumerate(written):
            size += len(term) + 1
            if size >= MOST_BYTES:
                written = written[:number]
                break
    return f" {' '.join(written)} "


def _add_pieces(schema: Any, name: str) -> None:
    kinds = import_pymilvus().DataType
    schema.add_field(name, kinds.ARRAY, element_type=kinds.VARCHAR, max_capacity=MOST_PIECES, max_length=MOST_BYTES)


def _is_pieces(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)


def _group(keys: Iterable[str]) -> Iterator[list[str]]:
    """A thousand at a time."""
    some: list[str] = []
    for key in keys:
        some.append(key)
        if len(some) == 1_000:
            yield some
            some = []
    if some:
        yield some


def write_any(name: str, values: Collection[int]) -> str:
    """The condition that a column has one of these values."""
    return f"{name} in [{', '.join(map(str, sorted(values)))}]"
