"""Files and folders to knowledge bases on disk: find, read, route each record by its kind, feed.

Running it again costs reading only what changed: a source whose content is known is skipped, an entry that is
known is not embedded again. Whatever interrupts a run, the next one goes on.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from r1router.errors import EmbedderMismatch, InputError, UnreadableFile
from r1router.ingest import readers
from r1router.ingest.chunk import RECIPE
from r1router.ingest.feed import Counts, Feed
from r1router.ingest.isolate import ReadingProcess, reading
from r1router.ingest.records import Passage, Picture, Problem, Record, Table
from r1router.ingest.sources import SourceFile, fingerprint
from r1router.kb import manifest as manifests
from r1router.kb.embedding import Embedders
from r1router.kb.manifest import Manifest
from r1router.kb.writer import open_writer
from r1router.types import ImageEmbedder, Kind, TextEmbedder

TEXT_EMBEDDER = "minilm:"
IMAGE_EMBEDDER = "efficientnet:"
"""What a new knowledge base is built with unless told otherwise."""
KINDS: tuple[Kind, ...] = ("text", "image", "table")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is, told after each file and each batch of embedded entries."""

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
    progress: Callable[[Progress], None] | None = None,
) -> IndexReport:
    """Takes files and folders into the knowledge bases under `kbs`: "text", "image" and "table" by what they hold.

    `as_` reads everything as one kind; `name` is the one knowledge base to fill; `holds` its line for the
    router; `base` is a folder whose files are shown as if it had been given as a whole; `prune` removes what
    came from files under `paths` that are gone. An embedder is a spec or an object; a knowledge base that
    exists keeps its own. A file that cannot be read is reported, and what it gave to an earlier run stays.

    Raises `InputError` for a path that does not exist, or a `name` or `holds` for files of several kinds;
    `EmbedderMismatch` for another embedder than a knowledge base was built with; `Busy` while another process
    writes to one.
    """
    started = time.perf_counter()
    given = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    with ExitStack() as stack:
        process = stack.enter_context(reading())
        files = readers.find(given, as_=as_, base=base, look=process.look)
        run = _Run(
            Path(kbs),
            _targets(Path(kbs), files, as_=as_, name=name, holds=holds, prune=prune),
            stack,
            process,
            text=embedder,
            image=image_embedder,
            tell=progress or (lambda _: None),
            of_files=len(files),
        )
        for file in files:
            run.take(file, as_=as_, ocr=ocr)
        pruned = run.prune(given, files) if prune else 0
        counts = run.finish(holds=holds)
    seconds = time.perf_counter() - started
    return IndexReport(counts, run.read, run.skipped, pruned, tuple(run.problems), seconds)


