"""A file on disk to decoded text: gzip and bzip2 undone, the encoding found, binary files refused."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from r1router.errors import UnreadableFile
from r1router.ingest.sources import SourceFile

log = logging.getLogger(__name__)

BLOCK = 1 << 20
_BOMS = (  # UTF-32 first: its little-endian mark begins with the one of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ASCII = bytes(range(128))
_MOST_HIGH_BYTES = 0.2
"""Western text has few accented letters; Cyrillic or Japanese in their old encodings is mostly high bytes."""


def open_bytes(path: Path) -> IO[bytes]:
    """The file's content as a stream, decompressed where the name ends in .gz or .bz2."""
    match path.suffix.lower():
        case ".gz":
            return cast(IO[bytes], gzip.open(path, "rb"))
        case ".bz2":
            return bz2.open(path, "rb")
        case _:
            return path.open("rb")


@contextmanager
def open_text(file: SourceFile, *, newline: str | None = None) -> Iterator[IO[str]]:
    """The whole file as text, read once before to find its encoding. Raises `UnreadableFile`."""
    encoding, errors = encoding_of(file)
    with open_bytes(file.path) as stream, io.TextIOWrapper(stream, encoding, errors, newline) as text:
        yield text


def encoding_of(file: SourceFile) -> tuple[str, str]:
    """Encoding and error handler: by a mark, else UTF-8, UTF-16 or Windows-1252, whichever fits every byte.

    UTF-8 with a few wrong bytes is read with those replaced, and a warning. Raises `UnreadableFile` for a
    file that is empty, binary, cut off, or in none of these.
    """
    try:
        with open_bytes(file.path) as stream:
            head = stream.read(BLOCK)
        encoding = _by_mark(head) or ("utf-8" if b"\0" not in head else _wide(head))
        if not encoding:
            raise UnreadableFile(file.source, "holds NUL bytes, so it is not text")
        fault, empty = _decode(file.path, encoding)
        if empty:
            raise UnreadableFile(file.source, "the file is empty")
        if not fault:
            return encoding, "strict"
        if encoding in ("utf-8", "utf-8-sig") and _is_utf8_mostly(file.path):
            log.warning("%s: bytes that are not UTF-8 are replaced, the first: %s", file.source, fault)
            return encoding, "replace"
        if encoding == "utf-8" and _is_western(file.path):
            log.info("%s is not UTF-8; read as Windows-1252", file.source)
            return "cp1252", "strict"
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(file.source, f"the compressed file is damaged or cut off ({error})") from error
    raise UnreadableFile(
        file.source,
        f"cannot be decoded as {encoding.upper()} ({fault}); "
        "UTF-8, UTF-16 and Windows-1252 were tried: save it as UTF-8",
    )


def _by_mark(head: bytes) -> str:
    return next((encoding for mark, encoding in _BOMS if head.startswith(mark)), "")


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: every second byte of ASCII text is then NUL."""
    half = len(head) // 2
    if head[1::2].count(0) > half * 0.4 and not head[0::2].count(0):
        return "utf-16-le"
    if head[0::2].count(0) > half * 0.4 and not head[1::2].count(0):
        return "utf-16-be"
    return ""


def _blocks(path: Path) -> Iterator[bytes]:
    """The content, and an empty block that says the end."""
    with open_bytes(path) as stream:
        while block := stream.read(BLOCK):
            yield block
    yield b""


def _decode(path: Path, encoding: str) -> tuple[str, bool]:
    """What is wrong where in the bytes (empty if nothing), and whether there is only white space."""
    decoder = codecs.getincrementaldecoder(encoding)()
    empty, position = True, 0
    for block in _blocks(path):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return f"byte 0x{error.object[error.start]:02x} near position {position + error.start}", False
        empty = empty and not text.strip()
        position += len(block)
    return "", empty


def _is_utf8_mostly(path: Path) -> bool:
    """Whether more letters are good UTF-8 than are not: no other encoding looks like that."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = bad = 0
    for block in _blocks(path):
        text = decoder.decode(block, final=not block)
        wrong = text.count("\ufffd")
        bad += wrong
        good += len(text) - wrong - len(text.encode("ascii", "ignore"))
    return good > bad


def _is_western(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("cp1252")()
    high = total = 0
    for block in _blocks(path):
        high += len(block.translate(None, _ASCII))
        total += len(block)
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            return False
    return high <= total * _MOST_HIGH_BYTES
