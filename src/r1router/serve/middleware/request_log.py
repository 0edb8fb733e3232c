"""Gives every request an id, security headers, a log line and metrics, and turns surprises into a plain 500."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from r1router.serve import error_responses, logs
from r1router.serve.metrics import Metrics
from r1router.serve.sse import ClientLeft

HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
"""Pictures of data: and blob: are those that a page makes itself, of what was dropped on it or fetched with a key."""
CLIENT_LEFT = 499
"""What the log and the metrics say for a client that did not wait; nginx's number."""

_log = logging.getLogger("r1router.serve.requests")


class RequestLog:
    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        id_ = logs.make_request_id(Headers(scope=scope).get("x-request-id"))
        token = logs.request_id.set(id_)
        status = ended = 0

        async def with_headers(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = id_
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            elif not message.get("more_body", False):
                ended = 1
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except ClientLeft:
            pass  # the log line says so
        except Exception as error:
            refused = error_responses.explain(error)
            if not status:
                await error_responses.make_response(refused)(scope, receive, with_headers)
        finally:
            self._tell(scope, status if ended else CLIENT_LEFT, time.perf_counter() - began)
            logs.request_id.reset(token)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        """The query string stays out: a search's words are in it."""
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.labels(route, scope["method"] if route != "other" else "", status).inc()
        self._metrics.latency.labels(route).observe(seconds)
        client = scope.get("client")
        _log.info(
            "%s %s %d in %.3f s", scope["method"], scope["path"], status, seconds,
            extra={
                "method": scope["method"], "path": scope["path"], "status": status,
                "seconds": round(seconds, 4), "client": client[0] if client else "",
            },
        )  # fmt: skip
