"""Reads picture files as `Image`."""

from __future__ import annotations

from pathlib import Path

from r1router.errors import InputError
from r1router.types import Image

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def tell_media_type(data: bytes) -> str | None:
    """The IANA type by the first bytes: png, jpeg, gif or webp; None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)


def load_image(path: str | Path) -> Image:
    """The picture in a file. Raises `InputError` where there is none, or it is not png, jpeg, webp or gif."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no picture at {path}")
    data = path.read_bytes()
    kind = tell_media_type(data)
    if kind is None:
        raise InputError(f"{path} is not a png, jpeg, webp or gif picture")
    return Image(data, kind, path.name)
