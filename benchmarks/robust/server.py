"""Starts a server for the campaign, and watches its health, memory and CPU from a process of its own.

Beside it a bare FastAPI answers its own /healthz: on a busy machine the ratio of the two says what is ours. Who asks
and who answers share the cores, so it is told how much of a core each of them had.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from benchmarks.robust.words import Words

import r1router as rr

_BARE = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/healthz")
async def alive(): return {"status": "alive"}
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


class Watched(NamedTuple):
    p99: float
    """Milliseconds of the server's /healthz."""
    own: float
    """The same without the time in which its event loop, or who asked, waited for a core."""
    bare: float
    """Of the bare one's, in the same time."""
    slowest: float
    held: list[int]
    """MiB of the server's own process, at each tenth of the time."""
    fattest_child: int
    """MiB of the largest process that it started."""
    cpu: float
    """Of one core, that the server's own process had."""
    loop: float
    """Of it, its event loop's thread, which answers /healthz."""

    @property
    def health(self) -> str:
        """How soon /healthz was answered."""
        return (
            f"/healthz p99 {self.p99:.0f} ms ({self.own:.0f} ms without waiting for a core, bare FastAPI "
            f"{self.bare:.0f} ms), slowest {self.slowest:.0f} ms"
        )

    def __str__(self) -> str:
        return (
            f"{self.health}; the server had {self.cpu:.0%} of a core, its event loop {self.loop:.0%}; "
            f"MiB {' '.join(map(str, self.held))}; largest reading process {self.fattest_child} MiB"
        )


@contextmanager
def start_server(folder: Path) -> Iterator[tuple[int, int]]:
    """(port, process) of a server over small knowledge bases, text and table; its policy answers at once."""
    docs = folder / "docs"
    docs.mkdir()
    (docs / "norway.md").write_text("# Norway\nOslo is the capital of Norway.\n")
    (docs / "cities.csv").write_text("city,people\nOslo,717710\nBergen,291940\n")
    rr.index([docs], kbs=folder / "kbs", embedder=Words(), ocr=False)
    port = find_port()
    command = ["serve", "--kbs", str(folder / "kbs"), "--policy", "benchmarks.instant:Instant", "--port", str(port)]
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "r1router", *command], stderr=log, env=environment)
    try:
        for _ in range(600):
            if request(port, "GET", "/readyz")[0] == 200:
                break
            time.sleep(0.2)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(60)


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def request(
    port: int, method: str, path: str, body: bytes | None = None, *, seconds: float = 300.0, **headers: str
) -> tuple[int, bytes]:
    """(status, body); status 0 where the connection broke."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def upload(port: int, files: dict[str, bytes]) -> tuple[int, Any]:
    """(status, answer) of one upload of several files."""
    boundary = "a-boundary-of-the-campaign"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + data
        for name, data in files.items()
    ]
    body = b"\r\n".join(parts) + f"\r\n--{boundary}--\r\n".encode()
    status, said = request(
        port, "POST", "/v1/kbs/files", body, Content_Type=f"multipart/form-data; boundary={boundary}"
    )
    return status, json.loads(said) if said else {}


def wait_for_job(
    port: int, job: str, patience: float, meanwhile: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """The job when it has ended; cancelled after so many seconds. `meanwhile` is called again and again."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        status, said = request(port, "GET", f"/v1/jobs/{job}")
        shown: dict[str, Any] = json.loads(said) if status == 200 else {"state": f"status {status}"}
        if shown["state"] not in ("queued", "running"):
            return shown
        meanwhile()
        time.sleep(0.1)
    request(port, "DELETE", f"/v1/jobs/{job}")
    return {"state": f"not done in {patience:g} s"}


def remove(port: int, name: str, patience: float) -> None:
    """Takes an uploaded file out of every knowledge base that has it."""
    for kb in ("text", "table", "image"):
        status, said = request(port, "DELETE", f"/v1/kbs/{kb}/sources/uploads/{quote(name)}")
        if status == 202:
            wait_for_job(port, json.loads(said)["job"], patience)


@contextmanager
def watch(port: int, process: int) -> Iterator[list[Watched]]:
    """Fills the list with what was seen, once it is left."""
    seen: list[Watched] = []
    bare_port = find_port()
    bare = subprocess.Popen([sys.executable, "-c", _BARE, str(bare_port)])
    while request(bare_port, "GET", "/healthz")[0] != 200:
        time.sleep(0.1)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    watcher = context.Process(target=_watch, args=(theirs, port, bare_port, process))
    watcher.start()
    ours.recv()
    try:
        yield seen
    finally:
        ours.send(None)
        seen.append(Watched(*ours.recv()))
        watcher.join(10)
        bare.kill()
        bare.wait()


def _watch(pipe: Any, port: int, bare_port: int, process: int) -> None:
    pipe.send(None)
    took: dict[int, list[float]] = {port: [], bare_port: []}
    own: list[float] = []
    held, fattest = [], 0
    began, cpu, loop = time.monotonic(), _read_cpu(f"{process}"), _read_cpu(f"{process}/task/{process}")
    while not pipe.poll(0.1):
        for each, times in took.items():
            waited, asked = _read_wait(process) + _read_wait(os.getpid()), time.perf_counter()
            request(each, "GET", "/healthz")
            times.append(1000 * (time.perf_counter() - asked))
            if each == port:
                waited = _read_wait(process) + _read_wait(os.getpid()) - waited
                own.append(max(0.0, times[-1] - 1000 * waited))
        if len(took[port]) % 10 == 1:
            held.append(read_memory(process))
            fattest = max(fattest, read_peak_of_children(process))
    step, seconds = max(1, len(held) // 10), time.monotonic() - began
    cpu, loop = _read_cpu(f"{process}") - cpu, _read_cpu(f"{process}/task/{process}") - loop
    times = (_p99(took[port]), _p99(own), _p99(took[bare_port]), max(took[port]))
    pipe.send((*times, held[::step], fattest, cpu / seconds, loop / seconds))


def _read_wait(process: int) -> float:
    """Seconds for which the first thread of a process, its event loop, was ready to run and had no core."""
    try:
        return int(Path(f"/proc/{process}/task/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _p99(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(0.99 * len(times)))]


def read_memory(process: int) -> int:
    """MiB that are resident; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except (OSError, IndexError):
        return 0


def forget_peak(process: int) -> None:
    """Has the peak of a process, and of all that it started, begin anew."""
    for each in (process, *list_children(process)):
        with suppress(OSError):  # it may just have ended
            Path(f"/proc/{each}/clear_refs").write_text("5")


def read_peak(process: int) -> int:
    """MiB that were resident at most, since the process began or `forget_peak`; 0 where it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) >> 10
    except (OSError, IndexError):
        return 0


def read_peak_of_children(process: int) -> int:
    """The largest of those that it started and that live."""
    return max(map(read_peak, list_children(process)), default=0)


def read_cpu_of_children(process: int) -> float:
    """CPU seconds of all that a process started, those that have ended included."""
    return _read_cpu(f"{process}", ended=True) + sum(_read_cpu(f"{child}") for child in list_children(process))


def _read_cpu(of: str, *, ended: bool = False) -> float:
    """CPU seconds of a process, or of a thread as "PROCESS/task/THREAD"; or of the children that have `ended`."""
    try:
        fields = Path(f"/proc/{of}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[13:15] if ended else fields[11:13])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


def list_children(process: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except OSError:
            continue
    return found
