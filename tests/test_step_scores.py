"""Step scores, their floors and the command that prints them, against cases counted by hand."""

import asyncio
import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

import r1router as rr
from r1router.cli import app
from r1router.errors import InputError, PolicyError
from r1router.evals.statistics import compute_rate
from r1router.parse import NO_ROUTE
from r1router.policies._default_model import ROUTER
from r1router.prompts import Prompts
from r1router.train.judge import probe, scores
from r1router.train.judge.evaluate import evaluate
from r1router.train.steps.render import render
from r1router.train.steps.step_file import Gold, Past, TrainingStep, write_steps
from r1router.types import Card, Evidence, Reply

PROMPTS = Prompts()
KBS = (Card("text", "text", "Passages", "Text Retriever"), Card("table", "table", "Tables", "Table Retriever"))


def step(asked, label):
    return f"<think>hm</think>\n<sub-question>{asked}</sub-question>\n<ret>{label}</ret>"


STOP = step("None", "None")


def plan(name, route, asked=None, question="Who wrote Emma?", **other):
    return TrainingStep(name, "plan", question, kbs=KBS, gold=Gold(route=route, sub_question=asked), **other)


def score(*cases, **options):
    rows = [render(row, PROMPTS) for row, _ in cases]
    return scores.score_steps(rows, [reply for _, reply in cases], **options)


class ByFirstLetter:
    """Texts to the 26 axes: the same first letter has cosine 1, another one 0."""

    spec, dim = "by-first-letter:", 26

    def embed_texts(self, texts, *, query=False):
        return np.eye(26, dtype=np.float32)[[ord(text[0].lower()) - ord("a") for text in texts]]


# ── rates ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (8, 10, 0.4902, 0.9433), (81, 263, 0.2553, 0.3662)],
)
def test_a_rate_has_the_interval_of_wilson(right, n, low, high):
    found = compute_rate([True] * right + [False] * (n - right))
    assert found == pytest.approx((right / n, low, high, n), abs=5e-5)
    with pytest.raises(ValueError, match="no scores"):
        compute_rate([])


# ── scores ─────────────────────────────────────────────────────────────────────────────────────

PLANS = [
    (plan("1", "text", source="a"), step("Who wrote it?", "Text Retriever")),  # right
    (plan("2", "text", source="a"), step("Who wrote it?", "Table Retriever")),
    (plan("3", "text", source="a"), "I do not know."),
    (plan("4", "table", source="b"), step("Who wrote it?", "Table Retriever")),  # right
    (plan("5", NO_ROUTE, source="b"), STOP),  # right
    (plan("6", NO_ROUTE, source="b"), step("Who wrote it?", "Text Retriever")),
    (plan("7", "table", source="b"), STOP),
    (plan("8", "", source="b"), STOP),  # not judged
]


def test_routes_are_counted_in_all_by_gold_route_and_by_source():
    found = score(*PLANS)
    means = {name: round(mean, 4) for name, mean in found.means.items()}
    assert means == {
        "format_valid": 7 / 8,
        "format_valid/plan": 7 / 8,
        "route_accuracy": round(3 / 7, 4),
        "route_macro": round((1 / 3 + 1 / 2 + 1 / 2) / 3, 4),
        "route_accuracy/table": 0.5,
        "route_accuracy/text": round(1 / 3, 4),
        "route_accuracy/none": 0.5,
        "stop_precision": 0.5,
        "stop_recall": 0.5,
        "source/a/route_accuracy": round(1 / 3, 4),
        "source/b/route_accuracy": 0.5,
    }
    assert {name: value.n for name, value in found.scores.items() if name.startswith(("route_accuracy", "stop"))} == {
        "route_accuracy": 7, "route_accuracy/table": 2, "route_accuracy/text": 3, "route_accuracy/none": 2,
        "stop_precision": 2, "stop_recall": 2,
    }  # fmt: skip
    assert found.confusion == {
        "table": {"table": 1, NO_ROUTE: 1},
        "text": {"text": 1, "table": 1, scores.MALFORMED: 1},
        NO_ROUTE: {NO_ROUTE: 1, "text": 1},
    }


def test_a_route_is_judged_by_the_knowledge_base_that_its_label_stands_for():
    renamed = (Card("text", "text", "Novels", "B"), Card("table", "table", "Passages", "A"))
    row = TrainingStep("1", "plan", "Who wrote Emma?", kbs=renamed, gold=Gold(route="text"))
    assert score((row, step("Who?", "B"))).means["route_accuracy"] == 1
    assert score((row, step("Who?", "A"))).means["route_accuracy"] == 0


def test_without_a_single_stop_there_is_no_precision_of_stops():
    found = score((plan("1", "text"), step("Who?", "Text Retriever")), (plan("2", NO_ROUTE), step("Who?", "text")))
    assert "stop_precision" not in found.scores
    assert found.means["stop_recall"] == 0


