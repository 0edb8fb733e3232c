"""Attacks a server that has a file to steal beside it, and counts what was not refused in words.

Every request must be answered with the status that is expected, in JSON, without a path or a secret of this machine;
after each the server must be alive, and at the end its knowledge base as it was.
"""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.robust.rows import Row, tell
from benchmarks.robust.server import request, start_server, upload

SECRET = "the-secret-of-this-machine"
_JSON = {"Content_Type": "application/json"}


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    (folder / "secret.txt").write_text(SECRET)
    with start_server(folder) as (port, _):
        before = request(port, "GET", "/v1/kbs")[1]
        for what, attacks in (
            ("requests that a client may not make", _list_requests(folder)),
            ("names of uploaded files", _list_names()),
            ("queries that reach beyond their table", _list_queries(folder)),
        ):
            attacks = rng.sample(attacks, max(2, round(len(attacks) * share)))
            survived = sum(_try(port, name, statuses, ask) for name, statuses, ask in attacks)
            yield Row(what, len(attacks), survived)
        raw = _list_raw()
        yield Row("what is no HTTP, or too much of it", len(raw), sum(_try_raw(port, *each) for each in raw))
        same = request(port, "GET", "/v1/kbs")[1] == before
        yield Row("the knowledge base is as it was", 1, int(same))


def _try(port: int, name: str, statuses: tuple[int, ...], ask: dict[str, Any]) -> bool:
    if files := ask.pop("files", None):
        status, said = upload(port, files)
        body = json.dumps(said).encode()
    else:
        status, body = request(port, **ask)
    alive = request(port, "GET", "/healthz")[0] == 200
    leaks = SECRET in body.decode(errors="replace") or b"root:" in body or b"Traceback" in body or b"/tmp/" in body
    if status in statuses and alive and not leaks:
        return True
    tell(name, f"status {status}, alive {alive}, leaks {leaks}: {body[:300]!r}")
    return False


