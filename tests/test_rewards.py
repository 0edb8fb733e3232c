"""Each reward on a table of cases."""

from dataclasses import replace

import numpy as np
import pytest

from r1router.errors import InputError, UnknownName
from r1router.parse import NO_ROUTE
from r1router.prompts import Prompts
from r1router.train import rewards
from r1router.train.rewards._outcomes import read_outcome
from r1router.train.rewards.answer import answer
from r1router.train.rewards.answer_gain import answer_gain
from r1router.train.rewards.cost import cost
from r1router.train.rewards.evidence import evidence
from r1router.train.rewards.evidence_rank import evidence_rank
from r1router.train.rewards.format import format
from r1router.train.rewards.gain_over_rag import gain_over_rag
from r1router.train.rewards.published import published
from r1router.train.rewards.redundancy import redundancy
from r1router.train.rewards.route import route
from r1router.train.rewards.sub_question import sub_question
from r1router.train.steps.render import render
from r1router.train.steps.step_file import Gold, TrainingStep
from r1router.types import Card, Evidence

PROMPTS = Prompts()
CARDS = (Card("text", "text", "Passages", label="Text Retriever"), Card("table", "table", "Tables"))
ASKED = "Where is Oslo?"
GOLD = Gold(sub_question=ASKED, route="text", evidence_ids=("p7",), answers=("in Norway",))
STOP = Gold(route=NO_ROUTE)


class Angles:
    """Texts to directions in the plane, so that every cosine can be worked out by hand."""

    spec, dim = "angles:", 2

    def __init__(self):
        self.degrees = {ASKED: 0, "Where's Oslo?": 60, "Who sings?": 120, "None": 90}
        self.batches = []

    def embed_texts(self, texts, *, query=False):
        self.batches.append(list(texts))
        radians = np.deg2rad([self.degrees[text] for text in texts])
        return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def plan(asked, label, think="hm"):
    return f"<think>{think}</think>\n<sub-question>{asked}</sub-question>\n<ret>{label}</ret>"


def outcome(reply, gold=GOLD, kind="plan", **more):
    step = TrainingStep("t/0/" + kind, kind, "Q?", kbs=CARDS, sub_question=ASKED if kind == "answer" else "", gold=gold)
    routes = PROMPTS.labels({card.name: card for card in CARDS})
    return read_outcome(step, reply, routes=routes, shape=render(step, PROMPTS).ask.shape, **more)


def one(reward, *args, options=None, **more):
    return reward([outcome(*args, **more)], **(options or {}))[0]


MALFORMED = "I think that it is in Norway."


@pytest.mark.parametrize(
    ("reply", "kind", "value"),
    [
        (plan(ASKED, "Text Retriever"), "plan", 1.0),
        (plan("None", "None"), "plan", 1.0),
        (plan(ASKED, "text"), "plan", 0.5),  # the name instead of the label
        (plan(ASKED, "Text Retriever") + "\nand more", "plan", 0.5),
        (plan(ASKED, "Text Retriever", think="long " * 60), "plan", 0.5),
        (plan(ASKED, "Web"), "plan", 0.0),
        (plan(ASKED, "None"), "plan", 0.0),
        (MALFORMED, "plan", 0.0),
        ("<think>hm</think>\n<answer>Norway</answer>", "answer", 1.0),
        ("<answer>Norway</answer>", "final", 0.5),
        ("<answer></answer>", "final", 0.0),
    ],
)
def test_format_is_whole_in_the_asked_form_half_where_it_can_be_read(reply, kind, value):
    assert one(format, reply, kind=kind) == value


@pytest.mark.parametrize(
    ("reply", "gold", "value"),
    [
        (plan("Who?", "Text Retriever"), GOLD, 1.0),
        (plan("Who?", "table"), GOLD, 0.0),
        (plan("None", "None"), GOLD, 0.0),
        (plan("None", "None"), STOP, 1.0),
        (plan("Who?", "table"), STOP, 0.0),
        (MALFORMED, GOLD, 0.0),
        (plan("Who?", "table"), Gold(sub_question=ASKED), None),
    ],
)
def test_a_route_is_right_or_wrong(reply, gold, value):
    assert one(route, reply, gold) == value


