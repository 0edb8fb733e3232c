"""Searches the entries of one knowledge base in one transaction of PostgreSQL, which sees one version of them.

Vectors are compared exactly until an HNSW index is made for them (`EXACT_BELOW`). Full text is ranked by BM25 as
the other stores rank it: the data base tells how often each term is in an entry, and `words_<id>` in how many entries.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from r1router.filters.match import matches
from r1router.filters.tree import Filter
from r1router.kb.card import describe_entries
from r1router.kb.products import Vectors
from r1router.kb.rows import CELLS, FEW, STORED
from r1router.kb.stores.about import read_all
from r1router.kb.stores.allowed_sets import AllowedSets, KeptFilters
from r1router.kb.stores.postgres.likely import write_likely
from r1router.kb.stores.postgres.parts import stream
from r1router.kb.stores.postgres.tables import State, write_all_phrases, write_any_of
from r1router.kb.stores.store import FieldSets, Row

K1, B = 1.2, 0.75
"""Of BM25, as LanceDB has them."""
LIKELY = 10
"""Entries that are scored for their words for each one that is wanted, about: those that may come first. Fewer change
the last of fifty, hardly the first five."""
CANDIDATES = 5_000
"""Entries that are scored where those are too few, about: those with the rarest terms of a query."""
MOST_SCORED = 50_000
"""Entries that are scored at most, the first of the table: a term asked alone may be in nearly all of them."""
EXACT_BELOW = 50_000
"""Entries from which on vectors get an HNSW index: to compare so many of 384 numbers one by one takes some 50 ms. A
part of fewer is compared exactly, too, since the index may end before it has found all of them."""
LOOKED_AT = 8
"""Entries that HNSW looks at for each one that is wanted (`hnsw.ef_search`). Questions are further from what answers
them than passages from each other: of 52,382 passages, two found 98.0 % of the ten nearest of 100 questions, four
99.5 %, eight 99.8 %."""
MOST_LOOKED_AT = 1_000
"""Of HNSW: the most that pgvector takes."""
Version = tuple[int, int]
"""Id of a knowledge base, and the number of its version: the newest is the highest."""


class PostgresSnapshot:
    """What `store.Snapshot` says, for the transaction of a connection."""

    def __init__(self, db: Any, state: State, field_sets: FieldSets, filters: KeptFilters[Version]) -> None:
        """`field_sets`: read in the same transaction."""
        self._db, self._state, self._field_sets, self._filters = db, state, field_sets, filters
        self._table = state.entries_table

    def __len__(self) -> int:
        return self._state.entries

    def measure_width(self, space: str) -> int:
        return (self._state.dim if space == "vector" else self._state.image_dim) or 0

    def allow(self, tree: Filter) -> AllowedSets:
        return self._filters.find(tree, (self._state.id, self._state.version), self._find_allowed)

    def _find_allowed(self, tree: Filter) -> AllowedSets:
        fitting = {id_: fields.keys() for id_, fields in read_all(self._field_sets) if matches(tree, fields)}
        counted = self._db.execute(
            f"select about, count(*) from {self._table} where about = any(%s) group by about", [list(fitting)]
        ).fetchall()
        ids = frozenset(id_ for id_, _ in counted)
        names = frozenset(name for id_ in ids for name in fitting[id_])
        return AllowedSets(ids, names, sum(count for _, count in counted))

    def find_nearest(self, space: str, queries: Vectors, k: int, tree: Filter | None = None) -> list[list[int]]:
        if not self.measure_width(space):
            return [[] for _ in queries]
        self._db.execute(
            "select set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'strict_order', true)",
            [str(min(MOST_LOOKED_AT, LOOKED_AT * k))],
        )
        condition, about = self._write_allowed(tree)
        order = f"{space} <#> %(query)s::vector"
        if tree is not None and len(self.allow(tree)) < EXACT_BELOW:
            order = f"({order}) + 0"  # which no index is for
        search = (
            f"select row from (select row, {order} as distance from {self._table} "
            f"where {space} is not null{condition} order by {order} limit %(k)s) as best order by distance, row"
        )
        return [
            [row for (row,) in self._db.execute(search, {"query": write_vector(query), "k": k, "about": about})]
            for query in queries
        ]

    def compare(self, space: str, query: NDArray[np.float32], row_ids: Sequence[int]) -> list[float | None]:
        found = self._db.execute(
            f"select row, -({space} <#> %s::vector) from {self._table} where row = any(%s)",
            [write_vector(query), list(row_ids)],
        )
        near: dict[int, float | None] = dict(found.fetchall())
        return [near.get(row_id) for row_id in row_ids]

    def find_matching(self, terms: str, phrases: Sequence[str], k: int, tree: Filter | None = None) -> list[int]:
        weights = self._weigh(terms.split())
        if not weights:
            return []
        first = self._rank(write_all_phrases(phrases), weights, k, tree) if phrases else []
        seen = len(self) if tree is None else len(self.allow(tree))
        likely = write_likely(weights, len(self), LIKELY * k * len(self) / max(1, seen))
        found = self._rank(likely, weights, k, tree)
        if len(found) < k:
            found = self._rank(write_any_of(self._choose_rarest(weights)), weights, k, tree)
        return list(dict.fromkeys(first + found))[:k]

    def _weigh(self, terms: Sequence[str]) -> dict[str, tuple[float, int]]:
        """How much each term that there is counts, and in how many entries it is; the rarest first.

        One that is asked twice counts twice.
        """
        asked = Counter(terms)
        counted = self._db.execute(
            f"select term, entries from {self._state.words_table} where term = any(%s) and entries > 0 "
            "order by entries, term",
            [list(asked)],
        )
        return {term: (asked[term] * _weigh_term(len(self), entries), entries) for term, entries in counted}

    def _choose_rarest(self, weights: dict[str, tuple[float, int]]) -> list[str]:
        """The terms of which an entry has any to be scored; at least one."""
        chosen, total = list[str](), 0
        for term, (_, entries) in weights.items():
            total += entries
            if chosen and total > CANDIDATES:
                break
            chosen.append(term)
        return chosen

    def _rank(self, query: str, weights: dict[str, tuple[float, int]], k: int, tree: Filter | None) -> list[int]:
        condition, about = self._write_allowed(tree)
        score = f"weight * times * {K1 + 1} / (times + {K1} * ({1 - B} + {B} * length / %(average)s))"
        found = self._db.execute(
            f"""
            select row
            from (
                    select row, terms, length from {self._table} where terms @@ %(query)s::tsquery{condition}
                    limit {MOST_SCORED}
                ) as entry,
                lateral (select lexeme, cardinality(positions) as times from unnest(entry.terms)) as term
                join unnest(%(terms)s::text[], %(weights)s::float8[]) as asked (lexeme, weight) using (lexeme)
            group by row
            order by sum({score})::real desc, row
            limit %(k)s
            """,
            {
                "query": query,
                "terms": list(weights),
                "weights": [weight for weight, _ in weights.values()],
                "average": max(1.0, self._state.terms / max(1, len(self))),
                "k": k,
                "about": about,
            },
        )
        return [row for (row,) in found]

    def read_rows(self, row_ids: Sequence[int]) -> dict[int, Row]:
        columns = ("row", *STORED)
        found = self._db.execute(f"select {', '.join(columns)} from {self._table} where row = any(%s)", [list(row_ids)])
        return {row[0]: dict(zip(columns, row, strict=True)) for row in found}

    def describe(self, kind: str, tree: Filter) -> str:
        allowed = self.allow(tree)
        if not allowed.holds:
            allowed.holds = describe_table(self._db, self._table, kind, allowed.ids)
        return allowed.holds

    def _write_allowed(self, tree: Filter | None) -> tuple[str, list[int] | None]:
        """The condition that a filter is, and its parameter."""
        return ("", None) if tree is None else (" and about = any(%(about)s)", list(self.allow(tree).ids))


def describe_table(db: Any, table: str, kind: str, about: frozenset[int] | None = None) -> str:
    """How many records there are and their titles, in one line. `about`: of entries whose sources these are."""
    allowed = "(%(about)s::bigint[] is null or about = any(%(about)s))"
    given = {"about": None if about is None else list(about)}
    entries = db.execute(f"select distinct source, record, title from {table} where {allowed}", given)
    columns = ("title", "section", "first_row", CELLS)
    first = f"select {', '.join(columns)} from {table} where first_row = 1 and {allowed} order by row"

    def read_first_blocks() -> Iterator[Row]:
        return (dict(zip(columns, row, strict=True)) for row in stream(db, first, given, together=FEW))

    return describe_entries(kind, entries, read_first_blocks)


def write_vector(vector: NDArray[np.float32]) -> str:
    """As pgvector reads it."""
    return f"[{','.join(map(repr, vector.tolist()))}]"


def _weigh_term(entries: int, having: int) -> float:
    """The weight of a term in BM25. Two statements of one transaction agree, so no more have it than there are."""
    return math.log(1 + (entries - having + 0.5) / (having + 0.5))
