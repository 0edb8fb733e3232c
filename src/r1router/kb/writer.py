"""Writes entries and their vectors to one knowledge base, by one process at a time, wherever it is stored.

Whatever interrupts it, each batch is stored whole or not at all, and a source counts as taken in only after all its
entries are.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Concatenate, ParamSpec, TypeVar

from r1router.kb import details as detailed
from r1router.kb import manifest as manifests
from r1router.kb.entry import Entry
from r1router.kb.held import HeldEntries
from r1router.kb.languages import SAMPLE, choose_language, count_languages
from r1router.kb.manifest import Manifest
from r1router.kb.products import Vectors
from r1router.kb.stores.about import About
from r1router.kb.stores.store import Store, StoreWriter
from r1router.types import Kind

P = ParamSpec("P")
T = TypeVar("T")


def _told(method: Callable[Concatenate[Writer, P], T]) -> Callable[Concatenate[Writer, P], T]:
    """The method, which raises `NotWritten` for what the store refuses."""

    @functools.wraps(method)
    def told(writer: Writer, /, *args: P.args, **options: P.kwargs) -> T:
        with writer.explain():
            return method(writer, *args, **options)

    return told


@contextmanager
def open_writer(store: Store, manifest: Manifest) -> Iterator[Writer]:
    """Makes the knowledge base where it is not there. Raises `Busy`."""
    with store.open_writer(manifest) as opened:
        with opened.explain():
            writer = Writer(opened, manifest)
        try:
            yield writer
        finally:
            writer.held.close()


class Writer:
    """The open knowledge base of the process that holds the right to write; made by `open_writer`."""

    def __init__(self, store: StoreWriter, manifest: Manifest) -> None:
        self.manifest = manifest
        self.ledger, self.tables, self.about = store.ledger, store.tables, About(store.field_sets)
        self._store = store
        self._changed = store.is_unfinished
        self._languages: Counter[str] | None = None
        self.held = HeldEntries(self._read_held)

    def _read_held(self) -> Iterator[tuple[str, str, str, int | None]]:
        with self.explain():
            yield from self._store.read_held()

    def explain(self) -> AbstractContextManager[None]:
        """Raises `NotWritten` for what the store refuses inside."""
        return self._store.explain()

    def group_writes(self) -> AbstractContextManager[None]:
        """What is written inside is seen by readers at once, where the store can do that."""
        return self._store.group_writes()

    def _note_change(self) -> None:
        if not self._changed:
            self._store.begin_change()
            self._changed = True
            self._languages = None

    @_told
    def put(self, entries: Sequence[Entry], vectors: Vectors, image_vectors: Vectors | None) -> None:
        """Adds entries or replaces those with the same ids, in one commit. `vectors`: of those to be embedded."""
        self._note_change()
        self.about.flush()
        self._store.put(entries, vectors, image_vectors)
        self.held.put(entries)

    @_told
    def describe(self, entries: Sequence[Entry]) -> None:
        """Takes down what is known now of the sources of entries that are there, and stay as they are."""
        self._note_change()
        self.about.flush()
        self._store.describe(entries)
        self.held.put(entries)

    @_told
    def drop(self, source: str, ids: Iterable[str]) -> None:
        """Removes entries of one source."""
        ids = list(ids)
        if ids:
            self._note_change()
            self._store.drop(ids)
            self.held.drop(source, ids)

    @_told
    def drop_source(self, source: str) -> int:
        """Removes a source with all its entries; returns how many there were."""
        entries = self.held.drop_source(source)
        with self.group_writes():
            if entries:
                self._note_change()
                self._store.drop_source(source)
            self.tables.drop(source)
            self.ledger.drop([source])
        return entries

    @_told
    def finish(
        self, *, holds: str | None = None, holds_by: str = "", label: str | None = None, details: str | None = None
    ) -> None:
        """Brings the indexes and the card up to date and deletes what nothing shows any more.

        `holds`: a line for the card, which then stays, a person's or that of the policy `holds_by`; `details`: a
        person's lines, "" for those that follow from the content.
        """
        if self._changed:
            self._store.tidy()
            self.about.forget_others(self._store.read_about())
        self.tables.tidy()
        manifest = self.manifest
        if holds is not None:
            manifest = replace(manifest, holds=holds, holds_given=not holds_by, holds_by=holds_by)
        elif self._changed and not (manifest.holds_given or manifest.holds_by):
            manifest = replace(manifest, holds=self.say_what_it_holds())
        if details:
            manifest = replace(manifest, details=details, details_given=True)
        elif details is not None or (self._changed and not manifest.details_given):
            manifest = replace(manifest, details=self._write_details(manifest.kind), details_given=False)
        if label is not None:
            manifest = replace(manifest, label=label)
        self._store.finish(manifest if manifest != self.manifest else None)
        self.manifest = manifest
        self._changed = False

    def count_languages(self) -> Counter[str]:
        """Of a sample of its texts, how many are in each language; empty for pictures and tables, which say little.
        Until something changes, the sample is taken once."""
        if self._languages is None:
            sampled = self._store.sample_rows(SAMPLE, ["text"]) if self.manifest.kind == "text" else []
            self._languages = count_languages(row["text"] for row in sampled)
        return self._languages

    def say_what_it_holds(self) -> str:
        """The line for the card that follows from the content."""
        holds = self._store.say_what_it_holds(self.manifest.kind)
        return holds + manifests.describe_language(choose_language(self.count_languages()))

    def sample_texts(self, most: int, chars: int) -> list[str]:
        """Texts of entries that spread over all, of so many characters at most."""
        return [row["text"][:chars] for row in self._store.sample_rows(most, ["text"])]

    def _write_details(self, kind: Kind) -> str:
        rows = self._store.sample_rows(detailed.SAMPLE, detailed.SAMPLED, of_tables=kind == "table")
        taken = [source for source in self.ledger.read().values() if source.entries]
        counts = detailed.Counts(sum(source.entries for source in taken), len(taken), self.count_languages())
        return detailed.write_details(kind, rows, counts)
