"""What a folder with many entries costs in memory, time and bytes, and what its index misses; beside faiss.

    python benchmarks/million.py --texts passages.jsonl.gz --base KBS/text --entries 1000000 --out DIR --peers
    pip install faiss-cpu                 # for `--peers`

Vectors are those of `--base` (a knowledge base of 384 numbers), the first ones as they are, then again with noise of
half their length; texts are those of `--texts`, with a number. Writing and searching are processes of their own, so
that each tells its own peak of memory. Interrupted, the same command goes on where it was; its peak of memory is then
that of what was left. faiss's HNSW takes up to `--hnsw` of the vectors, since it takes long to build.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from r1router.kb.entry import Entry
from r1router.kb.manifest import Manifest
from r1router.kb.stored import StoredKnowledgeBase
from r1router.kb.stores import open_catalog
from r1router.kb.stores.folder.table import open_table
from r1router.kb.stores.store import Store, Taken
from r1router.kb.writer import open_writer
from r1router.types import Query

BATCH = 512
STEP = 100_000
"""Entries after which the peak of memory is told in any case."""
NOISE = 0.5
"""Length of what is added to a vector of length 1."""
QUERIES = 100
Vectors = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True, help="JSON lines with a title and a text")
    parser.add_argument("--base", type=Path, required=True, help="folder of a knowledge base with real vectors")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--out", required=True, help="folder or location of the knowledge base to make")
    parser.add_argument("--peers", action="store_true", help="faiss too")
    parser.add_argument("--hnsw", type=int, default=200_000, help="entries of faiss's HNSW at most; 0 for none")
    parser.add_argument("--part", choices=("write", "search", "peers"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part is None:
        for part in ("write", "search", *(["peers"] if given.peers else [])):
            subprocess.run([sys.executable, "-u", *sys.argv, "--part", part], check=True)
        return
    store = open_catalog(given.out).get_store("text")
    if given.part == "write":
        write(store, given.base, read_texts(given.texts), given.entries)
        print(f"stored: {store.measure() / 1e6:,.0f} MB; {store.inspect()}")
    elif given.part == "search":
        search(store, given.base, read_texts(given.texts), given.entries)
    else:
        compare("faiss flat", given.base, given.entries)
        if given.hnsw:
            compare("faiss HNSW", given.base, min(given.hnsw, given.entries))


def read_texts(path: Path) -> list[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        return [(row["title"], row["text"]) for row in map(json.loads, lines)]


def load_base(folder: Path) -> Vectors:
    table = open_table(folder)
    assert table is not None, f"{folder} has no vectors"
    columns = (batch.column("vector").drop_null() for batch in table.search().select(["vector"]).to_batches())
    found = np.empty((table.count_rows(), table.schema.field("vector").type.list_size), np.float32)
    end = 0
    for column in columns:
        start, end = end, end + len(column)
        found[start:end] = column.flatten().to_numpy().reshape(len(column), -1)
    return found[:end]


def make_vectors(base: Vectors, start: int, end: int) -> Vectors:
    numbers = np.arange(start, end)
    made = base[numbers % len(base)].copy()
    again = numbers >= len(base)
    chance = np.random.default_rng(start)
    made[again] += chance.normal(0, NOISE / base.shape[1] ** 0.5, (again.sum(), base.shape[1]))
    return normalise(made)


def make_queries(base: Vectors) -> tuple[NDArray[np.int64], Vectors]:
    """As far from the nearest entry as questions are from passages, about; and which texts they belong to."""
    chance = np.random.default_rng(7)
    chosen = chance.integers(0, len(base), QUERIES)
    return chosen, normalise(base[chosen] + chance.normal(0, 0.7 / base.shape[1] ** 0.5, (QUERIES, base.shape[1])))


def normalise(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class Given:
    """Embeds a query as what was made for it."""

    spec = "given:"

    def __init__(self, vectors: dict[str, Vectors], dim: int) -> None:
        self.vectors, self.dim = vectors, dim

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        return np.stack([self.vectors[text] for text in texts])


def write(store: Store, folder: Path, texts: list[tuple[str, str]], entries: int) -> None:
    whole = Taken("made", "made", "all", entries, ("text",))
    if store.exists() and store.ledger.read().get("made") == whole:
        print(f"written before: {entries:,} entries")
        return
    base = load_base(folder)
    reset_peak()  # which loading them raised
    held = peak()
    started, cpu, told = time.perf_counter(), time.process_time(), 0.0
    with open_writer(store, Manifest("text", "text", Given.spec)) as writer:
        writer.held.begin()
        writer.ledger.put([Taken("made", "made", "", 0, ())])
        there = writer.held.count("made")
        for start in range(there - there % BATCH, entries, BATCH):
            end = min(entries, start + BATCH)
            made = []
            for number in range(start, end):
                title, text = texts[number % len(texts)]
                about = writer.about.put({"title": title})
                id_ = f"p{number}"
                key, _ = writer.held.claim(id_, "made")
                writer.held.meet("made", f"{key}#0")
                said = f"{title}\n{text} {number}"
                made.append(Entry(f"{key}#0", id_, "made", said, f"{number:032x}", title=title, about=about))
            writer.put(made, make_vectors(base, start, end), None)
            if time.perf_counter() - told > 30 or end % STEP < BATCH:
                told = time.perf_counter()
                spent = time.process_time() - cpu
                print(f"  {end:,} entries, {told - started:.0f} s ({spent:.0f} CPU-s), {peak():,.0f} MB")
        written = time.perf_counter() - started, time.process_time() - cpu
        writer.finish()
        writer.ledger.put([whole])
    wall, spent = time.perf_counter() - started, time.process_time() - cpu
    print(
        f"written: {entries - there:,} entries after {there:,} in {wall:.0f} s ({spent:.0f} CPU-s), "
        f"of which the end {wall - written[0]:.0f} s ({spent - written[1]:.0f} CPU-s); "
        f"peak memory {peak():,.0f} MB, {held:,.0f} of it before the first entry"
    )


def search(store: Store, folder: Path, texts: list[tuple[str, str]], entries: int) -> None:
    base = load_base(folder)
    chosen, vectors = make_queries(base)
    best = find_nearest(base, vectors, entries)
    asked = [" ".join(texts[n % len(texts)][1].split()[3:12]) for n in chosen]
    del base, texts
    held = peak(now=True)
    reset_peak()
    kb = StoredKnowledgeBase(store, text_embedder=Given(dict(zip(asked, vectors, strict=True)), vectors.shape[1]))
    kb.search([], k=5)
    measure("first search", [lambda: kb.search([Query(asked[0])], k=5)])
    queries = [Query(text) for text in dict.fromkeys(asked)]
    for query in queries:
        kb.search([query], k=5)
    fused = measure("fused", [lambda q=q: kb.search([q], k=5) for q in queries])
    measure("vectors", [lambda q=q: kb.search([q], k=5, mode="vector") for q in queries])
    words = measure("words", [lambda q=q: kb.search([q], k=5, mode="text") for q in queries])
    print(f"a fused search takes {fused / words:.2f} times as long as one by words alone (p50)")
    depth = 50  # as a search asks for
    found = kb.store.use(lambda snapshot: near(snapshot, vectors, depth), empty=[])
    hits = [sum(score >= worst - 1e-5 for score in scores[:10]) / 10 for scores, worst in zip(found, best, strict=True)]
    print(f"recall@10 of the vectors: {np.mean(hits):.4f}")
    print(
        f"memory: now {peak(now=True):,.0f} MB, at most {peak():,.0f}, {held:,.0f} before the first search", flush=True
    )


def near(snapshot: Any, vectors: Vectors, depth: int) -> list[list[float]]:
    ranked = snapshot.find_nearest("vector", vectors, depth)
    return [snapshot.compare("vector", v, rows[:10]) for v, rows in zip(vectors, ranked, strict=True)]


def find_nearest(base: Vectors, queries: Vectors, entries: int) -> list[float]:
    """The tenth highest dot product for each query."""
    best = np.full((len(queries), 10), -1.0, np.float32)
    for vectors in iterate(base, entries):
        best = np.partition(np.hstack([best, queries @ vectors.T]), -10, axis=1)[:, -10:]
    return [float(worst) for worst in best.min(axis=1)]


def iterate(base: Vectors, entries: int) -> Iterator[Vectors]:
    for start in range(0, entries, BATCH):
        yield make_vectors(base, start, min(entries, start + BATCH))


def compare(name: str, folder: Path, entries: int) -> None:
    """faiss with the same vectors; `name` says which index."""
    import faiss

    faiss.omp_set_num_threads(1)
    base = load_base(folder)
    _, queries = make_queries(base)
    best = find_nearest(base, queries, entries)
    is_flat = name == "faiss flat"
    before, started, cpu = peak(now=True), time.perf_counter(), time.process_time()
    index: Any = faiss.IndexFlatIP(base.shape[1])
    if not is_flat:
        index = faiss.IndexHNSWFlat(base.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efSearch = 100
    for vectors in iterate(base, entries):
        index.add(vectors)
    spent = time.process_time() - cpu
    print(f"{name}: built of {entries:,} in {time.perf_counter() - started:.0f} s ({spent:.0f} CPU-s)")
    measure(name, [lambda q=q: index.search(q[np.newaxis], 50) for q in queries])
    scores, _ = index.search(queries, 50)
    hits = [(row[:10] >= worst - 1e-5).sum() / 10 for row, worst in zip(scores, best, strict=True)]
    print(f"{name}: recall@10 {np.mean(hits):.4f}, {peak(now=True) - before:,.0f} MB")


def measure(name: str, calls: list[Callable[[], Any]]) -> float:
    """The median in milliseconds."""
    taken, cpu = [], time.process_time()
    for call in calls:
        started = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - started))
    spent = 1000 * (time.process_time() - cpu) / len(calls)
    print(
        f"{name}: p50 {np.percentile(taken, 50):.1f} ms, p95 {np.percentile(taken, 95):.1f} ms, {spent:.1f} CPU-ms",
        flush=True,
    )
    return float(np.percentile(taken, 50))


def peak(*, now: bool = False) -> float:
    """Megabytes of this process, at most so far or now."""
    if now:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6
    if (status := Path("/proc/self/status")).exists():
        return next(int(line.split()[1]) / 1e3 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def reset_peak() -> None:
    """From now on, where that is Linux."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
