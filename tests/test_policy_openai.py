"""What is sent to an OpenAI-compatible server, and what becomes of its answers, good and bad."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from r1router.drive.threads import wait_for
from r1router.errors import PolicyError
from r1router.parse import add_query, make_answer_shape, write_gbnf, write_json_schema, write_regex
from r1router.policies import open_policy
from r1router.types import Ask, Image, Message, Policy, Reply

ASK = Ask((Message("user", "How high is it?", (Image(b"\x89PNG"),)),), "final", make_answer_shape(), max_tokens=4)
Answer = Callable[[dict[str, Any]], tuple[int, str]]


@contextmanager
def serving(
    answer: Answer, options: str = "", *, owner: str = "", starting: int = 0
) -> Iterator[tuple[Policy, list[dict[str, Any]]]]:
    """A policy of a server that answers each request body with (status, body), and the bodies it was sent.

    The first `starting` times that it is asked for its models, it says 503.
    """
    sent: list[dict[str, Any]] = []
    refusals = [503] * starting

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, body = answer(sent[-1])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_GET(self) -> None:
            body = json.dumps({"object": "list", "data": [{"id": "org/model", "owned_by": owner}]}).encode()
            listed = 200 if owner and self.path == "/v1/models" else 404
            self.send_response(refusals.pop() if refusals else listed)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    policy = open_policy(f"openai:org/model@http://127.0.0.1:{server.server_port}/v1{options}")
    try:
        yield policy, sent
    finally:
        wait_for(policy.close())
        server.shutdown()
        server.server_close()


def completion(text: str, logprobs: list[dict[str, Any]] | None = None) -> str:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    content = {"logprobs": {"content": logprobs}} if logprobs else {}
    return json.dumps({"id": "1", "object": "chat.completion", "choices": [choice | content], "usage": usage})


def token(text: str, data: list[int] | None) -> dict[str, Any]:
    return {
        "token": text,
        "bytes": data,
        "logprob": -0.5,
        "top_logprobs": [{"token": text, "bytes": data, "logprob": -0.5}],
    }


def refusal(message: str) -> str:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}})


def said_by(answer: Answer, ask: Ask = ASK) -> Reply:
    with serving(answer) as (policy, _):
        return wait_for(policy.reply(ask))


def test_the_request_carries_the_words_the_picture_and_the_bounds() -> None:
    with serving(lambda body: (200, completion("8,848 m"))) as (policy, sent):
        reply = wait_for(policy.reply(ASK, temperature=0.7, seed=3))
    assert reply == Reply("8,848 m", (), 7, 3, False)
    [body] = sent
    assert body["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "text", "text": "How high is it?"},
    ]
    assert (body["model"], body["max_tokens"], body["temperature"], body["seed"]) == ("org/model", 4, 0.7, 3)
    assert "logprobs" not in body


@pytest.mark.parametrize(
    ("server", "extra"),
    [
        ("none", {}),
        ("vllm", {"structured_outputs": {"regex": write_regex(make_answer_shape())}}),
        ("sglang", {"regex": write_regex(make_answer_shape())}),
        ("llamacpp", {"grammar": write_gbnf(make_answer_shape())}),
        (
            "json",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "reply", "strict": True, "schema": write_json_schema(make_answer_shape())},
                }
            },
        ),
    ],
)
def test_each_server_is_told_the_form_in_its_own_way(server: str, extra: dict[str, Any]) -> None:
    with serving(lambda body: (200, completion("x")), f"?constrain={server}") as (policy, sent):
        wait_for(policy.reply(ASK))
    known = {"model", "messages", "max_tokens", "temperature"}
    assert {key: value for key, value in sent[0].items() if key not in known} == extra


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        ("vllm", {"structured_outputs"}),
        ("sglang", {"regex"}),
        ("llamacpp", {"grammar"}),
        ("library", {"response_format"}),
        ("somebody", set()),
        ("", set()),
    ],
)
def test_a_server_is_asked_which_it_is_and_told_the_form_in_its_way(owner: str, names: set[str]) -> None:
    with serving(lambda body: (200, completion("x")), owner=owner) as (policy, sent):
        for _ in range(2):
            wait_for(policy.reply(ASK))
    known = {"model", "messages", "max_tokens", "temperature"}
    assert [body.keys() - known for body in sent] == [names] * 2


def test_a_server_that_still_starts_is_asked_again_which_it_is() -> None:
    with serving(lambda body: (200, completion("x")), owner="vllm", starting=1) as (policy, sent):
        for _ in range(2):
            wait_for(policy.reply(ASK))
    assert ["structured_outputs" in body for body in sent] == [False, True]


def test_vllm_is_told_the_grammar_of_a_query() -> None:
    shape = add_query(make_answer_shape(), 'query ::= "SELECT 1"\n')
    with serving(lambda body: (200, completion("x")), "?constrain=vllm") as (policy, sent):
        wait_for(policy.reply(Ask(ASK.messages, "answer", shape, max_tokens=4)))
    assert sent[0]["structured_outputs"] == {"grammar": write_gbnf(shape)}


def test_a_reply_longer_than_vllm_serves_is_not_asked_for_again_in_other_words() -> None:
    said = "max_tokens=9000 cannot be greater than max_model_len=4096. Please request fewer output tokens."  # vLLM 0.32
    body = {"error": {"message": said, "type": "BadRequestError", "param": "max_tokens", "code": 400}}
    with (
        serving(lambda _: (400, json.dumps(body))) as (policy, sent),
        pytest.raises(PolicyError, match="max_model_len"),
    ):
        wait_for(policy.reply(ASK))
    assert len(sent) == 1


def test_the_tokens_of_vllm_add_up_to_its_reply() -> None:
    pieces = [  # recorded from vLLM 0.32: a character over two tokens, and the end of the turn
        token("<answer>", [60, 97, 110, 115, 119, 101, 114, 62]),
        token("", []),
        token("Å", [195, 133]),
        token("lesund", [108, 101, 115, 117, 110, 100]),
        token("</answer>", [60, 47, 97, 110, 115, 119, 101, 114, 62]),
        token("<|im_end|>", [60, 124, 105, 109, 95, 101, 110, 100, 124, 62]),
    ]
    labelled = Ask(ASK.messages, "plan", labels=("Text Retriever",), max_tokens=9)
    reply = said_by(lambda body: (200, completion("<answer>Ålesund</answer>", pieces)), labelled)
    assert [t.text for t in reply.tokens] == ["<answer>", "", "Å", "lesund", "</answer>", ""]


def test_a_schema_that_a_model_refuses_is_not_sent_again() -> None:
    def answer(body: dict[str, Any]) -> tuple[int, str]:
        if "response_format" in body:
            return 400, refusal("'response_format' of type 'json_schema' is not supported with this model.")
        return 200, completion("x")

    with serving(answer, "?constrain=json") as (policy, sent):
        for _ in range(2):
            assert wait_for(policy.reply(ASK)).text == "x"
    assert ["response_format" in body for body in sent] == [True, False, False]


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ("logprobs", "This model does not support logprobs."),
        ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        ("temperature", "Unsupported value: 'temperature' does not support 0.0 with this model."),
    ],
)
def test_what_a_server_refuses_is_left_out_from_then_on(refused: str, words: str) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, str]:
        return (400, refusal(words)) if refused in body else (200, completion("x"))

    labelled = Ask(ASK.messages, "plan", labels=("Text Retriever",), max_tokens=4)
    with serving(answer) as (policy, sent):
        assert [wait_for(policy.reply(labelled)).text for _ in range(2)] == ["x", "x"]
    assert [refused in body for body in sent] == [True, False, False]
    if refused == "max_tokens":
        assert sent[-1]["max_completion_tokens"] == 4


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "router/base is not a multimodal model"),  # vLLM 0.32
        (400, "At most 0 image(s) may be provided in one prompt."),  # earlier ones
        (500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"),
        (400, "this model does not support image input"),  # Ollama
        (400, "Invalid content type. image_url is only supported by certain models."),  # OpenAI
    ],
)
def test_a_model_that_sees_nothing_is_asked_without_pictures(
    status: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, str]:
        return (status, refusal(words)) if "image_url" in json.dumps(body) else (200, completion("x"))

    with serving(answer) as (policy, sent):
        assert [wait_for(policy.reply(ASK)).text for _ in range(2)] == ["x", "x"]
    assert [body["messages"][0]["content"] for body in sent[-2:]] == ["How high is it?"] * 2
    assert "does not take pictures" in caplog.text


def test_a_picture_that_is_too_large_is_an_error() -> None:
    with (
        serving(lambda _: (400, refusal("The image is too large: 20 MB is the most."))) as (policy, sent),
        pytest.raises(PolicyError, match="too large"),
    ):
        wait_for(policy.reply(ASK))
    assert len(sent) == 1


def test_token_texts_add_up_where_characters_are_cut_marked_or_left_out() -> None:
    pieces = [
        token("<", [60]),
        token("\\xe6\\x97", [0xE6, 0x97]),  # two tokens, one character
        token("\\xa5", [0xA5]),
        token("", [0xAC]),  # the rest of a character whose first tokens the server has left out
        token(" b", None),
        token("<|im_end|>", None),  # not part of the text
    ]
    labelled = Ask(ASK.messages, "plan", labels=("Text Retriever",), max_tokens=9)
    reply = said_by(lambda body: (200, completion("<日本 b!", pieces)), labelled)
    assert "".join(t.text for t in reply.tokens) == reply.text == "<日本 b!"
    assert [t.text for t in reply.tokens][:3] == ["<", "", "日"]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, refusal("the prompt is too long"), "status 400: the prompt is too long"),
        (404, refusal("The model `org/model` does not exist."), r"does not exist(.|\n)*URL/models"),
        (429, refusal("slow down"), r"slow down(.|\n)*concurrency"),
        (200, '{"choices": [', "not a chat completion"),
        (200, '{"detail": "hello"}', "not a chat completion"),
        (200, "<html>", "not a chat completion"),
    ],
)
def test_a_failure_tells_the_url_the_servers_words_and_what_to_do(status: int, body: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words) as caught:
        said_by(lambda _: (status, body))
    assert "org/model at http://127.0.0.1:" in str(caught.value)


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    import asyncio
    import time

    lock, now, most = threading.Lock(), 0, 0

    def answer(body: dict[str, Any]) -> tuple[int, str]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return 200, completion("x")

    async def twelve(policy: Policy) -> None:
        await asyncio.gather(*(policy.reply(ASK) for _ in range(12)))

    with serving(answer, "?concurrency=3") as (policy, _):
        wait_for(twelve(policy))
    assert most == 3
