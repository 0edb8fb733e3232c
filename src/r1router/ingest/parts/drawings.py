"""Draws an SVG as a picture, and takes its words as they are written in it, which no OCR has to guess."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.elements import read_attribute, read_name

LONGEST_SIDE = 1_024
"""Pixels of the picture that is drawn."""
_MOST_BYTES = 64 << 20
_NOT_WORDS = frozenset({"title", "desc", "metadata", "style", "script", "defs"})


@dataclass(frozen=True, slots=True)
class Drawing:
    png: bytes
    title: str
    caption: str
    words: str
    outside: int
    """Pictures that are other files, which are not drawn."""


def is_drawing(data: bytes, called: str) -> bool:
    return called.lower().endswith((".svg", ".svgz")) or b"<svg" in data[:1024]


def read_words(data: bytes, source: str) -> str:
    """The words of a drawing, one text a line. Raises `UnreadableFile`."""
    from lxml import etree  # type: ignore[import-untyped]

    try:
        parser = etree.XMLParser(resolve_entities="internal", no_network=True, remove_comments=True)
        return _words(etree.fromstring(data, parser))
    except etree.XMLSyntaxError as error:
        raise UnreadableFile(source, f"the drawing is damaged ({error})") from error


def draw(data: bytes, source: str) -> Drawing:
    """Nothing outside of the file is loaded. Raises `UnreadableFile`."""
    import resvg_py
    from lxml import etree

    try:
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data[:_MOST_BYTES])
        root = etree.fromstring(
            data, etree.XMLParser(resolve_entities="internal", no_network=True, remove_comments=True)
        )
        outside = 0
        for element in root.iter():
            for key, value in element.attrib.items():
                if key.rpartition("}")[2] == "href" and not value.strip().startswith(("#", "data:")):
                    del element.attrib[key]
                    outside += read_name(element) == "image"
        width, height = _size(root)
        drawn = resvg_py.svg_to_bytes(svg_string=etree.tostring(root, encoding="unicode"), width=width, height=height)
    except (etree.XMLSyntaxError, ValueError, OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(source, f"the drawing is damaged ({error})") from error
    said = {
        called: next((write_cell("".join(e.itertext())) for e in root if read_name(e) == called), "")
        for called in ("title", "desc")
    }
    return Drawing(bytes(drawn), said["title"], said["desc"], _words(root), outside)


def _size(root: Any) -> tuple[int | None, int | None]:
    """Width and height that make the longer side as long as it may be; the other one follows."""
    sides = [
        float(found[0])
        for found in (re.match(r"\d+(\.\d+)?", read_attribute(root, side)) for side in ("width", "height"))
        if found
    ]
    box = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", read_attribute(root, "viewBox"))]
    width, height = box[2:] if len(box) == 4 else sides if len(sides) == 2 else (1.0, 1.0)
    return (LONGEST_SIDE, None) if width >= height else (None, LONGEST_SIDE)


def _words(root: Any) -> str:
    """The texts of the drawing, one a line, as far as they are shown."""
    texts = (element for element in root.iter() if read_name(element) in ("text", "flowRoot", "foreignObject"))
    lines = [write_cell(" ".join(text.itertext())) for text in texts if not _is_hidden(text)]
    return "\n".join(filter(None, lines))


def _is_hidden(element: Any) -> bool:
    around = (element, *element.iterancestors())
    return any(read_name(outer) in _NOT_WORDS or read_attribute(outer, "display") == "none" for outer in around)
