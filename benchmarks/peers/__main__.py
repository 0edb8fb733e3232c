"""Compares r1router with what people would use instead, part by part, in one run; prints ratios.

    python -m benchmarks.peers --kb KBS/text --questions BENCH/questions/geo.dev.jsonl

makes an environment of its own for them (`--env`, with the versions of `requirements.txt`), and goes on in it. KB is a
knowledge base of r1router, whose passages and vectors all peers get; QUESTIONS are JSON lines with gold steps, whose
sub-questions about `text` are asked. One peer is one file of this folder; `parts.py` says what it offers.

Told are milliseconds of CPU (of all threads), the median by the clock, and recall@5 of the gold evidence. Peers take
turns, so that a busy machine troubles them alike. A ratio above 1 says that the peer takes more CPU than r1router.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.peers.child import Peer, Taken
    from benchmarks.peers.parts import Material

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OURS = "r1router"
PEERS = {
    "steps": (OURS, "r1router_default", "plain", "langgraph_bare", "langgraph", "llama_index", "haystack"),
    "index": (OURS, "plain", "chroma", "lancedb", "llama_index", "haystack"),
    "searches": (OURS, "plain", "faiss", "faiss_flat", "bm25s", "chroma", "lancedb", "llama_index", "haystack"),
}
SET_FOR_US = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
"""Variables that would choose other kernels or threads than a user has."""
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--env", type=Path, default=ROOT / ".venv-peers")
    parser.add_argument("--parts", nargs="*", choices=PEERS, default=[*PEERS])
    parser.add_argument("--peers", nargs="*", help="only these, and r1router")
    parser.add_argument("--passages", type=int, default=50_000)
    parser.add_argument("--searches", type=int, default=99)
    parser.add_argument("--embedded", type=int, default=500, help="passages that are embedded to measure indexing")
    given = parser.parse_args()
    python = given.env / "bin" / "python"
    if Path(sys.prefix).resolve() != given.env.resolve():  # not in it yet
        if install(given.env):
            environment = {name: value for name, value in os.environ.items() if name not in SET_FOR_US}
            os.execve(python, [str(python), "-m", "benchmarks.peers", *sys.argv[1:]], environment)
        raise SystemExit("r1router itself could not be installed")
    with tempfile.TemporaryDirectory() as scratch:
        material = Path(scratch, "material")
        material.mkdir()
        gather(given.kb, given.questions, given.passages, given.searches).save(material)
        for part in given.parts:
            names = [name for name in PEERS[part] if not given.peers or name in (OURS, *given.peers)]
            place = Path(scratch, part)
            place.mkdir()
            with ExitStack() as stack:
                peers = [stack.enter_context(closing(peer)) for peer in open_peers(names, part, material, place)]
                measure = {"steps": measure_steps, "index": measure_index, "searches": measure_searches}[part]
                measure(peers, material, given.embedded)


def install(env: Path) -> bool:
    """Installs r1router, then each peer by itself, so that one that cannot be had keeps no other away."""
    wanted, done_before = (HERE / "requirements.txt").read_text(encoding="utf-8"), env / "installed.txt"
    if done_before.exists() and done_before.read_text(encoding="utf-8") == wanted:
        return True
    if not (env / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(env)], check=True)
    pip = [str(env / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--editable", str(ROOT)]).returncode:
        return False
    if subprocess.run([*pip, *wanted.split()], capture_output=True).returncode:
        for one in wanted.split():
            done = subprocess.run([*pip, one], capture_output=True, text=True)
            if done.returncode:
                print(f"not installed: {one}: {done.stderr.strip().splitlines()[-1]}")
    done_before.write_text(wanted, encoding="utf-8")
    return True


def gather(kb: Path, questions: Path, passages: int, searches: int) -> Material:
    """Sub-questions, and passages of a knowledge base with their vectors, those with the evidence among them."""
    from benchmarks.peers.parts import Asked, Material, Passage

    from r1router.embedders import open_text_embedder
    from r1router.kb.stores.folder.table import open_table

    gold: dict[str, frozenset[str]] = {}
    for line in questions.read_text(encoding="utf-8").splitlines():
        for step in json.loads(line)["gold"]["steps"]:
            if step["kb"] == "text":
                gold[step["sub_question"]] = frozenset(step["evidence_ids"])
    texts = list(gold)[:searches]
    wanted = {record for text in texts for record in gold[text]}
    table = open_table(kb)
    assert table is not None, f"{kb} has no entries"
    rows = table.search().select(["id", "record", "text", "vector"]).to_arrow()
    every = [Passage(*row) for row in zip(*(rows[name].to_pylist() for name in ("id", "record", "text")), strict=True)]
    kept = sorted(sorted(range(len(every)), key=lambda n: every[n].record not in wanted)[:passages])
    vectors = rows["vector"].combine_chunks().flatten().to_numpy().reshape(len(every), -1)[kept]
    embedded = open_text_embedder("minilm:").embed_texts(texts, query=True)
    print(f"{len(kept):,} passages, {vectors.shape[1]} numbers each, {len(texts)} sub-questions", flush=True)
    asked = [Asked(text, vector, gold[text]) for text, vector in zip(texts, embedded, strict=True)]
    return Material([every[n] for n in kept], vectors, asked)


def open_peers(names: Iterable[str], part: str, material: Path, scratch: Path) -> Iterator[Peer]:
    from benchmarks.peers.child import Peer

    for name in names:
        try:
            yield Peer(name, part, material, scratch)
        except RuntimeError as error:
            print(f"{name} is left out: {str(error).strip().splitlines()[-1]}", flush=True)


@dataclass(frozen=True, slots=True)
class Row:
    """What one peer took for one thing, over all rounds."""

    name: str
    cpu: float
    """Milliseconds for each, the median of the rounds."""
    wall: float
    """Milliseconds: the median."""
    note: str = ""


def tell(title: str, rows: list[Row], unit: str) -> None:
    ours = next((row.cpu for row in rows if row.name == OURS), None)
    print(f"\n{title}\n| | CPU-ms {unit} | ratio | p50 ms | |\n|---|---|---|---|---|")
    for row in rows:
        ratio = f"{row.cpu / ours:.2f}" if ours else ""
        print(f"| {row.name} | {row.cpu:.2f} | {ratio} | {row.wall:.2f} | {row.note} |")
    sys.stdout.flush()


def sum_up(name: str, turns: list[Taken], note: str = "") -> Row:
    cpu = statistics.median(1000 * turn.cpu / turn.units for turn in turns)
    each = [1000 * seconds / (1 if turn.found else turn.units) for turn in turns for seconds in turn.each]
    return Row(name, cpu, statistics.median(each), note)


def take_turns(peers: Iterable[Peer], take: Callable[[Peer, int], Taken]) -> dict[str, list[Taken]]:
    """What each took in each round; all take one before any takes the next."""
    turns: dict[str, list[Taken]] = {peer.name: [] for peer in peers}
    for round_ in range(ROUNDS):
        for peer in peers:
            turns[peer.name].append(take(peer, round_))
    return turns


def measure_steps(peers: list[Peer], material: Path, embedded: int) -> None:
    for in_flight in (1, 16):
        turns = take_turns(peers, lambda peer, _, n=in_flight: peer.take_turn("step", 64, n))
        rows = [sum_up(name, each) for name, each in turns.items()]
        tell(f"A loop of three steps, {in_flight} in flight: a plan, a search, a reading, no model", rows, "a step")


def measure_index(peers: list[Peer], material: Path, embedded: int) -> None:
    turns = take_turns(peers, lambda peer, _: peer.take_turn("index", embedded))
    rows = [sum_up(name, each) for name, each in turns.items()]
    tell(f"Indexing {embedded} passages, embedded by the same encoder, which alone is `plain`", rows, "a passage")


def measure_searches(peers: list[Peer], material: Path, embedded: int) -> None:
    from benchmarks.peers.parts import load

    given = load(material)
    record_of = {passage.id: passage.record for passage in given.passages}
    built = [sum_up(peer.name, [peer.built]) for peer in peers]
    tell(f"Taking in {len(given.passages):,} passages with their vectors", built, "a passage")
    for how in ("vectors", "words", "fused"):
        able = [peer for peer in peers if how in peer.offered]
        turns = take_turns(able, lambda peer, round_, how=how: peer.take_turn(how, round_, ROUNDS))
        rows = []
        for name, each in turns.items():
            hits = [
                bool({record_of[id] for id in ids} & asked.gold)
                for round_, turn in enumerate(each)
                for ids, asked in zip(turn.found, given.asked[round_::ROUNDS], strict=False)
            ]
            rows.append(sum_up(name, each, f"recall@5 {statistics.mean(hits):.3f} of {len(hits)}"))
        tell(f"Searching by {how}, the query embedded before", rows, "a search")


if __name__ == "__main__":
    main()
