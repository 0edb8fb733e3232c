"""The metrics of a whole trajectory: evidence, routes, cost, stop reasons."""

import math

import pytest

from r1router.evals.gold import count_hops, list_needs
from r1router.evals.metrics import (
    cost,
    evidence_recall,
    format_errors,
    load_metrics,
    measure,
    route_accuracy,
    stop,
)
from r1router.types import Answer, Evidence, Example, Question, Step, Trajectory, Usage


def example(*answers, gold=None):
    return Example("q1", Question("Who?"), answers, gold)


def trajectory(text="", *steps, **fields):
    answer = Answer("", text) if text else None
    return Trajectory(Question("Who?"), steps=steps, answer=answer, **fields)


def search(*routes, evidence=()):
    return Step(sub_question="what?", routes=routes, evidence=tuple(evidence))


TWO_STEPS = {
    "steps": [
        {"sub_question": "a", "kb": "image", "evidence_ids": ["i1"], "answer": "x"},
        {"sub_question": "b", "kb": "table", "evidence_ids": ["t1", "t2"], "alt_evidence_ids": ["p9"], "answer": "y"},
    ],
    "evidence_ids": ["i1", "t1", "t2"],
}


def found(*records, kb="text"):
    return [Evidence(kb, f"{record}#{n}", "…", record=record) for n, record in enumerate(records)]


@pytest.mark.parametrize("record", ["t1", "t2", "p9"])
def test_any_one_entry_is_enough_for_a_step(record):
    steps = (search("image", evidence=found("i1")), search("table", evidence=found("other", record)))
    scores = evidence_recall.evidence_recall(trajectory("x", *steps), example("x", gold=TWO_STEPS))
    assert scores["evidence_recall@1"] == 0.5
    assert scores["evidence_recall@5"] == scores["evidence_recall"] == scores["evidence_complete"] == 1.0


def test_ranks_count_within_a_step_and_a_knowledge_base():
    both = [*found("a", "b", kb="text"), *found("t1", kb="table")]
    scores = evidence_recall.evidence_recall(
        trajectory("x", search("text", "table", evidence=both)), example("x", gold=TWO_STEPS)
    )
    assert scores["evidence_recall@1"] == 0.5
    assert scores["evidence_complete"] == 0.0


def test_hops_are_needed_one_by_one_and_loose_evidence_altogether():
    hop_gold = {"steps": None, "evidence_ids": ["t1", "p1"], "hops": [{"kb": "table", "evidence_ids": ["t1"]}]}
    assert len(list_needs(example("x", gold=hop_gold))) == 1
    assert len(list_needs(example("x", gold={"evidence_ids": ["t1", "p1"]}))) == 2
    assert list_needs(example("x", gold=None)) == ()
    assert evidence_recall.evidence_recall(trajectory("x"), example("x")) is None


def test_evidence_named_by_title_is_found_but_for_case():
    gold = {"evidence_titles": ["Marie Curie", "Radium"], "n_hops": 2}
    seen = [Evidence("text", "1", "…", title="marie curie")]
    scores = evidence_recall.evidence_recall(trajectory("x", search("text", evidence=seen)), example("x", gold=gold))
    assert scores["evidence_recall"] == 0.5
    assert count_hops(example("x", gold=gold)) == 2


def test_who_searches_nothing_finds_nothing():
    scores = evidence_recall.evidence_recall(trajectory("x"), example("x", gold=TWO_STEPS))
    assert set(scores.values()) == {0.0}


KINDS = {"flags": "image", "numbers": "table", "articles": "text"}


def routed(*routes, stop="enough"):
    steps = tuple(search(*route) for route in routes)
    taken = trajectory("x", *steps, Step(), stop=stop) if stop == "enough" else trajectory("x", *steps, stop=stop)
    return route_accuracy.route_accuracy(taken, example("x", gold=TWO_STEPS), kinds=KINDS)


def test_routes_are_compared_by_position_and_by_kind():
    assert routed(["flags"], ["numbers"]) == {
        "route_accuracy": 1.0,
        "route_accuracy/image": 1.0,
        "route_accuracy/table": 1.0,
        "route_accuracy/none": 1.0,
    }
    assert routed(["numbers"], ["flags"])["route_accuracy"] == 0.0


def test_a_step_that_was_not_reached_is_wrong_and_its_stop_is_not_judged_twice():
    assert routed(["image"]) == {"route_accuracy": 0.5, "route_accuracy/image": 1.0, "route_accuracy/table": 0.0}


def test_going_on_after_the_last_gold_step_is_an_error_of_none_alone():
    scores = routed(["image"], ["table"], ["text"])
    assert (scores["route_accuracy"], scores["route_accuracy/none"]) == (1.0, 0.0)
    assert "route_accuracy/none" not in routed(["image"], ["table"], stop="max_steps")


def test_searching_everything_is_not_the_best_router():
    everything = ["flags", "numbers", "articles"]
    assert routed(everything, everything)["route_accuracy"] == pytest.approx(1 / 3)


def test_routes_are_not_judged_without_gold_steps():
    assert route_accuracy.route_accuracy(trajectory("x"), example("x")) is None
    no_kb = {"steps": [{"sub_question": "a", "answer": "x"}]}
    assert route_accuracy.route_accuracy(trajectory("x"), example("x", gold=no_kb)) is None


def test_confusion_pairs_gold_and_taken_routes():
    taken = trajectory("x", search("flags"), Step())
    assert route_accuracy.count_routes(taken, example("x", gold=TWO_STEPS), kinds=KINDS) == [
        ("image", "image"),
        ("table", "none"),
    ]


def test_cost_counts_steps_searches_tokens_and_seconds():
    usage = Usage(100, 20, calls=5, retrievals=3, seconds={"plan": 1.5, "search": 0.5})
    spent = trajectory("x", search("flags", "numbers"), search("flags"), Step(), usage=usage)
    values = cost.cost(spent, example("x"), kinds=KINDS)
    assert values["steps"] == 2
    assert (values["retrievals"], values["retrievals/flags"], values["retrievals/articles"]) == (3, 2, 0)
    assert (values["tokens"], values["calls"]) == (120, 5)
    assert (values["seconds"], values["seconds/plan"], values["seconds/final"]) == (2.0, 1.5, 0.0)


def test_each_stop_reason_is_a_share_and_none_is_lost():
    assert stop.stop(trajectory("x", stop="max_steps"), example("x"))["stop/max_steps"] == 1.0
    values = stop.stop(trajectory("x", stop="new reason"), example("x"))
    assert values["stop/other"] == sum(values.values()) == 1.0


def test_format_errors_are_counted():
    assert format_errors.format_errors(trajectory("x", format_errors=("no <ret>", "no <ret>")), example("x")) == 2.0


def test_one_row_has_the_values_of_all_metrics_that_apply():
    values = measure(trajectory("Paris"), example("Paris", gold=TWO_STEPS), load_metrics(), kinds=KINDS)
    assert values["f1_recall"] == values["length_aware"] == 1.0
    assert {"evidence_recall@5", "route_accuracy", "steps", "retrievals/flags", "stop/enough"} <= values.keys()
    assert not {"numeric", "yes_no", "evidence_titles"} & values.keys()
    assert all(math.isfinite(value) for value in values.values())
