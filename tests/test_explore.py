"""The explore driver with a real method, a scripted policy and a knowledge base in memory."""

import asyncio
import itertools
import random
from functools import partial

import pytest

import r1router as rr
from r1router.drive.batches import search_together
from r1router.drive.budget import Budget
from r1router.drive.explore import explore, pick, sample_with
from r1router.drive.walk import Walk
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


def explored(policy, choose=lambda group: 0, *, size=3, budget=None, questions=("Which city?",)):
    bases = kbs()
    cards = {name: kb.card for name, kb in bases.items()}
    walks = [Walk(load_method("r1_router"), Question(text), cards, PROMPTS, budget) for text in questions]
    groups = explore(
        walks,
        sample=sample_with(policy, size=size, temperature=1.0),
        search=partial(search_together, bases),
        choose=choose,
    )
    return [(walk.events[-1].trajectory, of) for walk, of in zip(walks, groups, strict=True)]


def test_every_decision_of_a_question_is_one_group():
    ((path, groups),) = explored(rr.Scripted(talk))
    assert (path.answer.text, path.stop, path.method) == ("Oslo", "enough", "r1_router")
    assert [group.ask.purpose for group, _ in groups] == ["plan", "answer", "plan", "final"]
    assert [len(group.replies) for group, _ in groups] == [3, 3, 3, 3]


def test_a_group_knows_what_had_happened_when_it_was_asked():
    ((_, groups),) = explored(rr.Scripted(talk))
    first, answer, second, final = (group.path.steps for group, _ in groups)
    assert first == ()
    assert [e.id for e in answer[0].evidence] == ["1", "2"]
    assert answer[0].answer == ""
    assert second[0].answer == final[0].answer == "Oslo"


def test_the_chosen_reply_goes_on_and_the_chooser_sees_the_group_and_its_state():
    seen = []

    def choose(group):
        seen.append((group.ask.purpose, [reply.text for reply in group.replies], len(group.path.steps)))
        return len(group.replies) - 1

    turns = itertools.count()
    ((path, groups),) = explored(rr.Scripted(lambda ask: STEP if next(turns) % 2 == 0 else STOP), choose, size=2)
    assert seen[0] == ("plan", [STEP, STOP], 0)
    assert groups[0][1] == 1
    assert (path.stop, path.steps) == ("enough", ())


def test_a_malformed_reply_is_part_of_its_group_and_asked_again_where_it_is_chosen():
    said = {"plan": iter(["nonsense", STEP, STOP, STOP]), "final": itertools.repeat("<answer>Oslo</answer>")}
    ((path, groups),) = explored(rr.Scripted(lambda ask: next(said[ask.purpose])), size=2)
    (first, _), (again, _) = groups[:2]
    assert [reply.text for reply in first.replies] == ["nonsense", STEP]
    assert again.ask.messages[: len(first.ask.messages)] == first.ask.messages
    assert "cannot be used" in again.ask.messages[-1].content
    assert (path.stop, path.format_errors) == ("enough", ("plan: the tag sub-question is missing",))


def test_a_budget_ends_an_exploration_in_the_final_answer():
    ((path, groups),) = explored(rr.Scripted(talk), budget=Budget(retrievals=0))
    assert path.stop == "retrievals"
    assert [group.ask.purpose for group, _ in groups] == ["plan", "final"]


def test_questions_of_different_lengths_are_explored_side_by_side_to_their_ends():
    def reply(ask):
        return STOP if ask.purpose == "plan" and "short" in ask.messages[-1].content else talk(ask)

    (long, of_long), (short, of_short) = explored(rr.Scripted(reply), questions=("Which city?", "A short one?"))
    assert (len(long.steps), len(of_long)) == (1, 4)
    assert (len(short.steps), len(of_short)) == (0, 2)
    assert explored(rr.Scripted(talk), questions=()) == []


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

    ask = PROMPTS.final_answer(rr.Trajectory(Question("Q?")))
    assert [len(group) for group in sample_with(Slow(), size=5, temperature=0.7)([ask])] == [5]
    assert most == 5


def test_the_best_is_picked_with_its_probability_and_any_otherwise():
    chance = random.Random(0)
    values = [0.1, None, 0.9, 0.9]
    assert {pick(values, chance, best=1.0) for _ in range(50)} == {2}
    assert {pick(values, chance) for _ in range(100)} == {0, 1, 2, 3}
    assert {pick([None, None], chance, best=1.0) for _ in range(50)} == {0, 1}
    often = sum(pick([0.0, -1.0], chance, best=0.5) == 0 for _ in range(1000))
    assert 700 < often < 800  # a half, and half of the other half
