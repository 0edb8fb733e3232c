"""Who may see what: every route of the server and of MCP, with keys that see all, a part, or nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from r1router.api import Setup
from r1router.errors import InputError
from r1router.filters.parse import parse
from r1router.ingest.run import index
from r1router.kb import open_kbs
from r1router.policies.scripted import Scripted
from r1router.serve.app import create_app
from r1router.serve.mcp.server import build_http_app, create_server
from r1router.serve.work.askers import Keys
from r1router.types import Query
from reading import written
from serving import Got, call, job_done, live, small_app, talk
from small_embedders import HashedWords, Thumbnails, plain_picture

PUBLIC = "Oslo is the capital of Norway, open to all."
SECRET = "Oslo layoffs begin in May, codename Bluebird."
KEYS = {"boss": "boss-key-0123456789", "press": "press-key-012345678", "tables": "tables-key-01234567"}


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[name]}"}


def write_keys(path: Path, **changes: Any) -> Path:
    entries = [
        {"name": "boss", "key": KEYS["boss"], "write": True, "metrics": True},
        {
            "name": "press",
            "sha256": hashlib.sha256(KEYS["press"].encode()).hexdigest(),
            "where": 'path under "docs/open"',
            **changes,
        },
        {"name": "tables", "key": KEYS["tables"], "kbs": ["table"], "write": True},
    ]
    path.write_text(json.dumps({"keys": entries}))
    return path


@pytest.fixture(scope="module")
def kbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access")
    docs = folder / "docs"
    for part in ("open", "hr"):
        (docs / part).mkdir(parents=True)
    written(docs / "open" / "norway.md", f"# Norway\n{PUBLIC}\n")
    written(docs / "hr" / "bluebird.md", f"# Bluebird\n{SECRET}\n")
    written(docs / "open" / "cities.csv", "city,people\nOslo,700000\nBergen,290000\n")
    written(docs / "hr" / "bluebird-salaries.csv", "name,salary\nKari Bluebird,700001\nOla,290001\n")
    written(docs / "open" / "red.png", plain_picture("red").data)
    written(docs / "hr" / "bluebird-photo.png", plain_picture("blue").data)
    index([docs], folder / "kbs", embedder=HashedWords(), image_embedder=Thumbnails(), ocr=False)
    return folder / "kbs"


@pytest.fixture
def port(kbs: Path, tmp_path: Path) -> Iterator[int]:
    with live(small_app(kbs, keys=Keys(write_keys(tmp_path / "keys.json")))) as found:
        yield found


def hidden(kbs: Path) -> dict[str, str]:
    """Ids, and the picture, of what the press must not see."""
    opened = open_kbs(kbs, text_embedder=HashedWords(), image_embedder=Thumbnails())
    secret = parse('path under "docs/hr"')
    picture = opened["image"].narrow(secret)
    [[shown]] = picture.search([Query("", plain_picture("blue"))], k=1)
    return {
        "picture": shown.image or "",
        "text": "docs/hr/bluebird.md#0",
        "table": opened["table"].narrow(secret).tables.list_all()[0].id,
    }


def requests_of(kbs: Path) -> dict[tuple[str, str], tuple[str, Any]]:
    """For every route one request that would show what is secret, if it could: (path, body)."""
    held = hidden(kbs)
    chat = {"model": "r1router", "messages": [{"role": "user", "content": "Which layoffs begin in May?"}]}
    return {
        ("POST", "/v1/ask"): (
            "/v1/ask",
            {"question": "Which layoffs begin in May?", "stream": False},
        ),
        ("POST", "/v1/chat/completions"): ("/v1/chat/completions", chat),
        ("GET", "/v1/models"): ("/v1/models", None),
        ("GET", "/v1/models/{model:path}"): ("/v1/models/r1router", None),
        ("GET", "/v1/answers/{id}"): ("/v1/answers/none", None),
        ("POST", "/v1/answers/{id}/rating"): ("/v1/answers/none/rating", {"right": True}),
        ("GET", "/v1/kbs"): ("/v1/kbs", None),
        ("GET", "/v1/about"): ("/v1/about", None),
        ("GET", "/v1/examples"): ("/v1/examples", None),
        ("POST", "/v1/kbs"): ("/v1/kbs", {"name": "text"}),
        ("PATCH", "/v1/kbs/{kb}"): ("/v1/kbs/text", {"holds": "All of it"}),
        ("DELETE", "/v1/kbs/{kb}"): ("/v1/kbs/text", None),
        ("GET", "/v1/kbs/{kb}/search"): ("/v1/kbs/text/search?q=layoffs+codename&k=50", None),
        ("POST", "/v1/kbs/{kb}/search"): ("/v1/kbs/text/search", {"text": "layoffs", "k": 50, "where": "path != 'x'"}),
        ("GET", "/v1/kbs/{kb}/tables"): ("/v1/kbs/table/tables", None),
        ("POST", "/v1/kbs/{kb}/query"): ("/v1/kbs/table/query", {"sql": "SELECT * FROM t", "table": held["table"]}),
        ("GET", "/v1/kbs/{kb}/sources"): ("/v1/kbs/text/sources", None),
        ("GET", "/v1/kbs/{kb}/pictures/{file}"): (f"/v1/kbs/image/pictures/{held['picture']}", None),
        ("GET", "/v1/kbs/{kb}/entries"): ("/v1/kbs/text/entries?source=docs/hr/bluebird.md", None),
        ("GET", "/v1/kbs/{kb}/files/{source:path}"): ("/v1/kbs/text/files/docs/hr/bluebird.md", None),
        ("POST", "/v1/kbs/files"): ("/v1/kbs/files", None),
        ("DELETE", "/v1/kbs/{kb}/sources/{source:path}"): ("/v1/kbs/text/sources/docs%2Fhr%2Fbluebird.md", None),
        ("GET", "/v1/jobs/{id}"): ("/v1/jobs/0", None),
        ("DELETE", "/v1/jobs/{id}"): ("/v1/jobs/0", None),
        ("GET", "/v1/jobs/{id}/events"): ("/v1/jobs/0/events", None),
        ("GET", "/healthz"): ("/healthz", None),
        ("GET", "/readyz"): ("/readyz", None),
        ("GET", "/metrics"): ("/metrics", None),
        ("GET", "/docs"): ("/docs", None),
        ("GET", "/openapi.json"): ("/openapi.json", None),
    }


def list_routes(app: Any) -> set[tuple[str, str]]:
    """(method, path) of all that is no file of the page."""
    found, waiting = set(), list(app.routes)
    while waiting:
        route = waiting.pop()
        if included := getattr(route, "original_router", None):
            waiting += included.routes
            continue
        is_page = not isinstance(route, APIRoute) and route.path != "/openapi.json"
        found |= set() if is_page else {(method, route.path) for method in route.methods if method != "HEAD"}
    return found


def test_every_route_is_asked_for_what_is_secret(kbs: Path) -> None:
    assert list_routes(small_app(kbs)) == set(requests_of(kbs)), "a route is new: say here how it could show a secret"


def test_no_route_shows_a_part_of_the_press_what_it_may_not_see(kbs: Path, port: int) -> None:
    for (method, route), (path, body) in requests_of(kbs).items():
        got = call(port, method, path, body, headers=bearer("press"))
        assert got.status < 500, (route, got.body)
        body = got.body.replace(hidden(kbs)["table"].encode(), b"")  # what it asked for, repeated
        assert b"luebird" not in body, (route, got.body)
        assert b"salar" not in body, route
    for kb, words in (("text", "Oslo capital layoffs"), ("table", "Oslo Kari salary")):
        found = call(port, "GET", f"/v1/kbs/{kb}/search?q={words.replace(' ', '+')}", headers=bearer("press")).json
        assert {e["location"]["source"].split("/")[1] for e in found["results"]} == {"open"}


def test_every_route_but_the_page_and_its_life_sign_needs_a_key(kbs: Path, port: int) -> None:
    for (method, route), (path, body) in requests_of(kbs).items():
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEYS['boss']}"}):
            assert call(port, method, path, body, headers=headers).status == (200 if route == "/healthz" else 401), (
                route
            )
    assert call(port, "GET", "/").status == 200


def test_the_boss_sees_all(kbs: Path, port: int) -> None:
    held = hidden(kbs)
    found = call(port, "GET", "/v1/kbs/text/search?q=layoffs+codename", headers=bearer("boss"))
    assert b"Bluebird" in found.body
    assert call(port, "GET", f"/v1/kbs/image/pictures/{held['picture']}", headers=bearer("boss")).status == 200
    assert call(port, "GET", "/metrics", headers=bearer("boss")).status == 200


def test_a_part_is_counted_and_described_as_if_it_were_all(port: int) -> None:
    [text] = [kb for kb in call(port, "GET", "/v1/kbs", headers=bearer("press")).json["kbs"] if kb["name"] == "text"]
    assert (text["entries"], text["sources"], text["holds"], text["bytes"]) == (1, 1, "1 passage: Norway", None)
    sources = call(port, "GET", "/v1/kbs/text/sources", headers=bearer("press")).json
    assert (sources["total"], [source["source"] for source in sources["sources"]]) == (1, ["docs/open/norway.md"])


def test_a_filter_of_the_client_never_widens_what_its_key_may_see(port: int) -> None:
    for where in (
        "path != 'x'",
        'path under "docs/hr" or path under "docs"',
        'not (path under "docs/open")',
        "x = none",
    ):
        asked = {"question": "layoffs?", "where": where, "stream": False}
        got = call(port, "POST", "/v1/ask", asked, headers=bearer("press"))
        assert b"Bluebird" not in got.body
        assert got.status in (200, 400), got.body
    broken = call(
        port, "POST", "/v1/ask", {"question": "?", "where": "path = 'x') or ('' = ''"}, headers=bearer("press")
    )
    assert (broken.status, broken.error) == (400, "invalid_request")


def test_a_filter_of_a_question_is_kept_with_it(port: int) -> None:
    where = 'folder = "open"'
    got = call(port, "POST", "/v1/ask", {"question": "Oslo?", "where": where, "stream": False}, headers=bearer("boss"))
    assert got.json["question"]["where"] == where
    assert all(e["location"]["source"].startswith("docs/open") for step in got.json["steps"] for e in step["evidence"])


def test_a_knowledge_base_that_is_not_for_a_key_is_not_there(port: int) -> None:
    assert [kb["name"] for kb in call(port, "GET", "/v1/kbs", headers=bearer("tables")).json["kbs"]] == ["table"]
    assert call(port, "GET", "/v1/kbs/text/search?q=Oslo", headers=bearer("tables")).status == 404
    asked = call(port, "POST", "/v1/ask", {"question": "Oslo?", "kbs": ["text"]}, headers=bearer("tables"))
    assert asked.status == 400
    assert "text" not in asked.json["error"]["message"].partition("known:")[2]


def test_only_keys_that_may_write_change_anything_and_only_where_they_may(port: int) -> None:
    files = [("file", "new.md", b"# New\nNew things.")]
    assert call(port, "POST", "/v1/kbs/files", files=files, headers=bearer("press")).status == 403
    for fields in ({}, {"name": "text"}, {"as": "text"}):
        assert call(port, "POST", "/v1/kbs/files", files=files, fields=fields, headers=bearer("tables")).status == 403
    removed = call(port, "DELETE", "/v1/kbs/text/sources/docs%2Fopen%2Fnorway.md", headers=bearer("tables"))
    assert removed.status == 404


def test_a_job_is_there_only_for_who_started_it(port: int) -> None:
    files = [("file", "extra.csv", b"a,b\n1,2\n")]
    started = call(port, "POST", "/v1/kbs/files", files=files, fields={"name": "table"}, headers=bearer("tables"))
    job = started.json["job"]
    for name in ("press", "boss"):
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events")):
            assert call(port, method, f"/v1/jobs/{job}{path}", headers=bearer(name)).status == 404
    assert job_done(port, job, bearer("tables"))["state"] == "done"


def test_a_key_may_ask_only_so_much(kbs: Path, tmp_path: Path) -> None:
    keys = Keys(write_keys(tmp_path / "keys.json", per_minute=2))
    with live(small_app(kbs, keys=keys)) as port:
        path = "/v1/kbs/text/search?q=Oslo"
        statuses = [call(port, "GET", path, headers=bearer("press")).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = call(port, "GET", path, headers=bearer("press"))
        assert 0 < int(refused.headers["retry-after"]) <= 61
        assert call(port, "GET", path, headers=bearer("boss")).status == 200


def test_a_key_that_is_taken_away_is_refused_while_the_server_runs(kbs: Path, tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys.json")
    with live(small_app(kbs, keys=Keys(path))) as port:
        assert call(port, "GET", "/v1/kbs", headers=bearer("press")).status == 200
        path.write_text(json.dumps({"keys": [{"name": "boss", "key": KEYS["boss"]}]}))
        assert call(port, "GET", "/v1/kbs", headers=bearer("press")).status == 401
        path.write_text("{ broken")  # while it is edited
        assert call(port, "GET", "/v1/kbs", headers=bearer("boss")).status == 200
        os.unlink(path)
        assert call(port, "GET", "/v1/kbs", headers=bearer("boss")).status == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no keys"),
        ("[[keys]]\nkey = 'long-enough-0123'", "has no name"),
        ("[[keys]]\nname = 'a'", "either the key or its sha256"),
        ("[[keys]]\nname = 'a'\nkey = 'short'", "16 characters"),
        ("[[keys]]\nname = 'a'\nsha256 = 'beef'", "64 hexadecimal digits"),
        ("[[keys]]\nname = 'a'\nkey = 'long-enough-0123'\nwhere = 'x ='", "character 4"),
        ("[[keys]]\nname = 'a'\nkey = 'long-enough-0123'\nwher = 'x'", "wher is not known"),
        ("[[keys]]\nname = 'a'\nkey = 'long-enough-0123'\nwhere = 'x = 1'\nwrite = true", "may not write"),
        ("[[keys]]\nname = 'a'\nkey = 'long-enough-0123'\nwrite = 'no'", "write is no bool"),
        ("[[keys]]\nname = 'a'\nkey = 'long-enough-0123'\n[[keys]]\nname = 'b'\nkey = 'long-enough-0123'", "twice"),
        ("keys = ", "cannot be read"),
    ],
)
def test_a_file_of_keys_that_is_wrong_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Keys(written(tmp_path / "keys.toml", text))


def test_a_server_under_a_filter_gives_out_a_part_and_takes_no_files(kbs: Path) -> None:
    setup = Setup(kbs=kbs, policy=Scripted(talk), where='path under "docs/open"')
    with live(create_app(setup, text_embedder=HashedWords(), image_embedder=Thumbnails())) as port:
        assert b"luebird" not in call(port, "GET", "/v1/kbs/text/search?q=layoffs").body
        assert call(port, "POST", "/v1/kbs/files", files=[("file", "a.md", b"x")]).status == 403


# ── MCP ────────────────────────────────────────────────────────────────────────────────────────


def ask_mcp(port: int, key: str, method: str, params: dict[str, Any]) -> Got:
    """One request over HTTP, without a session."""
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18", **bearer(key)}
    start = {
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }  # fmt: skip
    session = call(port, "POST", "/mcp", start, headers=headers).headers["mcp-session-id"]
    told = {**headers, "Mcp-Session-Id": session}
    call(port, "POST", "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=told)
    return call(port, "POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, headers=told)


def test_mcp_shows_a_key_only_what_it_may_see(kbs: Path, tmp_path: Path) -> None:
    held = hidden(kbs)
    setup = Setup(kbs=kbs, policy=Scripted(talk))
    server = create_server(setup, guarded=True, text_embedder=HashedWords(), image_embedder=Thumbnails())
    keys = Keys(write_keys(tmp_path / "keys.json"))
    with live(build_http_app(server, key="", keys=keys, hosts={"127.0.0.1"})) as port:  # type: ignore[arg-type]
        uri = "r1router://kbs/text/" + held["text"].replace("/", "%2F").replace("#", "%23")
        calls: list[tuple[str, dict[str, Any]]] = [
            ("tools/call", {"name": "search", "arguments": {"kb": "text", "query": "layoffs May", "k": 50}}),
            ("tools/call", {"name": "ask", "arguments": {"question": "Which layoffs begin in May?"}}),
            (
                "tools/call",
                {"name": "query", "arguments": {"kb": "table", "sql": "SELECT * FROM t", "table": held["table"]}},
            ),
            ("tools/list", {}),
            ("resources/list", {}),
            ("resources/templates/list", {}),
            ("resources/read", {"uri": "r1router://kbs"}),
            ("resources/read", {"uri": uri}),
        ]
        for method, params in calls:
            got = ask_mcp(port, "press", method, params)
            body = got.body.replace(uri.encode(), b"").replace(held["table"].encode(), b"")
            assert got.status == 200
            assert b"luebird" not in body, (method, params, body)
            assert b"salary" not in body, (method, params, body)
        assert b"Bluebird" in ask_mcp(port, "boss", "resources/read", {"uri": uri}).body
        assert b"Bluebird" in ask_mcp(port, "boss", *calls[0]).body
        assert b'"text' not in ask_mcp(port, "tables", "resources/read", {"uri": "r1router://kbs"}).body.replace(
            b'"text":', b""
        ).replace(b'"text"}', b"")


def test_a_filter_of_an_mcp_client_narrows_its_search_and_its_question(kbs: Path, tmp_path: Path) -> None:
    server = create_server(
        Setup(kbs=kbs, policy=Scripted(talk)), guarded=True, text_embedder=HashedWords(), image_embedder=Thumbnails()
    )
    keys = Keys(write_keys(tmp_path / "keys.json"))
    with live(build_http_app(server, key="", keys=keys, hosts={"127.0.0.1"})) as port:  # type: ignore[arg-type]

        def called(tool: str, **arguments: Any) -> bytes:
            return ask_mcp(port, "boss", "tools/call", {"name": tool, "arguments": arguments}).body

        search = {"kb": "text", "query": "Oslo layoffs", "k": 50}
        assert b"luebird" in called("search", **search)
        assert b"luebird" not in called("search", **search, where='path under "docs/open"')
        asked = called("ask", question="Which layoffs begin in May?", where='path under "docs/open"')
        assert b"Norway" in asked
        assert b"luebird" not in asked
        assert b"did you mean 'folder'" in called("search", **search, where='fodler = "a"')
