"""Finds the files to index at the paths that a user gave; captions and other companions join their file."""

from __future__ import annotations

import logging
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from r1router.errors import InputError, KnowledgeBaseError
from r1router.ingest.parts.about import find_beside
from r1router.ingest.parts.registry import Look, look
from r1router.ingest.parts.sidecars import is_document
from r1router.ingest.records import Problem
from r1router.ingest.sources import SourceFile
from r1router.kb import manifest as knowledge_bases
from r1router.types import Kind

log = logging.getLogger(__name__)

_CLUTTER = ("thumbs.db", "desktop.ini")
_CLUTTER_ENDS = ("-shm", "-journal")
"""What SQLite keeps beside a data base that is in use; the -wal file is a part of it."""


@dataclass(slots=True)
class Missed:
    """What could not be read while files were looked for."""

    problems: list[Problem] = field(default_factory=list)
    unseen: list[Path] = field(default_factory=list)
    """Folders, and files, of which nothing can be told: nobody said that what came from there is gone."""


def find(
    paths: Iterable[Path | str],
    *,
    as_: Kind | None = None,
    base: Path | None = None,
    look: Callable[[Path, Kind | None], Look] = look,
    missed: Missed | None = None,
) -> list[SourceFile]:
    """Every file to index under the given files and folders, in the order given, a folder's own sorted.

    A file found under a folder is stored as "folder/…/name", one that was given itself as it was given; or,
    inside `base`, as if that folder had been given. A file that no reader knows comes with no kinds. What cannot
    be read on the way is in `missed`. Raises `InputError` for a path that does not exist, or is a pipe or a device.
    `look` says what a file holds.
    """
    given = [Path(path) for path in paths]
    for path in given:
        if not os.path.lexists(path):
            raise InputError(f"{path} does not exist; give files or folders to index")
        if not (path.is_file() or path.is_dir()):
            raise InputError(f"{path} is no file but a pipe or a device; write it to a file and index that")
    missed = missed or Missed()
    files: dict[Path, SourceFile] = {}
    names = _names(path for path in given if path.is_dir())
    for path in given:
        inside = _walk(path, missed) if path.is_dir() else [path]
        for found in inside:
            if base and found.is_relative_to(base):
                source = f"{base.name}/{found.relative_to(base).as_posix()}"
            else:
                source = f"{names[path]}/{found.relative_to(path).as_posix()}" if path in names else path.as_posix()
            if not _is_utf8(source):
                reason = "its name is not UTF-8; rename it to have it read"
                missed.problems.append(Problem(_printable(source), "", reason))
                continue
            real = found.resolve()
            if real not in files:
                kinds, parts = look(found, as_)
                files[real] = SourceFile(found, source, kinds, (*parts, *find_beside(found)))
    owned = {part.resolve() for file in files.values() for part in file.parts if not is_document(part)}
    return [file for real, file in files.items() if real not in owned]


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _names(folders: Iterable[Path]) -> dict[Path, str]:
    """What each folder is called in a source: its own name, or the path as given where two share it."""
    real = {folder: folder.resolve() for folder in folders}
    shared = Counter(path.name for path in set(real.values()))
    return {
        folder: path.name if path.name and shared[path.name] == 1 else folder.as_posix().rstrip("/")
        for folder, path in real.items()
    }


def _walk(folder: Path, told: Missed) -> Iterator[Path]:
    """Files under a folder, sorted; links to folders are followed once; hidden things and knowledge bases left out."""

    def tell(error: OSError) -> None:
        path = Path(os.fsdecode(error.filename))
        reason = f"cannot be read ({error.strerror}), so nothing that came from it was removed"
        told.problems.append(Problem(_printable(path.as_posix()), "", reason))
        told.unseen.append(path)

    seen = {folder.resolve()}
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=tell):
        folders[:] = sorted(name for name in folders if _is_wanted(Path(parent, name), seen))
        for name in sorted(names):
            path = Path(parent, name)
            if name.startswith((".", "~$")) or name.lower() in _CLUTTER or name.endswith(_CLUTTER_ENDS):
                continue
            try:
                is_file = stat.S_ISREG(path.stat().st_mode)
            except FileNotFoundError:
                log.warning("%s is a link to nothing", _printable(str(path)))
                continue
            except OSError as error:
                tell(error)
                continue
            if is_file:
                yield path
            else:
                log.warning("%s is a pipe or a device, left out", _printable(str(path)))


def _is_wanted(folder: Path, seen: set[Path]) -> bool:
    real = folder.resolve()
    if folder.name.startswith(".") or folder.name == "__pycache__" or real in seen or _is_knowledge_base(folder):
        return False
    seen.add(real)
    return True


def _is_knowledge_base(folder: Path) -> bool:
    try:
        knowledge_bases.read(folder)
    except KnowledgeBaseError:
        return False
    return True
