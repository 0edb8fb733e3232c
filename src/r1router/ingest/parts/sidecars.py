"""Reads the caption files beside a picture (`flag.txt`, `flag.png.txt`, `flag.md`, `flag.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from r1router.errors import UnreadableFile
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.files import open_text
from r1router.ingest.parts.markdown_lines import parse
from r1router.ingest.records import Problem
from r1router.ingest.sources import SourceFile

SUFFIXES = (".json", ".md", ".txt")
MOST_BYTES = 8_192
"""A longer text beside a picture is a document of its own, not a caption."""


_MOST_ALONE = 1_000
"""Bytes of a caption that is nothing else; a longer text is the picture's words, and a document, too."""


@dataclass(frozen=True, slots=True)
class Words:
    title: str = ""
    caption: str = ""
    problem: Problem | None = None


def find_caption_files(picture: Path) -> list[Path]:
    """The caption files of a picture that exist, the most explicit first."""
    names = (picture.name + suffix for suffix in SUFFIXES)
    stems = (picture.stem + suffix for suffix in SUFFIXES)
    found = (picture.with_name(name) for name in (*names, *stems))
    return [path for path in found if path.is_file() and 0 < path.stat().st_size <= MOST_BYTES]


def is_document(part: Path) -> bool:
    """Whether a file that stands beside a picture is read by itself, too: a long text, one with a table, data."""
    suffix = part.suffix.lower()
    if suffix not in SUFFIXES or part.name.lower().endswith(".meta.json") or not part.is_file():
        return False
    if suffix == ".json":
        return part.stat().st_size <= MOST_BYTES and _has_data(part.read_bytes())
    return part.stat().st_size > _MOST_ALONE or (suffix == ".md" and b"|--" in part.read_bytes())


def _has_data(written: bytes) -> bool:
    """Whether a file holds lists or objects, which are no words for a picture."""
    try:
        fields = json.loads(written)
    except ValueError:
        return False
    values = fields.values() if isinstance(fields, dict) else [fields]
    return any(isinstance(value, list | dict) for value in values)


def read(picture: Path, source: str) -> Words:
    """Title and caption, each from the first file that has it; a file that cannot be read is a `problem`."""
    title = caption = ""
    problem = None
    for path in find_caption_files(picture):
        try:
            with open_text(SourceFile(path, path.name, ())) as stream:
                found = _parse(path.suffix, stream.read())
        except (UnreadableFile, json.JSONDecodeError) as error:
            problem = Problem(source, path.name, f"the caption file cannot be read: {error}")
            continue
        title, caption = title or found[0], caption or found[1]
    return Words(title, caption, problem)


def _parse(suffix: str, text: str) -> tuple[str, str]:
    if suffix == ".txt":
        return "", write_cell(text)
    if suffix == ".md":
        title, lines = parse(text)
        heading = next((line for level, line in lines if level), "")
        return title or write_cell(heading), write_cell("\n".join(line for level, line in lines if not level))
    fields = json.loads(text)
    if not isinstance(fields, dict):
        return "", write_cell(fields) if isinstance(fields, str) else ""
    names = {str(name).lower(): value for name, value in fields.items()}
    caption = next((names[n] for n in ("caption", "description", "text", "alt") if names.get(n)), "")
    return write_cell(names.get("title") or names.get("name")), write_cell(caption)