def _targets(
    kbs: Path, files: list[SourceFile], *, as_: Kind | None, name: str | None, holds: str | None, prune: bool
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
    if name and not found and prune and (kbs / name / manifests.FILE).exists():
        found = {manifests.read(kbs / name).kind}
    if name:
        return dict.fromkeys(found, manifests.check_name(name))
    return {kind: kind for kind in KINDS if kind in found or (prune and not as_)}


class _Run:
    """The state of one call of `index`: feeds that are open, and what happened."""

    def __init__(
        self,
        kbs: Path,
        targets: Mapping[Kind, str],
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
        self._kbs, self._targets, self._stack, self._process = kbs, targets, stack, process
        self._tell, self._of_files, self._source = tell, of_files, ""
        self._text = text if text is None or isinstance(text, str) else text.spec
        self._image = image if image is None or isinstance(image, str) else image.spec
        self._embedders = Embedders(
            text=None if text is None or isinstance(text, str) else text,
            image=None if image is None or isinstance(image, str) else image,
        )
        self._feeds: dict[Kind, Feed] = {}
        for kind, name in targets.items():
            if (kbs / name / manifests.FILE).exists():
                self._feeds[kind] = self._open(kind)

    def take(self, file: SourceFile, *, as_: Kind | None, ocr: bool) -> None:
        """One file: skipped, or read and fed; problems are collected."""
        file = self._named(file)
        self._source = file.source
        try:
            mark = _mark(file, as_=as_, ocr=ocr) if file.kinds else ""
            if mark and self._is_known(file, mark):
                self.skipped += 1
            else:
                self._read(file, mark, as_=as_, ocr=ocr)
                self.read += 1
        except UnreadableFile as error:
            self.problems.append(Problem(file.source, "", error.reason))
        self.done += 1
        self._report()

    def prune(self, given: list[Path], files: list[SourceFile]) -> int:
        """Removes sources under the given paths whose file was not found there."""
        there = {str(file.path.resolve()) for file in files}
        roots = [path.resolve() for path in given]
        gone = set()
        for feed in self._feeds.values():
            for taken in list(feed.taken.values()):
                if taken.path not in there and any(Path(taken.path).is_relative_to(root) for root in roots):
                    feed.drop_source(taken.source)
                    gone.add(taken.source)
        return len(gone)

    def finish(self, *, holds: str | None) -> dict[str, Counts]:
        for feed in self._feeds.values():
            feed.flush()
            feed.writer.finish(holds=holds)
        self._report()
        return {feed.name: feed.counts for feed in self._feeds.values()}

    def _read(self, file: SourceFile, mark: str, *, as_: Kind | None, ocr: bool) -> None:
        path = str(file.path.resolve())
        begun: dict[Kind, Feed] = {}

        def feed_of(kind: Kind) -> Feed:
            if kind not in begun:
                if kind not in self._feeds:
                    self._feeds[kind] = self._open(kind)
                begun[kind] = self._feeds[kind]
                begun[kind].begin(file.source, path)
            return begun[kind]

        try:
            for item in self._process.read(file, as_=as_, ocr=ocr):
                if isinstance(item, Problem):
                    self.problems.append(item)
                else:
                    feed_of(_kind(item)).put(item)
        except UnreadableFile:
            for feed in begun.values():
                feed.give_up()
            raise
        yields = tuple(feed.name for feed in begun.values())
        for kind in self._feeds:
            if kind in file.kinds:  # where it has nothing any more too
                feed_of(kind)
        for feed in begun.values():
            self.problems += feed.end(mark, yields)

    def _is_known(self, file: SourceFile, mark: str) -> bool:
        """Whether every knowledge base that got something from this content still has all of it."""
        taken = {feed.name: feed.taken.get(file.source) for feed in self._feeds.values()}
        current = {name for name, row in taken.items() if row and row.fingerprint == mark}
        return any(row and name in current and current.issuperset(row.yields) for name, row in taken.items())

    def _named(self, file: SourceFile) -> SourceFile:
        """The file under the name that it is known by, whatever it was given as this time; under its full path
        where its name belongs to another file that still exists."""
        path = file.path.resolve()
        for feed in self._feeds.values():
            if known := feed.source_at.get(str(path)):
                return replace(file, source=known)
        for feed in self._feeds.values():
            taken = feed.taken.get(file.source)
            if taken and Path(taken.path).is_file():
                return replace(file, source=path.as_posix())
        return file

    def _open(self, kind: Kind) -> Feed:
        """Opens the knowledge base for a kind, or makes it."""
        name = self._targets[kind]
        folder = self._kbs / name
        if (folder / manifests.FILE).exists():
            manifest = manifests.read(folder)
            self._check(manifest, kind)
        else:
            manifest = Manifest(name, kind, self._embedders.text(self._text or TEXT_EMBEDDER).spec)
            if kind == "image":
                spec = self._embedders.image(self._image or IMAGE_EMBEDDER).spec
                manifest = replace(manifest, image_embedder=spec)
        writer = self._stack.enter_context(open_writer(folder, manifest))
        return Feed(writer, self._embedders, written=self._add_written)

    def _check(self, manifest: Manifest, kind: Kind) -> None:
        if manifest.kind != kind:
            raise InputError(
                f"knowledge base {manifest.name!r} holds {manifest.kind} and cannot take {kind}; choose another name"
            )
        asked = self._text
        if asked and asked != manifest.text_embedder:
            asked = self._embedders.text(asked).spec  # it may be the same, written otherwise
            if asked != manifest.text_embedder:
                raise EmbedderMismatch(manifest.name, manifest.text_embedder, asked)
        asked = self._image
        if asked and manifest.image_embedder and asked != manifest.image_embedder:
            asked = self._embedders.image(asked).spec
            if asked != manifest.image_embedder:
                raise EmbedderMismatch(manifest.name, manifest.image_embedder, asked)

    def _add_written(self, entries: int) -> None:
        self.written += entries
        self._report()

    def _report(self) -> None:
        seen = sum(feed.counts.seen for feed in self._feeds.values())
        self._tell(Progress(self._source, self.done, self._of_files, seen, self.written))


def _kind(record: Record) -> Kind:
    match record:
        case Passage():
            return "text"
        case Picture():
            return "image"
        case Table():
            return "table"


def _mark(file: SourceFile, *, as_: Kind | None, ocr: bool) -> str:
    """Of the file's content and of everything else that its entries depend on."""
    try:
        content = fingerprint(file)
    except OSError as error:
        raise UnreadableFile(file.source, error.strerror or str(error)) from error
    return hashlib.sha256(f"{content} {RECIPE} {as_} {ocr}".encode()).hexdigest()[:32]
