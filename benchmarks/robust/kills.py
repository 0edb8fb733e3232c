"""Kills commands that change knowledge bases at a random moment, and counts the records after the next run.

After a killed `index`, `index --prune` or `kb rm --source`, the same command is run to its end: no record may be lost,
doubled or stale, and the check finds nothing. After a killed `kb rm` the knowledge base is whole or gone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.robust.commands import read_entries, run_command
from benchmarks.robust.rows import Row, is_over, tell

FILES = 24
BOUND = 130.0
"""Seconds for all kinds of kill, shared by how many there are of each."""
INDEX = ("--no-ocr", "--embedder", "benchmarks.robust.words:Words")


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    docs, kbs = folder / "docs", folder / "kbs"
    docs.mkdir()
    state = {number: 0 for number in range(FILES)}
    for number in state:
        _write(docs, number, 0)
    index = ("index", str(docs), "--kbs", str(kbs), *INDEX)
    began = time.monotonic()
    assert run_command(*index).code == 0
    longest = time.monotonic() - began
    for what, times, turn in (
        ("index", 30, _kill_index),
        ("index --prune", 20, _kill_prune),
        ("kb rm --source", 15, _kill_remove_source),
        ("kb rm", 15, _kill_remove),
    ):
        count, survived, killed = max(2, round(times * share)), 0, 0
        faults = {"lost": 0, "doubled": 0, "stale": 0}
        tried, each = 0, time.monotonic() + (BOUND * times / 80)
        for _ in range(count):
            if time.monotonic() > each or is_over():
                break
            tried += 1
            ended = turn(docs, kbs, state, index, rng, longest)
            killed += ended < 0
            try:
                found = _count_faults(kbs / "text", state)
            except AssertionError as error:
                tell(f"kill of {what}", error)
                continue
            survived += not any(found.values())
            faults = {kind: faults[kind] + number for kind, number in found.items()}
        records = ", ".join(f"{number} {kind}" for kind, number in faults.items())
        yield Row(f"kills of {what}", tried, survived, f"{killed} hit it at work; records: {records}")


def _write(docs: Path, number: int, version: int) -> None:
    said = "\n\n".join(f"## Part {n}\nTown {number} has {n} towers, as of year {version}." for n in range(6))
    (docs / f"{number}.md").write_text(f"# Town {number}\n{said}\n")


def _change(docs: Path, state: dict[int, int], rng: random.Random) -> None:
    for number in rng.sample(range(FILES), 6):
        state[number] = state.get(number, 0) + 1
        _write(docs, number, state[number])


def _kill_index(
    docs: Path, kbs: Path, state: dict[int, int], index: tuple[str, ...], rng: random.Random, longest: float
) -> int:
    _change(docs, state, rng)
    ended = run_command(*index, kill_after=rng.uniform(0, longest))
    assert run_command(*index).code == 0
    return ended.code


def _kill_prune(
    docs: Path, kbs: Path, state: dict[int, int], index: tuple[str, ...], rng: random.Random, longest: float
) -> int:
    for number in rng.sample(sorted(state), 3):
        (docs / f"{number}.md").unlink()
        del state[number]
    ended = run_command(*index, "--prune", kill_after=rng.uniform(0, longest))
    assert run_command(*index, "--prune").code == 0
    if len(state) < FILES // 2:
        _change(docs, state, rng)
        assert run_command(*index).code == 0
    return ended.code


def _kill_remove_source(
    docs: Path, kbs: Path, state: dict[int, int], index: tuple[str, ...], rng: random.Random, longest: float
) -> int:
    number = rng.choice(sorted(state))
    remove = ("kb", "rm", "text", "--source", f"docs/{number}.md", "--kbs", str(kbs), "--yes")
    ended = run_command(*remove, kill_after=rng.uniform(0, longest / 2))
    again = run_command(*remove)
    assert again.code in (0, 1), again.said  # 1: it has nothing of it any more
    (docs / f"{number}.md").unlink()
    del state[number]
    if len(state) < FILES // 2:
        _change(docs, state, rng)
        assert run_command(*index).code == 0
    return ended.code


def _kill_remove(
    docs: Path, kbs: Path, state: dict[int, int], index: tuple[str, ...], rng: random.Random, longest: float
) -> int:
    ended = run_command("kb", "rm", "text", "--kbs", str(kbs), "--yes", kill_after=rng.uniform(0, longest / 3))
    if (kbs / "text").exists():
        _count_faults(kbs / "text", state)  # raises unless it is whole
    assert run_command(*index).code == 0
    left = list(kbs.glob(".removed-*"))
    assert not left, left
    return ended.code


def _count_faults(kb: Path, state: dict[int, int]) -> dict[str, int]:
    """Records that are lost, doubled or stale; of a source that is gone, every one is stale."""
    entries = read_entries(kb)
    lost = doubled = stale = 0
    for number, version in state.items():
        rows = entries.pop(f"docs/{number}.md", [])
        ids = {id_ for id_, _ in rows}
        doubled += len(rows) - len(ids)
        fresh = sum(f"as of year {version}." in text for _, text in rows)
        stale += len(rows) - fresh
        said = "\n".join(text for _, text in rows)
        lost += sum(f"has {n} towers" not in said for n in range(6))
    stale += sum(len(rows) for rows in entries.values())
    return {"lost": lost, "doubled": doubled, "stale": stale}
