"""Two servers over one PostgreSQL: many clients ask while a document is replaced, and no answer may be of before.

    python -m benchmarks.replicas [--clients 64] [--seconds 30]

Starts PostgreSQL and both servers (needs the packages of the extra `dev`). Clients ask one question after the other,
every second one of the other server, with an instant policy that answers with what it reads. An answer is stale where
it has an older version than the one whose writing had come to its end before the question was sent.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load import cpu_seconds, percentile, wait_for

from r1router.policies.scripted import Scripted
from r1router.types import Ask, Reply

R1ROUTER = (sys.executable, "-c", "from r1router.cli import main; main()")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
INDEX = ("--no-ocr", "--embedder", "benchmarks.robust.words:Words")
BODY = json.dumps({"question": "How many quays has Oslo?", "method": "vanilla_rag", "stream": False}).encode()


class Years(Scripted):
    """A policy that answers with the year that it reads; nothing is remembered."""

    def __init__(self) -> None:
        super().__init__(read_year)

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        reply = await super().reply(ask, temperature=temperature, seed=seed)
        self.asks.clear()
        return reply


def read_year(ask: Ask) -> str:
    said = "\n".join(message.content for message in ask.messages)
    found = re.search(r"as of year (\d+)", said)
    return f"<answer>{found[1] if found else 'nothing found'}</answer>"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from postgres_server import start_server

    with tempfile.TemporaryDirectory() as scratch, start_server() as location:
        docs = Path(scratch, "docs")
        docs.mkdir()
        write(docs, 0, location)
        with serve(location, Path(scratch)) as servers:
            return measure(servers, docs, location, given.clients, given.seconds)


def write(docs: Path, year: int, location: str) -> None:
    """Replaces the document, by a command of its own, which has ended when this returns."""
    said = "\n\n".join(f"## Quay {n}\nThe harbour of Oslo has quay {n}, as of year {year}." for n in range(20))
    (docs / "harbour.md").write_text(f"# Harbour\n{said}\n")
    subprocess.run([*R1ROUTER, "index", str(docs), "--kbs", location, *INDEX], env=ENVIRONMENT, check=True, stdout=2)


@contextlib.contextmanager
def serve(location: str, scratch: Path) -> Iterator[dict[int, subprocess.Popen[bytes]]]:
    """Two servers, by port."""
    import socket

    servers: dict[int, subprocess.Popen[bytes]] = {}
    try:
        for name in ("one", "two"):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            command = ["serve", "--kbs", location, "--policy", "benchmarks.replicas:Years", "--port", str(port)]
            with (scratch / name).open("wb") as log:
                servers[port] = subprocess.Popen(
                    [*R1ROUTER, *command, "--max-questions", "256"], stderr=log, env=ENVIRONMENT
                )
        for port in servers:
            wait_for(port)
        yield servers
    finally:
        for server in servers.values():
            server.terminate()
        for server in servers.values():
            server.wait(60)


def measure(
    servers: dict[int, subprocess.Popen[bytes]], docs: Path, location: str, clients: int, seconds: float
) -> int:
    """Prints what was found; how much went wrong."""
    ports, written, until = list(servers), [0], time.monotonic() + seconds
    took: list[float] = []
    stale: list[tuple[int, str]] = []
    errors: list[str] = []

    def client(number: int) -> None:
        turn = number
        while time.monotonic() < until:
            turn += 1
            before, began = written[-1], time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", ports[turn % 2], timeout=300)
            try:
                connection.request("POST", "/v1/ask", BODY, {"Content-Type": "application/json"})
                response = connection.getresponse()
                body = response.read()
                if response.status != 200:
                    errors.append(f"{response.status}: {body[:200]!r}")
                    continue
                answer = json.loads(body)["answer"]["text"]
                took.append(time.monotonic() - began)
                if not answer.isdecimal() or int(answer) < before:
                    stale.append((before, answer))
            except (OSError, http.client.HTTPException) as error:
                errors.append(repr(error))
            finally:
                connection.close()

    used = sum(map(cpu_seconds, servers.values()))
    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    writer = threading.Thread(target=replace_again, args=(docs, location, written, until))
    for thread in (writer, *threads):
        thread.start()
    for thread in (writer, *threads):
        thread.join()
    used = sum(map(cpu_seconds, servers.values())) - used
    print(
        f"{clients} clients, two servers: {len(took)} answers in {seconds:.0f} s, p50 {percentile(took, 0.5):.0f} ms, "
        f"p99 {percentile(took, 0.99):.0f} ms, {1000 * used / len(took):.1f} CPU-ms of the servers for each; "
        f"the document was replaced {written[-1]} times; {len(errors)} errors, {len(stale)} stale"
    )
    for said in [*dict.fromkeys(errors), *stale[:3]]:
        print("  ", said, file=sys.stderr)
    return len(errors) + len(stale)


def replace_again(docs: Path, location: str, written: list[int], until: float) -> None:
    while time.monotonic() < until:
        year = written[-1] + 1
        write(docs, year, location)
        written.append(year)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
