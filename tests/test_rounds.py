"""Many walks brought to their decisions together, with a real method and a knowledge base in memory."""

import pytest

import r1router as rr
from r1router.drive.budget import Budget
from r1router.drive.rounds import bring_to_asks, search_in
from r1router.drive.walk import Walk
from r1router.errors import PolicyError
from r1router.methods import load_method
from r1router.prompts import Prompts
from r1router.table import TableBlock
from r1router.types import Card, Evidence, Question, Reply

PROMPTS = Prompts()
STEP = "<think>hm</think>\n<sub-question>What is the capital of Norway?</sub-question>\n<ret>text</ret>"
STOP = "<sub-question>None</sub-question>\n<ret>None</ret>"


class Counting(rr.MemoryKnowledgeBase):
    """Keeps how many queries came in each call."""

    def __init__(self, *args):
        super().__init__(*args)
        self.sizes = []

    def search(self, queries, *, k=5):
        self.sizes.append(len(queries))
        return super().search(queries, k=k)


def kbs():
    entries = [Evidence("text", "1", "Oslo is the capital of Norway."), Evidence("text", "2", "Bergen is rainy.")]
    return {"text": Counting(Card("text", "text", "Passages"), entries)}


def walks(*questions, bases, budget=None, method="r1_router"):
    cards = {name: kb.card for name, kb in bases.items()}
    made = [Walk(load_method(method), Question(text), cards, PROMPTS, budget) for text in questions]
    for walk in made:
        walk.start()
    return made


def talk(ask):
    """Plans one step, or none for a short question; answers it and stops."""
    said = ask.messages[-1].content
    if ask.purpose == "plan":
        return Reply(STOP if "Oslo" in said or "short" in said else STEP)
    return Reply("<answer>Oslo</answer>")


def run(given, bases, reply=talk):
    """What each walk was asked for, by its question."""
    asked = {walk: [] for walk in given}
    while asking := bring_to_asks(given, search=search_in(bases)):
        for walk, ask in asking:
            asked[walk].append(ask.purpose)
            walk.advance(reply(ask))
    return list(asked.values())


def test_questions_of_different_lengths_are_walked_side_by_side_to_their_ends():
    bases = kbs()
    long, short = walks("Which city?", "A short one?", bases=bases, method="r1_router?look=false")
    assert run([long, short], bases) == [["plan", "answer", "plan", "final"], ["plan", "final"]]
    assert [len(walk.events[-1].trajectory.steps) for walk in (long, short)] == [1, 0]
    assert run([], bases) == []


def test_the_searches_of_all_walks_are_one_call():
    bases = kbs()
    run(walks("Which city?", "Which town?", "A short one?", bases=bases, method="r1_router?look=false"), bases)
    assert bases["text"].sizes == [1]  # two walks search for the same
    bases = kbs()
    bring_to_asks(walks("Which city?", "Which town?", bases=bases), search=search_in(bases))  # both look first
    assert bases["text"].sizes == [2]


def test_a_budget_ends_a_walk_in_the_final_answer():
    bases = kbs()
    [walk] = walks("Which city?", bases=bases, budget=Budget(retrievals=0), method="r1_router?look=false")
    assert run([walk], bases) == [["plan", "final"]]
    assert walk.events[-1].trajectory.stop == "retrievals"


def test_a_table_is_read_where_nobody_serves_queries():
    orders = TableBlock("Capital of Norway", header=("City", "Amount"), rows=(("Oslo", "120"), ("Bergen", "80")))
    found = Evidence("text", "o#0", orders.text, title="Capital of Norway", record="o", table=orders)
    bases = {"text": rr.MemoryKnowledgeBase(Card("text", "table", "Orders"), [found])}
    [walk] = walks("Which city?", bases=bases, method="r1_router?look=false")
    assert run([walk], bases) == [["plan", "answer", "plan", "final"]]
    assert walk.events[-1].trajectory.steps[0].evidence[0].result is None


def test_what_a_search_raises_reaches_the_caller():
    class Broken(Counting):
        def search(self, queries, *, k=5):
            raise PolicyError("the disk is gone")

    bases = {"text": Broken(Card("text", "text", "Passages"), [])}
    with pytest.raises(PolicyError, match="the disk is gone"):
        run(walks("Which city?", bases=bases), bases)
