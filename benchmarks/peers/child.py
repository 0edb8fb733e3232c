"""Measures one peer in a process of its own, whenever it is told to, so that peers can take turns."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SECONDS = 20.0
"""After which a turn of searches ends, for peers that take long."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one turn took."""

    units: int
    """Steps, passages or searches."""
    cpu: float
    """Seconds, of all threads."""
    each: list[float]
    """Seconds by the clock, of each search; else of all."""
    found: list[list[str]]
    """Ids, of each search."""


class Peer:
    """A process that has opened one part of one peer."""

    def __init__(self, name: str, part: str, material: Path, scratch: Path) -> None:
        """`part`: "steps", "index" or "searches". Raises `RuntimeError` with what went wrong there."""
        self.name = name
        self._line, theirs = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(
            target=_serve, args=(theirs, name, part, material, scratch), daemon=True
        )
        self._process.start()
        theirs.close()
        self.offered, self.built = self._receive()
        """What can be asked of it, and what opening it took."""

    def take_turn(self, what: str, *args: Any) -> Taken:
        self._line.send((what, args))
        return self._receive()

    def close(self) -> None:
        self._line.close()
        self._process.join(10)
        self._process.kill()

    def _receive(self) -> Any:
        try:
            is_done, said = self._line.recv()
        except EOFError:
            raise RuntimeError(f"the process of {self.name} ended") from None
        if not is_done:
            raise RuntimeError(said)
        return said


def _serve(line: Connection, name: str, part: str, material: Path, scratch: Path) -> None:
    try:
        turns, built = _open(name, part, material, scratch)
        line.send((True, (list(turns), built)))
        while True:
            what, args = line.recv()
            line.send((True, turns[what](*args)))
    except EOFError:
        return
    except BaseException:
        line.send((False, traceback.format_exc(limit=-4)))


def _open(name: str, part: str, material: Path, scratch: Path) -> tuple[dict[str, Callable[..., Taken]], Taken | None]:
    from benchmarks.peers import parts  # not before its own process is there

    peer: Any = import_module(f"benchmarks.peers.{name}")
    folder = scratch / f"{name}-{part}"
    folder.mkdir()
    if part == "steps":
        answer = peer.open_steps()

        def step(questions: int, in_flight: int) -> Taken:
            return _time(lambda: answer([f"Question {n}?" for n in range(questions)], in_flight))

        step(4, 2)  # what is made once is made now
        return {"step": step}, None
    given = parts.load(material)
    if part == "index":
        from r1router.embedders import open_text_embedder

        encoder = open_text_embedder("minilm:")
        encoder.embed_texts(["warm"])
        rounds = iter(range(1_000_000))

        def index(passages: int) -> Taken:
            place = folder / str(next(rounds))
            place.mkdir()
            take_in = peer.open_index(encoder.embed_texts, place)
            return _time(lambda: take_in(given.passages[:passages]) or passages)

        index(32)
        return {"index": index}, None
    searches: dict[str, Any] = {}

    def build() -> int:
        searches.update(peer.open_searches(given.passages, given.vectors, folder))
        return len(given.passages)

    built = _time(build)

    def search(how: str, start: int, step: int) -> Taken:
        for asked in given.asked[-3:]:
            searches[how](asked)
        began, cpu, each, found = time.perf_counter(), time.process_time(), [], []
        for asked in given.asked[start::step]:
            at = time.perf_counter()
            found.append(searches[how](asked))
            each.append(time.perf_counter() - at)
            if time.perf_counter() - began > SECONDS:
                break
        return Taken(len(each), time.process_time() - cpu, each, found)

    return {how: lambda *args, how=how: search(how, *args) for how in searches}, built


def _time(work: Callable[[], int]) -> Taken:
    began, cpu = time.perf_counter(), time.process_time()
    units = work()
    return Taken(units, time.process_time() - cpu, [time.perf_counter() - began], [])
