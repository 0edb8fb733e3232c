"""Opens documents that are zip archives of XML: checks them, and finds their parts and pictures."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest import ocr as recognizer
from r1router.ingest.parts import images
from r1router.ingest.parts.cells import make_title, write_cell
from r1router.ingest.parts.elements import read_attribute, read_name
from r1router.ingest.parts.inside import Member, read_inside
from r1router.ingest.parts.registry import find_reader
from r1router.ingest.records import About, Picture, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

MOST_UNPACKED = 2 << 30
"""Bytes; a file that unpacks to more is a zip bomb, or too large for its format."""
LEAST_PICTURE = 2_000
"""Bytes; a smaller file is a bullet or a line."""
_EMBEDDED = re.compile(r"(?:word|ppt|xl)/(?:embeddings/|afchunk)", re.IGNORECASE)
_GUESSED = re.compile(r"description (?:automatically )?generated|automatisch generierte beschreibung", re.IGNORECASE)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def check(file: SourceFile, *, part: str, modern: str) -> None:
    """Raise `UnreadableFile` unless the file is a sound zip archive with `part` in it."""
    with file.path.open("rb") as stream:
        if stream.read(len(_OLE)) == _OLE:
            raise UnreadableFile(
                file.source, f"is encrypted with a password or in the format before 2007; save it as plain {modern}"
            )
    try:
        with zipfile.ZipFile(file.path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if part not in archive.namelist():
                raise UnreadableFile(file.source, f"is a zip archive but no {modern} file: it has no {part}")
    except zipfile.BadZipFile as error:
        raise UnreadableFile(file.source, f"is damaged, cut off or no {modern} file at all ({error})") from error
    if unpacked > MOST_UNPACKED:
        raise UnreadableFile(file.source, f"unpacks to {unpacked >> 20} MiB; at most {MOST_UNPACKED >> 20} are read")


def open_main_part(archive: zipfile.ZipFile, file: SourceFile, root: str) -> tuple[str, Any]:
    """(folder, parsed content) of the part that the others hang on. Raises `UnreadableFile` where it is no `root`."""
    targets = (
        read_attribute(relation, "Target").lstrip("/")
        for relation in find_elements(archive, "_rels/.rels", "Relationship")
        if read_attribute(relation, "Type").endswith("/officeDocument")
    )
    part = next(targets, "")
    content = parse(archive, part) if part in archive.namelist() else None
    if content is None or read_name(content) != root:
        raise UnreadableFile(file.source, f"is a zip archive, but not what its name says: it has no {root}")
    return posixpath.dirname(part), content


def parse(archive: zipfile.ZipFile, part: str) -> Any:
    """The root of a part, comments and processing instructions left out; nothing outside of it is ever loaded."""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    return etree.fromstring(archive.read(part), parser)


def find_related(archive: zipfile.ZipFile, part: str, kind: str = "") -> dict[str, str]:
    """The parts that a part refers to, by the id of the reference; `kind`: with what its type ends."""
    folder, called = posixpath.split(part)
    return {
        read_attribute(relation, "Id"): posixpath.normpath(
            posixpath.join("/", folder, read_attribute(relation, "Target"))
        ).lstrip("/")
        for relation in find_elements(archive, f"{folder}/_rels/{called}.rels", "Relationship")
        if read_attribute(relation, "Type").endswith(kind)
    }


def list_embedded(archive: zipfile.ZipFile) -> list[str]:
    """The documents inside this one, but for the workbooks that only hold the numbers of a chart."""
    parts = archive.namelist()
    charts = (part for part in parts if re.search(r"/charts/chart\d*\.xml$", part))
    drawn = {part for chart in charts for part in find_related(archive, chart).values()}
    mains = (part for part in parts if re.fullmatch(r"word/document\d*\.xml", part))
    chunks = {part for main in mains for part in find_related(archive, main, "/aFChunk").values()}
    return [
        part
        for part in parts
        if part in chunks or (_EMBEDDED.match(part) and part not in drawn and "/_rels/" not in part)
    ]


def _name_embedded(part: str) -> str:
    """Its name; where the end of it says nothing, as in "afchunk.dat", one whose reader looks at what is in it."""
    name = posixpath.basename(part)
    return name if "/embeddings/" in part or find_reader(Path(name)) else f"{name}.doc"


def read_embedded(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    """The records of the documents inside this one, as if they lay in a folder; what cannot be read is told."""
    with zipfile.ZipFile(file.path) as archive:
        found = [Member(_name_embedded(part), partial(archive.open, part)) for part in list_embedded(archive)]
        if found:
            yield from read_inside(found, file, as_=as_, ocr=ocr)


def read_description(element: Any) -> str:
    """The words that a person wrote for a picture; empty for those that a program guessed."""
    said = write_cell(read_attribute(element, "descr") or read_attribute(element, "alt"))
    return "" if _GUESSED.search(said) else said


def find_elements(archive: zipfile.ZipFile, part: str, called: str) -> Iterator[Any]:
    """The elements of this local name in a part; none where there is no such part."""
    if part in archive.namelist():
        yield from (element for element in parse(archive, part).iter() if read_name(element) == called)


_PROPERTIES = ("docProps/core.xml", "meta.xml")
_SAID = frozenset(
    {"creator", "created", "modified", "subject", "keywords", "category", "language", "lastModifiedBy", "keyword"}
    | {"initial-creator", "creation-date", "date"}
)


def describe(archive: zipfile.ZipFile) -> About:
    """What the properties of the document say: who wrote it, when, in which language, about what."""
    part = next((part for part in _PROPERTIES if part in archive.namelist()), None)
    return describe_properties(parse(archive, part)) if part else About({})


def describe_properties(root: Any) -> About:
    """The same, given the element that holds them."""
    found: dict[str, list[str]] = {}
    for element in root.iter():
        if read_name(element) in _SAID and (element.text or "").strip():
            found.setdefault(read_name(element), []).append(element.text.strip())
    if "creation-date" in found:  # OpenDocument: there `creator` is who changed it last, and `date` when
        found["modified"] = found.pop("date", found["creation-date"])
        found["created"] = found.pop("creation-date")
        found["creator"] = found.pop("initial-creator", found.get("creator", []))
    return About({name: values if len(values) > 1 else values[0] for name, values in found.items() if values})


def read_title(archive: zipfile.ZipFile) -> str:
    """The title in the properties of a file by Microsoft's programs."""
    return next((element.text or "" for element in find_elements(archive, "docProps/core.xml", "title")), "")


