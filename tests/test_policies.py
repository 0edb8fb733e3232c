"""What every policy does, whatever is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator

import pytest

from policy_backends import BACKENDS, Backend
from r1router.drive.threads import wait_for
from r1router.errors import PolicyError
from r1router.parse import make_step_shape, read_route_probabilities, read_step
from r1router.types import Ask, Image, Message, Policy, Reply

LABELS = {"Text Retriever": "text", "Table Retriever": "table"}
QUESTIONS = [
    "Who wrote Faust?",
    "List the five highest mountains.\nWith heights!",
    "Wie heißt die Hauptstadt von Perú? 日本語で。",
    "<sub-question>None</sub-question>",
    "",
]


def plan(question: str, *, max_tokens: int = 160) -> Ask:
    messages = (Message("system", "You ask for what is missing."), Message("user", question))
    return Ask(messages, "plan", make_step_shape(list(LABELS), think=0, sub_question=24), tuple(LABELS), max_tokens)


def talk(about: str, *, max_tokens: int = 8) -> Ask:
    return Ask((Message("user", f"Tell me about {about}."),), "final", max_tokens=max_tokens)


@pytest.fixture(scope="module", params=BACKENDS, ids=lambda backend: backend.__name__)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with request.param(tmp_path_factory.mktemp("policy")) as opened:
        yield opened
        wait_for(opened.policy.close())
        wait_for(opened.policy.close())  # closing twice is allowed


@pytest.fixture(scope="module")
def planned(backend: Backend) -> list[Reply]:
    """The replies to `QUESTIONS`, asked together."""
    return all_at_once(*(backend.policy.reply(plan(question)) for question in QUESTIONS))


def all_at_once(*replies: Awaitable[Reply]) -> list[Reply]:
    async def gather() -> list[Reply]:
        return await asyncio.gather(*replies)

    return wait_for(gather())


def test_it_is_a_policy(backend: Backend) -> None:
    assert isinstance(backend.policy, Policy)
    assert ":" in backend.policy.spec


def test_replies_have_the_shape_that_was_asked_for_where_the_backend_constrains(
    backend: Backend, planned: list[Reply]
) -> None:
    if not backend.constrains:
        pytest.skip("this backend is asked in words alone")
    for reply in planned:
        step = read_step(reply, LABELS)
        assert (step.sub_question is None) == (not step.routes)
        assert not reply.truncated


def test_tokens_of_a_labelled_ask_add_up_to_the_reply(planned: list[Reply]) -> None:
    for reply in planned:
        assert "".join(token.text for token in reply.tokens) == reply.text
        assert all(token.logprob <= 1e-3 and token.top for token in reply.tokens)
        assert all(list(t.top) == sorted(t.top, key=lambda pair: -pair[1]) for t in reply.tokens)


def test_a_labelled_ask_tells_how_probable_each_route_is(backend: Backend, planned: list[Reply]) -> None:
    if not backend.constrains:
        pytest.skip("this model does not follow the form")
    for reply in planned:
        probabilities = read_route_probabilities(reply.tokens, LABELS)
        assert sum(probabilities.values()) == pytest.approx(1.0) or set(probabilities) == {"none"}


def test_an_ask_without_labels_costs_no_probabilities(backend: Backend) -> None:
    assert wait_for(backend.policy.reply(talk("rivers"))).tokens == ()


def test_sixteen_calls_at_once_are_answered_as_if_each_were_alone(backend: Backend) -> None:
    asks = [talk(f"number {number}", max_tokens=6) for number in range(16)]
    together = all_at_once(*(backend.policy.reply(ask) for ask in asks))
    assert len({reply.text for reply in together}) > 1
    for number in (0, 5, 10, 15):
        assert together[number].text == wait_for(backend.policy.reply(asks[number])).text


def test_temperature_zero_says_the_same_again(backend: Backend, planned: list[Reply]) -> None:
    assert wait_for(backend.policy.reply(plan(QUESTIONS[2]))).text == planned[2].text


def test_a_seed_repeats_a_sample_and_another_seed_does_not(backend: Backend) -> None:
    ask = talk("the sea", max_tokens=8)
    samples = [wait_for(backend.policy.reply(ask, temperature=1.0, seed=seed)).text for seed in (7, 7, 8, 9)]
    assert samples[0] == samples[1]
    if "scripted" not in backend.policy.spec:
        assert len(set(samples)) > 1


def test_a_reply_ends_at_max_tokens_and_says_so(backend: Backend) -> None:
    reply = wait_for(backend.policy.reply(talk("everything", max_tokens=5)))
    assert reply.truncated
    assert reply.completion_tokens == 5
    assert reply.prompt_tokens > 0


def test_cancelled_calls_make_room_for_others(backend: Backend) -> None:
    async def cancel_eight_then_ask() -> Reply:
        long = [asyncio.create_task(backend.policy.reply(talk("life", max_tokens=400))) for _ in range(8)]
        await asyncio.sleep(0.3)
        for task in long:
            task.cancel()
        await asyncio.gather(*long, return_exceptions=True)
        return await asyncio.wait_for(backend.policy.reply(talk("death", max_tokens=2)), 60)

    assert wait_for(cancel_eight_then_ask()).completion_tokens == 2


def test_a_prompt_that_is_too_long_is_an_error_with_its_size(backend: Backend) -> None:
    if "scripted" in backend.policy.spec:
        pytest.skip("it has no context to fill")
    with pytest.raises(PolicyError, match=r"\d{4} tokens"):
        wait_for(backend.policy.reply(talk("rain " * 1500)))
    assert wait_for(backend.policy.reply(talk("sun"))).text  # and the next call is served


def test_a_picture_is_left_out_for_a_model_that_cannot_see(backend: Backend) -> None:
    ask = Ask((Message("user", "What is it?", (Image(b"not looked at"),)),), "final", max_tokens=2)
    assert wait_for(backend.policy.reply(ask)).completion_tokens == 2
