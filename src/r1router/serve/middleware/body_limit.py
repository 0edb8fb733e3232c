"""Refuses request bodies that are too large or too slow, before they fill the memory or hold up all other requests.

JSON of 16 MB may be eight million numbers, and reading them holds Python's lock; so items are counted, too.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from r1router.serve import error_responses
from r1router.serve.error_responses import Refused
from r1router.serve.limits import Limits


class BodyLimit:
    """Refuses bodies that are too large or too slow, by what they say and by what comes."""

    def __init__(self, app: ASGIApp, *, limits: Limits, uploads: str) -> None:
        """`uploads`: the path that may take `upload_bytes`."""
        self._app, self._limits, self._uploads = app, limits, uploads
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._limits.upload_bytes if scope["path"] == self._uploads else self._limits.body_bytes
        too_large = Refused(413, f"the body is larger than {most:,} bytes, the most that is taken here")
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said) > most:
            await error_responses.make_response(too_large)(scope, receive, send)
            return
        taken, items, ended = 0, 0, False
        deadline = asyncio.get_running_loop().time() + self._limits.body_seconds * max(
            1, most / self._limits.body_bytes
        )

        async def counted() -> Message:
            nonlocal taken, items, ended
            if ended:
                return await receive()  # waits for the client to leave
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise Refused(408, "the body did not come in time", type="timeout") from None
            ended = not message.get("more_body", False)
            size = len(message.get("body", b""))
            taken += size
            self._held += size
            if taken > most:
                raise too_large
            if scope["path"] != self._uploads:
                items += sum(map(message.get("body", b"").count, (b",", b"[", b"{")))
                if items > self._limits.body_items:
                    raise Refused(413, f"the body has more than {self._limits.body_items:,} items, commas or brackets")
            if self._held > self._limits.all_bytes:
                raise Refused(429, "the requests in work are too large together; try again soon", retry_after=5)
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held -= taken
