"""Admits questions while there is room and ends them with the server, so that one client cannot take all of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from r1router.serve.error_responses import Refused
from r1router.serve.metrics import Metrics
from r1router.serve.work.askers import EVERYONE, Shares, asker


class Admission:
    """Counts the questions and searches in work."""

    def __init__(self, *, most: int, metrics: Metrics) -> None:
        """Up to `most` are in work at once."""
        self._most, self._metrics = most, metrics
        self._in_work = 0
        self._shares = Shares()
        self._open = False
        self.ended = asyncio.Event()
        """Set when what is still in work has to end."""

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self) -> None:
        """Admits questions from now on."""
        self._open = True

    def check_room(self) -> None:
        """Raises `Refused` where there is none for a question or search."""
        if not self._open:
            raise Refused(503, "the server is stopping", retry_after=10)
        if self._in_work >= self._most:
            raise Refused(429, f"{self._in_work} questions are in work already; try again soon", retry_after=2)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Room for one question or search. Raises `Refused` where there is none."""
        self.check_room()
        one = asker.get() or EVERYONE
        self._shares.take(one)
        self._in_work += 1
        self._metrics.in_flight.set(self._in_work)
        try:
            yield
        finally:
            self._shares.give_back(one)
            self._in_work -= 1
            self._metrics.in_flight.set(self._in_work)

    async def end(self, seconds: float) -> None:
        """Admits nothing any more; after `seconds`, what is still in work is told to end."""
        self._open = False
        until = time.monotonic() + seconds
        while self._in_work and time.monotonic() < until:
            await asyncio.sleep(0.05)
        self.ended.set()
