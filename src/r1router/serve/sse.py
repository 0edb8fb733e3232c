"""Streams server-sent events, and ends the work for a client that leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Coroutine
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

T = TypeVar("T")

KEEP_ALIVE = 15.0
"""Seconds without an event after which a comment is sent, so that nothing between takes the stream for dead."""
COMMENT = b": still at work\n\n"
DOCUMENT: dict[str, Any] = {
    "text/event-stream": {
        "schema": {
            "description": "Each event; its data is JSON.",
            "type": "object",
            "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
        }
    }
}
"""Of a response that is a stream, in the OpenAPI document."""
UNREAD = 60.0
"""Seconds that a client may leave a chunk unread."""


def write_event(name: str, data: Any) -> bytes:
    """One server-sent event; without a name where it is empty. `data` is JSON already where it is bytes."""
    json = data if isinstance(data, bytes) else write_json(data)
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json + b"\n\n"


def write_json(data: Any) -> bytes:
    """JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class ClientLeft(Exception):
    """Nobody reads the response any more."""


class EventStream(Response):
    """Sends chunks as they come. What is raised before the first is answered as an error, with its own status."""

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        self._chunks = chunks
        self.status_code = 200
        self.background = None
        # X-Accel-Buffering: proxies such as nginx pass each event on at once
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await run_while_connected(receive, self._send_all(send))

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self._chunks) as chunks:
            first = await anext(chunks)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await _read(send({"type": "http.response.body", "body": first, "more_body": True}))
            async for chunk in chunks:
                await _read(send({"type": "http.response.body", "body": chunk, "more_body": True}))
        await send({"type": "http.response.body", "body": b""})


async def _read(sending: Awaitable[None]) -> None:
    """Raises `ClientLeft` where a client takes nothing any more and keeps its line open."""
    try:
        async with asyncio.timeout(UNREAD):
            await sending
    except TimeoutError:
        raise ClientLeft from None


async def run_while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T | None:
    """What the work gives; None when the client has left before, and the work has been cancelled."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.create_task(work), asyncio.create_task(gone())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