@pytest.mark.parametrize(
    ("reply", "cosine"),
    [
        (step("After whom?", "Text Retriever"), 1),
        (step("Before whom?", "Text Retriever"), 0),
        (STOP, 0),
        ("junk", 0),
    ],
)
def test_a_sub_question_counts_by_its_cosine_to_the_gold_one_and_none_counts_nothing(reply, cosine):
    cases = [(plan("1", "text", "Any?"), reply), (plan("2", NO_ROUTE), STOP)]
    found = score(*cases, embedder=ByFirstLetter())
    assert found.scores["sub_question_cosine"] == (cosine, cosine, cosine, 1)
    assert "sub_question_cosine" not in score(*cases).scores


@pytest.mark.parametrize(
    ("kind", "reply", "exact", "close"),
    [
        ("answer", "<answer>Jane Austen</answer>", 1, 1),
        ("answer", "<answer>It is Jane Austen</answer>", 0, 7 / 9),
        ("answer", "Jane Austen", 1, 1),  # no tags: salvaged as in serving, though malformed
        ("final", "<answer>Emma</answer>", 0, 0),
        ("final", "<answer>jane austen</answer>", 1, 1),
    ],
)
def test_answers_are_scored_as_the_metrics_of_evaluation_score_them(kind, reply, exact, close):
    evidence = (Evidence("text", "1", "Emma is by Jane Austen."),) if kind == "answer" else ()
    asked = "Who wrote Emma?" if kind == "answer" else ""
    row = TrainingStep(
        "1", kind, "Who wrote Emma?", sub_question=asked, evidence=evidence, gold=Gold(answers=("Jane Austen",))
    )
    found = score((row, reply))
    assert found.means[f"{kind}/exact_match"] == exact
    assert found.means[f"{kind}/length_aware"] == pytest.approx(close)
    assert found.means[f"format_valid/{kind}"] == ("<" in reply)


@pytest.mark.parametrize("prompts", [PROMPTS, Prompts(ROUTER.parent / "prompts")], ids=["ours", "the router's"])
def test_the_gold_reply_of_every_kind_of_row_scores_one_everywhere(prompts):
    steps = [
        plan("1", "text", "Who wrote Emma?"),
        TrainingStep("2", "answer", "Who wrote Emma?", sub_question="Who?",
                evidence=(Evidence("text", "1", "By Jane Austen."),),
                gold=Gold("It says so.", answers=("Jane Austen",))),
        plan("3", NO_ROUTE, history=(Past("Who?", "Jane Austen", "text"),)),
        TrainingStep("4", "final", "Who wrote Emma?", gold=Gold(answers=("Jane Austen",))),
    ]  # fmt: skip
    rows = [render(row, prompts) for row in steps]
    found = scores.score_steps(rows, [row.reply for row in rows], embedder=ByFirstLetter())
    assert set(found.means.values()) == {1.0}


def test_no_rows_have_no_scores_and_a_missing_reply_is_an_error():
    assert scores.score_steps([], []) == scores.StepScores()
    with pytest.raises(ValueError, match="shorter"):
        scores.score_steps([render(plan("1", "text"), PROMPTS)], [])


def test_scores_are_written_as_json_with_their_intervals_and_counts():
    told = json.loads(json.dumps(score(*PLANS).to_dict()))
    assert told["scores"]["stop_recall"] == {**compute_rate([True, False])._asdict(), "n": 2}
    assert told["confusion"]["none"] == {"none": 1, "text": 1}


def test_a_table_has_a_line_a_score_and_a_column_a_name():
    found = score(*PLANS)
    floors = probe.score_floors([row for row, _ in PLANS])
    lines = scores.format_table({"policy": found, **floors}).splitlines()
    assert lines[0].split() == ["policy", "majority", "rows"]
    assert len({len(line) for line in lines[1:]}) == 1
    route = next(line for line in lines if line.startswith("route_accuracy "))
    assert route.split() == ["route_accuracy", "0.429", "0.16–0.75", "0.429", "0.16–0.75", "7"]
    assert next(line for line in lines if line.startswith("format_valid ")).split()[-2:] == ["·", "8"]


# ── floors ─────────────────────────────────────────────────────────────────────────────────────


def separable(n, *, seed=0):
    """Plans whose route is told by the first letter, the picture, or the number of steps so far."""
    draw = np.random.default_rng(seed)
    for number in range(n):
        kind = number % 4
        letter = "ab"[kind] if kind < 2 else "c"
        picture, history = ("p.png", ()) if kind == 2 else ("", (Past("c?", "x"),) * 2) if kind == 3 else ("", ())
        route = ("text", "table", "text", NO_ROUTE)[kind]
        yield plan(f"{number}", route, question=f"{letter} {draw.random()}", picture=picture, history=history)


def test_the_probe_learns_what_a_line_can_tell_apart_and_is_the_same_every_time():
    train, dev = list(separable(80)), list(separable(40, seed=1))
    first, again = (probe.fit(train, ByFirstLetter()) for _ in range(2))
    assert first.routes == (NO_ROUTE, "table", "text")
    assert np.array_equal(first.weights, again.weights)
    floors = probe.score_floors(dev, train=train, embedder=ByFirstLetter())
    assert floors["probe"].means["route_accuracy"] == 1
    assert floors["majority"].means["route_accuracy"] == 0.5
    assert floors["majority"].means["route_macro"] == pytest.approx(1 / 3)


