"""Searches a handful of evidence in memory, for tests, documentation and benchmarks.

With an embedder it ranks by cosine; without one by shared words, each counted once and weighted by how few
entries have it, which is enough to find a passage by its own words and no more. It does not look at pictures.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from r1router.errors import KnowledgeBaseError
from r1router.filters.fields import clean, describe_path
from r1router.filters.match import matches
from r1router.filters.tree import Fields, Filter
from r1router.table import TableBlock, TableColumn, TableResult, name_columns
from r1router.tables.blocks import join_blocks
from r1router.tables.engine import TABLE, Tables
from r1router.tables.inspect import inspect_table
from r1router.tables.view import TableView
from r1router.types import Card, Evidence, Query, TextEmbedder

_WORD = re.compile(r"\w+")


class MemoryKnowledgeBase:
    def __init__(
        self,
        card: Card,
        entries: Iterable[Evidence],
        *,
        embedder: TextEmbedder | None = None,
        about: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Entries are stored as given, under the card's name.

        `about`: what filters know of them beside their title and where they are from, by the id of the entry or record.
        """
        self._card = card
        self._about = about or {}
        self._entries = [replace(entry, kb=card.name) for entry in entries]
        self._embedder = embedder
        self._vectors: Any = embedder.embed_texts([e.text for e in self._entries]) if embedder else None
        self._words = [set(_words(entry.text)) for entry in self._entries]
        self._spread = Counter(word for words in self._words for word in words)

    @property
    def card(self) -> Card:
        return self._card

    def __len__(self) -> int:
        return len(self._entries)

    def narrow(self, tree: Filter) -> MemoryKnowledgeBase:
        """The same with only the entries that fit."""
        fitting = [entry for entry in self._entries if matches(tree, self._describe(entry))]
        return MemoryKnowledgeBase(self._card, fitting, embedder=self._embedder, about=self._about)

    def list_fields(self) -> set[str]:
        """Names of the fields that its entries have."""
        return {name for entry in self._entries for name in self._describe(entry)}

    def _describe(self, entry: Evidence) -> Fields:
        facts = describe_path(entry.location.source) if entry.location else {}
        told = self._about.get(entry.id) or self._about.get(entry.record) or {}
        return {**clean({"title": entry.title, **told}), **facts}

    def record(self, id: str) -> list[Evidence]:
        """All entries of one record, in the order given. `id`: of one of them, or of the record."""
        named = [e for e in self._entries if e.id == id] or [e for e in self._entries if e.record == id]
        record = (named[0].record or named[0].id) if named else None
        return [e for e in self._entries if (e.record or e.id) == record]

    def columns(self, id: str) -> tuple[TableColumn, ...]:
        """The columns of a whole table. Raises `KnowledgeBaseError` where there is none of this id."""
        with Tables(self._whole(id)) as tables:
            [columns] = tables.columns.values()
        return columns

    def compute(self, id: str, sql: str, *, joined: bool = False) -> TableResult:
        """What a query over a whole table gives; `joined`: it may name the other tables of its source, by their titles.

        Raises `QueryError`, and `KnowledgeBaseError` for no table.
        """
        with Tables({TABLE: self._whole(id), **(self._beside(id) if joined else {})}) as tables:
            return tables.query(sql)

    def _whole(self, id: str) -> TableBlock:
        entries = self.record(id)
        if not entries:
            raise KnowledgeBaseError(f"there is no table {id!r}")
        is_table = any(entry.table or (entry.location and entry.location.rows) for entry in entries)
        return join_blocks([entry.table for entry in entries], repr(id), bool(is_table))

    def inspect(self, id: str, question: str, *, joined: bool = False, likely: int = 0) -> TableView:
        """What a question touches in a whole table; `joined`: with the other tables of its source; `likely`:
        with so many likely queries.

        Raises `KnowledgeBaseError` for no table.
        """
        return inspect_table(self._whole(id), question, self._beside(id) if joined else {}, likely=likely)

    def _beside(self, id: str) -> dict[str, TableBlock]:
        """The other tables of the same source, by their titles."""
        own = self.record(id)
        source = own[0].location.source if own and own[0].location else None
        records = {e.record or e.id: e for e in self._entries if e.table and e.location and e.location.source == source}
        others = [record for record in records if record != (own[0].record or own[0].id)]
        names = name_columns([TABLE, *(records[record].title or record for record in others)])[1:]
        return {name: self._whole(record) for name, record in zip(names, others, strict=True)}

    def search(self, queries: Sequence[Query], *, k: int = 5) -> list[list[Evidence]]:
        """The `k` best entries for each query; [] for a query without words."""
        worded = [i for i, query in enumerate(queries) if query.text.strip()]
        found: list[list[Evidence]] = [[] for _ in queries]
        if worded and self._entries:
            texts = [queries[i].text for i in worded]
            scores = self._cosines(texts) if self._embedder else [self._overlaps(text) for text in texts]
            for i, row in zip(worded, scores, strict=True):
                found[i] = self._best(row, k)
        return found

    def _cosines(self, texts: list[str]) -> list[list[float]]:
        from r1router.kb.products import multiply  # numpy is not needed for words

        assert self._embedder is not None
        rows: list[list[float]] = multiply(self._embedder.embed_texts(texts, query=True), self._vectors).tolist()
        return rows

    def _overlaps(self, text: str) -> list[float]:
        """Words that every entry has still count a little."""
        words = dict.fromkeys(_words(text))  # in their order, so that sums are the same in every process
        weights = {w: math.log(1 + len(self._entries) / self._spread[w]) for w in words if self._spread[w]}
        return [sum(weight for word, weight in weights.items() if word in words) for words in self._words]

    def _best(self, scores: list[float], k: int) -> list[Evidence]:
        order = sorted(range(len(scores)), key=lambda i: -scores[i])[:k]
        return [
            replace(self._entries[i], score=scores[i], similarity=scores[i] if self._embedder else None)
            for i in order
            if self._embedder or scores[i] > 0
        ]


def _words(text: str) -> list[str]:
    return [match.group().lower() for match in _WORD.finditer(text)]
