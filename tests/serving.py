"""A real server on a free port of 127.0.0.1, and a client of a few lines for it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from fastapi import FastAPI

from r1router.api import Setup
from r1router.ingest.run import index
from r1router.policies.scripted import Scripted
from r1router.serve.app import create_app
from r1router.types import Ask
from small_embedders import HashedWords, Thumbnails

PASSAGES = {
    "norway.md": "# Norway\nOslo is the capital of Norway and lies at the end of a fjord.",
    "peru.md": "# Peru\nLima is the capital of Peru, on the coast of the Pacific.",
}


def talk(ask: Ask) -> str:
    """A policy of two steps at most: one sub-question to the text knowledge base, then enough."""
    if ask.purpose == "rewrite":
        return "<sub-question>What is the capital of Norway?</sub-question>"
    if ask.purpose == "plan" and ask.labels:
        if "nothing yet" not in ask.messages[-1].content:
            return "<think>that is it</think>\n<sub-question>None</sub-question>\n<ret>None</ret>"
        label = next((name for name in ask.labels if "ext" in name), ask.labels[0])
        return f"<think>look it up</think>\n<sub-question>capital of Norway</sub-question>\n<ret>{label}</ret>"
    if ask.purpose == "plan":
        return "<think>hm</think>\n<sub-question>None</sub-question>"
    return "<think>the first piece says it</think>\n<answer>Oslo</answer>"


def make_kbs(folder: Path) -> Path:
    """A folder with one small text knowledge base."""
    docs = folder / "docs"
    docs.mkdir()
    for name, text in PASSAGES.items():
        (docs / name).write_text(text)
    index([docs], folder / "kbs", embedder=HashedWords())
    return folder / "kbs"


def small_app(kbs: Path, policy: Any = None, *, method: str = "r1_router", **options: Any) -> FastAPI:
    """The app with embedders of a few lines."""
    setup = Setup(kbs=kbs, policy=policy or Scripted(talk), method=method)
    return create_app(setup, text_embedder=HashedWords(), image_embedder=Thumbnails(), **options)


@contextmanager
def live(app: FastAPI) -> Iterator[int]:
    """Its port, while it runs in a thread."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=3))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"]["type"])

    @property
    def events(self) -> list[tuple[str, Any]]:
        return parse_events(self.body)


def parse_events(body: bytes) -> list[tuple[str, Any]]:
    """(name, data) of each server-sent event; comments are left out."""
    found = []
    for block in body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in lines:
            found.append((lines.get("event", ""), json.loads(lines["data"])))
    return found


def call(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
    files: list[tuple[str, str, bytes]] | None = None,
    fields: dict[str, str] | None = None,
) -> Got:
    """One request. `body`: bytes as they are, else JSON. `files`: (field, name, content) of a multipart form."""
    sent = dict(headers or {})
    if files is not None:
        boundary = uuid.uuid4().hex
        sent["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        body = _multipart(boundary, files, fields or {})
    elif body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return Got(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def _multipart(boundary: str, files: list[tuple[str, str, bytes]], fields: dict[str, str]) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for field, name, data in files:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def job_done(port: int, job: str, headers: dict[str, str] | None = None) -> Any:
    """The job when it has ended, by its events."""
    events = call(port, "GET", f"/v1/jobs/{job}/events", headers=headers).events
    assert all(name == "job" for name, _ in events)
    return events[-1][1]


def until(condition: Any, seconds: float = 20.0) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)
