"""The explore driver with a real method, a scripted policy and a knowledge base in memory."""

import asyncio
import itertools
import random

import pytest

import r1router as rr
from r1router.drive.batches import in_batches
from r1router.drive.budget import Budget
from r1router.drive.explore import explore, pick, samples
from r1router.errors import PolicyError
from r1router.methods import load_method
from r1router.prompts import Prompts
from r1router.types import Card, Evidence, Question, Reply

PROMPTS = Prompts()
STEP = "<think>hm</think>\n<sub-question>What is the capital of Norway?</sub-question>\n<ret>text</ret>"
STOP = "<sub-question>None</sub-question>\n<ret>None</ret>"


def kbs():
    entries = [Evidence("text", "1", "Oslo is the capital of Norway."), Evidence("text", "2", "Bergen is rainy.")]
    return {"text": rr.MemoryKnowledgeBase(Card("text", "text", "Passages"), entries)}


def talk(ask):
    """A policy that plans one step, answers it and stops."""
    if ask.purpose == "plan":
        return STOP if "Oslo" in ask.messages[-1].content else STEP
    return "<answer>Oslo</answer>"


def explored(policy, choose=None, *, size=3, budget=None):
    async def first(ask, replies, path):
        return 0

    bases = kbs()
    return asyncio.run(
        explore(
            Question("Which city?"),
            {name: kb.card for name, kb in bases.items()},
            method=load_method("r1_router"),
            prompts=PROMPTS,
            sample=samples(policy, size=size, temperature=1.0),
            search=in_batches(bases),
            choose=choose or first,
            budget=budget,
        )
    )


def test_every_decision_of_a_question_is_one_group():
    path, groups = explored(rr.Scripted(talk))
    assert (path.answer.text, path.stop, path.method) == ("Oslo", "enough", "r1_router")
    assert [group.ask.purpose for group in groups] == ["plan", "answer", "plan", "final"]
    assert [len(group.replies) for group in groups] == [3, 3, 3, 3]


def test_a_group_knows_what_had_happened_when_it_was_asked():
    _, groups = explored(rr.Scripted(talk))
    first, answer, second, final = (group.path.steps for group in groups)
    assert first == ()
    assert [e.id for e in answer[0].evidence] == ["1", "2"]
    assert answer[0].answer == ""
    assert second[0].answer == final[0].answer == "Oslo"


def test_the_chosen_reply_goes_on_and_the_chooser_sees_the_group_and_its_state():
    seen = []

    async def choose(ask, replies, path):
        seen.append((ask.purpose, [reply.text for reply in replies], len(path.steps)))
        return len(replies) - 1

    turns = itertools.count()
    path, groups = explored(rr.Scripted(lambda ask: STEP if next(turns) % 2 == 0 else STOP), choose, size=2)
    assert seen[0] == ("plan", [STEP, STOP], 0)
    assert groups[0].chosen == 1
    assert (path.stop, path.steps) == ("enough", ())


def test_a_malformed_reply_is_part_of_its_group_and_asked_again_where_it_is_chosen():
    said = {"plan": iter(["nonsense", STEP, STOP, STOP]), "final": itertools.repeat("<answer>Oslo</answer>")}
    path, groups = explored(rr.Scripted(lambda ask: next(said[ask.purpose])), size=2)
    assert [reply.text for reply in groups[0].replies] == ["nonsense", STEP]
    assert groups[1].ask.messages[: len(groups[0].ask.messages)] == groups[0].ask.messages
    assert "cannot be used" in groups[1].ask.messages[-1].content
    assert (path.stop, path.format_errors) == ("enough", ("plan: the tag sub-question is missing",))


def test_a_budget_ends_an_exploration_in_the_final_answer():
    path, groups = explored(rr.Scripted(talk), budget=Budget(retrievals=0))
    assert path.stop == "retrievals"
    assert [group.ask.purpose for group in groups] == ["plan", "final"]


def test_what_the_policy_raises_reaches_the_caller():
    with pytest.raises(PolicyError, match="no reply left"):
        explored(rr.Scripted([]))


def test_the_replies_of_a_group_are_asked_for_at_the_same_time():
    in_flight, most = 0, 0

    class Slow:
        spec = "slow:"

        async def reply(self, ask, *, temperature=0.0, seed=None):
            nonlocal in_flight, most
            assert temperature == 0.7
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(0.01)
            in_flight -= 1
            return Reply(talk(ask))

    asyncio.run(samples(Slow(), size=5, temperature=0.7)(PROMPTS.final_answer(rr.Trajectory(Question("Q?")))))
    assert most == 5


def test_the_best_is_picked_with_its_probability_and_any_otherwise():
    chance = random.Random(0)
    values = [0.1, None, 0.9, 0.9]
    assert {pick(values, chance, best=1.0) for _ in range(50)} == {2}
    assert {pick(values, chance) for _ in range(100)} == {0, 1, 2, 3}
    assert {pick([None, None], chance, best=1.0) for _ in range(50)} == {0, 1}
    often = sum(pick([0.0, -1.0], chance, best=0.5) == 0 for _ in range(1000))
    assert 700 < often < 800  # a half, and half of the other half
