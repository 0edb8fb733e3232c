"""Asks a server from 256 clients for three minutes while files are uploaded and removed, and counts what goes wrong.

Statuses other than 200, 202 and 429 (too many at once, which is said to the client), and 404 for a removal whose upload
is not indexed yet, are errors. A client that is refused comes back after as many seconds as it is told, and up to half
as many more, as client libraries do: else all that were refused together come back in the same moment, again and again.
Memory is flat where the last fifth holds no more than a tenth above the second fifth.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.robust.rows import Row
from benchmarks.robust.server import start_server, watch

CLIENTS = 256
SECONDS = 180.0
QUESTION = json.dumps({"question": "What is the capital of Norway?", "stream": False}).encode()


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    seconds = max(20.0, SECONDS * share)
    with start_server(folder) as (port, process):
        asyncio.run(_load(port, 16, 5.0))  # opens what is opened once
        with watch(port, process) as seen:
            began, cpu = time.monotonic(), time.process_time()
            counts = asyncio.run(_load(port, CLIENTS, seconds))
            clients = (time.process_time() - cpu) / (time.monotonic() - began)
    shown = ", ".join(f"{count} × {what}" for what, count in sorted(counts.items()))
    shown += f"; the clients had {clients:.0%} of a core"
    fine = sum(count for what, count in counts.items() if what.split()[1] in ("200", "202", "404", "429"))
    yield Row(f"requests of {CLIENTS} clients in {seconds:.0f} s", counts.total(), fine, f"{shown}; {seen[0]}")
    held = seen[0].held
    early, late = max(held[len(held) // 5 : 2 * len(held) // 5 + 1]), max(held[-(len(held) // 5 + 1) :])
    yield Row("memory of the server stays flat", 1, int(late <= 1.1 * early), f"{early} MiB early, {late} MiB late")


async def _load(port: int, clients: int, seconds: float) -> Counter[str]:
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds

    async def ask() -> None:
        while time.monotonic() < end:
            status, wait = await _request(port, "POST", "/v1/ask", QUESTION)
            counts[f"ask {status}"] += 1
            await asyncio.sleep(wait * random.uniform(1.0, 1.5))

    async def change() -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            name, boundary = f"file{number % 20}.txt", "a-boundary"
            part = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
            body = (part + f"City {number} lies at river {number}.\r\n--{boundary}--\r\n").encode()
            form = f"multipart/form-data; boundary={boundary}"
            status, _ = await _request(port, "POST", "/v1/kbs/files", body, form)
            counts[f"upload {status}"] += 1
            await asyncio.sleep(0.5)
            if number % 2:
                status, _ = await _request(port, "DELETE", f"/v1/kbs/text/sources/uploads%2F{name}")
                counts[f"remove {status}"] += 1

    await asyncio.gather(*(ask() for _ in range(clients)), change())
    return counts


async def _request(
    port: int, method: str, path: str, body: bytes = b"", kind: str = "application/json"
) -> tuple[int, int]:
    """The status, 0 where the connection broke, and how many seconds the client is told to wait."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: {kind}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await asyncio.wait_for(reader.read(), 300)
        writer.close()
        wait = answer.partition(b"\r\nretry-after: ")[2].partition(b"\r\n")[0]
        return int(answer.split(b" ", 2)[1]), int(wait or 0)
    except (OSError, ValueError, IndexError, TimeoutError):
        return 0, 0
