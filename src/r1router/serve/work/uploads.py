"""Keeps uploaded files in the folder `uploads/` and indexes them, so that the command line can index them again.

A file keeps its own name, in a sub-folder where a knowledge base was named, so that
`r1router index KBS/uploads --kbs KBS` finds it. A file of the same name takes the place of the one before.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

from r1router.ingest import readers
from r1router.ingest.isolate import open_reading_process
from r1router.ingest.run import IndexReport, Progress, index
from r1router.kb import manifest as manifests
from r1router.kb.stores.store import Catalog, Store
from r1router.kb.writer import open_writer
from r1router.serve.error_responses import Refused, hide_paths
from r1router.serve.work.jobs import Tell
from r1router.types import ImageEmbedder, Kind, TextEmbedder

FOLDER = "uploads"
_LONGEST = 200
"""Bytes of a file name: file systems take 255."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    """As the client gave it."""
    data: IO[bytes]


def make_safe_name(given: str) -> str:
    """The name alone, of a file that a reader takes. Raises `Refused`."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", given)[-1]).strip()
    if (
        not name
        or name.startswith((".", "~$"))
        or not name.isprintable()
        or len(name.encode("utf-8", "replace")) > _LONGEST
        or any(mark in name for mark in ':*?"<>|')
        or _RESERVED.fullmatch(name)
    ):
        raise Refused(400, "a file's name is not usable: letters, digits, spaces, '-', '_' and '.', up to 200 bytes")
    if not any(fnmatch(name.lower(), pattern) for pattern in readers.list_patterns()):
        raise Refused(415, f"files of this kind are not read; these are: {' '.join(readers.list_patterns())}")
    return name


def check_kb_name(name: str) -> str:
    """Raises `Refused` for what cannot name a knowledge base here, `InputError` for what can nowhere."""
    manifests.check_name(name)
    if name.casefold() == FOLDER:
        raise Refused(400, f"name: {FOLDER!r} is where uploads are kept")
    return name


def keep(uploads: Sequence[Upload], kbs: Catalog, name: str | None) -> list[Path]:
    """Writes them down, each whole or not at all; their paths. Raises `Refused` for a name, before any is written."""
    folder = _find_folder(kbs) / name if name else _find_folder(kbs)
    names = [make_safe_name(upload.name) for upload in uploads]
    if len({n.casefold() for n in names}) < len(names):
        raise Refused(400, "two files have the same name")
    if folder.is_file() or any((folder / safe).is_dir() for safe in names):
        raise Refused(409, "an upload of this name is there already, as a file or as a folder of them; choose another")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as scratch:
        for upload, safe in zip(uploads, names, strict=True):
            with Path(scratch, safe).open("wb") as file:
                shutil.copyfileobj(upload.data, file, 1 << 20)
        return [Path(scratch, safe).replace(folder / safe) for safe in names]


def _find_folder(kbs: Catalog) -> Path:
    """Where uploads are kept. Raises `Refused` where that could only be on this machine."""
    if kbs.folder is None:
        raise Refused(501, "uploads are kept in a folder, and these knowledge bases are in none: use r1router index")
    return kbs.folder / FOLDER


def find_targets(paths: Sequence[Path], tell: Tell) -> set[str]:
    """Names of the knowledge bases that these files may go into. Looks into them in a process of their own."""
    with open_reading_process() as process:
        process.wait_with = lambda: tell(Progress("", 0, len(paths), 0, 0))
        return {kind for file in readers.find(paths, look=process.look) for kind in file.kinds}


def index_uploads(
    paths: Sequence[Path],
    kbs: Catalog,
    *,
    as_: Kind | None,
    name: str | None,
    text_embedder: TextEmbedder | None,
    image_embedder: ImageEmbedder | None,
    tell: Tell,
) -> dict[str, Any]:
    """Takes the files into their knowledge bases; the report, without paths of this machine."""
    folder = _find_folder(kbs)
    report = index(
        paths, folder.parent, base=folder, as_=as_, name=name, embedder=text_embedder, image_embedder=image_embedder,
        progress=tell,
    )  # fmt: skip
    return _describe(report)


def _describe(report: IndexReport) -> dict[str, Any]:
    shown = asdict(report)
    for problem in shown["problems"]:
        problem["reason"] = hide_paths(problem["reason"])
    return shown


def remove_source(kb: Store, source: str, kbs: Catalog) -> dict[str, Any]:
    """Takes a source out of a knowledge base; its upload is deleted when no other one has it any more."""
    taken = kb.ledger.read().get(source)
    with open_writer(kb, kb.read_manifest()) as writer:
        entries = writer.drop_source(source)
        writer.finish()
    if taken:
        _forget(Path(taken.path), source, kbs)
    return {"kb": kb.name, "source": source, "entries": entries}


def remove_kb(kb: Store, kbs: Catalog) -> None:
    """Deletes a knowledge base, and those of its uploads that no other one has. Raises `Busy`."""
    taken = kb.ledger.read()
    kb.remove()
    for source, row in taken.items():
        _forget(Path(row.path), source, kbs)


def _forget(path: Path, source: str, kbs: Catalog) -> None:
    kept = path.resolve()
    if kbs.folder is None or not kept.is_relative_to((kbs.folder / FOLDER).resolve()):
        return
    if any(source in store.ledger.read() for store in kbs.list_stores().values()):
        return
    kept.unlink(missing_ok=True)
    _log.info("%s is in no knowledge base any more, its upload is deleted", source)