def test_the_probe_is_at_the_least_of_its_loss():
    train = list(separable(24))
    found = probe.fit(train, ByFirstLetter())
    x = probe._features(train, ByFirstLetter())
    gold = np.array([[row.gold.route == route for route in found.routes] for row in train], float)

    def loss(weights):
        logits = x @ weights
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return -(gold * log_p).sum() + probe.L2 / 2 * (weights[:-1] ** 2).sum()

    least = loss(found.weights)
    draw = np.random.default_rng(0)
    assert all(loss(found.weights + 1e-2 * draw.normal(size=found.weights.shape)) > least for _ in range(20))
    assert least < len(train) * math.log(len(found.routes))


def test_the_probe_chooses_only_among_the_knowledge_bases_of_the_row():
    found = probe.fit(list(separable(40)), ByFirstLetter())
    row = TrainingStep("x", "plan", "a thing", kbs=(KBS[1],))
    (shares,) = probe.predict_probabilities(found, [row], ByFirstLetter())
    assert set(shares) == {NO_ROUTE, "table"}
    assert sum(shares.values()) == pytest.approx(1)
    assert probe.choose_routes(found, [TrainingStep("x", "plan", "a thing", kbs=KBS)], ByFirstLetter()) == ["text"]


def test_a_probe_needs_plans_with_a_gold_route():
    with pytest.raises(InputError, match="plan steps with a gold route"):
        probe.fit([plan("1", "")], ByFirstLetter())


def test_copying_the_question_is_scored_over_the_plans_that_ask():
    rows = [plan("1", "text", "Why?"), plan("2", "text", "Any?"), plan("3", NO_ROUTE)]
    floors = probe.score_floors(rows, embedder=ByFirstLetter())
    assert floors["copy"].means == {"sub_question_cosine": 0.5}
    assert "probe" not in floors


# ── asking ─────────────────────────────────────────────────────────────────────────────────────


def test_replies_come_in_the_order_of_the_rows_with_no_more_in_flight_than_allowed():
    flying, most = 0, 0

    class Slow(rr.Scripted):
        async def reply(self, ask, **options):
            nonlocal flying, most
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0.001 * (len(ask.messages[-1].content) % 3))
            flying -= 1
            return await super().reply(ask, **options)

    rows = [render(plan(str(n), "text", question="x" * n), PROMPTS) for n in range(1, 20)]
    told = []
    policy = Slow(lambda ask: ask.messages[-1].content)
    replies = asyncio.run(evaluate(rows, policy, concurrency=4, tell=lambda *of: told.append(of)))
    assert replies == [row.ask.messages[-1].content for row in rows]
    assert most == 4
    assert told == [(n, 19) for n in range(1, 20)]


def test_a_row_that_the_policy_fails_on_counts_as_malformed_and_all_of_them_are_an_error(caplog):
    class Failing(rr.Scripted):
        async def reply(self, ask, **options):
            if "bad" in ask.messages[-1].content:
                raise PolicyError("the prompt is too long")
            return Reply(STOP)

    rows = [render(plan(name, NO_ROUTE, question=name), PROMPTS) for name in ("good", "bad")]
    assert asyncio.run(evaluate(rows, Failing([]))) == [STOP, ""]
    assert "the step bad: the prompt is too long" in caplog.text
    with pytest.raises(PolicyError, match="too long"):
        asyncio.run(evaluate(rows[1:], Failing([])))


def test_the_command_prints_the_policy_beside_its_floors_and_writes_them(tmp_path):
    rows = [plan(str(n), route, "Who wrote Emma?") for n, route in enumerate(["text", "table"] * 3)]
    write_steps(rows, tmp_path / "steps.jsonl")
    reply = {"when": "Emma", "reply": step("Who wrote Emma?", "Text Retriever")}
    (tmp_path / "script.jsonl").write_text(json.dumps(reply) + "\n")
    command = ["train", "evaluate", tmp_path / "steps.jsonl", "--policy", f"scripted:{tmp_path / 'script.jsonl'}",
               "--train-steps", tmp_path / "steps.jsonl", "--json", tmp_path / "scores.json"]  # fmt: skip
    done = CliRunner().invoke(app, [str(word) for word in command])
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.stdout.splitlines()[0].split() == ["policy", "majority", "probe", "copy", "rows"]
    assert "the probe is trained on 6 of the 6 steps that it is judged by" in done.stderr
    told = json.loads((tmp_path / "scores.json").read_text())
    assert told["scores"]["policy"]["scores"]["route_accuracy"]["mean"] == 0.5
    assert told["scores"]["copy"]["scores"]["sub_question_cosine"]["mean"] == pytest.approx(1)
    assert told["replies"]["0"] == step("Who wrote Emma?", "Text Retriever")
