"""Indexes files and folders into knowledge bases: finds, reads, sorts records by kind, feeds.

Running it again costs reading only what changed: a source whose content is known is skipped, an entry that is
known is not embedded again. Whatever interrupts a run, the next one goes on.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from r1router.errors import EmbedderMismatch, InputError, NothingToIndex, UnreadableFile
from r1router.ingest import left_out, readers
from r1router.ingest.feed import NOTHING_MADE, Counts, Feed, Known
from r1router.ingest.isolate import ReadingProcess, choose_limits, open_reading_process
from r1router.ingest.parts.registry import find_kinds_in_text, find_named, is_read_by
from r1router.ingest.recipe import compute_recipe
from r1router.ingest.records import About, Problem, find_kind
from r1router.ingest.sources import SourceFile, compute_fingerprint, make_absolute
from r1router.ingest.workers import start_workers
from r1router.ingest.workers.packets import Job, PacketReader, Reading, Specs
from r1router.kb import manifest as manifests
from r1router.kb.embedding import Embedders
from r1router.kb.languages import name_language
from r1router.kb.manifest import Manifest
from r1router.kb.stores import open_catalog
from r1router.kb.stores.store import Catalog, Taken
from r1router.kb.writer import open_writer
from r1router.types import ImageEmbedder, Kind, TextEmbedder

TEXT_EMBEDDER = "minilm:"
IMAGE_EMBEDDER = "efficientnet:"
"""What a new knowledge base is built with unless told otherwise."""
KINDS: tuple[Kind, ...] = ("text", "image", "table")

_MOST_NAMED = 10
"""Files without a reader that are remembered by their names, of each suffix."""
_FEW_OTHERS = 0.2
"""Share of texts in other languages than the embedder's that is no reason to warn: names, quotations."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is, told after each file and each batch of embedded entries, and again while a file takes long."""

    source: str
    """The file that is being read, or was last."""
    files: int
    """Files that are done."""
    of_files: int
    entries: int
    """Entries met so far, those that were kept included."""
    written: int
    """Entries embedded and stored so far."""


@dataclass(frozen=True, slots=True)
class IndexReport:
    kbs: Mapping[str, Counts]
    """What happened in each knowledge base that was written to or compared with."""
    read: int
    """Files that were read."""
    skipped: int
    """Files whose content was known."""
    pruned: int
    """Sources removed because their file is gone."""
    gone: tuple[str, ...]
    """Sources under the given paths whose file is gone, and that were kept: `prune` removes them."""
    unsupported: Mapping[str, int]
    """How many files in the given folders no reader knows, by suffix."""
    problems: tuple[Problem, ...]
    """Files and parts of files that could not be read, and why."""
    seconds: float


