"""Runs asynchronous drivers for callers without an event loop: one loop in one background thread, for all of them.

One loop for the whole process, because a policy's connections belong to the loop that opened them; a thread
of its own, so that it also works inside a notebook, which runs a loop already.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from r1router.once import open_once

P = ParamSpec("P")
T = TypeVar("T")
_END = object()


@open_once
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


async def run_aside(work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """What `work` gives in a thread of its own, as by `asyncio.to_thread`.

    But the end of the process does not wait for it, since a server that is asked in it may never answer.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def tell(said: Callable[[Any], None], value: Any) -> None:
        if not done.done():  # the one who waited may have given up
            said(value)

    def run() -> None:
        try:
            said, value = done.set_result, context.run(work, *args, **options)
        except BaseException as error:  # handed to the one who waits
            said, value = done.set_exception, error  # type: ignore[assignment]
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, said, value)

    threading.Thread(target=run, name="r1router-aside", daemon=True).start()
    return await done


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
