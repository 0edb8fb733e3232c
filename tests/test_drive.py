"""The drivers with a real method, the scripted policy and knowledge bases in memory."""

import asyncio
import threading
import time

import pytest

import r1router as rr
from r1router.drive.batches import LARGEST_BATCH, Batches, run_in_batches, search_together
from r1router.drive.budget import Budget
from r1router.drive.many import answer_many
from r1router.drive.one import stream
from r1router.errors import InputError, PolicyError, UnknownName
from r1router.methods import load_method
from r1router.prompts import Prompts
from r1router.types import (
    Answered,
    Card,
    Evidence,
    Finished,
    Malformed,
    Planned,
    Query,
    Question,
    Reply,
    Retrieved,
    Search,
)

PROMPTS = Prompts()
STEP = "<think>hm</think>\n<sub-question>What is the capital of Norway?</sub-question>\n<ret>text</ret>"
STOP = "<sub-question>None</sub-question>\n<ret>None</ret>"


def kbs():
    entries = [Evidence("text", "1", "Oslo is the capital of Norway."), Evidence("text", "2", "Bergen is rainy.")]
    return {"text": rr.MemoryKnowledgeBase(Card("text", "text", "Passages"), entries)}


def talk(ask):
    """A policy that plans one step, answers it and stops."""
    if ask.purpose == "plan":
        return Reply(STOP if "Found 1" in ask.messages[-1].content else STEP, prompt_tokens=100, completion_tokens=10)
    return Reply("<answer>Oslo</answer>", prompt_tokens=50, completion_tokens=5)


def test_one_question_streams_its_events_as_they_happen():
    began = time.perf_counter()
    events = list(rr.stream("Which city?", kbs=kbs(), policy=rr.Scripted(talk)))
    assert [type(e) for e in events] == [Planned, Retrieved, Answered, Planned, Finished]
    assert events[1].step.evidence[0].id == "1"
    path = events[-1].trajectory
    assert (path.answer.text, path.stop, path.method) == ("Oslo", "enough", "r1_router")
    assert path.sources[0].text == "Oslo is the capital of Norway."
    usage = path.usage
    assert (usage.calls, usage.retrievals, usage.tokens) == (4, 1, 2 * 110 + 2 * 55)
    assert usage.looks == 3  # one knowledge base, for the question, its sub-question, and to stop
    assert set(usage.seconds) == {"look", "plan", "search", "answer", "final"}
    assert sum(usage.seconds.values()) <= time.perf_counter() - began


def test_an_event_arrives_before_the_next_request_is_answered():
    first_event_seen = threading.Event()

    def reply(ask):
        if ask.purpose == "answer":
            assert first_event_seen.wait(5), "the planned step was not streamed before the evidence was read"
        return talk(ask)

    for event in rr.stream("Which city?", kbs=kbs(), policy=rr.Scripted(reply)):
        if isinstance(event, Planned):
            first_event_seen.set()


def test_format_errors_are_recorded_in_the_trajectory():
    replies = ["nonsense", STOP, "<answer>Oslo</answer>"]
    events = list(rr.stream("Which city?", kbs=kbs(), policy=rr.Scripted(replies)))
    assert isinstance(events[0], Malformed)
    assert events[-1].trajectory.format_errors == ("plan: the tag sub-question is missing",)


@pytest.mark.parametrize(
    ("budget", "stop", "steps"),
    [
        (Budget(tokens=100), "tokens", 0),
        (Budget(retrievals=0), "retrievals", 0),
        (Budget(retrievals=1), "enough", 1),
        (Budget(seconds=0.0), "seconds", 0),
        (Budget(), "enough", 1),
    ],
)
def test_a_spent_budget_ends_in_the_final_answer(budget, stop, steps):
    path = rr.ask("Which city?", kbs=kbs(), policy=rr.Scripted(talk), budget=budget)
    assert (path.stop, len(path.steps), path.answer.text) == (stop, steps, "Oslo")


class Slow:
    """A policy that needs some time for everything but the final answer."""

    spec = "slow:"

    async def reply(self, ask, *, temperature=0.0, seed=None):
        if ask.purpose != "final":
            await asyncio.sleep(30)
        return talk(ask)

    async def close(self):
        pass


def test_a_model_call_that_outlasts_the_seconds_is_cut_off():
    began = time.monotonic()
    path = rr.ask("Which city?", kbs=kbs(), policy=Slow(), budget=Budget(seconds=0.05))
    assert (path.stop, path.answer.text) == ("seconds", "Oslo")
    assert time.monotonic() - began < 20


def test_a_final_answer_that_outlasts_the_seconds_is_cut_off_too():
    class Dripping(Slow):
        """Its server answers every plan, and the final answer never ends."""

        async def reply(self, ask, *, temperature=0.0, seed=None):
            while ask.purpose == "final":
                await asyncio.sleep(0.01)
            return talk(ask)

    path = rr.ask("Which city?", kbs=kbs(), policy=Dripping(), budget=Budget(seconds=0.5))
    assert path.stop == "seconds"
    assert path.answer.text == (path.steps[-1].answer if path.steps else "")  # no step in time on a busy machine