def test_a_route_reward_says_nothing_of_answers():
    assert one(route, "<answer>Norway</answer>", kind="final") is None


@pytest.mark.parametrize(
    ("reply", "gold", "value"),
    [
        (plan(ASKED, "table"), GOLD, 1.0),
        (plan("Where's Oslo?", "table"), GOLD, 0.5),
        (plan("Who sings?", "table"), GOLD, 0.0),  # the cosine is -0.5
        (plan("None", "None"), GOLD, 0.0),
        (plan("None", "None"), STOP, 1.0),
        (plan(ASKED, "table"), STOP, 0.0),
        (MALFORMED, GOLD, 0.0),
        (MALFORMED, STOP, 0.0),
        (plan(ASKED, "table"), Gold(route="text"), None),
    ],
)
def test_a_sub_question_is_compared_with_the_gold_one(reply, gold, value):
    assert one(sub_question, reply, gold, options={"embedder": Angles()}) == pytest.approx(value)


def test_all_sub_questions_of_a_batch_are_embedded_together_and_once():
    angles = Angles()
    batch = [outcome(plan(asked, "table")) for asked in ("Where's Oslo?", ASKED, "Where's Oslo?", "Who sings?")]
    assert sub_question(batch, embedder=angles) == pytest.approx([0.5, 1.0, 0.5, 0.0])
    assert angles.batches == [["Where's Oslo?", ASKED, "Who sings?"]]


HIT = Evidence("text", "p7-2", "A passage.", record="p7")
SAYS = Evidence("text", "x", "Oslo lies in Norway, far north.")
MISS = Evidence("text", "x", "Bergen is rainy.")


@pytest.mark.parametrize(
    ("found", "gold", "options", "value"),
    [
        ((MISS, HIT), GOLD, {}, 1.0),
        ((SAYS,), GOLD, {}, 1.0),
        ((SAYS,), GOLD, {"by_answer": False}, 0.0),
        ((MISS,), GOLD, {}, 0.0),
        ((), GOLD, {}, 0.0),
        ((SAYS,), Gold(answers=("in Norway",)), {}, 1.0),
        ((SAYS,), Gold(answers=("in Norway",)), {"by_answer": False}, None),
        ((SAYS,), Gold(answers=("Oslo",)), {"shortest": 5}, None),
        ((SAYS,), Gold(answers=("far",)), {}, None),  # may stand there by chance
        ((MISS,), STOP, {}, None),
        (None, GOLD, {}, None),
    ],
)
def test_evidence_counts_when_the_search_found_what_is_needed(found, gold, options, value):
    assert one(evidence, plan("Who?", "table"), gold, evidence=found, options=options) == value


OTHER, SAYS_IT = Evidence("text", "p1#1", "Bergen"), Evidence("text", "p2#1", "It lies in Norway.")


