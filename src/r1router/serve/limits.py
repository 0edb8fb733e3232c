"""What one client may ask of the server, and the middleware that counts the bytes of bodies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from r1router.serve import problems
from r1router.serve.problems import Refused

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    questions: int = 64
    """Questions and searches worked on at once; one more is told to come back (429)."""
    seconds: float = 300.0
    """For one question, from its first byte to its last; its budget of seconds is three quarters of it at most,
    so that there is time left for an answer from what is known."""
    body_bytes: int = 16 * MIB
    """Of a request that is no upload."""
    body_seconds: float = 60.0
    """Until a body has come in, for each `body_bytes` that it may have."""
    upload_bytes: int = 64 * MIB
    """Of one request with files."""
    all_bytes: int = 256 * MIB
    """Of the bodies of all requests in work; what comes on top of it is told to come back (429)."""
    picture_bytes: int = 10 * MIB
    picture_pixels: int = 40_000_000
    jobs: int = 32
    """Uploads and removals that wait for their turn."""


MOST_QUESTION = 8_000
"""Characters of a question."""
MOST_STEPS = 10
MOST_EVIDENCE = 50
"""Entries a search of a question, `k`."""
MOST_RESULTS = 100
"""Entries of a search by itself."""


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
            await problems.response(too_large)(scope, receive, send)
            return
        taken, ended = 0, False
        deadline = asyncio.get_running_loop().time() + self._limits.body_seconds * max(
            1, most / self._limits.body_bytes
        )

        async def counted() -> Message:
            nonlocal taken, ended
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
            if self._held > self._limits.all_bytes:
                raise Refused(429, "the requests in work are too large together; try again soon", retry_after=5)
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held -= taken
