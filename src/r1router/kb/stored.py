"""Searches one knowledge base, wherever it is stored: by meaning, by words and by pictures, fused into one ranking."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Literal, Self

from r1router.errors import EmbedderMismatch, InputError, KnowledgeBaseError
from r1router.evidence.fuse import fuse_by_rank
from r1router.evidence.spread import spread_sources
from r1router.filters.tree import And, Filter
from r1router.images import load_image
from r1router.kb.asked import cut_query
from r1router.kb.embedding import Embedders
from r1router.kb.products import Vectors
from r1router.kb.rows import PICTURES, read_block
from r1router.kb.sources import KnownSource, list_sources
from r1router.kb.stored_tables import StoredTables
from r1router.kb.stores.store import Equal, Snapshot, Store
from r1router.scripts import normalise
from r1router.table import TableColumn, TableResult
from r1router.tables.view import TableView
from r1router.types import Card, Evidence, Image, ImageEmbedder, Location, Query, TextEmbedder

Mode = Literal["fused", "vector", "text"]
"""Which rankings a search uses: both kinds fused, vectors only, full text only."""

WORDS_OFFSET = 10.0
"""Rank offset of the rankings by words (vectors, full text) in the fusion. On 4,913 training sub-questions over
52,350 passages and 8,804 tables: recall@5 0.949, 0.940 with the published 60, 0.897 by vectors alone (macro)."""
PICTURE_OFFSET = 1.0
"""Of the ranking by the query's picture: the nearest picture is mostly the one that is meant, and what the words
beside it say about pictures in general must not outvote it; they still bring their best among the first five."""
DEPTH = 50
"""Entries of each ranking that are fused, or more when more are asked for."""
SPARE = 10
"""Entries beyond the wanted ones that may take the place of a source's third (see `evidence.spread`)."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """One comparison of query vectors with a vector column."""

    space: str
    of: list[int]
    """Position of the query for each row of `vectors`."""
    vectors: Vectors
    offset: float = WORDS_OFFSET