@pytest.mark.parametrize("method", ["r1_router", "vanilla_rag"])
def test_a_search_that_outlasts_the_seconds_is_cut_off(method):
    given_up = threading.Event()

    class Hanging:
        """A knowledge base whose embedder waits for a server that does not answer."""

        card = Card("text", "text", "Passages")

        def search(self, queries, *, k):
            assert given_up.wait(60)
            return [[] for _ in queries]

    try:
        path = rr.ask(
            "Which city?", kbs={"text": Hanging()}, policy=rr.Scripted(talk), method=method, budget=Budget(seconds=0.2)
        )
    finally:
        given_up.set()
    assert (path.stop, path.answer.text) == ("seconds", "Oslo")


def test_a_time_out_of_the_policy_itself_is_its_failure_and_no_spent_budget():
    def reply(ask):
        raise TimeoutError("the server did not answer")

    with pytest.raises(TimeoutError, match="did not answer"):
        rr.ask("Which city?", kbs=kbs(), policy=rr.Scripted(reply), budget=Budget(seconds=60.0))


def test_what_the_model_raises_reaches_the_caller():
    with pytest.raises(PolicyError):
        rr.ask("Which city?", kbs=kbs(), policy=rr.Scripted([]))


def test_a_knowledge_base_that_does_not_exist_is_an_error_with_a_hint():
    with pytest.raises(UnknownName, match="did you mean 'text'"):
        rr.ask("Which city?", kbs=kbs(), policy=rr.Scripted(talk), method="vanilla_rag?kb=txt")


def test_leaving_the_stream_early_cancels_the_model_call():
    cancelled = threading.Event()

    class Waiting(Slow):
        async def reply(self, ask, *, temperature=0.0, seed=None):
            if ask.purpose == "plan":
                return talk(ask)
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.set()
                raise

    for event in rr.stream("Which city?", kbs=kbs(), policy=Waiting()):
        if isinstance(event, Retrieved):
            break
    assert cancelled.wait(5)


# ── many ───────────────────────────────────────────────────────────────────────────────────────


class Counting:
    """A knowledge base that records how its searches were gathered."""

    def __init__(self, inner):
        self.inner, self.batches = inner, []
        self.card = inner.card

    def search(self, queries, *, k):
        self.batches.append(len(queries))
        time.sleep(0.01)
        return self.inner.search(queries, k=k)


def test_many_questions_come_back_with_their_positions_and_their_searches_in_batches():
    counting = Counting(kbs()["text"])
    questions = [f"Which city, number {n}?" for n in range(100)]
    answered = dict(rr.ask_many(questions, kbs={"text": counting}, policy=rr.Scripted(talk), in_flight=50))
    assert sorted(answered) == list(range(100))
    assert all(answered[n].question.text == questions[n] for n in answered)
    assert all(path.answer.text == "Oslo" for path in answered.values())
    assert sum(counting.batches) == 400  # one search each; looks for the question, its sub-question, and to stop
    assert len(counting.batches) < 120


def test_every_search_of_a_batch_gets_as_many_entries_as_it_asked_for():
    entries = [Evidence("text", str(n), f"Oslo {n}") for n in range(9)]
    bases = {"text": rr.MemoryKnowledgeBase(Card("text", "text", "Passages"), entries)}
    wanted = [Search(("text",), Query(f"Oslo {n}"), k) for n, k in enumerate((2, 7, 3))]

    async def at_once():
        search = run_in_batches(bases)
        return [served.result for served in await asyncio.gather(*map(search, wanted))]

    for found in (asyncio.run(at_once()), search_together(bases, wanted)):
        assert [[len(ranking) for ranking in rankings] for rankings in found] == [[2], [7], [3]]
        assert [rankings[0][0].id for rankings in found] == ["0", "1", "2"]


def test_questions_that_are_asked_by_themselves_search_together_where_they_share_their_batches():
    counting, batches = Counting(kbs()["text"]), Batches()

    async def at_once():
        asked = (Search(("text",), Query(f"Oslo {n}")) for n in range(6))
        return await asyncio.gather(*(run_in_batches({"text": counting}, batches)(search) for search in asked))

    assert [len(served.result) for served in asyncio.run(at_once())] == [1] * 6
    assert counting.batches == [6]


