"""Answers as an odd server would, and counts which bodies are neither a reply nor an error of their question.

Chat completions and embeddings in which fields are missing, null, of another type, out of bounds or doubled, and bodies
that are no JSON any more. Each must become a reply (or vectors), or a `PolicyError` (`InputError` for vectors) of one
question; anything else would end a whole run.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.robust.files import damage
from benchmarks.robust.rows import Row, is_clear, is_over, tell

import r1router as rr
from r1router.drive.threads import wait_for
from r1router.embedders import open_text_embedder
from r1router.errors import R1RouterError
from r1router.types import Ask, Message

BODIES = 400
_LOGPROB = {"token": "Oslo", "logprob": -0.1, "bytes": [79, 115, 108, 111], "top_logprobs": []}
_CHAT = {
    "choices": [
        {
            "message": {"role": "assistant", "content": "<answer>Oslo</answer>", "tool_calls": None},
            "finish_reason": "stop",
            "logprobs": {"content": [_LOGPROB]},
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}
_VECTORS = {"data": [{"index": 0, "embedding": [0.6, 0.8]}], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
_ODD: tuple[Any, ...] = (
    *(None, 7, -1, 10**400, [], {}, "", "\ud800", float("nan"), float("inf"), [[]], {"text": 1}, True, [None]),
    *("x" * 100_000, "<answer>" * 10_000, "\x00\x1b[31m", {"a": {"b": {"c": []}}}),
)


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    count = max(10, round(BODIES * share))
    with answering() as (port, answer):
        policy = rr.open_policy(f"openai:m@http://127.0.0.1:{port}/v1?timeout=20")

        def ask() -> None:
            wait_for(policy.reply(Ask((Message("user", "?"),), "final", max_tokens=4)))

        yield _try("odd chat completions", _CHAT, ask, answer, count, rng)
        wait_for(policy.close())

        def embed() -> None:
            open_text_embedder(f"openai:m@http://127.0.0.1:{port}/v1").embed_texts(["Oslo"])

        yield _try("odd embeddings", _VECTORS, embed, answer, count, rng)


def _try(what: str, sound: Any, ask: Any, answer: list[bytes], count: int, rng: random.Random) -> Row:
    survived = refused = tried = 0
    for _ in range(count):
        if is_over():
            break
        tried += 1
        told = json.loads(json.dumps(sound))
        _spoil(told, rng)
        body = json.dumps(told).encode()
        answer[0] = damage(body, rng) if rng.random() < 0.3 else body
        try:
            ask()
            survived += 1
        except R1RouterError as error:
            refused += 1
            if is_clear(str(error)):
                survived += 1
            else:
                tell(repr(answer[0][:300]), f"unclear: {error!s}")
        except Exception as error:
            tell(repr(answer[0][:300]), f"{type(error).__name__}: {error}")
    return Row(what, tried, survived, f"{refused} refused in words")


def _spoil(told: Any, rng: random.Random) -> None:
    """Something odd at a random place."""
    place = told
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and rng.random() < 0.7:
            place = place[key]
            continue
        if rng.random() < 0.15:
            del place[key]
        elif isinstance(place, list) and rng.random() < 0.2:
            place.extend(place * 3)
        else:
            place[key] = rng.choice(_ODD)
        return


@contextmanager
def answering() -> Iterator[tuple[int, list[bytes]]]:
    """(port, [body]) of a server that answers everything with that body."""
    answer = [b""]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = answer[0]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, answer
    finally:
        server.shutdown()
        server.server_close()
