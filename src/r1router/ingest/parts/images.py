"""Reads the bytes of a picture file as an `Image` that is known to decode, and the words stored in it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1router.errors import MissingExtra, UnreadableFile
from r1router.images import tell_media_type
from r1router.ingest.parts import drawings
from r1router.ingest.parts.cells import write_cell
from r1router.types import Image

if TYPE_CHECKING:
    from PIL.Image import Image as Opened

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp"),
    *(".avif", ".heic", ".heif", ".svg", ".svgz"),
)
MOST_BYTES = 64 << 20
MOST_PIXELS = 89_478_485
"""Pillow's own bound against decompression bombs: a quarter of a GiB as RGB."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
_HEIF = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypheis", b"ftypmif1", b"ftypmsf1")
_DESCRIPTION, _XP_TITLE, _XP_SUBJECT = 0x010E, 0x9C9B, 0x9C9F
"""EXIF tags; the XP ones are UTF-16."""
_BY_MACHINE = ("digital camera", "created with", "sony dsc", "dcim", "screenshot", "untitled")
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    image: Image
    title: str
    """As stored in the file; empty where it is not."""
    caption: str
    words: str = ""
    """Those of a drawing, as they are written in it."""
    frames: int = 1
    """Of an animation, or pages of a scan."""
    outside: int = 0
    """Pictures of a drawing that are other files, and not drawn."""


def load_file(path: Path, source: str, *, frame: int = 0) -> Loaded:
    """The picture in a file, or of the data of one that has another name; see `load`."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UnreadableFile(source, f"the picture has {size >> 20} MiB; at most {MOST_BYTES >> 20} are read")
    return load(path.read_bytes(), path.name, source, frame=frame)


def load(data: bytes, name: str, source: str, *, frame: int = 0) -> Loaded:
    """Decode the picture once to be sure of it. An animated one becomes one frame, as PNG, and so does one of
    a format that browsers do not show.

    Raises `UnreadableFile` for one that is damaged, too large, or of another format than its name says.
    """
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    if len(data) > MOST_BYTES:
        raise UnreadableFile(source, f"the picture has {len(data) >> 20} MiB; at most {MOST_BYTES >> 20} are read")
    if drawings.is_drawing(data, name):
        drawn = drawings.draw(data, source)
        return Loaded(
            Image(drawn.png, "image/png", name), drawn.title, drawn.caption, drawn.words, outside=drawn.outside
        )
    formats = (*_FORMATS, *_open_heif(data, source))
    try:
        with Pillow.open(io.BytesIO(data), formats=formats) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:
                raise Pillow.DecompressionBombError(f"{width} × {height} pixels")
            # MPO, which Pillow makes of some JPEGs, has views of one moment and not frames
            frames = 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)
            animated = frames > 1
            opened.seek(frame)
            title, caption = _stored(opened)
            if not animated:
                opened.draft("RGB", (1024, 1024))  # a JPEG is decoded at a fraction of its size
            opened.load()
            if animated or not tell_media_type(data):
                data = _png(opened)
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise UnreadableFile(source, f"the picture is too large, scale it down: {error}") from error
    except UnidentifiedImageError as error:
        raise UnreadableFile(
            source, "not a PNG, JPEG, WebP, GIF, TIFF, BMP, AVIF or HEIC picture, whatever its name says"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError) as error:
        raise UnreadableFile(source, f"the picture is damaged or cut off ({error})") from error
    return Loaded(Image(data, tell_media_type(data) or "image/png", name), title, caption, frames=frames)


def _open_heif(data: bytes, source: str) -> tuple[str, ...]:
    """Has Pillow read the format of telephones, where the file is of it; its library's licence is not everybody's."""
    if data[4:12] not in _HEIF:
        return ()
    try:
        from pi_heif import register_heif_opener  # type: ignore[import-untyped]
    except ImportError as error:
        raise UnreadableFile(source, str(MissingExtra("pi-heif", "heic", "a HEIC picture"))) from error
    register_heif_opener()
    return ("HEIF",)


def _png(opened: Opened) -> bytes:
    buffer = io.BytesIO()
    opened.convert("RGBA").save(buffer, "PNG")
    return buffer.getvalue()


def _stored(opened: Opened) -> tuple[str, str]:
    """Title and caption from PNG text chunks, XMP and EXIF, in this order."""
    info = {str(key).lower(): value for key, value in opened.info.items()}
    exif = opened.getexif()
    xmp_title, xmp_caption = _xmp(info.get("xmp") or info.get("xml:com.adobe.xmp"))
    titles = (info.get("title"), xmp_title, _wide(exif.get(_XP_TITLE)))
    captions = (info.get("caption"), info.get("description"), xmp_caption, exif.get(_DESCRIPTION))
    title = next(filter(None, map(_by_a_person, titles)), "")
    caption = next(filter(None, map(_by_a_person, (*captions, _wide(exif.get(_XP_SUBJECT))))), "")
    return title, caption


def _by_a_person(value: object) -> str:
    words = write_cell(value) if isinstance(value, str) else ""
    return "" if any(mark in words.lower() for mark in _BY_MACHINE) and len(words) < 40 else words


def _wide(value: Any) -> str:
    return value.decode("utf-16-le", "ignore").strip("\0") if isinstance(value, bytes) else ""


def _xmp(packet: Any) -> tuple[str, str]:
    if not packet:
        return "", ""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = etree.fromstring(packet.encode() if isinstance(packet, str) else packet.strip(b"\0"), parser)
    if root is None:
        return "", ""
    title, caption = (
        " ".join(root.xpath(f"(//dc:{name}//rdf:li)[1]//text()", namespaces=_NAMESPACES))
        for name in ("title", "description")
    )
    return title, caption
