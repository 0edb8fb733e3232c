"""Fetches a picture from a public web address, so that a client cannot reach the network behind the server.

The name is looked up once, every address that it has is checked, and the connection goes to the very address that
was checked, so that a name which changes in between leads nowhere. A redirect is a new address, checked likewise.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import SplitResult, urljoin, urlsplit

from r1router.serve.problems import Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

SECONDS = 15.0
"""For all of it."""
REDIRECTS = 3
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_log = logging.getLogger(__name__)


def is_public(address: Address) -> bool:
    """False for what is private, of this machine or link, or an IPv6 form in which such an address is hidden."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address.sixtofour or address.teredo or address in _NAT64:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def fetch(url: str, *, most: int, may_connect: Callable[[Address], bool] = is_public) -> bytes:
    """At most `most` bytes. Blocks; call it in a thread. Raises `Refused`."""
    deadline = time.monotonic() + SECONDS
    try:
        for _ in range(REDIRECTS + 1):
            status, place, data = _get(_split(url), most, deadline, may_connect)
            if status == 200:
                return data
            if status not in (301, 302, 303, 307, 308) or not place:
                raise Refused(400, f"the picture's address answered with status {status}")
            url = urljoin(url, place)
    except (OSError, http.client.HTTPException, ValueError) as error:
        _log.info("a picture could not be fetched: %s", error)
        raise Refused(400, "the picture could not be fetched from its address") from None
    raise Refused(400, f"the picture's address leads on more than {REDIRECTS} times")


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise Refused(400, "a picture's address is http:// or https://, without a user name")
    return parts


def _get(
    parts: SplitResult, most: int, deadline: float, may_connect: Callable[[Address], bool]
) -> tuple[int, str, bytes]:
    """Status, where it leads on to, body."""
    assert parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address(parts.hostname, port, may_connect)
    connection = _Connection(parts.hostname, port, address, tls=parts.scheme == "https")
    connection.connect()
    cut_off = threading.Timer(max(0.0, deadline - time.monotonic()), _end, [connection.sock])
    cut_off.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"Accept": "image/*", "User-Agent": "r1router"})
        response = connection.getresponse()
        data = bytearray()
        while response.status == 200 and (block := response.read1(1 << 16)):
            data += block
            if len(data) > most:
                raise Refused(413, f"the picture is larger than {most:,} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("too slow")
        return response.status, response.headers.get("Location", ""), bytes(data)
    finally:
        cut_off.cancel()
        connection.close()


def _end(opened: socket.socket) -> None:
    """Wakes whoever waits for it, however slowly the other side drips."""
    with suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)


def _address(host: str, port: int, may_connect: Callable[[Address], bool]) -> str:
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    if not found or not all(may_connect(ipaddress.ip_address(address.partition("%")[0])) for address in found):
        raise Refused(400, "the picture's address is not a public one")
    return min(found, key=lambda address: ":" in address)  # IPv4 first


class _Connection(http.client.HTTPConnection):
    """To one address, whatever its name says by now."""

    def __init__(self, host: str, port: int, address: str, *, tls: bool) -> None:
        super().__init__(host, port, timeout=5.0)
        self._address, self._tls = address, tls
        if tls:
            self.default_port = http.client.HTTPSConnection.default_port

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._tls:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
