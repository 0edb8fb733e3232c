"""Tasks of questions without gold sub-questions, and the pool on them: where it begins, and what labels earn."""

import json
import random

import pytest

import r1router as rr
from r1router.errors import InputError
from r1router.methods import load_method
from r1router.parse import NO_ROUTE
from r1router.prompts import DEFAULT, Prompts
from r1router.train import rewards
from r1router.train.grpo.known_replies import draw_start
from r1router.train.grpo.rollout_pool import Pool
from r1router.train.steps.question_tasks import make_task, read_tasks
from r1router.train.steps.renamed_kbs import rename_kbs
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.train.steps.tasks import find_next
from r1router.types import Card, Evidence, Example, Question, Reply, Step

SHORT = DEFAULT.parent / "short"
CARDS = {"text": Card("text", "text", "Passages"), "table": Card("table", "table", "Tables of countries")}
QUESTION = "How many people live in the country of Oslo?"
CHAIN = [
    {"kb": "text", "evidence_ids": ["p1"], "answer": "Norway"},
    {"kb": "table", "evidence_ids": ["t1"], "answer": "5.5 million"},
]


def kbs():
    passages = [Evidence("text", "p1", "Oslo is the capital of Norway."), Evidence("text", "p2", "Bergen is rainy.")]
    tables = [Evidence("table", "t1", "Norway | 5.5 million people"), Evidence("table", "t2", "Peru | 34 people")]
    return {
        "text": rr.MemoryKnowledgeBase(CARDS["text"], passages),
        "table": rr.MemoryKnowledgeBase(CARDS["table"], tables),
    }


def task(gold, *, answers=("5.5 million",), name="q"):
    return make_task(Example(name, Question(QUESTION), answers, gold), kbs(), source="set")


def found(*ids):
    return [Step("", "Q?", ("text",), evidence=(Evidence("text", name, ""),), answer="A") for name in ids]


# ── tasks ──────────────────────────────────────────────────────────────────────────────────────


def test_a_chain_without_sub_questions_may_be_made_in_any_order():
    made = task({"hops": CHAIN})
    first = find_next(made, found())
    assert (first.route, first.evidence_ids, first.sub_question) == ("", ("p1", "t1"), None)
    assert find_next(made, found("t1")) == made.hops[0]
    assert find_next(made, found("p1", "t1")).route == NO_ROUTE


def test_gold_steps_are_made_in_their_order():
    steps = [{**hop, "sub_question": f"Q{n}?"} for n, hop in enumerate(CHAIN)]
    made = task({"steps": steps})
    assert find_next(made, found()).sub_question == "Q0?"
    assert [hop.answers for hop in made.hops] == [("Norway",), ("5.5 million",)]


def test_titles_say_what_is_needed_where_there_are_no_ids():
    made = task({"evidence_titles": ["Oslo", "Norway"]})
    titled = [Step("", "Q?", ("text",), evidence=(Evidence("text", "x", "", title="NORWAY"),), answer="A")]
    assert find_next(made, titled).evidence_titles == ("oslo",)


def test_where_only_the_answer_is_known_evidence_that_says_it_is_what_was_needed():
    made = task(None)
    said = [Step("", "Q?", ("text",), evidence=(Evidence("text", "x", "It has 5.5 million people."),), answer="A")]
    assert find_next(made, found("p2")).answers == ("5.5 million",)
    assert find_next(made, said).route == NO_ROUTE


def test_of_an_answer_that_stands_anywhere_nothing_is_known_of_the_way():
    made = task(None, answers=("no",))
    assert (made.hops, made.answers) == ((), ("no",))
    assert find_next(made, found()) == Gold()


def test_files_of_steps_and_of_questions_are_read_together(tmp_path):
    questions, steps = tmp_path / "mine.jsonl", tmp_path / "steps.jsonl"
    questions.write_text(
        json.dumps({"id": "a", "question": QUESTION, "answers": ["5.5 million"], "gold": {"hops": CHAIN}})
    )
    plan = TrainingStep("b/0/plan", "plan", QUESTION, kbs=tuple(CARDS.values()), gold=Gold("", "Who?", "text", ("p1",)))
    write_steps([plan], steps)
    read = read_tasks([questions, steps], {"": kbs()})
    assert {name: (one.ordered, one.source) for name, one in read.items()} == {"b": (True, ""), "a": (False, "mine")}
    twice = tmp_path / "twice.jsonl"
    twice.write_text(questions.read_text())
    with pytest.raises(InputError, match="'a' stands in another file too"):
        read_tasks([questions, twice], {"": kbs()})


# ── where a question begins ────────────────────────────────────────────────────────────────────


def test_a_question_begins_at_every_place_whose_hops_are_known_and_between_them_most_often():
    chance = random.Random(0)
    counts = [0] * 3
    for _ in range(700):
        counts[draw_start(task({"hops": CHAIN}), chance)] += 1
    assert counts[1] > counts[0] > counts[2] > 50
    nothing_told = [{"evidence_ids": ["p1"]}, {"evidence_ids": ["t1"]}]
    assert {draw_start(task({"hops": nothing_told}), chance) for _ in range(50)} == {0}


