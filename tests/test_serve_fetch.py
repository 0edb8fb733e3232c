"""Pictures by web address: which addresses are fetched from, and how much of what is there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from r1router.serve.problems import Refused
from r1router.serve.work import fetch
from serving import call, live, make_kbs, small_app
from small_embedders import plain_picture
from test_serve_safety import ask


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.1",
    ],
)  # fmt: skip
def test_addresses_that_are_never_fetched(address: str) -> None:
    assert not fetch.is_public(ip_address(address))


def test_addresses_of_the_web_may_be_fetched() -> None:
    assert fetch.is_public(ip_address("93.184.216.34"))
    assert fetch.is_public(ip_address("2606:2800:220:1:248:1893:25c8:1946"))


class Pictures(BaseHTTPRequestHandler):
    """A web server with a picture, a redirect to it, one that never ends, and one that drips."""

    def do_GET(self) -> None:
        where = {"/moved": "/red.png", "/round": "/round", "/inside": "http://10.0.0.1/x.png"}.get(self.path)
        self.send_response(302 if where else 200 if self.path in ("/red.png", "/huge") else 404)
        if where:
            self.send_header("Location", where)
        self.end_headers()
        if self.path == "/red.png":
            self.wfile.write(plain_picture("red").data)
        if self.path == "/huge":
            self.wfile.write(b"x" * 200_000)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Pictures)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_picture_is_fetched_through_redirects(web: str) -> None:
    here = ip_address("127.0.0.1").__eq__
    assert fetch.fetch(f"{web}/red.png", most=10_000, may_connect=here) == plain_picture("red").data
    assert fetch.fetch(f"{web}/moved", most=10_000, may_connect=here) == plain_picture("red").data


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/huge", "larger than"),
        ("/round", "more than 3 times"),
        ("/inside", "not a public one"),
        ("/none.png", "status 404"),
    ],
)
def test_what_is_not_fetched_although_its_address_is_allowed(web: str, path: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        fetch.fetch(f"{web}{path}", most=100_000, may_connect=ip_address("127.0.0.1").__eq__)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.png", "http://localhost/x.png", "http://[::1]/x.png", "http://2130706433/", "http://0x7f.1/",
        "http://user:pass@127.0.0.1/", "ftp://127.0.0.1/x", "http:///x.png", "http://127.0.0.1:99999/", "http://[::1/x",
    ],
)  # fmt: skip
def test_this_machine_is_not_fetched_from_whatever_it_is_called(url: str) -> None:
    with pytest.raises(Refused):
        fetch.fetch(url, most=1000)


def test_a_server_that_may_fetch_still_does_not_fetch_from_here(tmp_path: Path, web: str) -> None:
    with live(small_app(make_kbs(tmp_path), allow_url_images=True)) as port:
        got = call(port, "POST", "/v1/ask", ask(image=f"{web}/red.png"))
        assert (got.status, got.json["error"]["message"]) == (400, "the picture's address is not a public one")


def test_a_line_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SECONDS", 0.5)
    done = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def drip() -> None:
            line, _ = listener.accept()
            with line:
                try:
                    while not done.wait(0.05):
                        line.sendall(b"H")
                except OSError:
                    pass

        thread = threading.Thread(target=drip)
        thread.start()
        with pytest.raises(Refused, match="could not be fetched"):
            fetch.fetch(
                f"http://127.0.0.1:{listener.getsockname()[1]}/", most=100, may_connect=ip_address("127.0.0.1").__eq__
            )
        done.set()
        thread.join()
