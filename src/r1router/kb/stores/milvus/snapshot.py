"""Searches the entries of one knowledge base in Milvus, as they are when each request arrives.

Vectors are ranked by the index of their column, words by Milvus's own BM25 over our terms. There is no version to
hold on to: an entry that goes between ranking and reading is noticed, and the search is done again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from r1router.errors import InputError
from r1router.filters.match import matches
from r1router.filters.tree import Filter
from r1router.kb.card import describe_entries
from r1router.kb.products import Vectors, multiply
from r1router.kb.stores.about import read_all
from r1router.kb.stores.allowed_sets import AllowedSets, KeptFilters
from r1router.kb.stores.milvus.address import TIMEOUT
from r1router.kb.stores.milvus.collections import MOST_FOUND, Database, write_any, write_terms
from r1router.kb.stores.milvus.parts import State
from r1router.kb.stores.store import FieldSets, Row

MOST_SETS = 200_000
"""Sets of fields that are named in a condition: some 4 MB."""
LOOKED_AT, MOST_LOOKED_AT = 8, 32_768
"""Entries that HNSW looks at for each one that is wanted (`ef`), as in PostgreSQL; and the most that Milvus takes."""
Version = tuple[str, int]
"""Id of a knowledge base, and what is another number after each change."""


class MilvusSnapshot:
    """What `store.Snapshot` says. A row id is the key of an entry, as a number."""

    def __init__(self, database: Database, state: State, field_sets: FieldSets, filters: KeptFilters[Version]) -> None:
        self._database, self._state, self._field_sets, self._filters = database, state, field_sets, filters
        self._entries = database.name_entries(state.id)

    def __len__(self) -> int:
        return self._database.count(self._entries)

    def measure_width(self, space: str) -> int:
        return (self._state.dim if space == "vector" else self._state.image_dim) or 0

    def allow(self, tree: Filter) -> AllowedSets:
        return self._filters.find(tree, (self._state.id, self._state.version), self._find_allowed)

    def _find_allowed(self, tree: Filter) -> AllowedSets:
        fitting = {id_: fields.keys() for id_, fields in read_all(self._field_sets) if matches(tree, fields)}
        if len(fitting) > MOST_SETS:
            raise InputError(
                f"the filter lets {len(fitting):,} different sets of fields through, and Milvus is asked for "
                f"{MOST_SETS:,} at most; narrow the filter"
            )
        names = frozenset(name for fields in fitting.values() for name in fields)
        condition = write_any("about", fitting.keys())
        entries = self._database.count(self._entries, condition) if fitting else 0
        return AllowedSets(frozenset(fitting), names, entries, condition)

    def find_nearest(self, space: str, queries: Vectors, k: int, tree: Filter | None = None) -> list[list[int]]:
        if not self.measure_width(space):
            return [[] for _ in queries]
        params = {"metric_type": "IP", "params": {"ef": max(k, min(LOOKED_AT * k, MOST_LOOKED_AT))}}
        condition = "embedded == true" if space == "vector" else ""
        return self._search(space, queries.tolist(), k, params, condition, tree)

    def find_matching(self, terms: str, phrases: Sequence[str], k: int, tree: Filter | None = None) -> list[int]:
        words = [write_terms(terms.split())]
        params = {"metric_type": "BM25", "params": {}}
        first: list[int] = []
        if phrases:
            each = [f'terms like "%{write_terms(phrase.split())}%"' for phrase in phrases]
            [first] = self._search("words", words, k, params, " and ".join(each), tree)
        [found] = self._search("words", words, k, params, "", tree)
        return list(dict.fromkeys(first + found))[:k]

    def _search(
        self, space: str, queries: list[Any], k: int, params: dict[str, Any], condition: str, tree: Filter | None
    ) -> list[list[int]]:
        if k > MOST_FOUND:
            raise InputError(f"Milvus ranks {MOST_FOUND:,} entries at most, not {k:,}; ask for fewer")
        if tree is not None:
            allowed = self.allow(tree)
            if not len(allowed):
                return [[] for _ in queries]
            condition = f"{condition} and {allowed.condition}" if condition else allowed.condition
        found = self._database.ask(
            "search", self._entries, data=queries, anns_field=space, limit=k, filter=condition, search_params=params,
            output_fields=["key"], timeout=TIMEOUT,
        )  # fmt: skip
        return [_order(hits) for hits in found]

    def compare(self, space: str, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[float | None]:
        keys = list(map(_write_key, row_ids))
        rows = self._database.read_keys(self._entries, keys, [space, "embedded"])
        known = [key for key in keys if key in rows and (rows[key]["embedded"] or space != "vector")]
        if not known:
            return [None] * len(keys)
        vectors = np.array([rows[key][space] for key in known], np.float32)
        near = dict(zip(known, multiply(query[np.newaxis], vectors)[0].tolist(), strict=True))
        return [near.get(key) for key in keys]

    def read_rows(self, row_ids: Sequence[int]) -> dict[int, Row]:
        found = self._database.read_keys(self._entries, list(map(_write_key, row_ids)), ["content"])
        if len(found) < len(set(row_ids)):
            raise LookupError("an entry was written anew or removed meanwhile")
        return {int(key, 16): read_content(row) for key, row in found.items()}

    def describe(self, kind: str, tree: Filter) -> str:
        allowed = self.allow(tree)
        if not allowed.holds:
            allowed.holds = describe_collection(self._database, self._state, kind, allowed)
        return allowed.holds


def describe_collection(database: Database, state: State, kind: str, allowed: AllowedSets | None = None) -> str:
    """How many records there are and their titles, in one line. `allowed`: of these entries only."""
    entries, condition = database.name_entries(state.id), allowed.condition if allowed else ""

    def read_titles() -> Iterator[tuple[str, str, str]]:
        if state.dim is not None and (allowed is None or len(allowed)):
            for row in database.read_all(entries, condition, ["source", "record", "title"]):
                yield row["source"], row["record"], row["title"]

    def read_first_blocks() -> Iterator[Row]:
        first = f"first_row == 1{f' and {condition}' if condition else ''}"
        rows = sorted(database.read_all(entries, first, ["row", "key"]), key=lambda row: row["row"])
        return map(read_content, database.read_few(entries, [row["key"] for row in rows], ["content"]))

    return describe_entries(kind, read_titles(), read_first_blocks)


def read_content(row: Row) -> Row:
    """The stored columns of an entry."""
    content: Row = json.loads("".join(row["content"]))
    return content


def _order(hits: Any) -> list[int]:
    """Best first as Milvus has them; of equal ones the lower key."""
    ranks = {distance: place for place, distance in reversed(list(enumerate(hit["distance"] for hit in hits)))}
    return [key for _, key in sorted((ranks[hit["distance"]], int(hit["key"], 16)) for hit in hits)]


def _write_key(row_id: int) -> str:
    return f"{row_id:032x}"
