"""Reads a Jupyter notebook as passages: what was written, the code, and what it printed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from r1router.errors import UnreadableFile
from r1router.ingest.parts.cells import make_title
from r1router.ingest.parts.files import open_text
from r1router.ingest.parts.sections import Sections
from r1router.ingest.readers import markdown
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.ipynb",)
KINDS: tuple[Kind, ...] = ("text",)


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    with open_text(file) as stream:
        try:
            cells = json.load(stream)["cells"]
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableFile(file.source, f"is no notebook ({error})") from error
    sections = Sections(file, make_title(file.path), indented=True)
    pictures = 0
    for part in cells:
        text = "".join(part.get("source", ()))
        if part.get("cell_type") == "markdown":
            for level, line in markdown.parse(text)[1]:
                if level:
                    yield from sections.heading(level, line)
                else:
                    sections.write(line + "\n")
            continue
        sections.write(text + "\n")
        for output in part.get("outputs", ()):
            data = output.get("data", {})
            pictures += any(kind.startswith("image/") for kind in data)
            sections.write("".join(output.get("text") or data.get("text/plain") or ()) + "\n")
    yield from sections.end()
    if pictures:
        yield Problem(file.source, "its outputs", f"{pictures} pictures left out", read=True)
