"""Reads the control tokens of a GGUF file, because text that holds one must not reach the model as one.

Only as much of the header is read as they need, in a tenth of a second; gguf's own reader opens every tensor, too.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value by the format's number of its type."""
_STRING, _ARRAY, _INT32 = 8, 9, 5
_CONTROL = 3
"""The token type of `<|im_start|>` and the like, in llama.cpp's numbering."""
_MOST = 1 << 22
"""Items of an array; more is no vocabulary."""


def read_control_tokens(file: Path) -> list[str]:
    """As they stand in the vocabulary; none where the file has none or is not as the format says."""
    try:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read(data)
    except (OSError, ValueError, KeyError, struct.error, OverflowError):  # llama.cpp says what is wrong with the file
        return []


def _read(data: mmap.mmap) -> list[str]:
    magic, _, _, fields = struct.unpack_from("<4sIQQ", data)
    if magic != b"GGUF":
        return []
    at, places = 24, 0
    kinds: tuple[int, ...] = ()
    for _ in range(fields):
        length = int(struct.unpack_from("<Q", data, at)[0])
        key, at = data[at + 8 : at + 8 + length], at + 8 + length
        kind = int(struct.unpack_from("<I", data, at)[0])
        at += 4
        if kind == _ARRAY and key in (b"tokenizer.ggml.tokens", b"tokenizer.ggml.token_type"):
            inner, count = struct.unpack_from("<IQ", data, at)
            if count > _MOST:
                return []
            if inner == _STRING:
                places = at + 12
            elif inner == _INT32:
                kinds = struct.unpack_from(f"<{count}i", data, at + 12)
        at = _after(data, at, kind)
        if kinds and places:
            break
    return [text for text, kind in zip(_strings(data, places, len(kinds)), kinds, strict=True) if kind == _CONTROL]


def _after(data: mmap.mmap, at: int, kind: int) -> int:
    """Where the value of this type ends that begins at `at`."""
    if kind == _STRING:
        return at + 8 + int(struct.unpack_from("<Q", data, at)[0])
    if kind != _ARRAY:
        return at + _SIZES[kind]
    inner, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if inner in _SIZES:
        return at + int(count) * _SIZES[inner]
    for _ in range(count):
        at = _after(data, at, inner)
    return at


def _strings(data: mmap.mmap, at: int, count: int) -> list[str]:
    found = []
    for _ in range(count if at else 0):
        (length,) = struct.unpack_from("<Q", data, at)
        found.append(data[at + 8 : at + 8 + length].decode("utf-8", "replace"))
        at += 8 + length
    return found
