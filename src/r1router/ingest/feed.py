"""Stores records in one knowledge base: cut, compared with what it holds, embedded in batches.

Only entries that are new or differ are embedded. A source is written down as complete after all its entries
are in the table and those that it no longer has are out of it, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from r1router.errors import UnreadableFile
from r1router.filters.fields import clean
from r1router.filters.tree import Value
from r1router.ingest.chunk import cut
from r1router.ingest.records import About, Problem, Record, Table
from r1router.ingest.slices import Slices
from r1router.kb.embedding import Embedders
from r1router.kb.entry import Entry
from r1router.kb.products import Vectors
from r1router.kb.stores.store import Taken
from r1router.kb.writer import Writer

BATCH = 512
"""Entries embedded and committed together: what an interrupted run has to embed again at most."""

BATCH_TEXT = 8_000_000
"""Characters after which the entries that wait are written, however few: the store needs several times as much."""

MOST_TEXT = 4_000_000
"""Characters of one entry: a row with the names of its columns, which a search reads and shows whole."""

PLAIN = 0.2
"""What an entry that is not embedded costs, of one that is."""

PLAIN_BATCH = 8_192
"""Of entries that are not embedded, which cost little to do again: each commit has the store look at all the others."""


class Made(NamedTuple):
    """What a worker made of an entry; None where it has no such vector."""

    vector: NDArray[np.float32] | None
    image_vector: NDArray[np.float32] | None


NOTHING_MADE: Mapping[str, Made] = MappingProxyType({})


@dataclass
class Counts:
    """What a run did to one knowledge base, in entries."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    kept: int = 0
    """Found again as they were."""

    @property
    def seen(self) -> int:
        return self.added + self.changed + self.kept


