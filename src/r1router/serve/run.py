"""Runs the application until a signal, then lets questions and jobs end before connections are cut."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys

import uvicorn
from fastapi import FastAPI

from r1router.errors import InputError
from r1router.serve.work.admission import Admission
from r1router.serve.work.jobs import Jobs
from r1router.serve.work.kbs import KnowledgeBases

CONNECTIONS = 1024
"""At once; more are answered with 503."""
SWITCH_SECONDS = 0.0005
"""After so long a thread of Python's lets another one run. With ten searches at work, the usual 0.005 made every
request wait for some tens of milliseconds at each of its steps, /healthz among them."""


def run(app: FastAPI, *, host: str, port: int, shutdown_seconds: float) -> None:
    """Serves until SIGINT or SIGTERM; what is in work then has `shutdown_seconds`."""
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # ours has the request's id
        server_header=False,
        proxy_headers=False,  # nobody's word is taken for who asks
        ws="none",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=int(shutdown_seconds) + 3,
    )
    _Server(config, app.state.knowledge_bases, app.state.admission, app.state.jobs, shutdown_seconds).run()


class _Server(uvicorn.Server):
    """Loads what it needs before it listens, and ends questions and jobs in words before their connections are cut."""

    def __init__(
        self,
        config: uvicorn.Config,
        knowledge_bases: KnowledgeBases,
        admission: Admission,
        jobs: Jobs,
        seconds: float,
    ) -> None:
        super().__init__(config)
        self._knowledge_bases, self._admission, self._jobs, self._seconds = knowledge_bases, admission, jobs, seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(self._knowledge_bases.load)
        await super().startup(sockets)
        keep_what_is_loaded()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        ending = asyncio.create_task(self._admission.end(self._seconds))
        await self._jobs.end(self._seconds)
        await super().shutdown(sockets)
        await ending


def keep_what_is_loaded() -> None:
    """Takes all objects that there are out of the sight of the garbage collector.

    To look at all of them, most of them code, took it 140 ms every time, for which no thread of the server could run.
    """
    gc.collect()
    gc.freeze()


def check_free(host: str, port: int) -> None:
    """Raises `InputError` where one cannot listen: to be told before a model is loaded."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise InputError(f"cannot listen at {host}, port {port}: {error.strerror or error}") from error
