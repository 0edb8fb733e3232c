"""Questions to groups: tasks, the pool, and rows that equal the prompts which the policy saw."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest

import r1router as rr
from r1router.drive.batches import search_together
from r1router.drive.rounds import bring_to_asks, search_in
from r1router.drive.walk import Walk
from r1router.errors import InputError, PolicyError, R1RouterError
from r1router.methods import load_method
from r1router.parse import NO_ROUTE
from r1router.prompts import DEFAULT, Prompts
from r1router.table import TableBlock
from r1router.train import rewards
from r1router.train.grpo.rollout_function import make_rollout_function
from r1router.train.grpo.rollout_pool import Pool, pick
from r1router.train.steps.renamed_kbs import rename_kbs
from r1router.train.steps.render import render
from r1router.train.steps.step_file import Gold, Past, TrainingStep
from r1router.train.steps.tasks import Task, gather_tasks, make_step
from r1router.types import Ask, Card, Evidence, Query, Question, Reply, Search, Step, Trajectory

SHORT = DEFAULT.parent / "short"
CARDS = {"text": Card("text", "text", "Passages"), "table": Card("table", "table", "Tables of countries")}
WHO, HOW = "Which country has Oslo?", "How many people live in Norway?"
QUESTION = "How many people live in the country of Oslo?"


def kbs():
    passages = [Evidence("text", "p1", "Oslo is the capital of Norway."), Evidence("text", "p2", "Bergen is rainy.")]
    tables = [Evidence("table", "t1", "Norway | 5.5 million people live there"), Evidence("table", "t2", "Peru | 34")]
    return {
        "text": rr.MemoryKnowledgeBase(CARDS["text"], passages),
        "table": rr.MemoryKnowledgeBase(CARDS["table"], tables),
    }


def steps(name="t"):
    """The gold steps of one question with two hops."""
    cards = tuple(CARDS.values())
    one, two = Past(WHO, "Norway", "text"), Past(HOW, "5.5 million", "table")
    plan = Gold("", WHO, "text", ("p1",)), Gold("", HOW, "table", ("t1",)), Gold(route=NO_ROUTE)
    common = {"question": QUESTION, "kbs": cards}
    return [
        TrainingStep(f"{name}/0/plan", "plan", gold=plan[0], **common),
        TrainingStep(f"{name}/1/plan", "plan", history=(one,), gold=plan[1], **common),
        TrainingStep(f"{name}/2/plan", "plan", history=(one, two), gold=plan[2], **common),
        TrainingStep(f"{name}/2/final", "final", QUESTION, history=(one, two), gold=Gold(answers=("5.5 million",))),
    ]


def step(asked, label):
    return f"<think>hm</think>\n<sub-question>{asked}</sub-question>\n<ret>{label}</ret>"


STOP = step("None", "None")


def right(ask: Ask) -> str:
    """What a policy says that does everything right."""
    said = ask.messages[-1].content
    if ask.purpose == "plan":
        return step(WHO, "text") if "Norway" not in said else step(HOW, "table") if "5.5" not in said else STOP
    return "<think>hm</think>\n<answer>" + ("5.5 million" if "5.5" in said else "Norway") + "</answer>"


# ── tasks ────────────────────────────────────────────────────────────────────────────────────


def test_a_task_is_the_gold_chain_of_a_question_with_the_answers_of_its_hops():
    (task,) = gather_tasks(steps()).values()
    assert (task.id, task.question, task.answers) == ("t", QUESTION, ("5.5 million",))
    assert [(hop.sub_question, hop.route, hop.answers) for hop in task.hops] == [
        (WHO, "text", ("Norway",)),
        (HOW, "table", ("5.5 million",)),
    ]


def test_a_task_is_the_same_from_shuffled_steps_of_which_some_were_left_out():
    (whole,) = gather_tasks(steps()).values()
    assert list(gather_tasks(steps()[::-1]).values()) == [whole]
    (of_rest,) = gather_tasks(steps()[1:]).values()
    assert [(hop.sub_question, hop.route) for hop in of_rest.hops] == [(WHO, "text"), (HOW, "table")]


def test_steps_that_query_tables_belong_to_their_trajectories_and_tell_answers_too():
    asked = TrainingStep(
        "t/1/query", "query", QUESTION, sub_question=HOW, evidence=(Evidence("table", "t1", ""),),
        gold=Gold(answers=("5.5 million", "5,500,000")),
    )  # fmt: skip
    (task,) = gather_tasks([*steps(), asked]).values()
    assert task.hops[1].answers == ("5.5 million", "5,500,000")


def test_what_comes_after_a_chain_that_was_cut_off_is_not_known():
    (task,) = gather_tasks(steps()[:1]).values()
    taken = Step("", "Q?", ("text",), evidence=(Evidence("text", "p1", "…"),), answer="A")
    path = Trajectory(Question(QUESTION), (taken,))
    assert make_step(task, Prompts().next_step(path, CARDS), path, CARDS).gold == Gold()


def test_a_hop_that_brought_nothing_at_last_has_no_accepted_answer():
    stop = steps()[2]
    said = tuple(Past(past.sub_question, "unknown", past.kb) for past in stop.history)
    ended = TrainingStep("t/2/plan", "plan", QUESTION, history=said, kbs=stop.kbs, gold=stop.gold)
    (task,) = gather_tasks([*steps()[:1], ended]).values()
    assert [hop.answers for hop in task.hops] == [()]


@pytest.mark.parametrize("name", ["t", "t/x/plan", "t/0/plan/2"])
def test_an_id_without_a_place_in_a_trajectory_is_refused(name):
    with pytest.raises(InputError, match="TRAJECTORY/INDEX/KIND"):
        gather_tasks([TrainingStep(name, "plan", QUESTION, kbs=tuple(CARDS.values()), gold=Gold(route=NO_ROUTE))])


def test_a_search_that_finds_the_evidence_of_two_hops_makes_one_of_them():
    first, second = (Gold("", asked, "table", (found,)) for asked, found in (("Peru?", "a"), ("Chad?", "b")))
    common = {"question": QUESTION, "kbs": tuple(CARDS.values())}
    (task,) = gather_tasks([
        TrainingStep("t/0/plan", "plan", gold=first, **common),
        TrainingStep("t/1/plan", "plan", history=(Past("Peru?", "1", "table"),), gold=second, **common),
        TrainingStep("t/2/final", "final", QUESTION, gold=Gold(answers=("1",))),
    ]).values()  # fmt: skip
    both = Step("", "Q?", ("table",), evidence=(Evidence("table", "a", "…"), Evidence("table", "b", "…")), answer="A")

    def right(*taken):
        path = Trajectory(Question(QUESTION), taken)
        gold = make_step(task, Prompts().next_step(path, CARDS), path, CARDS).gold
        return gold.sub_question or gold.route

    assert right() == "Peru?"
    assert right(both) == "Chad?"
    assert right(both, both) == NO_ROUTE


def test_tasks_that_no_knowledge_base_is_there_for_are_refused():
    with pytest.raises(InputError, match="sent to text, and the knowledge bases are table"):
        pool(bases={"table": kbs()["table"]})


def test_steps_without_a_plan_make_no_task():
    with pytest.raises(InputError, match="plan"):
        gather_tasks(steps()[-1:])


@pytest.mark.parametrize(
    ("known", "found", "route"),
    [
        (("", "t1"), [], "text"),
        (("", "t1"), ["t1"], "table"),  # the second hop's evidence, found in the first hop's place
        (("", "t1"), ["p2"], "table"),
        (("", "t1"), ["p2", "p2"], "table"),
        (("", "t1"), ["p2", "t1"], NO_ROUTE),
        (("p1", ""), ["p2"], "text"),
        (("p1", ""), ["p1"], "table"),
        (("p1", ""), ["p1", "p2"], NO_ROUTE),
        (("p1", ""), ["p2", "p1"], "table"),  # the step in the first place was not the second hop's
    ],
)
def test_a_hop_of_which_no_evidence_is_known_is_made_by_the_step_in_its_place(known, found, route):
    hops = tuple(Gold("", "Q?", kb, (id,) if id else ()) for kb, id in zip(CARDS, known, strict=True))
    task = Task("t", QUESTION, "", hops, ("5.5 million",))
    taken = tuple(Step("", "Q?", ("text",), evidence=(Evidence("text", name, "…"),), answer="A") for name in found)
    path = Trajectory(Question(QUESTION), taken)
    assert make_step(task, Prompts().next_step(path, CARDS), path, CARDS).gold.route == route


@pytest.mark.parametrize(
    ("found", "route"),
    [
        ([], "text"),
        (["p2"], "text"),  # the first search failed: it is still to be made
        (["p1"], "table"),
        (["t1"], "text"),
        (["p1", "t1"], NO_ROUTE),
        (["p2", "p1", "t1"], NO_ROUTE),
    ],
)
def test_what_would_be_right_next_is_the_first_hop_whose_evidence_has_not_been_found(found, route):
    (task,) = gather_tasks(steps()).values()
    taken = tuple(Step("", "Q?", ("text",), evidence=(Evidence("text", name, "…"),), answer="A") for name in found)
    path = Trajectory(Question(QUESTION), taken)
    ask = Prompts().next_step(path, CARDS)
    assert make_step(task, ask, path, CARDS).gold.route == route


def test_an_answer_is_judged_by_the_hop_that_its_evidence_is_for():
    (task,) = gather_tasks(steps()).values()

    def gold(evidence):
        planned = Step("", "Q?", ("text",), evidence=(Evidence("text", evidence, "…"),))
        path = Trajectory(Question(QUESTION), (planned,))
        return make_step(task, Prompts().answer_step(Trajectory(path.question), planned), path, CARDS).gold.answers

    assert gold("p1") == ("Norway",)
    assert gold("t1") == ("5.5 million",)
    assert gold("p2") == ()


# ── rows equal the prompts that the policy saw ─────────────────────────────────────────────────


@pytest.mark.parametrize("folder", [DEFAULT, SHORT], ids=lambda path: path.name)
def test_rendering_the_row_of_a_state_gives_byte_for_byte_what_the_policy_saw(folder: Path):
    prompts, bases = Prompts(folder), kbs()
    (task,) = gather_tasks(steps()).values()

    walk = Walk(load_method("r1_router?look=false"), Question(QUESTION), CARDS, prompts)
    walk.start()
    asks = []
    while asking := bring_to_asks([walk], search=search_in(bases)):
        [(_, ask)] = asking
        assert render(make_step(task, ask, walk.trajectory, CARDS), prompts).ask == ask
        asks.append(ask)
        walk.advance(Reply(right(ask)))
    assert [ask.purpose for ask in asks] == ["plan", "answer", "plan", "answer", "plan", "final"]

    served = rr.Scripted(right)  # and serving asks for the same
    rr.ask(QUESTION, kbs=bases, policy=served, prompts=prompts, method="r1_router?look=false")
    assert served.asks == asks


def test_the_gold_rows_of_a_question_are_what_a_policy_sees_that_does_everything_right():
    prompts, policy = Prompts(SHORT), rr.Scripted(right)
    rr.ask(QUESTION, kbs=kbs(), policy=policy, prompts=prompts, method="r1_router?look=false")
    asked = [ask.messages for ask in policy.asks if ask.purpose != "answer"]
    assert [render(gold, prompts).ask.messages for gold in steps()] == asked


# ── the pool ───────────────────────────────────────────────────────────────────────────────────


class Replies:
    """Two replies to each request, the first one right; counts the rounds."""

    def __init__(self, wrong=STOP):
        self.rounds, self._wrong = [], wrong

    def __call__(self, asks, count):
        self.rounds.append([ask.purpose for ask in asks])
        return [[Reply(right(ask), completion_tokens=9), Reply(self._wrong, completion_tokens=4)] for ask in asks]


def pool(given=None, bases=None, *, kind=Pool, **options):
    weights = options.pop("weights", {"route": 1.0, "evidence": 0.5, "answer": 1.0})
    return kind(
        gather_tasks(given or steps()),
        {"": bases or kbs()},
        method=load_method("r1_router?look=false"),
        prompts=Prompts(SHORT),
        rewards=rewards.load_rewards(weights),
        best=1.0,
        **options,
    )


def test_every_round_samples_the_next_decision_of_every_place_in_one_generation():
    explored, replies = pool([*steps("a"), *steps("b")]), Replies()
    purposes = [[g.ask.purpose for g in explored.next_groups(["a", "b"], replies)] for _ in range(6)]
    assert purposes == replies.rounds
    assert purposes == [[p, p] for p in ("plan", "answer", "plan", "answer", "plan", "final")]
    assert explored.finished == 0
    explored.next_groups(["b", "a"], replies)  # both questions are finished, and the next ones begun
    assert (explored.finished, replies.rounds[-1]) == (2, ["plan", "plan"])
    explored.close()


def test_the_replies_of_a_group_are_judged_by_what_they_really_cause():
    explored, replies = pool(), Replies(wrong=step("Who lives in Peru?", "table"))
    first = explored.next_groups(["t"], replies)[0]
    assert first.values == [1.5, 0.0]
    assert first.chosen == 0
    good, bad = first.outcomes
    assert [piece.id for piece in good.evidence][:1] == ["p1"]
    assert {piece.kb for piece in bad.evidence} == {"table"}
    assert (good.tokens, good.retrievals, good.step.gold.route) == (9, 1, "text")
    answered = explored.next_groups(["t"], replies)[0]
    assert answered.values == [1.0, 0.0]
    explored.close()


def test_a_malformed_reply_that_goes_on_is_asked_again_in_its_place():
    explored = pool(weights={"format": -1.0})  # the worst is the best here
    first = explored.next_groups(["t"], Replies(wrong="nonsense"))[0]
    assert [outcome.said is None for outcome in first.outcomes] == [False, True]
    again = explored.next_groups(["t"], Replies())[0]
    assert again.ask.messages[-3].content == first.ask.messages[-1].content
    assert again.outcomes[0].step.gold.route == "text"
    explored.close()


def test_what_a_search_raises_ends_the_rollout():
    class Broken:
        card = CARDS["table"]

        def search(self, queries, *, k):
            raise PolicyError("the disk is gone")

    explored = pool(bases={**kbs(), "table": Broken()})
    with pytest.raises(PolicyError, match="the disk is gone"):
        explored.next_groups(["t"], Replies(wrong=step("Who lives in Peru?", "table")))
    explored.close()


def test_a_plan_is_judged_by_how_the_policy_reads_what_it_found():
    def read(wanted):
        """Likelier where the evidence says it."""
        asked.append([(one.ask.purpose, one.before, one.said) for one in wanted])
        return [0.75 if one.said.strip() in one.ask.messages[-1].content else 0.25 for one in wanted]

    asked, explored = [], pool(weights={"answer_gain": 1.0})
    first = explored.next_groups(["t"], Replies(wrong=step("Who lives in Peru?", "table")), read)[0]
    assert first.outcomes[0].chances == (0.25, 0.75)
    assert first.values[0] == 0.5
    answer = ("answer", "<answer>", " Norway")
    assert asked == [[answer] * 3]  # without evidence once for both, and with what either plan has found
    explored.next_groups(["t"], Replies(), read)
    assert len(asked) == 1  # an answer is no plan
    explored.close()
    with pytest.raises(R1RouterError, match="nobody reads here"):
        pool(weights={"answer_gain": 1.0}).next_groups(["t"], Replies())


def test_equal_searches_of_a_group_are_made_once():
    made = []

    class Counting(rr.MemoryKnowledgeBase):
        def search(self, queries, *, k=5):
            made.extend(query.text for query in queries)
            return super().search(queries, k=k)

    bases = kbs() | {"text": Counting(CARDS["text"], [Evidence("text", "p1", "Oslo is the capital of Norway.")])}
    explored, same = pool(bases=bases), Replies(wrong=step(WHO, "text"))
    explored.next_groups(["t"], same)
    explored.next_groups(["t"], same)
    assert made == [WHO]
    explored.close()


def test_a_pool_asks_tables_and_tells_why_a_query_was_refused():
    orders = TableBlock("Orders", header=("Order", "Country"), rows=(("1", "Norway"), ("2", "Peru"), ("3", "Norway")))
    found = Evidence("table", "t1", orders.text, title="Orders", record="t1", table=orders)
    bases = kbs() | {"table": rr.MemoryKnowledgeBase(CARDS["table"], [found])}
    explored = pool(bases=bases, vary_cards=True)  # the table is asked by its true name

    chance, refused = random.Random(0), '<query>SELECT "Town" FROM t</query>'
    counted = "<query>SELECT COUNT(*) FROM t WHERE \"Country\" = 'Norway'</query>"

    def next_ask(query):
        """What is asked next; plans are sent anywhere, tables are asked this."""

        def reply(ask):
            return step(HOW, chance.choice(ask.labels)) if ask.purpose == "plan" else query

        return explored.next_groups(["t"], lambda asks, count: [[Reply(reply(ask))] for ask in asks])[0].ask

    while (ask := next_ask(refused)).purpose != "query":
        assert explored.finished < 20
    assert "Orders" in ask.messages[-1].content
    assert "Town" in next_ask(counted).messages[-1].content  # asked for again, with the reason
    assert f"{HOW} -> 2" in next_ask(counted).messages[-1].content
    explored.close()


def serve(asks, count):
    """A policy that always answers the same, once to each."""
    return [[Reply("<think>hm</think>\n<answer>Bergen</answer>")] * count for _ in asks]


@pytest.mark.parametrize(("others", "answered"), [(None, "Norway"), (serve, "Bergen")])
def test_what_is_not_trained_on_is_said_by_gold_or_as_the_policy_that_serves_says_it(others, answered):
    explored = pool(decisions=("plan",), others=others)
    explored.next_groups(["t"], Replies())
    (second,) = explored.next_groups(["t"], Replies())
    assert second.walk.trajectory.steps[0].answer == answered
    explored.close()


def test_what_the_policy_raises_reaches_the_trainer():
    def broken(asks, count):
        raise PolicyError("no reply left")

    explored = pool()
    with pytest.raises(PolicyError, match="no reply left"):
        explored.next_groups(["t"], broken)
    explored.close()


def test_the_best_is_picked_with_its_probability_and_any_otherwise():
    chance = random.Random(0)
    values = [0.1, None, 0.9, 0.9]
    assert {pick(values, chance, best=1.0) for _ in range(50)} == {2}
    assert {pick(values, chance) for _ in range(100)} == {0, 1, 2, 3}
    assert {pick([None, None], chance, best=1.0) for _ in range(50)} == {0, 1}
    often = sum(pick([0.0, -1.0], chance, best=0.5) == 0 for _ in range(1000))
    assert 700 < often < 800  # a half, and half of the other half


# ── other names ────────────────────────────────────────────────────────────────────────────────


def test_a_renamed_knowledge_base_is_searched_as_what_it_is_and_its_gold_route_goes_with_it():
    (task,) = gather_tasks(steps()).values()
    names = set()
    for seed in range(30):
        hidden, offered = rename_kbs(task, CARDS, random.Random(seed))
        assert [offered.true[hop.route] for hop in hidden.hops] == ["text", "table"]
        assert all(offered.cards[name].kind == CARDS[true].kind for name, true in offered.true.items())
        names.update(hop.route for hop in hidden.hops)
        routes = (hidden.hops[0].route, *(name for name in offered.cards if name not in offered.true))
        asked = Search(routes, Query(WHO))
        found = offered.translate_back(asked, search_together(kbs(), [offered.translate(asked)])[0])
        assert [piece.id for piece in found[0]][:1] == ["p1"]
        assert {piece.kb for piece in found[0]} == {routes[0]}
        assert not any(found[1:])
    assert len(names) > 4


def test_a_pool_explores_under_other_names_when_it_is_asked_to():
    explored = pool(vary_cards=True, seed=3)
    shown = set()

    def replies(asks, count):
        shown.update(ask.messages[0].content for ask in asks if ask.purpose == "plan")
        return [[Reply(STOP)] * 2 for _ in asks]

    for _ in range(40):  # 10 questions, each with a plan and three tries at an answer
        explored.next_groups(["t"], replies)
    explored.close()
    assert explored.finished == 9
    assert len(shown) > 3


class WithoutTokens(Pool):
    """Groups whose replies are not those that the trainer generates."""

    def next_groups(self, ids, generate, *others):
        return super().next_groups(ids, Replies(), *others)


def test_replies_that_cannot_be_trained_on_are_an_error_and_not_left_out():
    explored = pool(kind=WithoutTokens)
    with pytest.raises(R1RouterError, match="a Reply without token ids came back"):
        make_rollout_function(explored)([[{"role": "user", "content": "t"}]] * 2, SimpleNamespace(num_generations=2))
    explored.close()
