"""`r1router mcp` by the SDK's own client: as a process over stdio and over HTTP, and inside this process."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from r1router.api import Setup
from r1router.cli.mcp import mcp
from r1router.errors import InputError, MissingExtra
from r1router.ingest.run import index
from r1router.policies.scripted import Scripted
from r1router.serve.limits import Limits
from r1router.serve.mcp import results
from r1router.serve.mcp.server import build_http_app, create_server
from r1router.types import Ask, Evidence, Reply
from serving import PASSAGES, call, live, make_kbs, talk, until
from small_embedders import HashedWords, Thumbnails, plain_picture

MAIN = "from r1router.cli import main; main()"
KEY = "correct horse battery staple"
QUESTION = {"question": "What is the capital of Norway?"}
PICTURE = "data:image/png;base64," + base64.b64encode(plain_picture("red").data).decode()
REPLIES = [
    "<think>look it up</think>\n<sub-question>capital of Norway</sub-question>\n<ret>text</ret>",
    "<think>the first piece says it</think>\n<answer>Oslo</answer>",
    "<think>that is it</think>\n<sub-question>None</sub-question>\n<ret>None</ret>",
    "<think>Oslo</think>\n<answer>Oslo is the capital of Norway.</answer>",
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with text and one picture, indexed by the embedders that come along, and a file of replies."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "docs").mkdir()
    for name, text in PASSAGES.items():
        (folder / "docs" / name).write_text(text)
    (folder / "docs" / "flag.png").write_bytes(plain_picture("red").data)
    (folder / "docs" / "flag.txt").write_text("A flag that is all red.")
    index([folder / "docs"], folder / "kbs", ocr=False)
    (folder / "replies.jsonl").write_text("\n".join(map(json.dumps, REPLIES)))
    return folder


@pytest.fixture(scope="module")
def kbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kbs(tmp_path_factory.mktemp("small"))


def command(folder: Path, *options: str) -> list[str]:
    policy = f"scripted:{folder / 'replies.jsonl'}"
    return ["-c", MAIN, "mcp", "--kbs", str(folder / "kbs"), "--policy", policy, *options]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MCP_KEY": KEY}


def server(kbs: Path, policy: Any = None, **options: Any) -> Any:
    embedders = {"text_embedder": HashedWords(), "image_embedder": Thumbnails()}
    return create_server(Setup(kbs=kbs, policy=policy or Scripted(talk)), **embedders, **options)


def texts(result: Any) -> str:
    return "\n".join(part.text for part in result.content)


async def whole_job(client: Client) -> None:
    """All that a client can do, over the real knowledge bases."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools.keys() == {"ask", "search", "query"}
    assert "image (image), text (text)" in tools["ask"].description
    assert tools["ask"].annotations.read_only_hint

    seen: list[tuple[float, str]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, message or ""))

    asked = await client.call_tool("ask", {**QUESTION, "kbs": ["text"], "image": PICTURE}, progress_callback=progress)
    assert not asked.is_error, texts(asked)
    assert texts(asked).startswith("Oslo is the capital of Norway.\n\nSteps:\n1. capital of Norway [text] Oslo\n\nSou")
    data = asked.structured_content
    assert (data["answer"], data["stop"]) == ("Oslo is the capital of Norway.", "enough")
    assert data["steps"][0]["routes"] == ["text"]
    assert [source["number"] for source in data["sources"]] == [1]
    assert "norway.md" in data["sources"][0]["where"]
    assert data["sources"][0]["uri"] in texts(asked)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    said = "\n".join(message for _, message in seen)
    assert "Asks text (100%): capital of Norway" in said
    assert "Answer: Oslo" in said

    read = await client.read_resource(data["sources"][0]["uri"])
    assert [content.text for content in read.contents] == [data["sources"][0]["text"]]

    found = await client.call_tool("search", {"kb": "image", "query": "red flag", "k": 1})
    [picture] = found.structured_content["results"]
    assert picture["uri"] in texts(found)
    text, blob = (await client.read_resource(picture["uri"])).contents
    assert "all red" in text.text
    assert (blob.mime_type, base64.b64decode(blob.blob)) == ("image/png", plain_picture("red").data)

    [listed] = (await client.list_resources()).resources
    [cards] = (await client.read_resource(listed.uri)).contents
    assert {kb["name"]: kb["kind"] for kb in json.loads(cards.text)["kbs"]} == {"image": "image", "text": "text"}
    [template] = (await client.list_resource_templates()).resource_templates
    assert template.uri_template == "r1router://kbs/{kb}/{id}"

    failed = await client.call_tool("ask", QUESTION)  # the replies are used up
    assert failed.is_error
    assert texts(failed) == "the model failed or could not be reached; the log says more"


