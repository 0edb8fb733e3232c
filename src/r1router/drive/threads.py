"""Runs asynchronous drivers for callers without an event loop: one loop in one background thread, for all of them.

One loop for the whole process, because a policy's connections belong to the loop that opened them; a thread
of its own, so that it also works inside a notebook, which runs a loop already.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Awaitable, Iterator
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_END = object()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="r1router", daemon=True).start()
    return loop


def wait_for(awaitable: Awaitable[T]) -> T:
    """The result of an awaitable; a keyboard interrupt cancels it."""

    async def run() -> T:
        return await awaitable

    future = asyncio.run_coroutine_threadsafe(run(), _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def finish(work: Awaitable[object]) -> None:
    """Waits for the last work of an object. In the loop's own thread, where the garbage collector may close an iterator
    that nobody read to its end, waiting would be for ever: there the work is left to the loop.
    """

    async def run() -> None:
        await work

    loop = _loop()
    try:
        inside = asyncio.get_running_loop() is loop
    except RuntimeError:  # no loop runs in this thread
        inside = False
    future = asyncio.run_coroutine_threadsafe(run(), loop)
    if not inside:
        future.result()


def iterate(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """The items of an asynchronous generator, as they come; leaving early stops the work."""
    passed: queue.SimpleQueue[Any] = queue.SimpleQueue()

    async def pump() -> None:
        try:
            async for item in items:
                passed.put(item)
        finally:
            passed.put(_END)
            await items.aclose()

    future = asyncio.run_coroutine_threadsafe(pump(), _loop())
    try:
        while (item := passed.get()) is not _END:
            yield item
        future.result()
    finally:
        future.cancel()
