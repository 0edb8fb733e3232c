"""Many queries at once take no more than a few, end in time, and stop when nobody waits for them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from r1router.errors import QueryError
from r1router.table import TableBlock
from r1router.tables import workers
from r1router.tables.engine import MEMORY_MB, Tables, compute

NUMBERS = TableBlock("Numbers", header=("n",), rows=tuple((str(n),) for n in range(100)))
ENDLESS = "SELECT count(*) FROM " + ", ".join(f"t {letter}" for letter in "abcdefghij")


def test_of_sixteen_queries_two_run_at_once_and_all_end() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def ask(n: int) -> str:
        nonlocal running, most
        with workers.keep_in_bounds(lambda: None, seconds=60):
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.01)
            with lock:
                running -= 1
        return str(n)

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(ask, range(16))) == [str(n) for n in range(16)]
    assert most == workers.AT_ONCE


def test_each_of_many_greedy_queries_is_refused_for_its_own_memory() -> None:
    """How much of it the process keeps is the allocator's affair and differs between machines: it is not looked at."""
    long = TableBlock("Long", header=("x",), rows=tuple((str(n) * 500,) for n in range(100)))

    def ask(_: int) -> str:
        with pytest.raises(QueryError) as refused:
            compute(long, "SELECT a.x || b.x FROM t a, t b, t c ORDER BY 1", seconds=60)
        return str(refused.value)

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(ask, range(6))) == {f"it needs more than {MEMORY_MB} MB of memory"}


def test_a_query_that_finds_no_place_is_refused_in_words() -> None:
    with (
        workers.keep_in_bounds(lambda: None, seconds=60),
        workers.keep_in_bounds(lambda: None, seconds=60),
        pytest.raises(QueryError, match="ask again"),
        workers.keep_in_bounds(lambda: None, seconds=60, wait=0.01),
    ):
        raise AssertionError("there are two places")
    with workers.keep_in_bounds(lambda: None, seconds=60, wait=0.01):
        pass


def test_a_cancelled_query_is_interrupted_and_one_in_the_queue_is_not_begun() -> None:
    ended: list[str] = []

    def ask() -> None:
        with Tables(NUMBERS) as tables:
            begun.set()
            try:
                tables.query(ENDLESS, seconds=600)
            except QueryError as error:
                ended.append(str(error))

    begun = threading.Event()

    async def job() -> None:
        runs = [asyncio.create_task(workers.run(ask)) for _ in range(20)]
        await asyncio.to_thread(begun.wait)
        for run in runs:
            run.cancel()
        assert all(isinstance(e, asyncio.CancelledError) for e in await asyncio.gather(*runs, return_exceptions=True))
        assert await workers.run(lambda: "free again") == "free again"

    asyncio.run(job())
    assert 1 <= len(ended) <= workers.AT_ONCE


def test_an_interrupt_that_comes_between_two_statements_is_repeated() -> None:
    calls = []
    enough = threading.Event()

    def interrupt() -> None:
        calls.append(1)
        if len(calls) == 3:
            enough.set()

    with workers.keep_in_bounds(interrupt, seconds=0.0):
        assert enough.wait(60)
