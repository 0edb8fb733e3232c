"""Refuses requests by Host, origin and key, so that other web pages and strangers cannot use the server."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from r1router.serve import error_responses
from r1router.serve.error_responses import Refused
from r1router.serve.work.askers import EVERYONE, Asker, Keys, asker, hash_key

_UNKNOWN = Refused(401, "this needs a key of the server, as: Authorization: Bearer KEY")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that is bound to `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Access:
    """Refuses what is not meant for this server or has no right to it, before anything of the body is read."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        key: str,
        keys: Keys | None,
        open_paths: Collection[str],
        hosts: Collection[str],
        origins: Collection[str],
    ) -> None:
        """`open_paths` need no key. `key` is everyone's, `keys` are different ones for different askers.

        `hosts`: names in the Host header that are served, without port; empty for any. A name that an attacker's page
        has made to point here (DNS rebinding) is not among them.
        """
        self._app = app
        self._key, self._keys = hash_key(key) if key else b"", keys
        self._open, self._hosts, self._origins = frozenset(open_paths), frozenset(hosts), frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if refused := self._check(scope):
                await error_responses.make_response(refused)(scope, receive, send)
                return
            scope["asker"] = self._find_asker(Headers(scope=scope))
            if scope["asker"] is None and self._keys and scope["path"] not in self._open:
                await error_responses.make_response(_UNKNOWN)(scope, receive, send)
                return
            asker.set(scope["asker"])
        if scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> Refused | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts and _name(host) not in self._hosts:
            return Refused(403, "this server does not go by the name in the Host header (see --allow-host)")
        if scope["method"] not in _SAFE and not self._may_ask(headers, host):
            return Refused(403, "pages of other origins may not do this (see --allow-origin)")
        if self._key and scope["path"] not in self._open and not self._has_key(headers):
            return Refused(401, "this needs the key of the server, as: Authorization: Bearer KEY")
        return None

    def _may_ask(self, headers: Headers, host: str) -> bool:
        """False for a request that a page of somewhere else makes in its visitor's browser."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        return origin in self._origins or urlsplit(origin).netloc.lower() == host.lower()

    def _find_asker(self, headers: Headers) -> Asker | None:
        """Whose key a request has; everyone where there is no file of keys, None where the key is not in it."""
        if self._keys is None:
            return EVERYONE
        scheme, _, given = headers.get("authorization", "").partition(" ")
        found = self._keys.find(given.strip())
        return found if scheme.lower() == "bearer" else None

    def _has_key(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(hash_key(given.strip()), self._key)
        return same and scheme.lower() == "bearer"


def _name(host: str) -> str:
    """`[::1]:8000` to `::1`; empty for what is no host."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