def test_a_query_that_cannot_be_searched_fails_no_other_question():
    inner = kbs()["text"]

    class Choosy(Counting):
        def search(self, queries, *, k):
            if any("odd" in query.text for query in queries):
                raise InputError("that is odd")
            return super().search(queries, k=k)

    async def at_once():
        search = run_in_batches({"text": Choosy(inner)})
        asked = (Search(("text",), Query(text)) for text in ("Oslo", "odd", "Is it rainy?"))
        return await asyncio.gather(*map(search, asked), return_exceptions=True)

    one, odd, two = asyncio.run(at_once())
    assert isinstance(odd, InputError)
    assert [served.result for served in (one, two)] == [
        inner.search([Query(text)], k=5) for text in ("Oslo", "Is it rainy?")
    ]


def test_what_nobody_waits_for_any_more_is_not_searched():
    counting = Counting(kbs()["text"])

    async def give_up():
        search = run_in_batches({"text": counting})
        kept, left = (asyncio.ensure_future(search(Search(("text",), Query(text)))) for text in ("Oslo", "Lima"))
        for _ in range(2):  # turns of the loop, after which both wait, and neither is searched yet
            await asyncio.sleep(0)
        left.cancel()
        return await kept

    assert len(asyncio.run(give_up()).result) == 1
    assert counting.batches == [1]


def test_searches_that_are_at_hand_are_made_in_one_call_for_each_knowledge_base_and_equal_ones_once():
    counting = {"text": Counting(kbs()["text"]), "more": Counting(kbs()["text"])}
    one, two = Query("What is the capital?"), Query("What is rainy?")
    asked = [Search(("text",), one), Search(("more", "text"), two), Search(("text",), one)]
    found = search_together(counting, asked)
    assert [[ranking[0].id for ranking in rankings] for rankings in found] == [["1"], ["2", "2"], ["1"]]
    assert (counting["text"].batches, counting["more"].batches) == ([2], [1])
    assert search_together(counting, []) == []


def test_more_searches_than_one_call_takes_are_made_in_several():
    counting = Counting(kbs()["text"])
    asked = [Search(("text",), Query(f"Oslo {n}")) for n in range(LARGEST_BATCH + 3)]
    assert len(search_together({"text": counting}, asked)) == len(asked)
    assert counting.batches == [LARGEST_BATCH, 3]


def test_a_search_of_an_unknown_knowledge_base_names_the_known_ones():
    with pytest.raises(UnknownName, match="did you mean 'text'"):
        search_together(kbs(), [Search(("txt",), Query("Oslo"))])


def test_one_failing_question_does_not_stop_the_others():
    def reply(ask):
        if "number 3" in ask.messages[-1].content:
            raise PolicyError("the model fell over")
        return talk(ask)

    questions = [f"Which city, number {n}?" for n in range(6)]
    answered = dict(rr.ask_many(questions, kbs=kbs(), policy=rr.Scripted(reply)))
    assert (answered[3].stop, answered[3].error) == ("error", "the model fell over")
    assert [answered[n].stop for n in (0, 1, 2, 4, 5)] == ["enough"] * 5


def test_a_slow_question_delays_no_other():
    gate = asyncio.Event()

    class Uneven(Slow):
        async def reply(self, ask, *, temperature=0.0, seed=None):
            if "number 0" in ask.messages[-1].content and ask.purpose == "plan":
                await gate.wait()
            return talk(ask)

    async def run():
        order = []
        questions = [Question(f"Which city, number {n}?") for n in range(8)]
        method = load_method("r1_router")
        async for position, _ in answer_many(
            questions, method=method, policy=Uneven(), kbs=kbs(), prompts=PROMPTS, in_flight=4
        ):
            order.append(position)
            if len(order) == 7:
                gate.set()
        return order

    order = asyncio.run(asyncio.wait_for(run(), 20))
    assert order[-1] == 0
    assert sorted(order) == list(range(8))


def test_no_more_questions_are_in_flight_than_asked_for():
    now, most = 0, 0

    class Watching(Slow):
        async def reply(self, ask, *, temperature=0.0, seed=None):
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            return talk(ask)

    list(rr.ask_many([f"Which city {n}?" for n in range(20)], kbs=kbs(), policy=Watching(), in_flight=3))
    assert most == 3


def test_a_failed_search_is_told_to_every_question_that_waited_for_it():
    class Broken:
        card = Card("text", "text", "Passages")

        def search(self, queries, *, k):
            raise rr.R1RouterError("the disk is gone")

    answered = dict(rr.ask_many(["Which city 1?", "Which city 2?"], kbs={"text": Broken()}, policy=rr.Scripted(talk)))
    assert {path.error for path in answered.values()} == {"the disk is gone"}


def test_the_drivers_also_work_inside_a_running_event_loop():
    async def inside():
        events = stream(
            Question("Which city?"), method=load_method("direct"), policy=rr.Scripted(talk), kbs={}, prompts=PROMPTS
        )
        return [event async for event in events], rr.ask(
            "Which city?", kbs={}, policy=rr.Scripted(talk), method="direct"
        )

    events, path = asyncio.run(inside())
    assert events[-1].trajectory.answer == path.answer
