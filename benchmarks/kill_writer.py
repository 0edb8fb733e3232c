"""Kills a writer at random moments, on each engine, and counts what is lost, doubled or stale after the next run.

    python -m benchmarks.kill_writer [--kills 50] [--seed 1] [folder postgres s3 milvus …]

Each turn changes some files, starts `r1router index`, kills it with SIGKILL, and runs it again to its end. Meanwhile
another process searches without a pause; a search that raises, or finds nothing, is one that failed. "postgres", "s3"
and "milvus" (Lite) start a server of their own (needs the packages of the extra `dev`); any other word is taken as a
location. Interrupted, it tells what it has counted.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

from benchmarks.robust.commands import run_command, run_forked
from benchmarks.robust.words import Words

FILES, PARTS, CHANGED = 12, 6, 5
SERVERS = {
    "postgres": ("postgres_server", "start_server"),
    "s3": ("s3_server", "start_s3"),
    "milvus": ("milvus_server", "start_milvus"),
}
"""Engines that are started here, each with the module and function that the tests start it by."""
INDEX = ("--no-ocr", "--embedder", "benchmarks.robust.words:Words")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=["folder", "postgres"])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    wrong = 0
    for engine in given.engines:
        with tempfile.TemporaryDirectory() as folder, open_place(engine, Path(folder)) as location:
            wrong += measure(engine, location, Path(folder), given.kills, random.Random(given.seed))
    return 1 if wrong else 0


@contextmanager
def open_place(engine: str, folder: Path) -> Iterator[str]:
    """The location of an empty place for knowledge bases."""
    if engine not in SERVERS:
        yield str(folder / "kbs") if engine == "folder" else engine
        return
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=run_server, args=(engine, there))
    server.start()
    there.close()  # so that what ends the server is heard here
    location, environment = here.recv()
    os.environ.update(environment)
    try:
        yield location
    finally:
        here.close()
        server.join()


def run_server(engine: str, told: Connection) -> None:
    """In a process of its own, whose threads no fork takes along: tells location and environment, waits for the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the one that counts
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    module, start = SERVERS[engine]
    before = dict(os.environ)
    with getattr(importlib.import_module(module), start)() as location, suppress(EOFError):
        told.send((location, {name: value for name, value in os.environ.items() if before.get(name) != value}))
        told.recv()


def measure(engine: str, location: str, folder: Path, kills: int, rng: random.Random) -> int:
    """Prints a line; how much went wrong."""
    docs = folder / "docs"
    docs.mkdir()
    years = dict.fromkeys(range(FILES), 0)
    for number in years:
        write(docs, number, 0)
    index = ("index", str(docs), "--kbs", location, *INDEX)
    began = time.monotonic()
    ended = run_command(*index)
    assert ended.code == 0, ended.said
    longest = time.monotonic() - began
    context = multiprocessing.get_context("spawn")
    done, searches, failed = context.Event(), context.Value("q", 0), context.Value("q", 0)
    reader = context.Process(target=search, args=(location, done, searches, failed))
    reader.start()
    turns, hit, faults = 0, 0, {"lost": 0, "doubled": 0, "stale": 0}
    try:
        while turns < kills:
            for number in rng.sample(range(FILES), CHANGED):
                years[number] += 1
                write(docs, number, years[number])
            was_hit = run_command(*index, kill_after=rng.uniform(0, longest)).code < 0
            again = run_command(*index)
            assert again.code == 0, again.said
            found = count_faults(location, folder / "found", years)
            faults = {kind: faults[kind] + found[kind] for kind in faults}
            hit, turns = hit + was_hit, turns + 1
    except KeyboardInterrupt:
        pass  # the turn that was interrupted is not counted
    finally:
        done.set()
        reader.join()
    records = ", ".join(f"{number} {kind}" for kind, number in faults.items())
    print(
        f"{engine}: {turns} kills between 0 and {longest:.1f} s, {hit} hit a run at work; records: {records}; "
        f"{searches.value} searches beside them, {failed.value} failed",
        flush=True,
    )
    return sum(faults.values()) + failed.value + (reader.exitcode or 0)


def write(docs: Path, number: int, year: int) -> None:
    said = "\n\n".join(f"## Part {n}\nTown {number} has {n} towers, as of year {year}." for n in range(PARTS))
    (docs / f"{number}.md").write_text(f"# Town {number}\n{said}\n")


def search(location: str, done: Event, searches: Synchronized[int], failed: Synchronized[int]) -> None:
    """In a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the one that counts
    from r1router.kb import open_kbs
    from r1router.types import Query

    kb = open_kbs(location, text_embedder=Words())["text"]
    while not done.is_set():
        searches.value += 1
        try:
            [ranking] = kb.search([Query("Town 7 has 3 towers")], k=5)
            failed.value += not ranking
        except Exception as error:
            failed.value += 1
            print(f"a search failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)


def count_faults(location: str, found: Path, years: dict[int, int]) -> dict[str, int]:
    """Of all records; read in another process, since what a store starts must not be there at a fork."""

    def read() -> int:
        from r1router.kb.stores import open_catalog

        store = open_catalog(location).get_store("text")
        if findings := store.check(repair=False):
            raise AssertionError(findings)
        found.write_text("\0".join(row["text"] for row in store.read_entries({}, columns=["id", "text"])))
        return 0

    ended = run_forked(read)
    assert ended.code == 0, ended.said
    texts = [
        re.findall(r"Town (\d+) has (\d+) towers, as of year (\d+)", text) for text in found.read_text().split("\0")
    ]
    stored = [(int(town), int(part), int(year)) for [(town, part, year)] in texts]
    wanted = {(town, part) for town in years for part in range(PARTS)}
    return {
        "lost": len(wanted - {(town, part) for town, part, _ in stored}),
        "doubled": len(stored) - len({(town, part) for town, part, _ in stored}),
        "stale": sum(year != years[town] for town, _, year in stored),
    }


if __name__ == "__main__":
    sys.exit(main())
