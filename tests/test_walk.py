"""A method walked by hand, one request at a time, with no model, no index and no event loop."""

import time

import pytest

from flows import KBS, PROMPTS, STOP, answer, piece, step
from r1router.drive.budget import LEAST_SECONDS, LEAST_TOKENS, Budget
from r1router.drive.prices import Prices
from r1router.drive.walk import Walk
from r1router.errors import BudgetSpent, InputError, PolicyError
from r1router.methods import load_method
from r1router.types import (
    Answered,
    Ask,
    Finished,
    Malformed,
    Planned,
    Question,
    Reply,
    Retrieved,
    Search,
    Trajectory,
    Usage,
)

FOUND = [[piece("text")]]


def walk(method="r1_router?look=false", budget=None, **options):
    return Walk(load_method(method, **options), Question("Which city?"), KBS, PROMPTS, budget)


def said(text, tokens=(10, 5)):
    return Reply(text, (), *tokens)


@pytest.fixture
def clock(monkeypatch):
    """The time that budgets see; it stands still until a test moves it."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_question_is_walked_one_request_at_a_time():
    walked = walk()
    assert isinstance(walked.start(), Ask)
    assert walked.request.purpose == "plan"
    assert isinstance(walked.advance(said(step("Who is it?", "text"))), Search)
    assert (walked.request.routes, walked.request.query.text) == (("text",), "Who is it?")
    assert [type(event) for event in walked.events] == [Planned]
    assert walked.trajectory.steps == ()
    assert walked.advance(FOUND).purpose == "answer"
    assert [s.evidence for s in walked.trajectory.steps] == [(piece("text"),)]
    assert walked.advance(said(answer("Oslo"))).purpose == "plan"
    assert [s.answer for s in walked.trajectory.steps] == ["Oslo"]
    assert walked.advance(said(STOP)).purpose == "final"
    ended = walked.advance(said(answer("Oslo")))
    assert isinstance(ended, Trajectory)
    assert walked.request is None
    assert (ended.answer.text, ended.stop, ended.method) == ("Oslo", "enough", "r1_router")
    assert [type(event) for event in walked.events] == [Planned, Retrieved, Answered, Planned, Finished]
    assert walked.events[-1].trajectory is ended


def test_what_each_request_cost_is_counted_with_the_seconds_that_are_given():
    walked = walk(max_steps=1)
    walked.start()
    walked.advance(said(step("Who is it?", "text")), 2.0)
    walked.advance(FOUND, 0.5)
    walked.advance(said(answer("Oslo")), 3.0)
    ended = walked.advance(said(answer("Oslo")), 4.0)
    assert ended.usage.seconds == {"plan": 2.0, "search": 0.5, "answer": 3.0, "final": 4.0}
    assert (ended.usage.calls, ended.usage.retrievals) == (3, 1)
    assert (ended.usage.prompt_tokens, ended.usage.completion_tokens) == (30, 15)


def test_seconds_that_are_not_given_are_those_since_the_request():
    walked = walk("direct")
    walked.start()
    assert 0 <= walked.advance(said(answer("Oslo"))).usage.seconds["final"] < 60


def test_format_errors_are_collected():
    walked = walk()
    walked.start()
    walked.advance(said("nonsense"))
    assert walked.format_errors == ["plan: the tag sub-question is missing"]
    assert isinstance(walked.events[-1], Malformed)
    walked.advance(said(STOP))
    assert walked.advance(said(answer("Oslo"))).format_errors == ("plan: the tag sub-question is missing",)


def test_a_failure_that_the_method_does_not_handle_comes_out():
    walked = walk()
    walked.start()
    with pytest.raises(PolicyError, match="fell over"):
        walked.advance(PolicyError("the model fell over"))
    with pytest.raises(RuntimeError, match="waits for nothing"):
        walked.advance(said(STOP))


def test_a_walk_that_waits_for_nothing_cannot_be_advanced():
    assert walk().seconds_left is None
    assert walk(budget=Budget(seconds=40.0)).seconds_left is None  # nothing is waited for yet
    walked = walk()
    with pytest.raises(RuntimeError, match="not been started"):
        walked.advance(said(STOP))
    walked.start()
    walked.close()
    with pytest.raises(RuntimeError, match="waits for nothing"):
        walked.advance(said(STOP))


# ── budgets ────────────────────────────────────────────────────────────────────────────────────


def test_the_final_answer_has_a_reserve_of_seconds_that_nothing_else_may_use(clock):
    walked = walk(budget=Budget(seconds=40.0))
    walked.start()
    assert walked.seconds_left == pytest.approx(30)
    clock[0] += 29
    search = walked.advance(said(step("Who is it?", "text")))
    assert isinstance(search, Search)
    assert walked.seconds_left == pytest.approx(1)
    clock[0] += 2
    final = walked.advance(FOUND)
    assert final.purpose == "final"
    assert walked.seconds_left == pytest.approx(9)
    ended = walked.advance(said(answer("Oslo")))
    assert (ended.stop, ended.answer.text) == ("seconds", "Oslo")


def test_the_reserve_of_a_long_budget_is_bounded(clock):
    walked = walk(budget=Budget(seconds=1000.0, tokens=100_000))
    walked.start()
    assert walked.seconds_left == pytest.approx(970)
    assert isinstance(walked.advance(said(step("Who is it?", "text"), (97_000, 999))), Search)


def test_a_final_answer_that_is_asked_for_late_gets_a_moment_and_asking_again_no_more(clock):
    walked = walk("direct", Budget(seconds=40.0))
    clock[0] += 100  # before the start: it does not count
    walked.start()
    assert walked.seconds_left == pytest.approx(40)
    late = walk(budget=Budget(seconds=40.0))
    late.start()
    clock[0] += 100
    assert late.advance(said(STOP)).purpose == "final"
    assert late.seconds_left == pytest.approx(LEAST_SECONDS)
    clock[0] += LEAST_SECONDS
    ended = late.advance(said("It is Oslo"))  # malformed, and there is no time to ask again
    assert (ended.stop, ended.answer.text) == ("enough", "It is Oslo")


def test_a_final_answer_that_fails_for_lack_of_time_leaves_the_last_steps_answer(clock):
    walked = walk(budget=Budget(seconds=40.0))
    walked.start()
    walked.advance(said(step("Who is it?", "text")))
    walked.advance(FOUND)
    walked.advance(said(answer("some")))
    walked.advance(said(STOP))
    ended = walked.advance(BudgetSpent("seconds"))
    assert (ended.stop, ended.answer.text) == ("seconds", "some")
    assert ended.sources == (piece("text"),)


def test_tokens_are_kept_for_the_final_answer_and_bound_its_length():
    walked = walk(budget=Budget(tokens=1000))
    walked.start()
    assert walked.advance(said(step("Who is it?", "text"), (700, 49))).routes == ("text",)
    walked.advance(FOUND)
    final = walked.advance(said(answer("Oslo"), (1, 0)))
    assert (final.purpose, final.max_tokens) == ("final", 250)


@pytest.mark.parametrize(("spent", "most"), [(100, 900), (800, 200), (960, LEAST_TOKENS), (1200, LEAST_TOKENS)])
def test_the_final_answer_may_be_as_long_as_the_tokens_that_are_left(spent, most):
    usual = walk("direct").start().max_tokens
    walked = walk("direct", Budget(tokens=1000))
    walked._meter.usage = Usage(spent)
    assert walked.start().max_tokens == min(most, usual)


def test_a_malformed_final_answer_is_not_asked_for_again_without_tokens():
    walked = walk("direct", Budget(tokens=100))
    walked.start()
    assert walked.advance(said("It is Oslo", (90, 10))).answer.text == "It is Oslo"
    walked = walk("direct", Budget(tokens=1000))
    walked.start()
    assert isinstance(walked.advance(said("It is Oslo", (90, 10))), Ask)


@pytest.mark.parametrize("prices", [None, Prices(), Prices(0.0, 0.0)])
def test_a_budget_of_money_needs_prices(prices):
    with pytest.raises(InputError, match="needs the model's prices: --price-in and --price-out"):
        Budget(cost=1.0, prices=prices)
    assert Budget(prices=prices).cost is None


def test_money_is_kept_for_the_final_answer():
    each = Prices(prompt=1.0, completion=2.0)
    assert each.cost(Usage(prompt_tokens=10, completion_tokens=5)) == pytest.approx(20e-6)
    walked = walk(budget=Budget(cost=25e-6, prices=each))
    walked.start()
    assert walked.advance(said(step("Who is it?", "text"))).purpose == "final"
    ended = walked.advance(said(answer("Oslo")))
    assert (ended.stop, ended.steps, ended.answer.text) == ("cost", (), "Oslo")
    walked = walk(budget=Budget(cost=30e-6, prices=each))
    walked.start()
    assert isinstance(walked.advance(said(step("Who is it?", "text"))), Search)


def test_a_budget_of_retrievals_counts_every_knowledge_base_that_is_searched():
    assert isinstance(walk("vanilla_rag", Budget(retrievals=3)).start(), Search)
    walked = walk("vanilla_rag", Budget(retrievals=2))
    assert walked.start().purpose == "final"
    assert walked.advance(said(answer("Oslo"))).stop == "retrievals"
