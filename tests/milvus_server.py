"""A real Milvus Lite server for tests, from the package `milvus-lite`, and gone when they end."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def start_milvus() -> Iterator[str]:
    """Its location. Skips the test where it cannot be had."""
    pytest.importorskip("pymilvus", reason="needs r1router[milvus]")
    if importlib.util.find_spec("milvus_lite") is None:
        pytest.skip("needs the package milvus-lite, a server that speaks as Milvus does")
    port = find_port()
    with tempfile.TemporaryDirectory(prefix="milvus-", ignore_cleanup_errors=True) as name:
        with (log := Path(name, "log")).open("wb") as stream:
            line = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", f"{name}/data"]
            line += ["--host", "127.0.0.1", "--port", str(port)]
            server = subprocess.Popen(line, stdout=stream, stderr=stream)
        try:
            _wait_for(port, server, log)
            yield f"milvus://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(60)


def find_port() -> int:
    """One that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(2400):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
    raise AssertionError(log.read_text())