@pytest.mark.parametrize(
    ("said", "gold", "found", "value"),
    [
        (plan("Who?", "table"), GOLD, (HIT, OTHER), 1.0),
        (plan("Who?", "table"), GOLD, (OTHER, OTHER, HIT), 0.9),
        (plan("Who?", "table"), GOLD, (OTHER, OTHER), 0.0),
        (plan("Who?", "table"), GOLD, (OTHER, SAYS_IT), 0.95 / 2),
        (plan("Who?", "table"), GOLD, (SAYS_IT, OTHER, OTHER, OTHER, HIT), 0.8),
        (plan("Who?", "table"), STOP, (HIT,), 0.0),
        (plan("None", "None"), STOP, (), 1.0),
        (plan("None", "None"), GOLD, (), 0.0),
        (MALFORMED, GOLD, (), 0.0),
        (MALFORMED, STOP, (), 0.0),
        (plan("Who?", "table"), GOLD, None, None),
        (plan("Who?", "table"), Gold(), (HIT,), None),
    ],
)
def test_evidence_is_worth_more_the_earlier_it_stands(said, gold, found, value):
    assert one(evidence_rank, said, gold, evidence=found) == (value if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("said", "answers", "score", "value"),
    [
        ("It lies in Norway", ("in Norway",), "recall", 1.0),
        ("Norway", ("in Norway",), "recall", 0.0),  # short: all or nothing
        ("one two three", ("one two three four five six",), "recall", 0.5),  # long: its recall
        ("one two three", ("one two three four five six", "seven"), "recall", 0.0),  # several: all or nothing
        ("in Norway" + " junk" * 200, ("in Norway",), "recall", 1.0),
        ("in Norway", ("in Norway",), "length_aware", 1.0),
        ("in Norway" + " junk" * 200, ("in Norway",), "length_aware", 7 / 207),
        ("Norway", ("in Norway",), "exact_match", 0.0),
        ("Norway", (), "recall", None),
    ],
)
def test_an_answer_is_judged_by_the_published_rule_or_by_a_metric(said, answers, score, value):
    got = one(answer, f"<answer>{said}</answer>", Gold(answers=answers), "answer", options={"score": score})
    assert got == (None if value is None else pytest.approx(value))


def test_a_malformed_answer_earns_nothing_and_a_plan_is_not_judged():
    assert one(answer, "", kind="final") == 0.0
    assert one(answer, plan(ASKED, "table")) is None


def test_only_a_metric_that_judges_answers_can_be_the_answer_reward():
    with pytest.raises(InputError, match="does not judge answers"):
        answer([], score="route_accuracy")


@pytest.mark.parametrize(
    ("reply", "tokens", "value"),
    [
        (plan("Who?", "table"), 20, -0.1 - 0.02),
        (plan("None", "None"), 10, -0.01),
        (MALFORMED, 50, -0.05),
        (MALFORMED, 0, 0.0),
    ],
)
def test_cost_is_a_price_for_searches_and_tokens(reply, tokens, value):
    assert one(cost, reply, tokens=tokens) == pytest.approx(value)


@pytest.mark.parametrize(
    ("reply", "gold", "value"),
    [
        (plan(ASKED, "Text Retriever"), GOLD, 1.0),
        (plan(ASKED, "Text Retriever") + "<junk", GOLD, 1.0),
        (plan("Where's Oslo?", "Text Retriever"), GOLD, 0.75),
        (plan("Where's Oslo?", "table"), GOLD, 0.25),
        (plan("Who sings?", "table"), GOLD, -0.25),  # unclamped
        (plan("none", "None"), GOLD, 0.0),  # "None" is a word like any other, here at a right angle
        (plan("None", "None"), STOP, 1.0),
        (plan("None", "table"), STOP, 0.5),  # half for each field
        (plan(ASKED, "None"), STOP, 0.5),
        (f"<sub-question>{ASKED}</sub-question>", GOLD, 0.0),
        (MALFORMED, GOLD, 0.0),
        (plan(ASKED, "table"), Gold(route="text"), None),
    ],
)
def test_the_published_reward_is_half_similarity_and_half_route(reply, gold, value):
    got = one(published, reply, gold, options={"embedder": Angles()})
    assert got == (None if value is None else pytest.approx(value))


def test_the_published_reward_of_an_answer_is_its_recall():
    assert one(published, "<answer>It is in Norway", kind="answer") == 0.0
    assert one(published, "<answer>It is in Norway</answer>!", kind="answer") == 1.0
    assert one(published, "<answer>Oslo</answer>", kind="final") == 0.0
    assert one(published, "<answer>Oslo</answer>", Gold(), kind="final") is None


# ── weights and names ──────────────────────────────────────────────────────────────────────────


