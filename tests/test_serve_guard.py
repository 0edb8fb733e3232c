"""Who may come in to the server, and what goes out of it: keys, hosts, origins, headers, errors, logs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from r1router.policies.scripted import Scripted
from r1router.serve import logs
from r1router.serve.error_responses import hide_paths
from r1router.types import Ask
from serving import call, live, make_kbs, small_app
from test_serve_api import QUESTION, data_url
from test_serve_safety import ask

KEY = "correct horse battery staple"


@pytest.fixture(scope="module")
def kbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kbs(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def port(kbs: Path) -> Iterator[int]:
    with live(small_app(kbs)) as port:
        yield port


@pytest.fixture(scope="module")
def locked_port(kbs: Path) -> Iterator[int]:
    with live(small_app(kbs, key=KEY, origins=["https://chat.example"])) as port:
        yield port


# ── who may come in ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer é"],
)
def test_without_the_key_there_is_nothing_but_the_page_and_the_health(locked_port: int, authorization: str) -> None:
    headers = {"Authorization": authorization.encode("latin-1").decode("latin-1")} if authorization else {}
    for path in ("/v1/kbs", "/v1/models", "/metrics", "/readyz", "/openapi.json", "/docs", "/v1/../v1/kbs", "//v1/kbs"):
        got = call(locked_port, "GET", path, headers=headers)
        assert (got.status, got.error) == (401, "unauthorized")
    assert call(locked_port, "POST", "/v1/ask", QUESTION, headers=headers).status == 401
    assert call(locked_port, "GET", "/healthz", headers=headers).status == 200
    assert call(locked_port, "GET", "/", headers=headers).status == 200


def test_with_the_key_everything_is_open(locked_port: int) -> None:
    for scheme in ("Bearer", "bearer"):
        headers = {"Authorization": f"{scheme} {KEY}"}
        assert call(locked_port, "GET", "/v1/kbs", headers=headers).status == 200
    document = call(locked_port, "GET", "/openapi.json", headers=headers).json
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "127.0.0.1@evil"])
def test_a_name_that_was_made_to_point_here_is_refused(port: int, host: str) -> None:
    got = call(port, "GET", "/v1/kbs", headers={"Host": host})
    assert (got.status, got.error) == (403, "forbidden")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1:80", "[::1]:8000"])
def test_the_names_of_this_machine_are_served(port: int, host: str) -> None:
    assert call(port, "GET", "/v1/kbs", headers={"Host": host}).status == 200


def test_a_page_of_elsewhere_cannot_act_through_its_visitors_browser(port: int, locked_port: int) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{port + 1}"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        for path in ("/v1/ask", "/v1/kbs/files", "/v1/chat/completions"):
            assert call(port, "POST", path, b"{}", headers={**headers, "Content-Type": "text/plain"}).status == 403
    own = {"Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}
    assert call(port, "POST", "/v1/ask", ask(), headers=own).status == 200
    assert "access-control-allow-origin" not in call(port, "GET", "/v1/kbs", headers=own).headers

    allowed = {"Origin": "https://chat.example", "Authorization": f"Bearer {KEY}"}
    got = call(locked_port, "POST", "/v1/ask", ask(), headers=allowed)
    assert (got.status, got.headers["access-control-allow-origin"]) == (200, "https://chat.example")
    asked = {"Origin": "https://chat.example", "Access-Control-Request-Method": "POST"}
    assert call(locked_port, "OPTIONS", "/v1/ask", headers=asked).status == 200
    asked["Origin"] = "https://evil.example"
    assert call(locked_port, "OPTIONS", "/v1/ask", headers=asked).status == 400


def test_every_answer_has_the_security_headers(port: int) -> None:
    for got in (call(port, "GET", "/"), call(port, "GET", "/nope"), call(port, "POST", "/v1/ask", QUESTION)):
        assert "default-src 'self'" in got.headers["content-security-policy"]
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["referrer-policy"] == "no-referrer"


# ── what goes out ──────────────────────────────────────────────────────────────────────────────────


def test_an_error_that_nobody_expected_is_a_plain_500_and_the_log_has_the_rest(
    kbs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(ask: Ask) -> str:
        raise ZeroDivisionError("/srv/secret/path.py")

    with live(small_app(kbs, Scripted(break_down))) as port:
        got = call(port, "POST", "/v1/ask", ask())
        assert (got.status, got.error) == (500, "internal_error")
        assert b"ZeroDivision" not in got.body
        assert b"secret" not in got.body
        streamed = call(port, "POST", "/v1/ask", QUESTION)
        assert streamed.events[-1][1]["error"]["type"] == "internal_error"
        assert b"secret" not in streamed.body
    assert "ZeroDivisionError: /srv/secret/path.py" in caplog.text


def test_keys_pictures_and_words_stay_out_of_the_log(kbs: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="r1router")  # the command line's tests set it
    picture = data_url()
    with live(small_app(kbs, key=KEY)) as port:
        headers = {"Authorization": f"Bearer {KEY}"}
        assert call(port, "POST", "/v1/ask", ask(question="my secret question", image=picture), headers=headers).status
        assert call(port, "GET", "/v1/kbs/text/search?q=my+secret+words", headers=headers).status == 200
        assert call(port, "GET", "/v1/kbs", headers={"Authorization": "Bearer a-wrong-key"}).status == 401
    lines = [logs.JsonLines().format(record) for record in caplog.records if record.name.startswith("r1router")]
    requests = [json.loads(line) for line in lines if '"path"' in line]
    assert [(line["path"], line["status"]) for line in requests] == [
        ("/v1/ask", 200), ("/v1/kbs/text/search", 200), ("/v1/kbs", 401),
    ]  # fmt: skip
    for secret in (KEY, "a-wrong-key", picture[30:60], "my secret question", "secret+words", "secret words"):
        assert secret not in "\n".join(lines)


def test_log_lines_are_json_with_the_id_of_their_request() -> None:
    record = logging.makeLogRecord({"name": "r1router.serve", "msg": "found %d", "args": (3,), "levelname": "INFO"})
    token = logs.request_id.set("abc123abc123")
    assert logs._with_request_id(record)
    logs.request_id.reset(token)
    line = json.loads(logs.JsonLines().format(record))
    assert (line["message"], line["level"], line["request_id"]) == ("found 3", "info", "abc123abc123")


def test_a_log_line_is_one_line_whatever_a_client_puts_into_it() -> None:
    record = logging.makeLogRecord({"msg": "GET /a\nERROR all is lost\r", "levelname": "INFO", "request_id": "x1"})
    line = logs.TextLines().format(record)
    assert len(line.splitlines()) == 1
    assert line.endswith("INFO GET /a\\nERROR all is lost\\r [x1]")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/srv/kbs/uploads/x.pdf: damaged", "…/x.pdf: damaged"),
        ("cannot open '/home/me/a b.txt'", "cannot open '…/a b.txt'"),
        ("C:\\Users\\me\\x.pdf is cut off", "…/x.pdf is cut off"),
        ("uploads/x.pdf: page 3/4 of http://example.org/a/b", "uploads/x.pdf: page 3/4 of http://example.org/a/b"),
    ],
)
def test_folders_of_this_machine_stay_out_of_messages(text: str, left: str) -> None:
    assert hide_paths(text) == left


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x9b2J", "back\b\b", "line\u2028two", "\r\nGET /", "lone \ud800"])
def test_no_code_for_a_terminal_reaches_a_log_line(text: str) -> None:
    record = logging.makeLogRecord({"name": "r1router.serve", "msg": "cannot read %s", "args": (text,), "levelno": 30})
    for line in (logs.TextLines().format(record), logs.JsonLines().format(record)):
        assert line.isprintable()
        assert line.encode()
    assert text in json.loads(logs.JsonLines().format(record))["message"]