def index(
    paths: Iterable[str | Path] | str | Path,
    kbs: str | Path = "kbs",
    *,
    as_: Kind | None = None,
    name: str | None = None,
    holds: str | None = None,
    embedder: str | TextEmbedder | None = None,
    image_embedder: str | ImageEmbedder | None = None,
    base: Path | None = None,
    prune: bool = False,
    ocr: bool = True,
    reader: str | None = None,
    workers: int | None = None,
    ray: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> IndexReport:
    """Takes files and folders into the knowledge bases under `kbs`: "text", "image" and "table" by what they hold.

    `as_` reads everything as one kind; `name` is the one knowledge base to fill; `holds` its line for the
    router; `base` is a folder whose files are shown as if it had been given as a whole; `prune` removes what
    came from files under `paths` that are gone. An embedder is a spec or an object; a knowledge base that
    exists keeps its own. `reader` names one that is taken instead of ours for the files that it reads ("docling"). A
    file that cannot be read is reported, and what it gave to an earlier run stays.

    `workers` processes of this machine embed, instead of threads of this one; a script that asks for them needs
    `if __name__ == "__main__":`. `ray` is the address of a Ray cluster whose nodes see the files at the same paths,
    where `workers` is how many embed, as many as there is room for unless told. Both need embedders by their specs.

    `progress` is called several times a second; with `ray` after each packet of entries. What it raises ends the run,
    also in the middle of a file.

    Raises `InputError` for a path that does not exist, or a `name` or `holds` for files of several kinds;
    `EmbedderMismatch` for another embedder than a knowledge base was built with; `Busy` while another process
    writes to one; `UnknownName` and `MissingExtra` for a `reader`.
    """
    named = find_named(reader) if reader else None
    if named:
        named.check()
    if (workers or ray) and not all(isinstance(given, str | None) for given in (embedder, image_embedder)):
        raise InputError("workers open their embedders themselves: give the spec of an embedder, not an object")
    if workers is not None and workers < 1:
        raise InputError(f"workers is how many embed, 1 at least, not {workers}")
    started = time.perf_counter()
    given = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    missing = [path for path in given if not os.path.lexists(path)]
    catalog = open_catalog(kbs)
    missed = readers.Missed()
    with ExitStack() as stack:
        process = stack.enter_context(open_reading_process(choose_limits(reader)))
        tell = progress or (lambda _: None)
        process.wait_with = lambda: tell(Progress("", 0, 0, 0, 0))
        there = [path for path in given if not prune or path not in missing]
        files = readers.find(there, as_=as_, base=base, look=process.look, missed=missed)
        without = [file for file in files if not file.kinds and file.path not in given]
        unsupported = Counter(file.path.suffix.lower() for file in without)
        files = [file for file in files if file.kinds or file.path in given]
        if named:
            files = [replace(file, reader=reader or "") if is_read_by(named, file.path) else file for file in files]
        run = _Run(
            catalog,
            _targets(catalog, files, as_=as_, name=name, holds=holds, prune=prune),
            {as_} if as_ else {kind for file in files for kind in file.kinds},
            stack,
            process,
            text=embedder,
            image=image_embedder,
            tell=tell,
            of_files=len(files),
        )
        process.wait_with = run.report
        run.problems += missed.problems
        gone = run.find_gone(given, [*(file.path for file in files), *missed.unseen])
        for path in missing:
            if not any(Path(at).is_relative_to(path.resolve()) for at in gone.values()):
                raise InputError(f"{path} does not exist, and nothing in {catalog.place} came from it")
        if workers or ray:
            run.read_by_workers(files, as_=as_, ocr=ocr, workers=workers, ray=ray)
        for file in files:
            run.take(file, as_=as_, ocr=ocr)
        if prune:
            run.prune(gone)
        counts = run.finish(holds=holds)
    run.told |= {folder.name: _tell_without_reader(folder, without) for folder in given if folder.is_dir()}
    left_out.remember(catalog, run.told, [] if not prune else list(gone))
    seconds = time.perf_counter() - started
    told = tuple(run.problems)
    kept = () if prune else tuple(gone)
    return IndexReport(counts, run.read, run.skipped, len(gone) if prune else 0, kept, unsupported, told, seconds)


def _tell_without_reader(folder: Path, files: list[SourceFile]) -> list[Problem]:
    """What is remembered of files in a folder that no reader knows: for each suffix how many, and some of them."""
    found: dict[str, list[str]] = {}
    for file in files:
        if file.path.is_relative_to(folder):
            found.setdefault(file.path.suffix.lower(), []).append(file.path.relative_to(folder).as_posix())
    told = {
        suffix: ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
        for suffix, names in found.items()
    }
    return [
        Problem(folder.name, "", f"no reader for {len(found[suffix])} × {suffix or 'no suffix'}: {names}", read=True)
        for suffix, names in sorted(told.items())
    ]


def _targets(
    catalog: Catalog, files: list[SourceFile], *, as_: Kind | None, name: str | None, holds: str | None, prune: bool
) -> dict[Kind, str]:
    """Name of the knowledge base for each kind that may come up, and to `prune`, that may have come up before."""
    found: set[Kind] = {as_} if as_ else {kind for file in files for kind in file.kinds}
    if len(found) > 1 and (name or holds is not None):
        kinds = [kind for kind in KINDS if kind in found]
        option = "name" if name else "holds"
        raise InputError(
            f"one knowledge base holds one kind, but these files hold {' and '.join(kinds)}; leave {option} out, "
            f"give fewer files, or read all of them as one kind: --as {' or --as '.join(kinds)}"
        )
    if name and not found and prune and (store := catalog.get_store(manifests.check_name(name))).exists():
        found = {store.read_manifest().kind}
    if name:
        return dict.fromkeys(found, manifests.check_name(name))
    return {as_: as_} if as_ else {kind: kind for kind in KINDS}


class _Run:
    """The state of one call of `index`: feeds that are open, and what happened."""

    def __init__(
        self,
        catalog: Catalog,
        targets: Mapping[Kind, str],
        expected: set[Kind],
        stack: ExitStack,
        process: ReadingProcess,
        *,
        text: str | TextEmbedder | None,
        image: str | ImageEmbedder | None,
        tell: Callable[[Progress], None],
        of_files: int,
    ) -> None:
        self.read = self.skipped = self.done = self.written = 0
        self.problems: list[Problem] = []
        self._catalog, self._targets, self._stack, self._process = catalog, targets, stack, process
        self._reading: Reading = process
        self._marks: dict[SourceFile, str] = {}
        """Of the files that workers were to read."""
        self._tell, self._of_files, self._source = tell, of_files, ""
        self._text = text if text is None or isinstance(text, str) else text.spec
        self._image = image if image is None or isinstance(image, str) else image.spec
        self._embedders = Embedders(
            text=None if text is None or isinstance(text, str) else text,
            image=None if image is None or isinstance(image, str) else image,
        )
        self.told: dict[str, list[Problem]] = {}
        """What was said of each file that was read."""
        self._feeds: dict[Kind, Feed] = {}
        self._closed: dict[Kind, dict[str, Taken]] = {}
        """What is in the knowledge bases of kinds that no file seems to hold; they are opened where it must go."""
        for kind, name in targets.items():
            store = catalog.get_store(name)
            if store.exists():
                if kind in expected:
                    self._feeds[kind] = self._open(kind)
                else:
                    self._closed[kind] = store.ledger.read()

    def read_by_workers(
        self, files: Iterable[SourceFile], *, as_: Kind | None, ocr: bool, workers: int | None, ray: str | None
    ) -> None:
        """Has workers read and embed the files that are not known; `take` then takes what they made."""
        named: dict[str, Path] = {}
        jobs: dict[Path, Job] = {}
        for file in map(self._named, files):
            if named.setdefault(file.source, file.path) != file.path:  # as it will be when the other one is taken in
                file = replace(file, source=file.path.resolve().as_posix())
            with suppress(UnreadableFile):  # which is told when it is taken
                self._marks[file] = _mark(file, as_=as_, ocr=ocr) if file.kinds else ""
                if not (self._marks[file] and self._is_known(file, self._marks[file])):
                    stored = self._list_stored(file.source)
                    jobs.setdefault(file.path, Job(len(jobs), make_absolute(file), as_, ocr, stored))
            self.report()
        specs = {kind: self._find_specs(kind) for kind in self._targets}
        packets = start_workers(
            list(jobs.values()), self._process, specs, workers=workers, ray=ray, wait_with=self.report
        )
        self._stack.enter_context(closing(packets))
        limits = self._process.limits
        self._reading = PacketReader(jobs.values(), packets, limits, wait_with=self.report)

    def _list_stored(self, source: str) -> frozenset[str]:
        """Digests of the entries that a source has in the knowledge bases that are open."""
        held = [feed.writer.held for feed in self._feeds.values() if source in feed.taken]
        return frozenset(digest for entries in held for digest in entries.list_digests(source))

    def _find_specs(self, kind: Kind) -> Specs:
        """The embedders of the knowledge base for a kind, which may be still to make."""
        store = self._catalog.get_store(self._targets[kind])
        if store.exists():
            manifest = store.read_manifest()
        else:
            manifest = _describe_new(store.name, kind, self._embedders, self._text, self._image)
        return Specs(manifest.text_embedder, manifest.image_embedder or "")

    def take(self, file: SourceFile, *, as_: Kind | None, ocr: bool) -> None:
        """One file: skipped, or read and fed; problems are collected."""
        file = self._named(file)
        self._source = file.source
        before = len(self.problems)
        try:
            mark = self._marks.pop(file, None) or (_mark(file, as_=as_, ocr=ocr) if file.kinds else "")
            if mark and self._is_known(file, mark):
                self.skipped += 1
                self._follow(file)
            else:
                self.told[file.source] = []
                self._read(file, mark, as_=as_, ocr=ocr)
                self.read += 1
        except UnreadableFile as error:
            self.problems.append(Problem(file.source, "", error.reason))
        if len(self.problems) > before or file.source in self.told:
            self.told[file.source] = self.problems[before:]
        self.done += 1
        self.report()

    def find_gone(self, given: list[Path], there: list[Path]) -> dict[str, str]:
        """Sources under the given paths whose file was not found there, with the paths that they had.

        `there`: files that were found, and folders that could not be looked into.
        """
        found = {str(path.resolve()) for path in there}
        unseen = [path.resolve() for path in there if path.is_dir()]
        roots = [path.resolve() for path in given]
        taken = [row for kind in self._targets for row in self._taken(kind).values()]
        return {
            row.source: row.path
            for row in taken
            if row.path not in found
            and any(Path(row.path).is_relative_to(root) for root in roots)
            and not any(Path(row.path).is_relative_to(folder) for folder in unseen)
        }

    def prune(self, gone: Collection[str]) -> None:
        """Removes these sources."""
        for kind in self._targets:
            rows = self._taken(kind)
            for source in [source for source in gone if source in rows]:
                self._feed(kind).drop_source(source)

    def _taken(self, kind: Kind) -> Mapping[str, Taken]:
        """What the knowledge base for a kind has taken in, by source."""
        return self._feeds[kind].taken if kind in self._feeds else self._closed.get(kind, {})

    def _feed(self, kind: Kind) -> Feed:
        if kind not in self._feeds:
            self._feeds[kind] = self._open(kind)
            self._closed.pop(kind, None)
        return self._feeds[kind]

    def _follow(self, file: SourceFile) -> None:
        """Writes down where a file that is known is now, so that it can be told when it is gone from there."""
        path = str(file.path.resolve())
        for kind in self._targets:
            row = self._taken(kind).get(file.source)
            if row and row.path != path:
                self._feed(kind).move(row, path)

    def finish(self, *, holds: str | None) -> dict[str, Counts]:
        for feed in self._feeds.values():
            feed.flush()
            feed.writer.finish(holds=holds)
            self.problems += self._warn_of_languages(feed)
        self.report()
        return {feed.name: feed.counts for feed in self._feeds.values()}

    def _warn_of_languages(self, feed: Feed) -> Iterator[Problem]:
        """What is told where texts are new whose language is none of the embedder's."""
        if not feed.counts.added + feed.counts.changed or feed.writer.manifest.kind != "text":
            return
        spec = feed.writer.manifest.text_embedder
        known: tuple[str, ...] = getattr(self._embedders.open_text(spec), "languages", ())
        counted = feed.writer.count_languages() if known else Counter[str]()
        other = Counter({code: count for code, count in counted.items() if code not in known})
        if other.total() > _FEW_OTHERS * counted.total():
            names = ", ".join(name_language(code) for code, _ in other.most_common(3))
            said = f"{other.total()} of {counted.total()} texts looked at are not in a language of {spec} ({names})"
            advice = "their words are found, their meaning poorly; see docs/indexing.md for embedders of many languages"
            yield Problem(feed.name, "its languages", f"{said}: {advice}", read=True)

    def _read(self, file: SourceFile, mark: str, *, as_: Kind | None, ocr: bool) -> None:
        path = str(file.path.resolve())
        limits = self._process.limits
        room, entries = limits.measure_room(file.path), limits.count_entries(file.path)
        begun: dict[Kind, Feed] = {}
        homeless: dict[Kind, set[str]] = {}
        """Records of kinds that the one knowledge base to fill does not hold."""

        def feed_of(kind: Kind) -> Feed:
            if kind not in begun:
                begun[kind] = self._feed(kind)
                begun[kind].begin(file.source, path, room=room, entries=entries)
            return begun[kind]

        try:
            known, made = Known(), NOTHING_MADE
            with closing(self._reading.read(file, as_=as_, ocr=ocr)) as items:
                for item in items:
                    if isinstance(item, Mapping):
                        made = item
                    elif isinstance(item, Problem):
                        self.problems.append(item)
                    elif isinstance(item, About):
                        known.add(item)
                    elif (kind := find_kind(item)) in self._targets:
                        feed_of(kind).put(item, known, made)
                    elif as_ is None:
                        homeless.setdefault(kind, set()).add(item.id)
        except UnreadableFile as error:
            for feed in begun.values():
                feed.give_up()
            if isinstance(error, NothingToIndex):
                self.prune([file.source])
            raise
        self.problems += self._report_homeless(file, homeless)
        yields = tuple(feed.name for feed in begun.values())
        for kind in self._targets:
            if file.source in self._taken(kind) or (kind in file.kinds and kind in self._feeds):
                feed_of(kind)  # where it has nothing any more, too
        for feed in begun.values():
            self.problems += feed.end(mark, yields)

    def _report_homeless(self, file: SourceFile, homeless: Mapping[Kind, set[str]]) -> Iterator[Problem]:
        """What is told of records that found no place. A PDF's tables are in its text, too."""
        [name] = set(self._targets.values()) if homeless else [""]
        for kind, ids in homeless.items():
            if kind not in find_kinds_in_text(file.path):
                said = f"{len(ids)} {kind}{'s' * (len(ids) > 1)} left out: {name} holds {' and '.join(self._targets)}"
                yield Problem(file.source, "", f"{said}; index the file without a name, too", read=True)

    def _is_known(self, file: SourceFile, mark: str) -> bool:
        """Whether every knowledge base that got something from this content still has all of it."""
        taken = {self._targets[kind]: self._taken(kind).get(file.source) for kind in self._targets}
        rows = {name: row for name, row in taken.items() if row}
        current = {name for name, row in rows.items() if row.fingerprint == mark}
        return rows.keys() == current and any(current.issuperset(row.yields) for row in rows.values())

    def _named(self, file: SourceFile) -> SourceFile:
        """The file under the name that it is known by, whatever it was given as this time; under its full path
        where its name belongs to another file that still exists."""
        path = file.path.resolve()
        for kind in self._targets:
            if known := self._source_at(kind, str(path)):
                return replace(file, source=known)
        for kind in self._targets:
            taken = self._taken(kind).get(file.source)
            if taken and Path(taken.path).is_file():
                return replace(file, source=path.as_posix())
        return file

    def _source_at(self, kind: Kind, path: str) -> str:
        """The source that the file at this path is in the knowledge base for a kind; "" where there is none."""
        if kind in self._feeds:
            return self._feeds[kind].source_at.get(path, "")
        return next((row.source for row in self._closed.get(kind, {}).values() if row.path == path), "")

    def _open(self, kind: Kind) -> Feed:
        """Opens the knowledge base for a kind, or makes it."""
        name = self._targets[kind]
        store = self._catalog.get_store(name)
        if store.exists():
            manifest = store.read_manifest()
            self._check(manifest, kind)
        else:
            manifest = _describe_new(name, kind, self._embedders, self._text, self._image)
        writer = self._stack.enter_context(open_writer(store, manifest))
        return Feed(writer, self._embedders, written=self._add_written)

    def _check(self, manifest: Manifest, kind: Kind) -> None:
        if manifest.kind != kind:
            raise InputError(
                f"knowledge base {manifest.name!r} holds {manifest.kind} and cannot take {kind}; choose another name"
            )
        asked = self._text
        if asked and asked != manifest.text_embedder:
            asked = self._embedders.open_text(asked).spec  # it may be the same, written otherwise
            if asked != manifest.text_embedder:
                raise EmbedderMismatch(manifest.name, manifest.text_embedder, asked)
        asked = self._image
        if asked and manifest.image_embedder and asked != manifest.image_embedder:
            asked = self._embedders.open_image(asked).spec
            if asked != manifest.image_embedder:
                raise EmbedderMismatch(manifest.name, manifest.image_embedder, asked)

    def _add_written(self, entries: int) -> None:
        self.written += entries
        self.report()

    def report(self) -> None:
        """Tells how far the run is."""
        seen = sum(feed.counts.seen for feed in self._feeds.values())
        self._tell(Progress(self._source, self.done, self._of_files, seen, self.written))


def describe_new(
    name: str,
    kind: Kind,
    *,
    embedder: str | TextEmbedder | None = None,
    image_embedder: str | ImageEmbedder | None = None,
) -> Manifest:
    """The manifest of a new knowledge base, as `index` would make it; the embedders as there."""
    text = embedder if embedder is None or isinstance(embedder, str) else embedder.spec
    image = image_embedder if image_embedder is None or isinstance(image_embedder, str) else image_embedder.spec
    embedders = Embedders(
        text=None if embedder is None or isinstance(embedder, str) else embedder,
        image=None if image_embedder is None or isinstance(image_embedder, str) else image_embedder,
    )
    return _describe_new(name, kind, embedders, text, image)


def _describe_new(name: str, kind: Kind, embedders: Embedders, text: str | None, image: str | None) -> Manifest:
    manifest = Manifest(name, kind, embedders.open_text(text or TEXT_EMBEDDER).spec)
    if kind == "image":
        manifest = replace(manifest, image_embedder=embedders.open_image(image or IMAGE_EMBEDDER).spec)
    return manifest


def _mark(file: SourceFile, *, as_: Kind | None, ocr: bool) -> str:
    """Of the file's content and of everything else that its entries depend on."""
    try:
        content = compute_fingerprint(file)
    except OSError as error:
        raise UnreadableFile(file.source, error.strerror or str(error)) from error
    return hashlib.sha256(f"{content} {compute_recipe()} {as_} {ocr}{file.reader}".encode()).hexdigest()[:32]
