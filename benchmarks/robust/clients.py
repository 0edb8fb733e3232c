"""Asks a server from many clients at once while files are uploaded and removed, and counts what goes wrong.

    python -m benchmarks.robust.clients [--clients 256] [--seconds 180]

Prints answers by status, the slowest /healthz, and the server's memory at the start, the middle and the end. Statuses
other than 200, 202 and 429 (too many at once, which is said to the client) count as errors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import r1router as rr

QUESTION = json.dumps({"question": "What is the capital of Norway?", "stream": False}).encode()


async def request(port: int, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> int:
    """The status of one request; 0 where the connection broke."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: {kind}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await asyncio.wait_for(reader.read(), 300)
        writer.close()
        return int(answer.split(b" ", 2)[1]) if answer else 0
    except (OSError, ValueError, IndexError, TimeoutError):
        return 0


async def change(port: int, end: float, counts: Counter[str]) -> None:
    number = 0
    while time.monotonic() < end:
        number += 1
        name, boundary = f"file{number % 20}.txt", "a-boundary"
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = (part + f"City {number} lies at river {number}.\r\n--{boundary}--\r\n").encode()
        form = f"multipart/form-data; boundary={boundary}"
        counts[f"upload {await request(port, 'POST', '/v1/kbs/files', body, form)}"] += 1
        await asyncio.sleep(0.5)
        if number % 2:
            status = await request(port, "DELETE", f"/v1/kbs/text/sources/uploads%2F{name}")
            counts[f"remove {status}"] += 1  # 404 where its upload has not been indexed yet


def memory(process: int) -> int:
    """MiB that are resident."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


async def load(port: int, process: int, clients: int, seconds: float) -> None:
    counts: Counter[str] = Counter()
    began = time.monotonic()
    end = began + seconds
    slowest, held = 0.0, [memory(process)]

    async def ask() -> None:
        while time.monotonic() < end:
            status = await request(port, "POST", "/v1/ask", QUESTION)
            counts[f"ask {status}"] += 1
            if status == 429:
                await asyncio.sleep(1)

    async def watch() -> None:
        nonlocal slowest
        while time.monotonic() < end:
            before = time.perf_counter()
            counts[f"healthz {await request(port, 'GET', '/healthz')}"] += 1
            slowest = max(slowest, time.perf_counter() - before)
            if len(held) == 1 and time.monotonic() > began + seconds / 2:
                held.append(memory(process))
            await asyncio.sleep(0.5)

    await asyncio.gather(*(ask() for _ in range(clients)), change(port, end, counts), watch())
    held.append(memory(process))
    for what, count in sorted(counts.items()):
        print(f"{what:14}{count:8}")
    fine = {"200", "202", "429", "404"}
    errors = sum(count for what, count in counts.items() if what.split()[1] not in fine)
    print(f"errors: {errors}; slowest /healthz {slowest:.2f} s; MiB at the start, middle and end: {held}")


def main(clients: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        Path(folder, "norway.md").write_text("# Norway\nOslo is the capital of Norway.\n")
        rr.index([Path(folder, "norway.md")], kbs=Path(folder, "kbs"))
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [sys.executable, "-c", "from r1router.cli import main; main()", "serve", "--kbs", f"{folder}/kbs",
                   "--policy", "benchmarks.instant:Instant", "--port", str(port)]  # fmt: skip
        with Path(folder, "log").open("w") as log, subprocess.Popen(command, stderr=log) as server:
            try:
                while asyncio.run(request(port, "GET", "/readyz")) != 200:
                    time.sleep(0.2)
                asyncio.run(load(port, server.pid, clients, seconds))
            finally:
                server.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=180.0)
    given = parser.parse_args()
    main(given.clients, given.seconds)
