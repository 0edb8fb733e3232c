"""Reads the files inside an archive or a mail as if they lay in a folder, because people keep documents in both."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple

from r1router.errors import UnreadableFile
from r1router.ingest.records import About, Picture, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

MOST_FILES = 10_000
MOST_UNPACKED = 1 << 30
"""Bytes of all files together; a few bytes of a made-up archive may unpack to any size."""
MOST_DEPTH = 3
"""Archives in each other, mails included."""
_FOLDER = "r1router-inside-"
_LONGEST_NAME = 200
_BLOCK = 1 << 20


class Member(NamedTuple):
    """One file inside of another."""

    name: str
    """Its path inside, parts separated by "/"."""
    open: Callable[[], IO[bytes]]
    """Raises what the archive's library raises for damage, or for a password."""


def read_inside(
    members: Iterable[Member], file: SourceFile, *, as_: Kind | None, ocr: bool
) -> Iterator[Record | Problem]:
    """The records of all files inside, each under the name that it has there, which begins its section.

    What is not read is told: kinds without a reader, damaged ones, and all beyond the bounds above. Raises
    `UnreadableFile` for an archive that lies too deep in others.
    """
    from r1router.ingest.parts.find import Missed, find
    from r1router.ingest.parts.read import read

    with _unpack(members, file) as (folder, problems):
        yield from problems
        missed = Missed()
        unknown: dict[str, list[str]] = {}
        for inner in find([folder], as_=as_, missed=missed):
            name = inner.path.relative_to(folder).as_posix()
            if not inner.kinds:
                unknown.setdefault(inner.path.suffix.lower() or "without a suffix", []).append(inner.path.name)
                continue
            about: dict[str, Any] = {}
            try:
                for item in read(replace(inner, source=f"{file.source}/{name}"), as_=as_, ocr=ocr):
                    if isinstance(item, About):
                        about.update(item.fields)
                    else:
                        yield _place(item, name, file, about)
            except UnreadableFile as error:
                yield Problem(file.source, name, error.reason)
        yield from (Problem(file.source, Path(told.path).name, told.reason) for told in missed.problems)
        if unknown:
            said = ", ".join(
                f"{len(names)} × {suffix} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
                for suffix, names in sorted(unknown.items())
            )
            yield Problem(file.source, "files in it", f"left out, no reader for: {said}", read=True)


def _place(item: Record | Problem, name: str, file: SourceFile, about: Mapping[str, Any]) -> Record | Problem:
    """The item as one of the outer file, the inner one's name in front of where it stands; `about`: the inner one."""
    match item:
        case Problem():
            return replace(item, path=file.source, where=", ".join(part for part in (name, item.where) if part))
        case Picture():
            return replace(item, source=file.source, about={**about, **item.about})
        case _:
            section = " > ".join(part for part in (name, item.section) if part)
            return replace(item, source=file.source, section=section, about={**about, **item.about})


@contextmanager
def _unpack(members: Iterable[Member], file: SourceFile) -> Iterator[tuple[Path, list[Problem]]]:
    """A folder with the files, as long as the context lasts, and what did not come into it."""
    depth = sum(part.startswith(_FOLDER) for part in file.path.parts)
    if depth >= MOST_DEPTH:
        raise UnreadableFile(file.source, f"lies in {depth} archives; what is deeper is not read")
    with tempfile.TemporaryDirectory(prefix=_FOLDER, dir=file.path.parent if depth else None) as scratch:
        folder, problems = Path(scratch), list[Problem]()
        left, changed = MOST_UNPACKED, file.path.stat().st_mtime
        for number, member in enumerate(_until_damage(members, file, problems)):
            if number == MOST_FILES:
                problems.append(
                    Problem(file.source, "", f"has more than {MOST_FILES:,} files; the others are left out")
                )
                break
            path = folder.joinpath(*_cut_path(member.name))
            if path.exists():
                problems.append(Problem(file.source, member.name, "is in it twice; the first one is read"))
                continue
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with member.open() as source, path.open("wb") as target:
                    while block := source.read(_BLOCK):
                        left -= len(block)
                        if left < 0:
                            break
                        target.write(block)
                os.utime(path, (changed, changed))
            except Exception as error:  # damage, a password, a method of packing that is not known
                path.unlink(missing_ok=True)
                problems.append(Problem(file.source, member.name, f"cannot be unpacked ({error})"))
            if left < 0:
                path.unlink(missing_ok=True)
                said = f"unpacks to more than {MOST_UNPACKED >> 20:,} MiB; what comes from here on is left out"
                problems.append(Problem(file.source, member.name, said))
                break
        yield folder, problems


def _until_damage(members: Iterable[Member], file: SourceFile, problems: list[Problem]) -> Iterator[Member]:
    """The members that come before the archive is cut off or damaged."""
    try:
        yield from members
    except Exception as error:
        problems.append(Problem(file.source, "", f"is damaged or cut off behind what was read ({error})"))


def _cut_path(name: str) -> list[str]:
    """The parts of a path that cannot lead out of the folder, each short enough for a file system."""
    parts = [part.replace("\0", "").strip() for part in name.replace("\\", "/").split("/")]
    inner = [part for part in parts if part not in ("", ".", "..")] or ["unnamed"]
    return [part if len(part.encode()) <= _LONGEST_NAME else _shorten(part) for part in inner]


def _shorten(part: str) -> str:
    stem, dot, suffix = part.rpartition(".")
    kept = (stem or suffix).encode()[: _LONGEST_NAME - 20].decode("utf-8", "ignore")
    return f"{kept}{dot}{suffix[:12]}" if stem else kept
