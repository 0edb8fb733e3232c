"""Asks servers that fail, stall and drip, and counts the questions that do not end in words and in time.

Each question has a budget of seconds; it must end within that and a reserve, with an answer or with an error that says
what was wrong, and without the key, which some of these servers repeat.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.robust.rows import Row, is_clear, is_over, show, tell

import r1router as rr
from r1router.drive.budget import Budget
from r1router.errors import R1RouterError

SECONDS = 3.0
RESERVE = 12.0
"""Seconds beyond the budget: the final answer has its own, and the machine may be busy."""
KEY = "sk-campaign-0123456789abcdef"
_SOUND = json.dumps({"choices": [{"message": {"content": "<answer>Oslo</answer>"}, "finish_reason": "stop"}]}).encode()
Serve = Callable[[socket.socket, bytes], None]


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    os.environ["CAMPAIGN_KEY"] = KEY
    kb = rr.MemoryKnowledgeBase(rr.Card("text", "text", "Norway"), [rr.Evidence("text", "1", "Oslo is in Norway.")])
    rr.open_policy("openai:m@http://127.0.0.1:1/v1")  # loads the client, which takes seconds
    tried, all_survived, slowest = 0, 0, 0.0
    for name, serve in _FAULTS.items():
        if is_over():
            break
        with _listening(serve) as port:
            spec = f"openai:m@http://127.0.0.1:{port}/v1?key_env=CAMPAIGN_KEY"
            began = time.monotonic()
            survived, said = False, ""
            try:
                path = rr.ask("Where is Oslo?", kbs={"text": kb}, policy=spec, budget=Budget(seconds=SECONDS))
                survived, said = True, f"ended by {path.stop}"
            except R1RouterError as error:
                said = str(error)
                survived = is_clear(said)
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
            took = time.monotonic() - began
            if took > SECONDS + RESERVE or KEY in said:
                survived = False
            if not survived:
                tell(name, f"{took:.0f} s: {said}")
            show(f"a server that {name}: {took:.1f} s, {' '.join(said.split())[:90]}")
            tried, all_survived, slowest = tried + 1, all_survived + survived, max(slowest, took)
    note = f"each ended within {slowest:.0f} s, of which it may work for {SECONDS:g}"
    yield Row("servers that fail, stall, drip or answer oddly", tried, all_survived, note)


def _respond(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers))
    return head.encode() + b"\r\n\r\n" + body


def _say(data: bytes) -> Serve:
    return lambda connection, _: connection.sendall(data)


def _drip(connection: socket.socket, _: bytes) -> None:
    for byte in _respond("200 OK", _SOUND):
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def _repeat_key(connection: socket.socket, request: bytes) -> None:
    connection.sendall(_respond("401 Unauthorized", json.dumps({"error": {"message": request.decode()}}).encode()))


def _redirect(connection: socket.socket, request: bytes) -> None:
    connection.sendall(_respond("307 Temporary Redirect", b"", f"Location: http://{_host(request)}/v1/again"))


def _host(request: bytes) -> str:
    return request.lower().partition(b"host: ")[2].partition(b"\r\n")[0].decode()


def _endless(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(600):
        connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
        time.sleep(0.05)


def _reset(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


_FAULTS: dict[str, Serve] = {
    "closes at once": lambda connection, _: None,
    "resets the connection": _reset,
    "never answers": lambda connection, _: time.sleep(60),
    "drips": _drip,
    "sends blanks without end": _endless,
    "speaks no HTTP": _say(b"220 smtp.example.org ESMTP\r\n"),
    "sends a page": _say(_respond("200 OK", b"<html>Sign in</html>", "Content-Type: text/html")),
    "sends half of what it says": _say(_respond("200 OK", _SOUND)[:-20]),
    "sends nothing": _say(_respond("200 OK", b"")),
    "sends too deep a body": _say(_respond("200 OK", b"[" * 200_000)),
    "packs 200 MB into its body": _say(
        _respond("200 OK", gzip.compress(b" " * 200_000_000, 9), "Content-Encoding: gzip")
    ),
    "fails (500)": _say(_respond("500 Internal Server Error", b"oops")),
    "is busy for a day (503)": _say(_respond("503 Service Unavailable", b"", "Retry-After: 86400")),
    "has too many calls (429)": _say(_respond("429 Too Many Requests", b"{}", "Retry-After: 100000")),
    "knows no such model (404)": _say(_respond("404 Not Found", b'{"error": {"message": "no such model"}}')),
    "repeats the key": _repeat_key,
    "redirects for ever": _redirect,
    "has a head of a megabyte": _say(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n{}"),
}


@contextmanager
def _listening(serve: Serve) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def take(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            request = connection.recv(1 << 20)
            serve(connection, request)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=take, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
