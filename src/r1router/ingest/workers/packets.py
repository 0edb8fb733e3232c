"""Cuts what is read from files into packets to embed, because workers take over pieces of a run, never its order.

    Job  →  read_packets  →  embed_packet  →  PacketReader  →  the run, which compares, writes and remembers

A packet holds what was read, and the texts and pictures of the entries that it will become. A worker adds
their vectors. What a packet holds follows from its file alone, so it may be made twice, and anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from r1router.errors import R1RouterError, UnreadableFile
from r1router.ingest.chunk import cut
from r1router.ingest.feed import Made
from r1router.ingest.isolate import Limits, open_reading_process
from r1router.ingest.records import About, Problem, Record, find_kind
from r1router.ingest.sources import SourceFile
from r1router.kb.embedding import Embedders
from r1router.kb.entry import Entry
from r1router.types import Image, Kind

PACKET = 64
"""Entries embedded together: a second or two of work."""
PACKET_TEXT = 1_000_000
"""Bytes of texts and pictures after which a packet is full, however few they are."""
MOST_OF_RECORD = 100_000
"""Entries of one record whose vectors workers make, since all of them wait for it; the run makes the others."""

Item = Record | Problem | About
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Job:
    """A file to read, and what a worker needs to know of it."""

    place: int
    """In the order of the run."""
    file: SourceFile
    as_: Kind | None
    ocr: bool
    stored: frozenset[str]
    """Digests of its entries that are stored, and are not embedded again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An entry to embed."""

    kind: Kind
    digest: str
    text: str
    """Empty where it is found by its words alone."""
    image: Image | None


@dataclass(frozen=True, slots=True)
class Packet:
    place: int
    """Of its job."""
    items: tuple[Item, ...]
    """What was read, in order. All entries of a record are in its packet or in one before."""
    wanted: tuple[Wanted, ...]
    made: Mapping[str, Made]
    """What became of `wanted`, by digest."""
    last: bool = False
    """Whether the file ends here."""
    reason: str = ""
    """Why it could not be read to its end."""


@dataclass(frozen=True, slots=True)
class Specs:
    """Names of embedders."""

    text: str
    image: str = ""


class Reading(Protocol):
    """Reads files: `isolate.ReadingProcess`, or what workers have read (`PacketReader`)."""

    def read(
        self, file: SourceFile, *, as_: Kind | None, ocr: bool
    ) -> Generator[Item | Mapping[str, Made], None, None]:
        """The items of a file, in order, and before a record what was made of its entries, where something was.

        Raises `UnreadableFile`, also after some items.
        """
        ...


def read_packets(job: Job, reading: Reading, kinds: Iterable[Kind]) -> Iterator[Packet]:
    """The packets of a file, one at least; the entries of these kinds are to be embedded."""
    taken = frozenset(kinds)
    numbers: dict[str, int] = {}
    items: list[Item] = []
    wanted: list[Wanted] = []
    size, reason = 0, ""
    try:
        for item in reading.read(job.file, as_=job.as_, ocr=job.ocr):
            assert not isinstance(item, Mapping)
            if not isinstance(item, Problem | About) and (kind := find_kind(item)) in taken:
                first = numbers.get(item.id, 0)
                for number, entry in enumerate(cut(item, first=first), start=first):
                    numbers[item.id] = number + 1
                    if number - first < MOST_OF_RECORD and _is_wanted(entry, job):
                        wanted.append(Wanted(kind, entry.digest, entry.text if entry.embedded else "", entry.image))
                        size += len(entry.text) + (len(entry.image.data) if entry.image else 0)
                    if len(wanted) >= PACKET or size >= PACKET_TEXT:
                        yield Packet(job.place, tuple(items), tuple(wanted), {})
                        items, wanted, size = [], [], 0
            items.append(item)
    except UnreadableFile as error:
        reason = error.reason
    yield Packet(job.place, tuple(items), tuple(wanted), {}, last=True, reason=reason)


def _is_wanted(entry: Entry, job: Job) -> bool:
    return entry.digest not in job.stored and (entry.embedded or entry.image is not None)


def embed_packet(packet: Packet, embedders: Embedders, specs: Mapping[Kind, Specs]) -> Packet:
    """The packet with the vectors of its entries in place of their texts."""
    made: dict[str, Made] = {}
    for kind in {wanted.kind for wanted in packet.wanted}:
        of_kind = [wanted for wanted in packet.wanted if wanted.kind == kind]
        texts = {wanted.digest: wanted.text for wanted in of_kind if wanted.text}
        images = {wanted.digest: wanted.image for wanted in of_kind if wanted.image and specs[kind].image}
        vectors, image_vectors = dict[str, Vector](), dict[str, Vector]()
        if texts:
            embedded = embedders.open_text(specs[kind].text).embed_texts(list(texts.values()))
            vectors = dict(zip(texts, np.asarray(embedded, np.float32), strict=True))
        if images:
            embedded = embedders.open_image(specs[kind].image).embed_images(list(images.values()))
            image_vectors = dict(zip(images, np.asarray(embedded, np.float32), strict=True))
        made |= {
            digest: Made(vectors.get(digest), image_vectors.get(digest)) for digest in {**vectors, **image_vectors}
        }
    return replace(packet, wanted=(), made=made)


class PacketReader:
    """Reads files out of a stream of packets, in the order of their jobs. Other files are read by a process of their
    own within `limits`, since another one may be in the middle of a job."""

    def __init__(
        self, jobs: Iterable[Job], packets: Iterator[Packet], limits: Limits, *, wait_with: Callable[[], None]
    ) -> None:
        self._places = {job.file.path.absolute(): job.place for job in jobs}
        self._packets, self._limits, self._wait_with = packets, limits, wait_with

    def read(
        self, file: SourceFile, *, as_: Kind | None, ocr: bool
    ) -> Generator[Item | Mapping[str, Made], None, None]:
        """As `Reading` says."""
        place = self._places.get(file.path.absolute())
        if place is None:
            with open_reading_process(self._limits) as process:
                process.wait_with = self._wait_with
                yield from process.read(file, as_=as_, ocr=ocr)
            return
        made: dict[str, Made] = {}
        for packet in self._packets:
            if packet.place != place:
                continue  # the rest of a file that the run has given up
            made |= packet.made
            if packet.items:
                yield made
                yield from packet.items
                made = dict(packet.made)  # of a record that goes on
            if packet.reason:
                raise UnreadableFile(file.source, packet.reason)
            if packet.last:
                return
        raise R1RouterError(f"the workers ended before {file.source} was read; run the same command again")