def test_rewards_add_up_by_their_weights_and_one_that_does_not_apply_is_left_out():
    chosen = rewards.load_rewards(rewards.parse_weights(["format=0.1", "route=0.5", "answer=1"]))
    batch = [
        outcome(plan("Who sings?", "Text Retriever")),
        outcome(plan("Who sings?", "table")),
        outcome("<think>hm</think>\n<answer>in Norway</answer>", kind="final"),
    ]
    assert rewards.sum_rewards(batch, chosen) == pytest.approx([0.6, 0.1, 1.1])
    assert rewards.sum_rewards(batch[:1], rewards.load_rewards({"answer": 1.0})) == [None]


@pytest.mark.parametrize("written", ["route", "=1", "route=much", "answer?score=length_aware"])
def test_a_reward_without_a_weight_is_refused(written):
    with pytest.raises(InputError, match="NAME=WEIGHT"):
        rewards.parse_weights([written])


def test_a_reward_given_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        rewards.parse_weights(["route=1", "route=2"])


def test_an_unknown_reward_or_option_names_the_known_ones():
    with pytest.raises(UnknownName, match="did you mean 'route'"):
        rewards.load_reward("rote")
    with pytest.raises(UnknownName, match="option of the reward cost"):
        rewards.load_reward("cost?tokens=1")
    with pytest.raises(InputError, match="at least one reward"):
        rewards.load_rewards({})


def test_every_reward_of_the_package_judges_a_batch():
    batch = [outcome(plan(ASKED, "Text Retriever"), evidence=(HIT,)), outcome("<answer>Oslo</answer>", kind="final")]
    apart = {"query", "gain_over_rag", "answer_gain"}  # for steps with a table, with a plain search, that were read
    for name in rewards.names():
        values = rewards.load_reward(name)(batch)
        assert len(values) == 2
        assert any(value is not None for value in values) == (name not in apart)


def test_what_had_been_found_before_is_charged_for():
    found = (Evidence("text", "a", "", record="r1"), Evidence("text", "b", ""))
    row = TrainingStep("q/1/plan", "plan", "Q?", kbs=(Card("text", "text", "Passages"),))
    one = replace(read_outcome(row, "", routes={}), evidence=found, known=("r1", "x"))
    assert redundancy([one, replace(one, known=()), replace(one, evidence=())]) == [-0.5, 0.0, None]


def test_a_plan_gains_what_its_evidence_adds_to_the_probability_of_the_answer():
    row = TrainingStep("q/0/plan", "plan", "Q?", kbs=(Card("text", "text", "Passages"),), gold=GOLD)
    one = replace(read_outcome(row, "", routes={}), chances=(0.25, 0.75))
    stop = replace(row, gold=Gold(route=NO_ROUTE))
    enough = "<think></think>\n<sub-question>None</sub-question>\n<ret>None</ret>"
    judged = [
        one,
        replace(one, chances=(0.25, 0.125)),
        replace(one, chances=None),
        replace(one, step=stop),
        replace(read_outcome(stop, enough, routes={}), chances=None),
        replace(one, step=replace(row, kind="answer")),
    ]
    assert answer_gain(judged) == [0.5, -0.125, None, 0.0, 1.0, None]


def test_a_plan_gains_what_its_search_finds_better_than_the_question_itself():
    gold, other = Evidence("text", "p7", ""), Evidence("text", "p1", "")
    row = TrainingStep("q/0/plan", "plan", "Q?", kbs=(Card("text", "text", "Passages"),), gold=GOLD)
    one = replace(read_outcome(row, "", routes={}), evidence=(gold,), plain=(other, gold))
    stop = replace(row, gold=Gold(route=NO_ROUTE))
    assert gain_over_rag([one, replace(one, evidence=(other,)), replace(one, plain=None), replace(one, step=stop)]) == [
        pytest.approx(0.05), pytest.approx(-0.95), None, None,
    ]  # fmt: skip
