"""Opens a file as decoded text: gzip and bzip2 undone, the encoding found, binary files refused."""

from __future__ import annotations

import bz2
import codecs
import functools
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from r1router.errors import UnreadableFile
from r1router.ingest.parts import encodings
from r1router.ingest.records import Problem
from r1router.ingest.sources import SourceFile

BLOCK = 1 << 20
MOST_WHOLE = 200_000_000
"""Bytes, unpacked, of a file that is read whole: what is made of it takes five times as much memory and more."""
MOST_UNPACKED, MOST_RATIO = 256_000_000, 100
"""Bytes that a compressed file may unpack to, or so many times its size where that is more."""
_BOMS = (  # UTF-32 first: its little-endian mark begins with the one of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPES = (
    *((sign, "iso2022_jp_ext") for sign in (b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b$(D")),
    (b"\x1b$)C", "iso2022_kr"),
)
"""Of mail and files from Japan and Korea."""
_LABEL = re.compile(rb"(?:encoding|coding|charset)\s{0,3}[=:]?\s{0,3}[\"']?([\w.:-]{2,40})", re.IGNORECASE)
"""What XML, scripts and style sheets say in their first lines."""
_SAMPLE = 1 << 16
_CONTROLS = re.compile(rb"[\x01-\x06\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has."""
_HIGH_WORD = re.compile(rb"[^\s,;|\"<>]*[\x80-\xff][^\s,;|\"<>]*")
"""With the ASCII bytes between: the second byte of a pair may be one."""


def open_bytes(path: Path) -> IO[bytes]:
    """The file's content as a stream, decompressed where the name ends in .gz or .bz2."""
    match path.suffix.lower():
        case ".gz":
            return cast(IO[bytes], gzip.open(path, "rb"))
        case ".bz2":
            return bz2.open(path, "rb")
        case _:
            return path.open("rb")


def check_size(path: Path, source: str) -> None:
    """Raises `UnreadableFile` for a file that is too large to be read whole."""
    if path.stat().st_size > MOST_WHOLE:
        raise _refuse_size(source)


def read_whole(path: Path, source: str) -> bytes:
    """The file's content, as `open_bytes` has it. Raises `UnreadableFile` where that is too much."""
    check_size(path, source)
    with open_bytes(path) as stream:
        data = stream.read(MOST_WHOLE + 1)
    if len(data) > MOST_WHOLE:
        raise _refuse_size(source)
    return data


def read_text(file: SourceFile) -> str:
    """The whole file as text. Raises `UnreadableFile`, also where that is too much."""
    check_size(file.path, file.source)
    with open_text(file) as stream:
        text = stream.read(MOST_WHOLE + 1)
    if len(text) > MOST_WHOLE:
        raise _refuse_size(file.source)
    return text


def _refuse_size(source: str) -> UnreadableFile:
    said = f"has more than {MOST_WHOLE // 10**6} MB, and files of its kind are read whole"
    return UnreadableFile(source, f"{said}; split it")


@dataclass(frozen=True, slots=True)
class Encoding:
    name: str
    errors: str = "strict"
    """The codec's error handler."""
    doubt: str = ""
    """What a person should know where the choice was not certain."""


@contextmanager
def open_text(file: SourceFile, *, newline: str | None = None) -> Iterator[IO[str]]:
    """The whole file as text, read once before to find its encoding. Raises `UnreadableFile`."""
    encoding = find_encoding(file)
    with (
        open_bytes(file.path) as stream,
        io.TextIOWrapper(stream, encoding.name, encoding.errors, newline) as text,
    ):
        yield text


def report_doubts(file: SourceFile) -> Iterator[Problem]:
    """What to report about the encoding that the file was read in."""
    if doubt := find_encoding(file).doubt:
        yield Problem(file.source, "its encoding", doubt, read=True)


def find_encoding(file: SourceFile) -> Encoding:
    """By a mark, else UTF-8 or UTF-16, else what languages suggest and every byte fits.

    UTF-8 with a few wrong bytes is read with those replaced. Raises `UnreadableFile` for a file that is empty,
    binary, cut off, or whose encoding cannot be told.
    """
    state = file.path.stat()
    return _find_encoding(file.path, file.source, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _find_encoding(path: Path, source: str, size: int, changed: int) -> Encoding:
    """Once for a file that does not change: to look inside and to read it ask for the same."""
    try:
        with open_bytes(path) as stream:
            head = stream.read(BLOCK)
        encoding = read_mark(head) or ("utf-8" if b"\0" not in head else _wide(head))
        if not encoding and not _CONTROLS.search(head):  # a log, of which a crash left a part unwritten
            fault, empty = _decode(path, "utf-8")
            if not fault and not empty:
                return Encoding("utf-8", doubt="holds NUL bytes, which were left out")
        if not encoding:
            raise UnreadableFile(source, "holds NUL bytes, so it is not text")
        if escaped := _read_escapes(head, encoding):
            encoding = escaped
        fault, empty = _decode(path, encoding)
        if empty:
            raise UnreadableFile(source, "the file is empty")
        if not fault:
            return Encoding(encoding)
        if encoding in ("utf-8", "utf-8-sig") and _is_utf8_mostly(path):
            return Encoding(encoding, "replace", f"bytes that are not UTF-8 were replaced, the first: {fault}")
        if encoding == "utf-8":
            stated = _LABEL.search(head[:1024])
            if stated and (label := encodings.find_codec(stated[1].decode())) and not _decode(path, label)[0]:
                return Encoding(label)
            for guess in encodings.guess(_words_with_high_bytes(path)):
                if not _decode(path, guess.name)[0]:
                    return Encoding(guess.name, doubt=guess.doubt)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(source, f"the compressed file is damaged or cut off ({error})") from error
    raise UnreadableFile(
        source, f"cannot be decoded as {encoding.upper()} ({fault}), nor is another encoding plain: save it as UTF-8"
    )


def _words_with_high_bytes(path: Path) -> bytes:
    """Up to 64 KiB of the words that tell one encoding from another, in order."""
    found: list[bytes] = []
    size = 0
    for block in _blocks(path):
        for word in _HIGH_WORD.findall(block):
            found.append(word)
            size += len(word) + 1
            if size > _SAMPLE:
                return b" ".join(found)
    return b" ".join(found)


def read_mark(head: bytes) -> str:
    """The encoding that a byte order mark names; or ""."""
    return next((encoding for mark, encoding in _BOMS if head.startswith(mark)), "")


def _read_escapes(head: bytes, encoding: str) -> str:
    """The encoding whose signs to change alphabets stand in what is otherwise ASCII; or ""."""
    return next((name for sign, name in _ESCAPES if sign in head and head.isascii()), "") if encoding == "utf-8" else ""


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: every second byte of ASCII text is then NUL."""
    half = len(head) // 2
    if head[1::2].count(0) > half * 0.4 and not head[0::2].count(0):
        return "utf-16-le"
    if head[0::2].count(0) > half * 0.4 and not head[1::2].count(0):
        return "utf-16-be"
    return ""


def _blocks(path: Path) -> Iterator[bytes]:
    """The content, and an empty block that says the end. Raises `UnreadableFile` where it unpacks to too much."""
    left = most = max(MOST_UNPACKED, MOST_RATIO * path.stat().st_size)
    with open_bytes(path) as stream:
        while block := stream.read(BLOCK):
            left -= len(block)
            if left < 0:
                said = f"unpacks to more than {most // 10**6:,} MB, very much for its size; unpack it first"
                raise UnreadableFile(path.name, said)
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
