"""Works on many things side by side, a bounded number at once, so that a server is busy and not flooded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sized
from typing import TypeVar

Item = TypeVar("Item")
T = TypeVar("T")
Tell = Callable[[int, int], None]
"""Hears how many of how many are done."""


async def map_in_flight(
    work: Callable[[Item], Awaitable[T]], items: Iterable[Item], *, in_flight: int, tell: Tell | None = None
) -> AsyncGenerator[tuple[int, T], None]:
    """(position of an item, what `work` made of it), in the order in which they are done.

    `in_flight` are worked on at once, and `items` are read as room becomes free. `tell` is for items that can be
    counted. What `work` raises comes out of here, and ends the work on the others; so does leaving early.
    """

    async def work_at(position: int, item: Item) -> tuple[int, T]:
        return position, await work(item)

    total = len(items) if isinstance(items, Sized) else 0
    waiting = enumerate(items)
    running: set[asyncio.Task[tuple[int, T]]] = set()
    done = 0
    try:
        while True:
            while len(running) < in_flight and (following := next(waiting, None)) is not None:
                running.add(asyncio.create_task(work_at(*following)))
            if not running:
                return
            ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                result = task.result()
                done += 1
                if tell:
                    tell(done, total)
                yield result
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
