"""Reads the files in a zip or tar archive, one after the other, as if they lay in a folder."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from r1router.errors import UnreadableFile
from r1router.ingest.parts import encodings
from r1router.ingest.parts.inside import MOST_FILES, Member, read_inside
from r1router.ingest.parts.registry import Look, find_reader
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.zip", "*.tar", "*.tar.gz", "*.tgz", "*.tar.bz2", "*.tbz2", "*.tar.xz", "*.txz")
KINDS: tuple[Kind, ...] = ("text", "table", "image")

_UTF8_NAME = 0x800
"""The flag of a zip entry whose name is in UTF-8; others are in whatever the packing program used."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    links: list[str] = []
    with _open(file, links) as members:
        yield from read_inside(members, file, as_=as_, ocr=ocr)
    if links:
        more = f" and {len(links) - 1} more" if len(links) > 1 else ""
        yield Problem(file.source, "links in it", f"left out: {links[0]}{more}", read=True)


def look(path: Path, as_: Kind | None) -> Look:
    """By the names of the files in it."""
    found: set[Kind] = set()
    with _open(SourceFile(path, path.name, KINDS), []) as members:
        for _, member in zip(range(MOST_FILES), members, strict=False):
            reader = find_reader(Path(member.name))
            found.update(reader.KINDS[:1] if reader else ())
    return tuple(kind for kind in KINDS if kind in found) or KINDS[:1], ()


@contextmanager
def _open(file: SourceFile, links: list[str]) -> Iterator[Iterator[Member]]:
    """The files in it, without folders; links are noted in `links`. Raises `UnreadableFile`."""
    try:
        if file.path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(file.path) as archive:
                yield _list_zip(archive, links)
        else:
            with tarfile.open(file.path) as tape:
                yield _list_tar(tape, links)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise UnreadableFile(file.source, f"is damaged, cut off or no archive at all ({error})") from error


def _list_zip(archive: zipfile.ZipFile, links: list[str]) -> Iterator[Member]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    links += [entry.filename for entry in entries if stat.S_ISLNK(entry.external_attr >> 16)]
    entries = [entry for entry in entries if not stat.S_ISLNK(entry.external_attr >> 16)]
    old = [entry.filename.encode("cp437", "replace") for entry in entries if not entry.flag_bits & _UTF8_NAME]
    encoding = _guess(b"\n".join(name for name in old if not name.isascii()))
    for entry in entries:
        name = entry.filename
        if not entry.flag_bits & _UTF8_NAME:
            name = name.encode("cp437", "replace").decode(encoding, "replace")
        yield Member(name, partial(archive.open, entry))


def _guess(names: bytes) -> str:
    """The encoding of names that do not say theirs."""
    if not names:
        return "ascii"
    try:
        names.decode()
    except UnicodeDecodeError:
        return next((guess.name for guess in encodings.guess(names)), "cp437")
    return "utf-8"


def _list_tar(tape: tarfile.TarFile, links: list[str]) -> Iterator[Member]:
    for entry in tape:
        links += [entry.name] if entry.islnk() or entry.issym() else []
        if entry.isfile():
            name = entry.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            yield Member(name, partial(_open_entry, tape, entry))


def _open_entry(tape: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    stream = tape.extractfile(entry)
    assert stream is not None  # it is a file
    return stream
