"""Reads damaged files of every reader, because nobody knows beforehand what a damaged byte leads a parser to.

Each must be read, or be reported in one line; a sound file after it must give what it always gave; and no process may
take more than 1 GB, or 30 seconds for a file. The formats are those of the registry.
"""

from __future__ import annotations

import io
import random
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.robust.rows import Row, is_clear, is_over, tell
from benchmarks.robust.samples import list_samples

from r1router.errors import UnreadableFile
from r1router.ingest.isolate import ReadingProcess, open_reading_process
from r1router.ingest.sources import SourceFile

FILES = 60
"""Damaged files of each reader; as many as five times are uploaded to a server by `uploads`."""
SECONDS = 5.0
"""For the files of one reader."""
EVERY = 25
"""After so many, the sound file is read again."""
_PUT_IN = (b"<" * 5000, b'"', b"\0" * 99, b"[" * 9000, b"{" * 9000, b"\xff\xfe", b" " * 60_000, b"<!--", b"%" * 200)


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    by_reader: dict[str, dict[str, bytes]] = {}
    for name, (reader, data) in list_samples().items():
        by_reader.setdefault(reader, {})[name] = data
    for reader, samples in by_reader.items():
        yield _try_reader(reader, samples, max(3, round(FILES * share)), rng, folder)


def damage(data: bytes, rng: random.Random) -> bytes:
    """Bytes changed, cut out, doubled or put in; of an archive, in one of its parts as often as in itself."""
    if zipfile.is_zipfile(io.BytesIO(data)) and rng.random() < 0.6:
        return _damage_part(data, rng)
    spoilt = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(spoilt) + 1)
        match rng.randrange(5):
            case 0:
                spoilt[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del spoilt[at : at + rng.randint(1, 30)]
            case 2:
                spoilt[at:at] = spoilt[at : at + 40] * rng.randint(1, 200)
            case 3:
                del spoilt[at:]
            case _:
                spoilt[at:at] = rng.choice(_PUT_IN)
    return bytes(spoilt) or b"\n"


def _damage_part(data: bytes, rng: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(parts))
    parts[name] = damage(parts[name], rng)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return packed.getvalue()


def _try_reader(reader: str, samples: dict[str, bytes], count: int, rng: random.Random, folder: Path) -> Row:
    survived, slowest, fattest, reported = 0, 0.0, 0, 0
    with open_reading_process() as process:
        sound = {name: _outline(process, folder / name, data) for name, data in samples.items()}
        unsound = [name.partition(".")[2] for name, outline in sound.items() if outline is None]
        tried, until = 0, time.monotonic() + SECONDS
        for number in range(count):
            if time.monotonic() > until or is_over():
                break
            tried += 1
            name = rng.choice(sorted(samples))
            data = damage(samples[name], rng)
            began = time.monotonic()
            try:
                outline = _outline(process, folder / name, data)
                fattest = max(fattest, peak_of(process))
                slowest = max(slowest, time.monotonic() - began)
                reported += outline is None
                survived += 1
                if number % EVERY == 0 and _outline(process, folder / name, samples[name]) != sound[name]:
                    raise AssertionError("the sound file after it is read otherwise")
            except Exception as error:
                kept = Path(f"/tmp/lost-{number}-{name}")
                kept.write_bytes(data)
                tell(str(kept), f"{type(error).__name__}: {error}")
    note = f"{reported} reported, slowest {slowest:.1f} s, at most {fattest >> 20} MiB"
    note += f", no sound sample of {' '.join(unsound)}" if unsound else ""
    return Row(f"damaged files of {reader} ({len(samples)} kinds of name)", tried, survived, note)


def _outline(process: ReadingProcess, path: Path, data: bytes) -> list[str] | None:
    """The kinds of record that a file gives; None where it is reported in words. Raises for words that say nothing."""
    path.write_bytes(data)
    try:
        kinds, _ = process.look(path, None)
        file = SourceFile(path, path.name, kinds)
        return [type(item).__name__ for item in process.read(file, as_=None, ocr=False)]
    except UnreadableFile as error:
        if not is_clear(error.reason):
            raise AssertionError(f"unclear: {error.reason!r}") from error
        return None


def peak_of(process: ReadingProcess) -> int:
    """Bytes that the process had in memory at most; 0 where it has ended, or there is no /proc."""
    try:
        assert process._child is not None
        status = Path(f"/proc/{process._child.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) << 10
    except (OSError, AssertionError, IndexError):
        return 0