def test_a_client_does_the_whole_job_over_stdio(real: Path, tmp_path: Path) -> None:
    async def main() -> None:
        with (tmp_path / "err").open("w+") as err:
            transport = stdio_client(
                StdioServerParameters(command=sys.executable, args=command(real), env=environment()), errlog=err
            )
            async with Client(transport) as client:
                await whole_job(client)
            err.seek(0)
            log = err.read()
        assert "INFO ask in 0." in log
        assert "has no reply left" in log
        assert "Traceback" not in log

    asyncio.run(main())


def test_a_client_does_the_whole_job_over_http(real: Path) -> None:
    async def main(port: int) -> None:
        async with AsyncExitStack() as stack:
            http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
            await stack.enter_async_context(http)
            transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
            await whole_job(await stack.enter_async_context(Client(transport)))

    with running(real, "--api-key-env", "MCP_KEY") as port:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert call(port, "POST", "/mcp", {}, headers=headers).error == "unauthorized"
        asyncio.run(main(port))


@contextmanager
def running(folder: Path, *options: str) -> Iterator[int]:
    """The port of the command over HTTP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *command(folder, "--http", "--port", str(port), *options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )

    def is_up() -> bool:
        with socket.socket() as probe:
            return process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(is_up, 60)
        assert process.poll() is None, process.communicate()
        yield port
    finally:
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert out == ""
    assert "Traceback" not in err


def test_nothing_but_the_protocol_goes_to_stdout(kbs: Path, tmp_path: Path) -> None:
    """Also where a policy prints while it is opened and while it answers."""
    (tmp_path / "loud").mkdir()
    (tmp_path / "loud" / "__init__.py").touch()
    (tmp_path / "loud" / "policy.py").write_text(
        "import os\nfrom r1router.policies.scripted import Scripted\n"
        "def Loud():\n    print('opened', flush=True)\n    os.write(1, b'native\\n')\n"
        "    return Scripted(lambda ask: print('asked', flush=True) or '<answer>Oslo</answer>')\n"
    )
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    ask = {"name": "ask", "arguments": {"question": "Q?", "method": "direct"}}
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": ask},
    ]
    args = ["-c", MAIN, "mcp", "--kbs", str(kbs), "--policy", "loud.policy:Loud"]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    process = subprocess.Popen(
        [sys.executable, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "PYTHONPATH": path},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for message in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in range(2)]
    rest, err = process.communicate(timeout=20)
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[1]["result"]["structuredContent"]["answer"] == "Oslo"
    assert rest == ""
    assert {"opened", "native", "asked"} <= set(err.splitlines())
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("ask", {}, "question: Field required"),
        ("ask", {"question": " "}, "the question is empty"),
        ("ask", {**QUESTION, "kbs": ["nope"]}, "kbs: unknown knowledge base; known: text"),
        ("ask", {**QUESTION, "method": "os.system"}, "method: unknown; known: cot, direct"),
        ("ask", {**QUESTION, "max_steps": 99}, "max_steps: Input should be less than or equal to 10"),
        ("ask", {**QUESTION, "image": "/etc/passwd"}, "a picture is given as a data URL"),
        ("ask", {**QUESTION, "image": "https://example.org/a.png"}, "are not fetched here"),
        ("ask", {**QUESTION, "colour": "red"}, "colour: Extra inputs are not permitted"),
        ("search", {"kb": "nope", "query": "Oslo"}, "kbs: unknown knowledge base; known: text"),
        ("search", {"kb": "text", "query": " "}, "query: String should match"),
        ("search", {"kb": "text", "query": "Oslo", "k": 0}, "k: Input should be greater than"),
    ],
)
def test_what_is_wrong_with_a_call_is_told_to_the_model(
    kbs: Path, tool: str, arguments: dict[str, Any], why: str
) -> None:
    async def main() -> None:
        async with Client(server(kbs)) as client:
            result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert why in texts(result)
        assert "Traceback" not in texts(result)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("r1router://kbs/text/none%231", "no entry of this id"),
        ("r1router://kbs/text/' or 1=1 --", "no entry of this id"),
        ("r1router://kbs/../text", "no knowledge base of this name"),
        ("r1router://kbs/..%2F..%2Fetc/passwd", "no knowledge base of this name"),
        ("file:///etc/passwd", "there is no such resource"),
        ("r1router://kbs/text", "there is no such resource"),
    ],
)
def test_a_resource_that_is_not_there_is_an_error_in_words(kbs: Path, uri: str, why: str) -> None:
    async def main() -> None:
        async with Client(server(kbs)) as client:
            with pytest.raises(MCPError, match=why):
                await client.read_resource(uri)

    asyncio.run(main())


def test_an_unknown_tool_is_an_error_of_the_protocol(kbs: Path) -> None:
    async def main() -> None:
        async with Client(server(kbs)) as client:
            with pytest.raises(MCPError, match="no such tool; there are: ask, search"):
                await client.call_tool("drop", {})

    asyncio.run(main())


def test_a_uri_of_evidence_leads_back_to_it_whatever_its_id() -> None:
    for id_ in ("docs/a b.md#1", "Ü%2F?x=1#2", "c:\\x#1", "a//b#1"):
        uri = results.write_uri(Evidence("geo-tables", id_, "text"))
        assert uri.isascii()
        assert results.parse_uri(uri) == ("geo-tables", id_)


class Slow:
    """A policy that is never done, and says whether it was called off."""

    spec = "slow:"

    def __init__(self) -> None:
        self.asked = self.called_off = self.closed = 0

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        self.asked += 1
        try:
            await asyncio.sleep(60)
        finally:
            self.called_off += 1
        raise AssertionError

    async def close(self) -> None:
        self.closed += 1


def test_a_call_that_the_client_cancels_ends_the_work(kbs: Path) -> None:
    policy = Slow()

    async def main() -> None:
        async with Client(server(kbs, policy, limits=Limits(questions=1))) as client:
            for n in range(1, 4):  # a place that was not given back would be missed
                asked = asyncio.create_task(client.call_tool("ask", QUESTION))
                while policy.asked < n:
                    await asyncio.sleep(0.01)
                if n == 1:
                    busy = await client.call_tool("ask", QUESTION)
                    assert texts(busy) == "1 questions are in work already; try again soon"
                asked.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asked
                while policy.called_off < n:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(main(), 20))
    assert policy.closed == 1


def test_a_policy_that_cannot_be_opened_is_told_when_it_is_asked_and_search_works(
    kbs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with Client(server(kbs, "scripted:/nowhere/replies.jsonl")) as client:
            failed = await client.call_tool("ask", QUESTION)
            found = await client.call_tool("search", {"kb": "text", "query": "capital of Peru"})
        assert failed.is_error
        assert "there is none at '…/replies.jsonl'" in texts(failed)
        assert "Lima" in texts(found)

    asyncio.run(main())
    assert "could not be opened" in caplog.text


def test_over_http_the_same_access_checks_stand_in_front(kbs: Path) -> None:
    with live(build_http_app(server(kbs), key="", hosts={"127.0.0.1"}, limits=Limits(body_bytes=1000))) as port:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            assert call(port, "POST", "/mcp", {}, headers=headers).error == "forbidden"
        assert call(port, "POST", "/mcp", {"x": "y" * 2000}).error == "too_large"
        assert call(port, "GET", "/v1/kbs").status == 404


def test_a_public_address_needs_a_key(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a key"):
        mcp(kbs=tmp_path, policy="scripted:none", http=True, host="0.0.0.0")


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "r1router.serve.mcp.server")
    with pytest.raises(MissingExtra, match=r"pip install 'r1router\[mcp\]'"):
        mcp(kbs=tmp_path, policy="scripted:none")


def test_no_more_sessions_are_open_over_http_than_allowed(kbs: Path) -> None:
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }  # fmt: skip
    headers = {"Accept": "application/json, text/event-stream"}
    with live(build_http_app(server(kbs), key="", hosts={"127.0.0.1"}, limits=Limits(sessions=2))) as port:
        statuses = [call(port, "POST", "/mcp", hello, headers=headers).status for _ in range(3)]
    assert statuses == [200, 200, 503]
