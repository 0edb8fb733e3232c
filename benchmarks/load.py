"""The server under load: 1, 16 and 64 clients of another process, an instant policy, a small knowledge base on disk.

    python benchmarks/load.py [--seconds 10]
    python benchmarks/load.py --policy llamacpp: --clients 1 4 --seconds 60

Each client asks one question after the other over a connection of its own and reads every event. With the instant
policy a question is two plans, one search, one reading and the final answer. Prints questions a second, the median
and the 99th percentile of a question's milliseconds (whole, and until its first step is planned), the server's CPU
time for it, which other work on the machine changes little, errors, and the server's memory before and after.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import r1router as rr

MOST = 20_000
"""Questions of one round."""


class Round(NamedTuple):
    seconds: list[float]
    """Of each whole question."""
    first: list[float]
    """Until its first step is planned."""
    errors: int
    took: float


def ask(connection: http.client.HTTPConnection, body: bytes) -> tuple[float, float]:
    """Seconds until the first step is planned and until the last event. Raises where the answer is not all there."""
    began = time.perf_counter()
    connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    first, read = 0.0, b""
    while line := response.readline():
        read += line
        if line == b"event: planned\n" and not first:
            first = time.perf_counter() - began
    if response.status != 200 or b"event: finished" not in read:
        raise RuntimeError(f"status {response.status}: {read[-300:]!r}")
    return first, time.perf_counter() - began


def work(port: int, clients: int, seconds: float) -> Round:
    """All clients at once for some time."""
    body = json.dumps({"question": "What is the capital of Norway?"}).encode()
    whole: list[float] = []
    first: list[float] = []
    errors: list[str] = []
    began = time.perf_counter()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        while time.perf_counter() - began < seconds and len(whole) < MOST:
            try:
                to_first, to_last = ask(connection, body)
                first.append(to_first)
                whole.append(to_last)
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                errors.append(str(error))
                connection.close()
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in dict.fromkeys(errors):
        print("error:", error, file=sys.stderr)
    return Round(whole, first, len(errors), time.perf_counter() - began)


def memory(process: subprocess.Popen[bytes]) -> float:
    """Resident MiB."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Of all its threads so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: float) -> float:
    return 1000 * sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each round")
    parser.add_argument("--policy", default="benchmarks.instant:Instant")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is ended too
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rows = [{"id": str(n), "text": f"{n}. Oslo is the capital of Norway. " * 12} for n in range(300)]
        (folder / "places.jsonl").write_text("\n".join(map(json.dumps, rows)))
        rr.index([folder / "places.jsonl"], folder / "kbs")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = ["serve", "--kbs", str(folder / "kbs"), "--policy", asked.policy, "--port", str(port)]
        paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-c", "from r1router.cli import main; main()", *command],
                stderr=log,
                env={**os.environ, "PYTHONPATH": paths},
            )
        try:
            wait_for(port)
            work(port, 1, 1.0)  # warm
            before = memory(server)
            print("clients  questions/s   p50 ms   p99 ms  plan p50  plan p99  server CPU ms  errors")
            for clients in asked.clients:
                used = cpu_seconds(server)
                r = work(port, clients, asked.seconds)
                used = cpu_seconds(server) - used
                print(
                    f"{clients:>7}  {len(r.seconds) / r.took:>11.1f} {percentile(r.seconds, 0.5):>8.1f} "
                    f"{percentile(r.seconds, 0.99):>8.1f} {percentile(r.first, 0.5):>9.1f} "
                    f"{percentile(r.first, 0.99):>9.1f} {1000 * used / len(r.seconds):>14.1f} {r.errors:>7}"
                )
            print(f"memory of the server: {before:.0f} MiB before, {memory(server):.0f} MiB after")
        finally:
            server.terminate()
            server.wait(30)


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", port)):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
