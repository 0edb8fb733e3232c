"""Opens the pictures that rows name, relative to the file that holds the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest import ocr as recognizer
from r1router.ingest.parts import images, sidecars
from r1router.ingest.parts.cells import Ids, make_title
from r1router.ingest.records import Picture, Problem, Record
from r1router.ingest.sources import SourceFile

FILE = ("file", "file_name", "filename", "path", "image", "image_path", "img_path", "img", "picture", "photo")

_SHOWN = {*FILE, "id", "_id", "title", "caption", "description", "alt", "text"}
USUAL = frozenset(
    {"license", "licence", "author", "artist", "creator", "credit", "copyright", "date", "year", "width", "height"}
    | {"keywords", "tags", "labels", "label", "category", "text", "mime_type", "media_type", "size"}
)
"""Fields that a list of pictures has beside file, title and caption; a list with others is a table of its own."""


def find_picture_name(fields: Mapping[str, Any]) -> str:
    """The path that a row names, as it stands there; empty where it names no picture."""
    for name in FILE:
        value = fields.get(name)
        if isinstance(value, str) and PurePosixPath(value.strip().lower()).suffix in images.SUFFIXES:
            return value.strip()
    return ""


def locate(named: str, folder: Path) -> Path | str:
    """The picture's path, or why it is refused: a manifest may only name files in its own folder."""
    if "://" in named:
        return f"{named} is on the web; only files are read"
    if "\0" in named:
        return "the path has a NUL in it"
    native = named.replace("\\", "/")
    if PurePosixPath(native).is_absolute() or PureWindowsPath(native).drive:
        return f"{named} is an absolute path; give it relative to the manifest"
    path = folder / native
    if not path.resolve().is_relative_to(folder.resolve()):
        return f"{named} points outside the folder of the manifest"
    return path if path.is_file() else f"{named} does not exist"


def find_parts(rows: Iterator[Mapping[str, Any]], folder: Path) -> tuple[Path, ...]:
    """Every picture that the rows name and that is there, with the caption files beside it."""
    found: dict[Path, None] = {}
    for fields in rows:
        named = find_picture_name(fields)
        path = locate(named, folder) if named else ""
        if isinstance(path, Path) and path not in found:
            found.update(dict.fromkeys((path, *sidecars.find_caption_files(path))))
    return tuple(found)


def read_picture(
    fields: Mapping[str, Any],
    file: SourceFile,
    where: str,
    ids: Ids,
    *,
    id: str,
    title: str,
    caption: str,
    ocr: bool,
) -> Iterator[Record | Problem]:
    """The picture that one row names; what the row does not say comes from beside or inside the picture."""
    named = find_picture_name(fields)
    path = locate(named, file.path.parent)
    if isinstance(path, str):
        yield Problem(file.source, where, path)
        return
    try:
        loaded = images.load_file(path, named)
    except UnreadableFile as error:
        yield Problem(file.source, where, str(error))
        return
    beside = sidecars.Words() if title and caption else sidecars.read(path, file.source)
    if beside.problem:
        yield beside.problem
    yield Picture(
        ids.unique(id or f"{file.source}:{named}"),
        file.source,
        loaded.image,
        title or beside.title or loaded.title or make_title(path),
        caption or beside.caption or loaded.caption,
        recognizer.read_words(loaded.image) if ocr and not loaded.words else loaded.words,
        {name: value for name, value in fields.items() if name not in _SHOWN},
    )
