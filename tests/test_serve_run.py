"""`r1router serve` as a process: what it refuses to start with, what it says, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from r1router.api import Setup
from r1router.cli.serve import serve
from r1router.errors import InputError
from r1router.kb.stores.folder.ledger import SqliteLedger
from r1router.serve.app import create_app
from r1router.serve.run import SWITCH_SECONDS, run
from serving import call, job_done, make_kbs, until

WAITING = '''
"""A policy that takes a second for each call, in a module of its own."""
import asyncio, gc
from r1router.types import Reply

class Waiting:
    spec = "waiting_policy:Waiting"
    def __init__(self, *, seconds: float = 1.0):
        self.seconds = seconds
    async def reply(self, ask, *, temperature=0.0, seed=None):
        await asyncio.sleep(self.seconds)
        return Reply(f"<answer>{gc.get_freeze_count()} kept, {len(gc.get_objects())}</answer>")
    async def close(self):
        print("closed", flush=True)
'''
MAIN = "from r1router.cli import main; main()"
DIRECT = json.dumps({"question": "Q?", "method": "direct"})


@contextmanager
def running(folder: Path, *options: str, seconds: float = 1.0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """(process, port) of the command over a small text knowledge base."""
    package = folder / "waiting" / "__init__.py"
    package.parent.mkdir()
    package.touch()
    (package.parent / "policy.py").write_text(WAITING)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    policy = f"waiting.policy:Waiting?seconds={seconds}"
    command = ["serve", "--kbs", str(make_kbs(folder)), "--policy", policy, "--port", str(port), *options]
    paths = os.pathsep.join([str(folder), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    try:
        until(lambda: process.poll() is not None or is_up(port), 60)
        assert process.poll() is None, process.communicate()
        yield process, port
    finally:
        process.kill()
        process.communicate()


def is_up(port: int) -> bool:
    try:
        return call(port, "GET", "/healthz").status == 200
    except OSError:
        return False


@contextmanager
def begun(port: int) -> Iterator[http.client.HTTPResponse]:
    """A question whose response has begun."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/v1/ask", DIRECT, {"Content-Type": "application/json"})
    with connection.getresponse() as response:
        assert response.readline() == b"event: started\n"
        yield response
    connection.close()


def test_a_stopped_server_finishes_what_it_can_and_ends(tmp_path: Path) -> None:
    with running(tmp_path, "--log-json") as (process, port), begun(port) as response:
        process.send_signal(signal.SIGTERM)
        rest = response.read().decode()
        assert "event: finished" in rest
        out, err = process.communicate(timeout=20)
    assert out == "closed\n"
    lines = [json.loads(line) for line in err.splitlines()]
    asked = next(line for line in lines if line.get("path") == "/v1/ask")
    assert (asked["status"], asked["method"], len(asked["request_id"])) == (200, "POST", 32)
    assert process.returncode == -signal.SIGTERM


def test_what_does_not_end_in_time_is_told_so(tmp_path: Path) -> None:
    with running(tmp_path, "--shutdown-seconds", "0.5", seconds=60) as (process, port), begun(port) as response:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        rest = response.read().decode()
        assert re.search(r'event: error\ndata: {"error":{"type":"stopping","message":"the server has stopped', rest)
        out, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert out == "closed\n"


def test_an_upload_that_is_being_indexed_is_finished_first(tmp_path: Path) -> None:
    with running(tmp_path, "--shutdown-seconds", "200", seconds=0) as (process, port):
        text = "\n\n".join(f"Paragraph {n} is about river {n}. " * 10 for n in range(60)).encode()
        assert (
            call(port, "POST", "/v1/kbs/files", files=[("file", "a.txt", text)], fields={"name": "rivers"}).status
            == 202
        )
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=250)
    taken = SqliteLedger(tmp_path / "kbs" / "rivers").read()["uploads/rivers/a.txt"]
    assert taken.fingerprint
    assert taken.entries > 1


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the reading process is found in /proc")
def test_a_file_that_takes_long_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running(tmp_path, "--shutdown-seconds", "0.5", seconds=0) as (process, port):
        sent = {"files": [("file", "a.txt", b"Oslo")], "fields": {"name": "rivers"}}
        assert job_done(port, call(port, "POST", "/v1/kbs/files", **sent).json["job"])["state"] == "done"
        until(lambda: find_children(process))  # those of a thread that just ends are in no list for a moment
        [reader] = find_children(process)
        os.kill(int(reader), signal.SIGSTOP)
        job = call(port, "POST", "/v1/kbs/files", files=[("file", "b.txt", b"Lima")], fields={"name": "rivers"}).json
        until(lambda: call(port, "GET", f"/v1/jobs/{job['job']}").json["state"] == "running")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert not Path(f"/proc/{reader}").exists() or "Z" in Path(f"/proc/{reader}/stat").read_text()


def test_what_a_server_loads_is_never_looked_at_by_the_garbage_collector_again(tmp_path: Path) -> None:
    """To look at all of it took 140 ms each time, for which no request could be answered."""
    with running(tmp_path, seconds=0.0) as (_, port):
        asked = {"question": "Q?", "method": "direct", "stream": False}
        kept, seen = call(port, "POST", "/v1/ask", asked).json["answer"]["text"].split(" kept, ")
    assert int(kept) > 100_000 > 2 * int(seen)


def find_children(process: subprocess.Popen[str]) -> list[str]:
    """Process ids, of any thread's."""
    return " ".join(path.read_text() for path in Path(f"/proc/{process.pid}/task").glob("*/children")).split()


def test_searching_threads_give_pythons_lock_up_soon_so_that_no_request_waits_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured under 256 clients: see docs/robustness.md. The server ends at once: there is no such model."""
    usual = sys.getswitchinterval()
    app = create_app(Setup(kbs=make_kbs(tmp_path), policy="llamacpp:/no/such.gguf"))
    try:
        with pytest.raises(SystemExit):
            run(app, host="127.0.0.1", port=0, shutdown_seconds=0.0)
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        assert usual / 2 > SWITCH_SECONDS
    finally:
        sys.setswitchinterval(usual)


def test_the_option_to_fetch_pictures_says_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data URL"):
        serve(kbs=tmp_path, policy="scripted:none", allow_url_images=True)


def test_a_host_that_others_reach_needs_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        with pytest.raises(InputError, match="needs a key"):
            serve(kbs=tmp_path, policy="scripted:none", host=host)
    with pytest.raises(InputError, match=r"kb\.example can be reached by others"):
        serve(kbs=tmp_path, policy="scripted:none", allow_host=["kb.example"])
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(InputError, match="MY_KEY holds no key"):
        serve(kbs=tmp_path, policy="scripted:none", host="0.0.0.0", api_key_env="MY_KEY")


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = subprocess.run(
            [sys.executable, "-c", MAIN, "serve", "--kbs", str(tmp_path), "--port", str(port)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert said.returncode == 1
    assert said.stderr.startswith(f"error: cannot listen at 127.0.0.1, port {port}: ")


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['fastapi'] = None; "
    said = subprocess.run(
        [sys.executable, "-c", hide + MAIN, "serve", "--kbs", str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert said.returncode == 1
    assert "pip install 'r1router[serve]'" in said.stderr
