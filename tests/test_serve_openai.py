"""OpenAI's protocol by OpenAI's own client, unchanged; and chat messages to a question."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from r1router.methods import names as method_names
from r1router.policies.scripted import Scripted
from r1router.serve.error_responses import Refused
from r1router.serve.limits import Limits
from r1router.serve.routes.chat_messages import Asked, ChatMessage, read_question
from r1router.types import Ask, Turn
from serving import call, live, make_kbs, small_app, talk, until
from small_embedders import plain_picture
from test_serve_api import Slow, data_url

ASKED = [{"role": "user", "content": "What is the capital of Norway?"}]


@pytest.fixture(scope="module")
def kbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kbs(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def port(kbs: Path) -> Iterator[int]:
    with live(small_app(kbs, key="a-key-of-the-server")) as port:
        yield port


@pytest.fixture(scope="module")
def client(port: int) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="a-key-of-the-server", max_retries=0) as client:
        yield client


def test_the_models_are_the_server_and_each_method(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert ids == ["r1router", *(f"r1router/{name}" for name in method_names())]
    assert client.models.retrieve("r1router/ircot").id == "r1router/ircot"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def test_a_completion_has_the_answer_the_steps_the_sources_and_the_usage(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="r1router", messages=ASKED, temperature=0.3, max_tokens=99)
    choice = completion.choices[0]
    assert choice.message.content == "Oslo"
    assert choice.finish_reason == "stop"
    assert "Asks text (100%): capital of Norway" in choice.message.reasoning_content
    source = choice.message.annotations[0].url_citation
    assert (source.title, source.source, source.kb) == ("Norway", "docs/norway.md", "text")
    assert source.url == f"{str(client.base_url).removesuffix('v1/')}#/kbs/text/docs%2Fnorway.md/docs%2Fnorway.md%230"
    assert source.text.startswith("Norway\nOslo is the capital")
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0


def test_a_stream_brings_reasoning_then_content_then_annotations_then_usage(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="r1router", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    assert len({chunk.id for chunk in chunks}) == 1
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    reasoning = [getattr(delta, "reasoning_content", "") for delta in deltas]
    assert sum(map(bool, reasoning)) == 4  # planned, retrieved, answered, enough
    assert "".join(delta.content or "" for delta in deltas) == "Oslo"
    assert deltas[-1].annotations[0]["url_citation"]["source"] == "docs/norway.md"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_conversation_shows_what_its_last_message_asks(client: openai.OpenAI) -> None:
    told = [{"role": "user", "content": "Tell me of Norway."}, {"role": "assistant", "content": "A country."}]
    completion = client.chat.completions.create(model="r1router", messages=[*told, {"role": "user", "content": "And?"}])
    assert completion.choices[0].message.reasoning_content.startswith("Asks: What is the capital of Norway?")


def test_usage_is_sent_only_where_it_is_asked_for(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="r1router", messages=ASKED, stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)


def test_a_method_is_a_model_and_our_options_go_into_the_body(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="r1router/vanilla_rag", messages=ASKED, extra_body={"kbs": ["text"], "k": 1, "budget": {"seconds": 9}}
    )
    assert "Found 1: Norway" in completion.choices[0].message.reasoning_content
    with pytest.raises(openai.NotFoundError, match="model: unknown; known: r1router, "):
        client.chat.completions.create(model="gpt-9", messages=ASKED)
    with pytest.raises(openai.BadRequestError, match="kbs: unknown knowledge base; known: text"):
        client.chat.completions.create(model="r1router", messages=ASKED, extra_body={"kbs": ["nope"]})


def test_the_asynchronous_client_works_as_well(port: int) -> None:
    async def ask() -> str:
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="a-key-of-the-server") as client:
            stream = await client.chat.completions.create(model="r1router", messages=ASKED, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(ask()) == "Oslo"


def test_a_picture_comes_as_a_data_url_and_goes_to_the_policy(kbs: Path) -> None:
    policy = Scripted(talk)
    parts = [{"type": "text", "text": "Whose?"}, {"type": "image_url", "image_url": {"url": data_url("red")}}]
    with live(small_app(kbs, policy)) as port:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        client.chat.completions.create(model="r1router", messages=[{"role": "user", "content": parts}])
        assert policy.asks[0].messages[-1].images[0].data == plain_picture("red").data
        parts[1]["image_url"]["url"] = "http://127.0.0.1:9/secret.png"
        with pytest.raises(openai.BadRequestError, match="not fetched here"):
            client.chat.completions.create(model="r1router", messages=[{"role": "user", "content": parts}])
        client.close()


def test_an_error_in_the_middle_of_a_stream_reaches_the_client_as_one(kbs: Path) -> None:
    policy = Slow()
    with live(small_app(kbs, policy, limits=Limits(seconds=0.3))) as port:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        with pytest.raises(openai.APIError, match="not answered within"):
            list(client.chat.completions.create(model="r1router", messages=ASKED, stream=True))
        with pytest.raises(openai.InternalServerError, match="not answered within"):
            client.chat.completions.create(model="r1router", messages=ASKED)
        client.close()


def test_a_client_that_stops_reading_stops_the_work(kbs: Path) -> None:
    policy = Slow()
    with live(small_app(kbs, policy)) as port:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        with client.chat.completions.create(model="r1router", messages=ASKED, stream=True) as stream:
            next(iter(stream))
            until(lambda: policy.asked == 1)
        until(lambda: policy.called_off == 1)
        client.close()


def test_a_wrong_key_is_told_as_openai_does(port: int) -> None:
    with (
        openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


# ── messages to a question ─────────────────────────────────────────────────────────────────────


def question(*messages: tuple[str, object]) -> Asked:
    return read_question([ChatMessage(role=role, content=content) for role, content in messages])


def test_a_single_message_is_the_question_as_it_is() -> None:
    assert question(("system", "Be brief."), ("user", "Who?")) == ("Who?", None, ())


def test_earlier_messages_come_with_the_question_each_a_short_line() -> None:
    said = question(("user", "Who won?"), ("assistant", "Norway\ndid. " + "x" * 600), ("user", "When?"))
    assert (said.text, said.turns[0]) == ("When?", Turn("user", "Who won?"))
    assert said.turns[1].text.startswith("Norway did. xx")
    assert len(said.turns[1].text) == 500
    many = [("user" if i % 2 == 0 else "assistant", f"turn {i}") for i in range(21)]
    assert question(*many).turns[0] == Turn("user", "turn 14")


def test_a_question_without_a_picture_is_about_the_last_one_that_was_shown() -> None:
    shown = [{"type": "image_url", "image_url": {"url": "data:1"}}, {"type": "text", "text": "What is it?"}]
    assert question(("user", shown), ("assistant", "A flag."), ("user", "Whose?"))[1] == "data:1"


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "input_audio", "input_audio": {"data": ""}}],
        [{"type": "image_url", "image_url": {"url": "data:1"}}] * 2,
        [{"type": "image_url", "image_url": {"detail": "low"}}],
        [{"type": "image_url"}],
        "x" * 9000,
    ],
)
def test_what_is_no_question_with_one_picture_is_refused(content: object) -> None:
    with pytest.raises(Refused):
        question(("user", content))
    with pytest.raises(Refused):
        question(("assistant", "I speak first."))


def test_a_conversation_goes_on_where_the_answer_was(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="r1router", messages=ASKED).choices[0].message
    more = [*ASKED, answer.model_dump(), {"role": "user", "content": "And of Peru?"}]
    assert client.chat.completions.create(model="r1router", messages=more).choices[0].message.content == "Oslo"


def test_what_chat_front_ends_send_along_is_ignored(port: int) -> None:
    extra = {
        "model": "r1router", "messages": [{"role": "system", "content": "s"}, *ASKED],
        "temperature": 0.7, "top_p": 1, "presence_penalty": 0, "stop": None, "n": 1, "user": "u", "seed": 1,
        "stream": None, "stream_options": None, "tools": [], "tool_choice": "none", "logit_bias": {}, "metadata": {},
    }  # fmt: skip
    headers = {"Authorization": "Bearer a-key-of-the-server"}
    assert call(port, "POST", "/v1/chat/completions", extra, headers=headers).status == 200
    assert call(port, "POST", "/v1/chat/completions", {**extra, "n": 2}, headers=headers).status == 400


def test_the_words_of_a_front_end_are_no_part_of_the_prompt(kbs: Path) -> None:
    seen: list[Ask] = []

    def listen(ask: Ask) -> str:
        seen.append(ask)
        return talk(ask)

    with live(small_app(kbs, Scripted(listen))) as port:
        messages = [{"role": "system", "content": "You are a pirate."}, *ASKED]
        assert call(port, "POST", "/v1/chat/completions", {"messages": messages}).status == 200
    assert not any("pirate" in message.content for ask in seen for message in ask.messages)
