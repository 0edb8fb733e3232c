"""Measures what the server itself costs a question, beside bare FastAPI and the driver, in one process and one run.

    python benchmarks/server_cost.py [--questions 200] [--profile KIND]

Requests are made to the application without a socket, one after the other, with an instant policy and one small
knowledge base. What is told is CPU time of the event loop's thread, so without the searches, which have threads of
their own: the medians of rounds in which the kinds of request take turns, so that a busy machine troubles them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.instant import Instant
from fastapi import FastAPI
from pydantic import BaseModel

import r1router as rr
from r1router.drive import one
from r1router.drive.budget import Budget
from r1router.prompts import Prompts
from r1router.serve.app import create_app

TEXT = "# Norway\nOslo is the capital of Norway and lies at the end of a fjord.\n"
QUESTION = "What is the capital of Norway?"


class Question(BaseModel):
    question: str


def make_bare() -> FastAPI:
    app = FastAPI()

    @app.post("/v1/ask")
    async def answer(asked: Question) -> dict[str, Any]:
        return {"answer": asked.question, "steps": [{"thought": "x" * 200, "evidence": ["y" * 300] * 5}]}

    return app


async def call(app: Any, body: bytes) -> int:
    """One POST /v1/ask without a socket; the bytes of its response."""
    sent, size = False, 0
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await gone.wait()
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal size
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        size += len(message.get("body", b""))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/v1/ask",
        "raw_path": b"/v1/ask", "query_string": b"", "root_path": "", "scheme": "http",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    return size


async def measure(kinds: dict[str, Callable[[], Awaitable[Any]]], questions: int, rounds: int) -> dict[str, float]:
    """CPU milliseconds of this thread for one call of each kind."""
    spent: dict[str, list[float]] = {name: [] for name in kinds}
    for work in kinds.values():
        for _ in range(10):  # what is made once is made now
            await work()
    for _ in range(rounds):
        for name, work in kinds.items():
            began = time.thread_time()
            for _ in range(questions // rounds):
                await work()
            spent[name].append((time.thread_time() - began) / (questions // rounds) * 1000)
    return {name: statistics.median(of) for name, of in spent.items()}


async def main(questions: int, profile: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "docs").mkdir()
        Path(folder, "docs", "norway.md").write_text(TEXT)
        rr.index([Path(folder, "docs")], kbs=Path(folder, "kbs"))
        kbs, policy = rr.open_kbs(Path(folder, "kbs")), Instant()
        app, bare = create_app(rr.Setup(kbs=Path(folder, "kbs"), policy=policy)), make_bare()
        prompts = Prompts()
        methods = {name: rr.load_method(name, max_steps=3, k=5) for name in ("direct", "r1_router")}

        async def drive(name: str) -> None:
            async for _ in one.stream(
                rr.Question(QUESTION), method=methods[name], policy=policy, kbs=kbs, prompts=prompts,
                budget=Budget(seconds=200),
            ):  # fmt: skip
                pass

        def ask(**options: Any) -> Callable[[], Awaitable[int]]:
            return lambda: call(app, json.dumps({"question": QUESTION, **options}).encode())

        kinds: dict[str, Callable[[], Awaitable[Any]]] = {
            "bare FastAPI": lambda: call(bare, json.dumps({"question": QUESTION}).encode()),
        }
        for name in methods:
            kinds[f"{name}, driver alone"] = partial(drive, name)
            kinds[f"{name}, server, events"] = ask(method=name)
            kinds[f"{name}, server, JSON"] = ask(method=name, stream=False)
        async with app.router.lifespan_context(app):
            if profile:
                await measure(kinds, 10, rounds=1)
                profiler = cProfile.Profile()
                profiler.enable()
                for _ in range(questions):
                    await kinds[profile]()
                profiler.disable()
                pstats.Stats(profiler).sort_stats("tottime").print_stats(45)
                return
            found = await measure(kinds, questions, rounds=10)
        for name, milliseconds in found.items():
            base = found.get(f"{name.partition(',')[0]}, driver alone", milliseconds)
            beyond = f"{milliseconds - base:8.2f} beyond the driver" if "server" in name else ""
            print(f"{name:30}{milliseconds:8.2f} ms a question{beyond}")
        for label, options in (("rr.ask, as it comes", {}), ("rr.ask, prompts given", {"prompts": prompts})):
            began = time.process_time()
            for _ in range(50):
                rr.ask(QUESTION, kbs={}, policy=policy, method="direct", **options)
            print(f"{label:30}{(time.process_time() - began) * 20:8.2f} ms a question")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--profile", metavar="KIND", default="", help="such as 'direct, server, events'")
    given = parser.parse_args()
    asyncio.run(main(given.questions, given.profile))
