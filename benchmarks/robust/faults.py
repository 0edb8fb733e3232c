"""Takes the disk away in the middle of commands, and damages what they left, because disks do both.

    full        a small file system (where one may be mounted) of many sizes, else files that may not grow
    read-only   a file system that may not be written
    damaged     bytes changed, cut off or gone in any file of a knowledge base

Every command must end done, or with a line or two and exit code 1; after `kb check --repair` and another `index`, every
record must be there. The other knowledge base beside a damaged one must go on answering.
"""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.robust.commands import read_entries, run_command
from benchmarks.robust.files import damage
from benchmarks.robust.kills import INDEX
from benchmarks.robust.rows import Row, is_over, tell

SIZES = (4, 16, 40, 64, 90, 120, 160, 200, 260, 320, 400, 520, 700, 900, 1200)
"""KiB of room that the disk has left."""
FILLING = 70.0
"""Seconds for all sizes."""
DAMAGES = 24


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    docs = folder / "docs"
    docs.mkdir()
    for number in range(12):
        said = "\n\n".join(f"## Part {n}\nTown {number} has {n} towers." for n in range(8))
        (docs / f"{number}.md").write_text(f"# Town {number}\n{said}\n")
    rows = "".join(f"Town {n},{n * 7919 % 10007}\n" for n in range(3000))
    (docs / "towers.csv").write_text(f"town,height\n{rows}")
    sizes = rng.sample(SIZES, max(2, round(len(SIZES) * share)))
    yield _fill(docs, folder, sizes)
    yield _forbid(docs, folder)
    yield _damage(docs, folder, max(4, round(DAMAGES * share)), rng)


def _fill(docs: Path, folder: Path, sizes: list[int]) -> Row:
    survived, how = 0, "a small file system"
    tried, until = 0, time.monotonic() + FILLING
    for size in sizes:
        if time.monotonic() > until or is_over():
            break
        tried += 1
        place = folder / f"disk{size}"
        place.mkdir()
        index = ("index", str(docs), "--kbs", str(place / "kbs"), *INDEX)
        with _small_disk(place, size) as disk:
            if disk:
                first = run_command(*index)
                subprocess.run(["mount", "-o", "remount,size=100m", place], check=True)
            else:
                how = "files that may not grow"
                first = run_command(*index, before=lambda most=size << 10: _limit_files(most))
            again = run_command(*index)
            if first.is_plain and again.code == 0 and _is_whole(place / "kbs"):
                survived += 1
            else:
                tell(f"disk of {size} KiB", f"{first} {again}")
    return Row(f"index onto a disk that fills up ({how})", tried, survived)


@contextmanager
def _small_disk(place: Path, kib: int) -> Iterator[bool]:
    """Whether there is one; it takes the rights of an administrator."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", place], capture_output=True)
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", place], check=True)


def _limit_files(most: int) -> None:
    import lancedb  # noqa: F401  # its threads write when they begin

    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _is_whole(kbs: Path) -> bool:
    try:
        text = "\n".join(text for rows in read_entries(kbs / "text").values() for _, text in rows)
        read_entries(kbs / "table")
        return all(f"Town {number} has {n} towers" in text for number in range(12) for n in range(8))
    except AssertionError as error:
        tell(str(kbs), error)
        return False


def _forbid(docs: Path, folder: Path) -> Row:
    """On a file system that is mounted to be read, where that can be; else in a folder without the right to write."""
    place, tried, survived = folder / "forbidden", 0, 0
    place.mkdir()
    kbs = place / "kbs"
    with _small_disk(place, 100 << 10) as disk:
        assert run_command("index", str(docs), "--kbs", str(kbs), *INDEX).code == 0
        (docs / "new.md").write_text("# New\nIt is new.\n")
        paths = [place, *place.rglob("*")]
        if disk:
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        else:
            for path in paths:
                path.chmod(0o555 if path.is_dir() else 0o444)
        for command in (
            ("index", str(docs), "--kbs", str(kbs), *INDEX),
            ("index", str(docs), "--kbs", str(place / "elsewhere"), *INDEX),
            ("kb", "rm", "text", "--yes", "--kbs", str(kbs)),
            ("kb", "rm", "text", "--source", "docs/0.md", "--yes", "--kbs", str(kbs)),
            ("kb", "list", "--kbs", str(kbs)),
            ("kb", "search", "text", "towers", "--kbs", str(kbs)),
            ("kb", "check", "--kbs", str(kbs)),
        ):
            tried += 1
            ended = run_command(*command)
            survived += ended.is_plain
            if not ended.is_plain:
                tell(" ".join(command), ended)
        for path in [] if disk else paths:
            path.chmod(0o755 if path.is_dir() else 0o644)
        (docs / "new.md").unlink()
    return Row("commands on a disk that may not be written", tried, survived)


def _damage(docs: Path, folder: Path, count: int, rng: random.Random) -> Row:
    sound, survived, mended = folder / "sound", 0, 0
    assert run_command("index", str(docs), "--kbs", str(sound), *INDEX).code == 0
    tried = 0
    for number in range(count):
        if is_over():
            break
        tried += 1
        kbs = folder / "damaged"
        shutil.copytree(sound, kbs)
        files = sorted(path for path in (kbs / "text").rglob("*") if path.is_file() and path.stat().st_size)
        path = rng.choice(files)
        path.write_bytes(damage(path.read_bytes(), rng)) if rng.random() < 0.8 else path.unlink()
        of = ("--kbs", str(kbs))
        ended = {
            "list": run_command("kb", "list", *of),
            "show": run_command("kb", "show", "text", *of),
            "search": run_command("kb", "search", "text", "towers", *of),
            "other": run_command("kb", "search", "table", "town", *of),
            "repair": run_command("kb", "check", "--repair", *of),
            "index": run_command("index", str(docs), *of, *INDEX),
        }
        faulty = [f"{name}: {end}" for name, end in ended.items() if not end.is_plain]
        if ended["other"].code:
            faulty.append("the other one was held up")
        mended += ended["index"].code == 0 and _is_whole(kbs)
        if faulty:
            tell(f"damage {number} to {path.relative_to(kbs)}", faulty)
        else:
            survived += 1
        shutil.rmtree(kbs)
    return Row("a damaged file of a knowledge base", tried, survived, f"{mended} whole after --repair and index")