def read_pictures(file: SourceFile, *, ocr: bool) -> Iterator[Record | Problem]:
    """Every picture in the archive, for `--as image`."""
    with zipfile.ZipFile(file.path) as archive:
        for part in _find_pictures(archive):
            called = PurePosixPath(part).name
            try:
                loaded = images.load(archive.read(part), called, file.source)
            except UnreadableFile as error:
                yield Problem(file.source, called, error.reason)
                continue
            words = recognizer.read_words(loaded.image) if ocr and not loaded.words else loaded.words
            title = f"{make_title(file.path)}, {called}"
            yield Picture(f"{file.source}:{part}", file.source, loaded.image, title, loaded.caption, words)


def report_pictures_left_out(file: SourceFile) -> Iterator[Problem]:
    """Says how many pictures the archive has, since their words and content are not in its text."""
    with zipfile.ZipFile(file.path) as archive:
        count = len(_find_pictures(archive))
    if count:
        said = f"{count} picture{'s' * (count > 1)} left out; to search pictures, index the file with --as image, too"
        yield Problem(file.source, "its pictures", said, read=True)


def _find_pictures(archive: zipfile.ZipFile) -> list[str]:
    return [
        entry.filename
        for entry in archive.infolist()
        if entry.file_size >= LEAST_PICTURE
        and entry.filename.lower().endswith(images.SUFFIXES)
        and not entry.filename.startswith(("docProps/", "Thumbnails/"))
    ]
