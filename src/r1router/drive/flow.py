"""Serves the requests of one walk asynchronously, because model calls and searches wait for others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from r1router.drive.budget import Request
from r1router.drive.walk import Walk
from r1router.errors import BudgetSpent
from r1router.types import Evidence, Trajectory

T = TypeVar("T")
Rankings = list[list[Evidence]]
"""One ranking for each route of a search, best first."""


class Served(NamedTuple, Generic[T]):
    """What a request brought, and the wall seconds that it took."""

    result: T
    seconds: float


Server = Callable[[Any], Awaitable[Served[Any]]]
"""Serves requests of one kind."""
Serve = Mapping[type[Request], Server]
"""What serves each kind of request."""


async def run(walk: Walk, serve: Serve) -> Trajectory:
    """Drive one question to its end.

    What a request raises goes into the method first; what the method does not handle comes out of here.
    """
    try:
        said = walk.start()
        while not isinstance(said, Trajectory):
            result, seconds = await _serve_in_time(said, serve[type(said)], walk.seconds_left)
            said = walk.advance(result, seconds)
        return said
    finally:
        walk.close()


async def _serve_in_time(request: Request, server: Server, left: float | None) -> Served[Any]:
    """What the request brought, or the exception that it ended in; cut off after `left` seconds."""
    try:
        async with asyncio.timeout(left) as limit:
            return await server(request)
    except TimeoutError as error:
        return Served(BudgetSpent("seconds") if limit.expired() else error, 0.0)
    except Exception as error:  # the method decides what a failed request means
        return Served(error, 0.0)


async def measure_time(work: Awaitable[T]) -> Served[T]:
    began = time.perf_counter()
    return Served(await work, time.perf_counter() - began)