def _ask(**fields: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/v1/ask", "body": json.dumps(fields).encode(), **_JSON}


def _get(path: str, **headers: str) -> dict[str, Any]:
    return {"method": "GET", "path": path, **headers}


def _list_requests(folder: Path) -> list[tuple[str, tuple[int, ...], dict[str, Any]]]:
    picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA////////CAIAAAA="
    ask = _ask(question="Q?")
    refused = (400, 403, 404, 405, 413, 415, 422)
    return [
        ("another host (rebinding)", (403,), _get("/v1/kbs", Host="evil.example")),
        ("another origin", (403,), {**ask, "Origin": "https://evil.example"}),
        ("another site's form", (403,), {**ask, "Sec_Fetch_Site": "cross-site"}),
        ("no JSON", refused, {**ask, "body": b"\xff\xfe{"}),
        ("JSON too deep", refused, {**ask, "body": b'{"question":' + b"[" * 100_000}),
        ("a number too long", refused, {**ask, "body": b'{"question": "q", "k": ' + b"9" * 100_000 + b"}"}),
        ("a question too long", refused, _ask(question="x" * 100_000)),
        ("a body too large", refused, {**ask, "body": b" " * (20 << 20)}),
        ("an empty question", refused, _ask(question="")),
        ("an unknown field", refused, _ask(question="q", policy="openai:m@http://10.0.0.1/v1")),
        ("a method of anybody's", refused, _ask(question="q", method="os:system")),
        ("a method with options", refused, _ask(question="q", method="r1_router?prompts=/etc")),
        ("too many steps", refused, _ask(question="q", max_steps=10**9)),
        ("a budget of nan", refused, {**ask, "body": b'{"question": "q", "budget": {"seconds": NaN}}'}),
        ("a picture of another place", refused, _ask(question="q", image="http://169.254.169.254/")),
        ("a picture of this machine", refused, _ask(question="q", image=f"file://{folder}/secret.txt")),
        ("a picture that is a bomb", refused, _ask(question="q", image=picture)),
        ("a knowledge base above", refused, _get("/v1/kbs/..%2f..%2fetc/sources")),
        ("a picture above", refused, _get("/v1/kbs/text/pictures/..%2f..%2f..%2fsecret.txt")),
        ("a page above", refused, _get("/%2e%2e/%2e%2e/etc/passwd")),
        ("a page's file above", refused, _get("/vendor/../../../../etc/passwd")),
        ("a source above", refused, {"method": "DELETE", "path": "/v1/kbs/text/sources/..%2f..%2fsecret.txt"}),
        ("a name that is no UTF-8", refused, _get("/v1/kbs/%E0%A4%A/sources")),
        ("a NUL in a name", refused, _get("/v1/kbs/text%00/sources")),
        ("an offset too large", refused, _get(f"/v1/kbs/text/sources?offset={10**30}")),
        ("more results than allowed", refused, _get("/v1/kbs/text/search?q=a&k=100000")),
        ("a search that is a filter", (200,), _get("/v1/kbs/text/search?q=%27%20OR%201=1;%20DROP%20TABLE")),
        ("a method that is none", refused, {"method": "TRACE", "path": "/v1/kbs"}),
        ("a job that is none", refused, _get("/v1/jobs/..%2f..%2fetc")),
        ("an upload that is no form", refused, {"method": "POST", "path": "/v1/kbs/files", "body": b"x"}),
        ("a header of 60 kB", (200, 400, 431, 0), _get("/v1/kbs", X_Long="x" * 60_000)),
        ("an id with codes for a terminal", (200,), _get("/healthz", X_Request_Id="\x1b[31mred")),
    ]  # fmt: skip


def _list_names() -> list[tuple[str, tuple[int, ...], dict[str, Any]]]:
    names = ("../../secret.md", "/etc/cron.md", "..\\..\\a.md", ".hidden.md", "~$lock.docx", "con.txt", "a\x07.txt",
             "a" * 300 + ".md", "a.exe", "", "a:b.md", "kb.json", "index.lance", "sources.sqlite-wal", "‮fdp.md",
             "a.md\x00.png", "uploads/../a.md")  # fmt: skip
    return [(repr(name), (202, 400, 415, 409), {"files": {name: b""}}) for name in names]


def _list_queries(folder: Path) -> list[tuple[str, tuple[int, ...], dict[str, Any]]]:
    queries = (
        f"SELECT * FROM read_text('{folder}/secret.txt')", f"SELECT * FROM '{folder}/secret.txt'",
        "SELECT * FROM read_csv('/etc/passwd')", "COPY t TO '/tmp/stolen'", "ATTACH '/tmp/x.db'", "INSTALL httpfs",
        "PRAGMA database_list", "SELECT * FROM duckdb_settings()", "SELECT getenv('HOME')", "SET memory_limit='100GB'",
        "SELECT repeat('x', 10000000000)",
        "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x FROM a) SELECT * FROM a",
        "DROP TABLE t", "SELECT 1; SELECT 2", "(" * 5000, "SELECT * FROM glob('/*')",
    )  # fmt: skip
    path, sound = "/v1/kbs/table/query", json.dumps({"sql": "SELECT count(*) FROM t"}).encode()
    refused = [
        (sql[:60], (400,), {"method": "POST", "path": path, "body": json.dumps({"sql": sql}).encode(), **_JSON})
        for sql in queries
    ]
    return [("a query that is allowed", (200,), {"method": "POST", "path": path, "body": sound, **_JSON}), *refused]


def _list_raw() -> list[tuple[str, bytes]]:
    host = b"Host: 127.0.0.1\r\n"
    ask, show = b"POST /v1/ask HTTP/1.1\r\n" + host, b"GET /v1/ask HTTP/1.1\r\n" + host
    socket_ = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    )
    hidden = b"GET / HTTP/1.1\r\n\r\n"
    return [
        ("two lengths", ask + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n{}   " + hidden),
        ("length and chunks", ask + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 100),
        ("no host", b"GET /v1/kbs HTTP/1.1\r\n\r\n"),
        ("a head without end", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200_000),
        ("a line end in a path", b"GET /a\nb HTTP/1.1\r\n" + host + b"\r\n"),
        ("a chunk that is negative", ask + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n"),
        ("a web socket", show + socket_),
    ]


def _try_raw(port: int, name: str, sent: bytes) -> bool:
    """Whether it is refused, or left without an answer, and the server is alive after it."""
    said = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.settimeout(3)
            connection.sendall(sent)
            said = connection.recv(200)
    except OSError:
        pass
    alive = request(port, "GET", "/healthz")[0] == 200
    refused = not said or said.split(b" ", 2)[1][:1] in (b"4", b"5")
    if not (alive and refused):
        tell(name, f"alive {alive}: {said!r}")
    return alive and refused