def test_a_task_whose_routes_are_not_known_is_renamed_too():
    names = {name for seed in range(20) for name in rename_kbs(task(None), CARDS, random.Random(seed))[1].cards}
    assert len(names) > 2


# ── the pool ───────────────────────────────────────────────────────────────────────────────────


def step(asked, label):
    return f"<think>hm</think>\n<sub-question>{asked}</sub-question>\n<ret>{label}</ret>"


class Replies:
    """Groups of the same replies to each request; keeps what was asked, and how many replies were wanted."""

    def __init__(self, *said, own="<think>hm</think>\n<answer>unknown</answer>"):
        self.asked, self._said, self._own = [], said, own

    def __call__(self, asks, count):
        self.asked += [(ask.purpose, count) for ask in asks]
        self.last = [ask.messages[-1].content for ask in asks]
        return [[Reply(self._own)] * count if count else [Reply(said) for said in self._said] for _ in asks]


def pool(made, **options):
    return Pool(
        {made.id: made},
        {"": kbs()},
        method=load_method("r1_router?look=false"),
        prompts=Prompts(SHORT),
        rewards=rewards.load_rewards(options.pop("weights", {"evidence_rank": 1.0})),
        best=1.0,
        **options,
    )


WHO, HOW = step("Which country has Oslo?", "text"), step("How many people live in Norway?", "table")
STOP = step("None", "None")


def test_what_is_read_is_taken_from_gold_where_only_plans_are_decided():
    explored, replies = pool(task({"hops": CHAIN}), decisions=["plan"]), Replies(WHO, STOP)
    explored.next_groups(["q"], replies)
    explored.next_groups(["q"], replies)
    assert replies.asked == [("plan", 0), ("plan", 0)]
    assert "Norway" in replies.last[0]
    explored.close()


def test_what_is_not_known_is_read_by_the_policy_itself_once():
    explored, replies = pool(task({"hops": CHAIN}), decisions=["plan"]), Replies(step("Bergen", "text"))
    explored.next_groups(["q"], replies)  # finds both passages, of which one is gold
    nothing = pool(task(None), decisions=["plan"])
    asked = Replies(step("Bergen rainy", "text"))
    nothing.next_groups(["q"], asked)
    nothing.next_groups(["q"], asked)
    assert asked.asked == [("plan", 0), ("answer", 1), ("plan", 0)]
    for one in (explored, nothing):
        one.close()


def test_a_question_that_begins_between_its_hops_shows_the_first_one_as_it_was_found_before():
    between = pool(task({"hops": CHAIN}), decisions=["plan"], anywhere=True, seed=1)
    replies, seen = Replies(WHO, HOW, STOP), []
    for _ in range(40):
        (group,) = between.next_groups(["q"], replies)
        history = replies.last[0]
        seen.append((("Norway" in history) + ("5.5 million" in history), group.values))
    between.close()
    by_place = {place: [values for at, values in seen if at == place] for place in range(3)}
    assert all(values == [1.0, 1.0, 0.0] or values[2] == 0.0 for values in by_place[0])
    assert all(values[1:] == [1.0, 0.0] for values in by_place[1])
    assert all(values == [0.0, 0.0, 1.0] for values in by_place[2])
    assert min(map(len, by_place.values())) > 2


def test_every_label_is_judged_by_a_search_of_its_own():
    explored = pool(task({"hops": CHAIN}), decisions=["plan"], all_labels=True, weights={"evidence_rank": 1.0})
    wrong = step("How many people live in Norway?", "text")
    (group,) = explored.next_groups(["q"], Replies(WHO, wrong, STOP, "nonsense"))
    first, second, *others = group.by_label
    assert others == [None, None]
    assert (first.labels, first.said, first.before) == (("text", "table"), 0, WHO.partition("text</ret>")[0])
    assert first.values[0] == group.values[0] == 1.0
    assert second.values[1] == 1.0
    assert second.values[0] == group.values[1]
    explored.close()


def test_a_search_that_reaches_further_than_is_read_earns_something_for_what_comes_later():
    many = [Evidence("text", f"p{n}", f"Oslo Oslo Oslo {n}") for n in range(2, 6)]
    bases = kbs() | {"text": rr.MemoryKnowledgeBase(CARDS["text"], [*many, Evidence("text", "p1", "Oslo, Norway")])}
    made = task({"hops": CHAIN[:1]})
    for reach, value in ((2, 0.0), (5, 0.3)):
        explored = Pool(
            {"q": made}, {"": bases}, method=load_method("r1_router?look=false"), prompts=Prompts(SHORT),
            k=2, reach=reach, rewards=rewards.load_rewards({"evidence_rank": 1.0}),
        )  # fmt: skip
        (group,) = explored.next_groups(["q"], Replies(step("Oslo", "text")))
        assert group.values == [value]
        assert len(group.outcomes[0].evidence) == 2
        explored.close()