@dataclass
class _Source:
    """The source that is being read."""

    name: str
    path: str
    slices: Slices
    room: int
    """Characters of entries that may still come of it."""
    left: float
    """Entries that may still come of it: a small file may unpack to millions, and each takes milliseconds."""
    entries: int = 0
    """So far."""
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of tables that are not embedded to their end: the first row that is not, and the last, by id."""


@dataclass(frozen=True)
class _Ended:
    """A source that has been read to its end, and is complete when all that waits is written."""

    taken: Taken
    stale: list[str]
    """Ids of the entries that it no longer has."""
    tables: set[str]
    """Ids of its long tables."""


@dataclass
class Known:
    """What is known of a source so far."""

    said: dict[str, Value] = field(default_factory=dict)
    """By itself."""
    firm: dict[str, Value] = field(default_factory=dict)
    """By what is beside it, and by where it is: nothing that it says changes this."""

    def add(self, about: About) -> None:
        (self.firm if about.firm else self.said).update(about.fields if about.firm else clean(about.fields))


class Feed:
    """Everything that flows into one knowledge base during a run: `begin`, `put` …, `end`, and `flush` last."""

    def __init__(self, writer: Writer, embedders: Embedders, *, written: Callable[[int], None]) -> None:
        """`written` is told after each batch how many entries it had."""
        self.writer = writer
        self.counts = Counts()
        self.taken = writer.ledger.read()
        self.source_at = {taken.path: source for source, taken in self.taken.items()}
        """By absolute path."""
        self._embedders = embedders
        self._written = written
        self._source: _Source | None = None
        self._waiting: list[Entry] = []
        self._waiting_text = 0
        """Characters of them."""
        self._made: dict[str, Made] = {}
        """What workers made of them, by digest; the others are embedded here."""
        self._described: list[Entry] = []
        """Entries that stay as they are, and of whose source something else is known now."""
        self._ended: list[_Ended] = []

    @property
    def name(self) -> str:
        return self.writer.manifest.name

    def begin(self, source: str, path: str, *, room: int, entries: int) -> None:
        """`room`: characters that its entries may have together. `entries`: how many there may be, if all are embedded;
        of others as many as cost the same (`PLAIN`)."""
        self.writer.held.begin()
        self._source = _Source(source, path, Slices(self.writer.tables), room, entries)

    def put(self, record: Record, known: Known, made: Mapping[str, Made] = NOTHING_MADE) -> None:
        """Takes in one record of the source that was begun; `known`: what is known of the source; `made`: what workers
        made of its entries, by digest.

        Raises `UnreadableFile` where its entries need more room than it has: a long title or header stands in each.
        """
        assert self._source is not None
        if isinstance(record, Table):
            with self.writer.explain():
                self._source.slices.put(record)
        stored = self.writer.held
        key, number = stored.claim(record.id, self._source.name)
        about = self._describe(record, known)
        for entry in cut(record, key=key, first=number):
            entry = replace(entry, about=about)
            number += 1
            self._source.entries += 1
            self._source.room -= (weight := _weigh(entry))
            self._source.left -= 1 if entry.embedded else PLAIN
            if self._source.room < 0 or self._source.left < 0:
                said = "its entries, which repeat titles and headers, get too many or too large for its size"
                raise UnreadableFile(self._source.name, f"{said}; split it")
            if weight > MOST_TEXT:
                said = f"a row and what stands above it have more than {MOST_TEXT:,} characters"
                raise UnreadableFile(self._source.name, f"{said}; split the table by columns")
            if entry.rows and not entry.embedded:
                first, _ = self._source.rows.get(record.id, entry.rows)
                self._source.rows[record.id] = (first, entry.rows[1])
            held = stored.meet(self._source.name, entry.id)
            if held is not None and held.digest == entry.digest:
                self.counts.kept += 1
                if held.about != about:
                    self._described.append(entry)
                    if len(self._described) >= PLAIN_BATCH:
                        self.flush()
                continue
            self.counts.added += held is None
            self.counts.changed += held is not None
            self._waiting.append(entry)
            if entry.digest in made:
                self._made[entry.digest] = made[entry.digest]
            self._waiting_text += weight
            most = BATCH if self._waiting[0].embedded else PLAIN_BATCH
            if len(self._waiting) >= most or self._waiting_text >= BATCH_TEXT:
                self.flush()
        stored.note_number(key, number)

    def end(self, fingerprint: str, yields: tuple[str, ...]) -> list[Problem]:
        """The source has been read to its end; what is to be told of how it was taken in."""
        assert self._source is not None
        source, self._source = self._source, None
        with self.writer.explain():
            source.slices.finish()
        taken = Taken(source.name, source.path, fingerprint, source.entries, yields)
        stale = self.writer.held.list_unmet(source.name)
        self._ended.append(_Ended(taken, stale, source.slices.records))
        self.counts.removed += len(stale)
        told = "are found by their words and by queries, not by their meaning: the table is long"
        return [
            Problem(source.name, f"rows {first:,} to {last:,}", told, read=True) for first, last in source.rows.values()
        ]

    def give_up(self) -> None:
        """The source could not be read to its end: what came stays, what was there before stays too."""
        if self._source is not None:
            self._source.slices.give_up()
        self._source = None

    def drop_source(self, source: str) -> None:
        self.counts.removed += self.writer.drop_source(source)
        if taken := self.taken.pop(source, None):
            self.source_at.pop(taken.path, None)

    def move(self, taken: Taken, path: str) -> None:
        """The file of a source that is known is at another place now."""
        self.source_at.pop(taken.path, None)
        self._record([replace(taken, path=path)])

    def flush(self) -> None:
        """Embeds and writes what waits, then closes the sources that are complete with it."""
        vectors, image_vectors = self._embed() if self._waiting else (None, None)
        with self.writer.group_writes():
            if vectors is not None:
                self._announce()
                self.writer.put(self._waiting, vectors, image_vectors)
            if self._described:
                self.writer.describe(self._described)
            self.writer.about.flush()
            for ended in self._ended:
                self.writer.drop(ended.taken.source, ended.stale)
                self.writer.tables.drop(ended.taken.source, but=ended.tables)
            self._record([ended.taken for ended in self._ended])
        written = len(self._waiting)
        self._waiting, self._described, self._ended = [], [], []
        self._waiting_text, self._made = 0, {}
        if written:
            self._written(written)

    def _embed(self) -> tuple[Vectors, Vectors | None]:
        """Vectors of the texts that wait and are to be found by meaning, and of all pictures in a store of pictures."""
        spec, image_spec = self.writer.manifest.text_embedder, self.writer.manifest.image_embedder
        embedder = self._embedders.open_text(spec)
        texts = [entry for entry in self._waiting if entry.embedded]
        vectors = self._gather(texts, "vector", embedder.dim, lambda left: embedder.embed_texts([e.text for e in left]))
        if not image_spec:
            return vectors, None
        image_embedder = self._embedders.open_image(image_spec)
        pictures = [entry for entry in self._waiting if entry.image]
        return vectors, self._gather(
            pictures,
            "image_vector",
            image_embedder.dim,
            lambda left: image_embedder.embed_images([entry.image for entry in left if entry.image]),
        )

    def _gather(
        self,
        entries: Sequence[Entry],
        space: Literal["vector", "image_vector"],
        dim: int,
        embed: Callable[[Sequence[Entry]], Vectors],
    ) -> Vectors:
        """What workers made of these entries; `embed` makes the others, in one call."""
        vectors = np.empty((len(entries), dim), np.float32)
        left = []
        for place, entry in enumerate(entries):
            vector = getattr(self._made.get(entry.digest), space, None)
            if vector is None:
                left.append(place)
            else:
                vectors[place] = vector
        if left:
            vectors[left] = embed([entries[place] for place in left])
        return vectors

    def _describe(self, record: Record, known: Known) -> int:
        """The id of all that is known of a record: of its source, and of itself."""
        about = self.writer.about
        base = about.put({**known.said, **known.firm})
        own = clean({"title": record.title, **record.about})
        own = {name: value for name, value in own.items() if name not in known.firm and known.said.get(name) != value}
        return about.put(own, of=base) if own else base

    def _announce(self) -> None:
        """Writes down, unfinished, the sources whose first entries these are."""
        known = {ended.taken.source: ended.taken for ended in self._ended}
        if self._source:
            known[self._source.name] = Taken(self._source.name, self._source.path, "", 0, ())
        begun = {entry.source for entry in self._waiting} - self.taken.keys()
        self._record([Taken(source, known[source].path, "", 0, ()) for source in sorted(begun & known.keys())])

    def _record(self, taken: list[Taken]) -> None:
        if taken:
            self.writer.ledger.put(taken)
            self.taken.update((t.source, t) for t in taken)
            self.source_at.update((t.path, t.source) for t in taken)


def _weigh(entry: Entry) -> int:
    """Characters that are stored of it, at least: of long cells and wide headers its text has a part, its table all."""
    table = entry.table
    return max(len(entry.text), sum(sum(map(len, row)) for row in (table.header, *table.rows)) if table else 0)