class StoredKnowledgeBase:
    """A knowledge base in a store, opened for searching. Nothing but its card is read until the first search."""

    def __init__(
        self,
        store: Store,
        *,
        text_embedder: TextEmbedder | None = None,
        image_embedder: ImageEmbedder | None = None,
        embedders: Embedders | None = None,
    ) -> None:
        """`embedders`: shared with other knowledge bases; opened from the stored specs where not given.

        Raises `EmbedderMismatch` for an embedder that did not build this knowledge base.
        """
        self.store = store
        self.manifest = store.read_manifest()
        for given, built_with in (
            (text_embedder, self.manifest.text_embedder),
            (image_embedder, self.manifest.image_embedder),
        ):
            if given and built_with and given.spec != built_with:
                raise EmbedderMismatch(self.manifest.name, built_with, given.spec)
        self.tables = StoredTables(store)
        self._embedders = embedders or Embedders(text=text_embedder, image=image_embedder)
        self._where: Filter | None = None
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="full-text")

    @property
    def card(self) -> Card:
        """Of a part, it says what is in the part, unless a person wrote what it says."""
        card, where = self.manifest.card, self._where
        if where is None:
            return card
        card = replace(card, details=card.details if self.manifest.details_given else "")  # they tell of the rest
        if self.manifest.holds_given:
            return card
        kind = self.manifest.kind
        holds = self.store.use(lambda snapshot: snapshot.describe(kind, where), empty=card.holds)
        return replace(card, holds=holds)

    @property
    def is_part(self) -> bool:
        """Whether a filter keeps some of it from being seen."""
        return self._where is not None

    def __len__(self) -> int:
        """Entries in the newest version."""
        where = self._where
        if where is not None:
            return self.store.use(lambda snapshot: len(snapshot.allow(where)), empty=0)
        return self.store.count()

    def search(self, queries: Sequence[Query], *, k: int = 5, mode: Mode = "fused") -> list[list[Evidence]]:
        """The `k` best entries for each query; words and pictures are each embedded in one call.

        A picture asked of a text or table KB is ignored; a query that is left without anything gets []. No
        queries at all just load the index: call it so while a model starts, and the first search is quick.
        Raises `KnowledgeBaseError` where it cannot be read.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, not {k}")
        queries = [replace(query, text=normalise(query.text)) for query in queries]
        scans = self._embed(queries) if mode != "text" else []
        words = {i: q.text for i, q in enumerate(queries) if q.text.strip()} if mode != "vector" else {}

        def look_up(snapshot: Snapshot) -> list[list[Evidence]]:
            return self._look_up(snapshot, scans, words, len(queries), k)

        return self.store.use(look_up, empty=[[] for _ in queries])

    def narrow(self, tree: Filter) -> Self:
        """The same knowledge base with only the sources that fit; everything opened is shared."""
        part = copy(self)
        part._where = tree if self._where is None else And((self._where, tree))
        part.tables = StoredTables(self.store, allow=part._list_allowed)
        return part

    def list_fields(self) -> frozenset[str]:
        """Names of the fields that its sources have, in the newest version."""
        tree, nothing = self._where or And(()), frozenset[str]()
        return self.store.use(lambda snapshot: snapshot.allow(tree).names, empty=nothing)

    def list_sources(self) -> list[KnownSource]:
        """The sources that it was made from, sorted, with what is known of each."""
        return list_sources(self.store, self._list_allowed())

    def _list_allowed(self) -> Collection[int] | None:
        """Ids of the sets of fields that may be seen; None where all may."""
        where = self._where
        if where is None:
            return None
        nothing: frozenset[int] = frozenset()
        return self.store.use(lambda snapshot: snapshot.allow(where).ids, empty=nothing)

    def entry(self, id: str) -> Evidence | None:
        """The entry of this id in the newest version; None where there is none (any more).

        Raises `KnowledgeBaseError` where it cannot be read.
        """
        found = self.store.read_entries({"id": id}, limit=1, about=self._list_allowed())
        return self._evidence(found[0], 0.0) if found else None

    def record(self, id: str) -> list[Evidence]:
        """All entries of one record of the newest version, in order. `id`: of one of them, or of the record.

        Where several records have the id, the first one's. Raises `KnowledgeBaseError` where it cannot be read.
        """
        about = self._list_allowed()
        named = self.store.read_entries({"id": id}, limit=1, about=about)
        named = named or self.store.read_entries({"record": id}, limit=1, about=about)
        if not named:
            return []
        whole: Equal = {"record": named[0]["record"], "source": named[0]["source"]}
        found = self.store.read_entries(whole, about=about)
        return [self._evidence(row, 0.0) for row in sorted(found, key=lambda row: int(row["id"].rpartition("#")[2]))]

    def sample(self, most: int) -> list[Evidence]:
        """The first entries that may be seen, as they are stored. Raises `KnowledgeBaseError`."""
        return [self._evidence(row, 0.0) for row in self.store.read_entries({}, limit=most, about=self._list_allowed())]

    def list_entries(self, source: str) -> list[Evidence]:
        """All entries of one source that may be seen, as they follow each other in it; [] where there are none.

        Raises `KnowledgeBaseError` where the store cannot be read.
        """
        found = self.store.read_entries({"source": source}, about=self._list_allowed())
        first = {row["record"]: place for place, row in reversed(list(enumerate(found)))}
        found.sort(key=lambda row: (row["page"] or 0, first[row["record"]], int(row["id"].rpartition("#")[2])))
        return [self._evidence(row, 0.0) for row in found]

    def columns(self, id: str) -> tuple[TableColumn, ...]:
        """The columns of a whole table as queries see them. `id`: of one of its entries, or of its record.

        Raises `KnowledgeBaseError` where there is no such table.
        """
        return self.tables.columns(id)

    def compute(self, id: str, sql: str, *, joined: bool = False) -> TableResult:
        """What a query over a whole table gives; the table is called "t" in it. `id`: as for `columns`.

        `joined`: the query may name the other tables of the same source too, by their sheets or names.
        Raises `QueryError` where the query is wrong or too costly, `KnowledgeBaseError` where there is no such table.
        """
        return self.tables.compute(id, sql, joined=joined)

    def inspect(self, id: str, question: str, *, joined: bool = False, likely: int = 0) -> TableView:
        """What a question touches in a whole table; `joined`: with the other tables of its source; `likely`: with so
        many likely queries. `id`: as for `columns`. Raises `KnowledgeBaseError`."""
        return self.tables.inspect(id, question, joined=joined, likely=likely)

    def find_picture(self, name: str) -> Path:
        """The file of the picture of this name (`Evidence.image`). Raises `KnowledgeBaseError` where there is none."""
        path = self.store.find_picture(name) if PurePath(name).name == name else None
        about = self._list_allowed()
        if path is not None and about is not None:
            shown = self.store.read_entries({"image": f"{PICTURES}/{name}"}, columns=("id",), about=about)
            path = path if shown else None
        if path is None:
            raise KnowledgeBaseError(f"{self.store.place} has no picture {name!r}; it may have been indexed anew")
        return path

    def open_picture(self, name: str) -> Image:
        """The picture of this name. Raises `KnowledgeBaseError` where there is none (any more)."""
        return load_image(self.find_picture(name))

    def _embed(self, queries: Sequence[Query]) -> list[_Scan]:
        """Every comparison that these queries ask for."""
        scans = []
        text_spec, image_spec = self.manifest.text_embedder, self.manifest.image_embedder
        worded = [i for i, q in enumerate(queries) if q.text.strip()]
        texts = [queries[i].text for i in worded]
        if texts:
            vectors = self._embedders.embed_texts(text_spec, texts)
            scans.append(_Scan("vector", worded, vectors))
        if texts and image_spec:
            across = self._embedders.embed_texts_as_images(image_spec, texts)
            if across is not None:
                scans.append(_Scan("image_vector", worded, across))
        pictured = [(i, q.image) for i, q in enumerate(queries) if q.image]
        if pictured and image_spec:
            vectors = self._embedders.embed_images(image_spec, [image for _, image in pictured])
            scans.append(_Scan("image_vector", [i for i, _ in pictured], vectors, PICTURE_OFFSET))
        return scans

    def _look_up(
        self,
        snapshot: Snapshot,
        scans: list[_Scan],
        words: dict[int, str],
        count: int,
        k: int,
    ) -> list[list[Evidence]]:
        depth = max(DEPTH, k)
        for scan in scans:
            self._check_width(scan, snapshot)
        matching = [self._threads.submit(self._match, snapshot, text, depth) for text in words.values()]
        try:  # vectors are compared while words are looked up
            nearest = [snapshot.find_nearest(scan.space, scan.vectors, depth, self._where) for scan in scans]
        finally:
            wait(matching)  # none of them outlives the snapshot
        rankings: list[list[list[int]]] = [[] for _ in range(count)]
        offsets: list[list[float]] = [[] for _ in range(count)]
        for scan, found in zip(scans, nearest, strict=True):
            for i, ranking in zip(scan.of, found, strict=True):
                rankings[i].append(ranking)
                offsets[i].append(scan.offset)
        for i, matched in zip(words, matching, strict=True):
            rankings[i].append(matched.result())
            offsets[i].append(WORDS_OFFSET)
        fused = [fuse_by_rank(r, offsets=o)[: k + SPARE] for r, o in zip(rankings, offsets, strict=True)]
        rows = snapshot.read_rows(sorted({row_id for ranking in fused for row_id, _ in ranking}))
        near = self._similarities(snapshot, scans, [[row_id for row_id, _ in ranking] for ranking in fused])
        return [
            spread_sources(
                [self._evidence(rows[row_id], score, s) for (row_id, score), s in zip(ranking, similar, strict=True)], k
            )
            for ranking, similar in zip(fused, near, strict=True)
        ]

    def _match(self, snapshot: Snapshot, words: str, depth: int) -> list[int]:
        terms, phrases = cut_query(words)
        return snapshot.find_matching(terms, phrases, depth, self._where) if terms else []

    def _similarities(self, snapshot: Snapshot, scans: list[_Scan], found: list[list[int]]) -> list[list[float | None]]:
        """The cosine of each query's words to each entry found for it; None where the query has no words."""
        near: list[list[float | None]] = [[None] * len(row_ids) for row_ids in found]
        for scan in scans:
            if scan.space == "vector" and snapshot.measure_width("vector"):
                for i, vector in zip(scan.of, scan.vectors, strict=True):
                    near[i] = [*snapshot.compare("vector", vector, found[i])]
        return near

    def _check_width(self, scan: _Scan, snapshot: Snapshot) -> None:
        """The embedder's vectors are as long as those stored; a later version of it may have others."""
        stored, asked = snapshot.measure_width(scan.space), scan.vectors.shape[1]
        if stored not in (0, asked):
            manifest = self.manifest
            spec = manifest.text_embedder if scan.space == "vector" else manifest.image_embedder or ""
            raise EmbedderMismatch(
                manifest.name, f"{spec} ({stored} numbers a vector)", f"{spec} as it is now ({asked} numbers)"
            )

    def _evidence(self, row: dict[str, Any], score: float, similarity: float | None = None) -> Evidence:
        rows = (row["first_row"], row["last_row"]) if row["first_row"] is not None else None
        return Evidence(
            kb=self.manifest.name,
            id=row["id"],
            text=row["text"],
            score=score,
            title=row["title"],
            image=PurePath(row["image"]).name if row["image"] else None,
            location=Location(row["source"], row["page"], row["section"], rows),
            record=row["record"],
            table=read_block(row),
            similarity=similarity,
        )
