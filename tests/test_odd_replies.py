"""Replies as servers really send them are read, or said in words; none breaks more than its own question."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import r1router as rr
from r1router.cli import app
from r1router.drive.threads import wait_for
from r1router.embedders import open_text_embedder
from r1router.errors import KnowledgeBaseError, PolicyError
from r1router.parse import make_step_shape, read_answer, read_step
from r1router.rerankers import open_reranker
from r1router.types import Ask, Message, Reply
from test_policy_openai import ASK, said_by, serving, token

USAGE = {"prompt_tokens": 7, "completion_tokens": 3}
STEP = Ask((Message("user", "What next?"),), "plan", make_step_shape(["Tables"]), ("Tables",), max_tokens=50)


def body(message: Any, *, finish: str = "stop", **more: Any) -> str:
    choice = {"index": 0, "finish_reason": finish, "message": message, **more}
    return json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": USAGE})


def sent(message: Any, *, finish: str = "stop", ask: Ask = ASK, **more: Any) -> Reply:
    return said_by(lambda _: (200, body(message, finish=finish, **more)), ask)


# ── read ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "<answer>Os"}, {"type": "text", "text": "lo</answer>"}],
        ["<answer>", "Oslo</answer>"],
        {"type": "text", "text": "<answer>Oslo</answer>"},
        [{"type": "text", "text": {"value": "<answer>Oslo</answer>", "annotations": []}}],
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Norway, so"}]},
            {"type": "text", "text": "<answer>Oslo</answer>"},
        ],
        [{"type": "thinking", "thinking": "Norway, so"}, {"type": "text", "text": "<answer>Oslo</answer>"}],
    ],
)
def test_a_list_of_parts_is_its_words_with_the_thought_in_front(content: Any) -> None:
    answer = read_answer(sent({"role": "assistant", "content": content}))
    assert answer.text == "Oslo"
    assert answer.thought == ("Norway, so" if "thinking" in str(content) else "")


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_a_thought_in_another_field_is_the_thought_and_its_tags_are_not_the_reply(field: str) -> None:
    said = {"content": "<answer>Oslo</answer>", field: "Maybe </think><answer>Bergen</answer>?"}
    answer = read_answer(sent(said))
    assert answer.text == "Oslo"
    assert "Bergen" in answer.thought


def test_a_thought_that_was_asked_for_in_the_reply_comes_before_one_in_another_field() -> None:
    answer = read_answer(sent({"content": "<think>short</think><answer>Oslo</answer>", "reasoning": "long"}))
    assert (answer.thought, answer.text) == ("short", "Oslo")


def test_a_server_that_takes_the_whole_reply_for_a_thought_is_read_all_the_same() -> None:
    assert read_answer(sent({"content": None, "reasoning_content": "<answer>Oslo</answer>"})).text == "Oslo"


def test_the_label_is_scored_by_its_own_tokens_where_those_of_a_thought_come_too() -> None:
    words = "<sub-question>Who?</sub-question><ret>Tables</ret>"
    scored = [token(piece, None) for piece in ("Tables", " fit", "<sub-question>Who?</sub-question>", "<ret>")]
    scored += [{"token": "Tables", "logprob": -0.1, "top_logprobs": [{"token": "Tables", "logprob": -0.1}]}]
    scored += [token("</ret>", None)]
    reply = sent({"content": words, "reasoning": "Tables fit"}, ask=STEP, logprobs={"content": scored})
    assert "".join(t.text for t in reply.tokens) == reply.text
    assert read_step(reply, {"Tables": "table"}).probabilities["table"] > 0.8


@pytest.mark.parametrize(
    "text",
    [
        '{"think": "so", "sub_question": "Who?", "ret": "Tables"}',
        '```json\n{"think": "so", "sub-question": "Who?", "route": "Tables"}\n```',
        'Sure: {"Sub-Question": "Who?", "Ret": "Tables", "confidence": 0.9}',
        "&lt;sub-question&gt;Who?&lt;/sub-question&gt;&lt;ret&gt;Tables&lt;/ret&gt;",
        r"\u003csub-question\u003eWho?\u003c/sub-question\u003e\u003cret\u003eTables\u003c/ret\u003e",
        r"\<sub\-question\>Who?\</sub\-question\>\<ret\>Tables\</ret\>",
        json.dumps("<sub-question>Who?</sub-question>\n<ret>Tables</ret>"),
    ],
)
def test_a_reply_in_json_or_with_escaped_tags_is_read_as_if_it_had_tags(text: str) -> None:
    step = read_step(Reply(text), {"Tables": "table"})
    assert (step.sub_question, step.routes) == ("Who?", ("table",))


def test_null_in_json_stops_as_none_does() -> None:
    assert read_step(Reply('{"sub-question": null, "ret": null}'), {"Tables": "table"}).sub_question is None


def test_json_inside_a_tagged_answer_stays_as_it_is() -> None:
    assert read_answer(Reply('<answer>{"answer": 3}</answer>')).text == '{"answer": 3}'


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}])
def test_a_reply_without_usage_costs_nothing_that_is_known(usage: Any) -> None:
    answer = json.dumps({"choices": [{"message": {"content": "x"}}], "usage": usage})
    assert said_by(lambda _: (200, answer)) == Reply("x")


def test_halves_of_surrogate_pairs_become_question_marks() -> None:
    assert sent({"content": "a\ud800b"}).text == "a?b"
    with serving(lambda _: (200, body({"content": "x"}))) as (policy, asked):
        wait_for(policy.reply(Ask((Message("user", "a\udfffb"),), "final")))
    assert asked[0]["messages"][0]["content"] == "a?b"


# ── said ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("message", "finish", "words"),
    [
        ({"content": None, "refusal": "I cannot help with that."}, "stop", "declined.*I cannot help"),
        ({"content": [{"type": "refusal", "refusal": "No."}]}, "stop", "declined.*No"),
        ({"content": "half an ans"}, "content_filter", "content filter"),
        ({"content": None, "tool_calls": [{"function": {"name": "search"}}]}, "tool_calls", "called a tool .search"),
        ({"content": 7}, "stop", "not a chat completion: choices.0.message.content"),
        (None, "stop", "not a chat completion: choices.0.message"),
        ("Oslo", "stop", "not a chat completion: choices.0.message"),
    ],
)
def test_what_is_no_reply_is_a_policy_error_with_the_reason(message: Any, finish: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        sent(message, finish=finish)


@pytest.mark.parametrize(
    "answer",
    [
        "null", "[]", '"x"', '{"choices": null}', '{"choices": []}', '{"choices": [null]}', '{"choices": 3}', "",
        "[" * 100_000, '{"choices": [{"message": {"content": "x"}, "logprobs": {"content": [{"token": 1}]}}]}',
        '{"choices": [{"message": {"content": "x"}, "logprobs": {"content": [{"token": "x", "logprob": NaN}]}}]}',
        '{"choices": [{"message": {"content": "x"}}], "usage": "many"}', "\x00\x01", "data: {}\n\n",
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_a_policy_error_of_its_question(answer: str) -> None:
    with pytest.raises(PolicyError, match="not a chat completion"):
        said_by(lambda _: (200, answer))


def test_one_odd_reply_does_not_stop_the_other_questions() -> None:
    replies = iter(['{"choices": [{"message": null}]}', *[body({"content": "<answer>Oslo</answer>"})] * 2])
    with serving(lambda _: (200, next(replies)), "?concurrency=1") as (policy, _):
        done = dict(rr.ask_many(["a", "b", "c"], kbs={}, policy=policy, method="direct", in_flight=1))
    assert [done[i].stop for i in range(3)] == ["error", "enough", "enough"]
    assert "choices.0.message" in done[0].error


# ── thinking first ─────────────────────────────────────────────────────────────────────────────

CUT = {"content": "<think>\nLet me think about this at length"}


@pytest.mark.parametrize("cut", [CUT, {"content": "", "reasoning": "Let me think"}, {"content": None}])
def test_a_model_that_still_thinks_when_it_is_cut_off_gets_more_room_from_then_on(cut: Any) -> None:
    def answer(asked: dict[str, Any]) -> tuple[int, str]:
        enough = asked["max_tokens"] > 1000
        return 200, body({"content": "<answer>Oslo</answer>"} if enough else cut, finish="stop" if enough else "length")

    with serving(answer) as (policy, asked):
        replies = [wait_for(policy.reply(ASK)) for _ in range(2)]
    assert [read_answer(reply).text for reply in replies] == ["Oslo", "Oslo"]
    assert [request["max_tokens"] for request in asked] == [4, 4100, 4100]
    assert replies[0].completion_tokens == 2 * USAGE["completion_tokens"]


def test_a_model_that_never_comes_to_an_end_is_said_to_have_been_cut_off() -> None:
    with (
        serving(lambda _: (200, body(CUT, finish="length")), "?think=100") as (policy, asked),
        pytest.raises(PolicyError, match=r"cut off after 104 tokens(.|\n)*\?think="),
    ):
        wait_for(policy.reply(ASK))
    assert len(asked) == 1


def test_a_sentence_of_reasoning_that_is_cut_off_is_a_reply() -> None:
    from r1router.parse import make_sentence_shape

    said = Ask(ASK.messages, "plan", make_sentence_shape(), max_tokens=4)
    assert sent({"content": "<think>Norway is in the"}, finish="length", ask=said).truncated


# ── keys ───────────────────────────────────────────────────────────────────────────────────────

KEY = "sk-a-key-that-nobody-may-see"


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_server_that_repeats_the_key_does_not_get_it_into_our_words(
    status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.INFO)
    echo = json.dumps({"error": {"message": f"no: Authorization: Bearer {KEY}", "param": f"seed {KEY}"}})
    with serving(lambda _: (status, echo)) as (policy, _), pytest.raises(PolicyError) as caught:
        wait_for(policy.reply(ASK))
    assert KEY not in "".join(traceback.format_exception(caught.value)) + caplog.text
    with serving(lambda _: (200, f'"{KEY}')) as (policy, _), pytest.raises(PolicyError) as caught:
        wait_for(policy.reply(ASK))
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_key_with_a_line_end_or_an_accent_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (f"{KEY}\n", f"{KEY}\x01", f"{KEY}é"):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        told = ""
        with serving(lambda _: (200, body({"content": "x"}))) as (policy, _):
            try:
                told = wait_for(policy.reply(ASK)).text
            except PolicyError as error:
                told = str(error)
        assert KEY not in told


# ── vectors ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        ("[NaN, 1.0]", "finite"),
        ("[1e300, 1.0]", "less than or equal"),
        ('["a", 1.0]', "valid number"),
        ("null", "valid list"),
        ("7", "valid list"),
    ],
)
def test_vectors_that_are_none_are_an_error_that_says_where(vector: str, words: str) -> None:
    answer = f'{{"data": [{{"index": 0, "embedding": {vector}}}]}}'
    with (
        serving(lambda _: (200, answer)) as (policy, _),
        pytest.raises(KnowledgeBaseError, match=f"data.0.embedding.*{words}"),
    ):
        open_text_embedder(f"openai:vectors@{policy.spec.partition('@')[2]}")


# ── the command line ───────────────────────────────────────────────────────────────────────────


def test_asking_ends_with_an_error_where_the_policy_never_answers(tmp_path: Path) -> None:
    (tmp_path / "norway.md").write_text("# Norway\nOslo is the capital of Norway.")
    rr.index([tmp_path / "norway.md"], kbs=tmp_path / "kbs")
    with serving(lambda _: (200, body({"content": ""}))) as (policy, _):
        told = ["ask", "Where?", "--method", "direct", "--kbs", str(tmp_path / "kbs"), "--policy", policy.spec]
        done = CliRunner().invoke(app, told)
    assert isinstance(done.exception, PolicyError)
    assert "gave no answer; final: the tag answer is missing" in str(done.exception)


def test_an_iterator_of_events_may_be_collected_in_the_thread_of_the_loop() -> None:
    """As where nobody reads it to its end: the policy is closed there without waiting for itself."""
    with serving(lambda _: (200, body({"content": "<answer>Oslo</answer>"}))) as (policy, _):
        events = rr.stream("Where?", kbs={}, policy=policy.spec, method="direct")
        next(events)

        async def collect() -> None:
            events.close()

        wait_for(collect())


def test_a_body_that_unpacks_to_more_than_was_sent_is_not_unpacked() -> None:
    import gzip

    packed = gzip.compress(b" " * 50_000_000, 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(packed)}\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    asked = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(1 << 16).lower())
                connection.sendall(head.encode() + packed)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        policy = rr.open_policy(f"openai:m@http://127.0.0.1:{listener.getsockname()[1]}/v1")
        with pytest.raises(PolicyError, match="compressed, which was not asked for"):
            wait_for(policy.reply(ASK))
        wait_for(policy.close())
    assert b"accept-encoding: identity" in asked[0]


@contextmanager
def dripping(*first: str) -> Iterator[str]:
    """URL of a server that answers these, and then sends a byte of its head now and again, for ever."""
    left, ended = list(first), threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(1 << 16)
            if left:
                head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(left[0])}\r\n\r\n"
                connection.sendall((head + left.pop(0)).encode())
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not ended.wait(0.05):
                connection.sendall(b"x")

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        ended.set()


def test_a_policy_whose_server_drips_ends_with_the_budget_of_the_question() -> None:
    kb = rr.MemoryKnowledgeBase(rr.Card("text", "text", "Norway"), [rr.Evidence("text", "1", "Oslo is in Norway.")])
    with dripping() as url:
        path = rr.ask("Where is Oslo?", kbs={"text": kb}, policy=f"openai:m@{url}", budget=rr.Budget(seconds=0.5))
    assert path.stop == "seconds"


def test_embeddings_and_scores_of_a_server_that_drips_end_in_time() -> None:
    vectors = '{"data": [{"index": 0, "embedding": [0.6, 0.8]}]}'
    with dripping(vectors, vectors) as url:
        embedder = open_text_embedder(f"openai:m@{url}?timeout=1")
        assert embedder.embed_texts(["Oslo"]).shape == (1, 2)
        with pytest.raises(KnowledgeBaseError, match="no answer in time"):
            embedder.embed_texts(["Oslo"])
        with pytest.raises(KnowledgeBaseError, match="no answer in time"):
            open_reranker(f"http:{url}/rerank?timeout=1").score("Where is Oslo?", ["Oslo"])


def test_a_process_ends_while_a_server_that_it_searches_with_still_drips(tmp_path: Path) -> None:
    """The question ended at its budget, and what it waited for is not waited for at the end of the process."""
    vectors = '{"data": [{"index": 0, "embedding": [0.6, 0.8]}]}'
    (tmp_path / "a.txt").write_text("Oslo")
    code = """
import sys
import r1router as rr
from r1router.types import Reply
folder, url = sys.argv[1:]
rr.index([folder + "/a.txt"], kbs=folder + "/kbs", embedder=f"openai:m@{url}?timeout=600", ocr=False)
policy = rr.Scripted(lambda ask: Reply("<answer>Oslo</answer>"))
path = rr.ask("Where?", kbs=folder + "/kbs", policy=policy, method="vanilla_rag", budget=rr.Budget(seconds=1.0))
print(path.stop)
"""
    with dripping(vectors, vectors) as url:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), url], capture_output=True, text=True, timeout=400
        )
    assert done.stdout == "seconds\n", done.stderr


def test_what_a_server_says_over_many_lines_is_one() -> None:
    said = json.dumps({"error": {"message": "first\n\n  second\r\nthird"}})
    with serving(lambda _: (404, said)) as (policy, _), pytest.raises(PolicyError) as caught:
        wait_for(policy.reply(ASK))
    assert "first second third\nthe model" in str(caught.value)
