"""Teacher synthesis: what is kept, what becomes of it, going on after a kill, and the estimate that asks nothing."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import r1router as rr
from r1router.api import Setup
from r1router.cli import app
from r1router.errors import InputError, PolicyError
from r1router.evals.metrics import length_aware
from r1router.evals.run import RECORD, read_run
from r1router.parse import NO_ROUTE, UNKNOWN
from r1router.prompts import Prompts
from r1router.train.steps.estimate import CHARS_PER_TOKEN, estimate
from r1router.train.steps.render import render
from r1router.train.steps.step_file import Past, read_steps
from r1router.train.steps.synthesize import (
    cut_into_steps,
    find_run_folder,
    find_unfinished,
    judge_trajectory,
    synthesize,
)
from r1router.types import Answer, Card, Evidence, Example, Question, Reply, Step, Trajectory

PROMPTS = Prompts()
RIGHT = [Example(f"q{n}", Question(f"Which city has number {n}?"), ("Oslo", "Kristiania")) for n in range(8)]
OTHERS = {
    "wrong answer": "Which town is wrong?",
    "stop: format": "Which town is malformed?",
    "stop: no_evidence": "Where?",
    "stop: error": "Which town is broken?",
    "nothing looked up": "Which town is known?",
}
EXAMPLES = RIGHT + [Example(reason, Question(text), ("Oslo",)) for reason, text in OTHERS.items()]


def step(asked, label, thought="I look it up."):
    return f"<think>{thought}</think>\n<sub-question>{asked}</sub-question>\n<ret>{label}</ret>"


def kbs():
    cities = [Evidence("text", str(n), f"The city with number {n} is Oslo.", record=f"doc{n}") for n in range(8)]
    towns = [Evidence("text", "town", "Which town is a question about Oslo.")]
    rivers = [Evidence("table", "r", "River | Length\nShannon | 360")]
    return {
        "text": rr.MemoryKnowledgeBase(Card("text", "text", "Cities by number"), cities + towns),
        "table": rr.MemoryKnowledgeBase(Card("table", "table", "Rivers"), rivers),
    }


def talk(ask):
    said = ask.messages[-1].content
    if ("malformed" in said and ask.purpose == "plan") or "cannot be used" in said:
        return "I shall look it up."
    if "broken" in said:
        raise PolicyError("the model fell over")
    if ask.purpose == "answer":
        return "<think>Piece 1 says it.</think>\n<answer>Oslo</answer>"
    if ask.purpose == "final":
        return f"<think>So it is.</think>\n<answer>{'Bergen' if 'wrong' in said else 'oslo'}</answer>"
    question = said.partition("Question: ")[2].splitlines()[0]
    stops = "Found 1" in said or "known" in said
    return step("None", "None", "It is clear.") if stops else step(question, "text")


class Counting(rr.Scripted):
    def __init__(self, seconds=0.0):
        super().__init__(talk)
        self.seconds = seconds

    async def reply(self, ask, **options):
        await asyncio.sleep(self.seconds)
        return await super().reply(ask, **options)


def work(out, teacher=None, examples=EXAMPLES, **options):
    setup = Setup(policy=teacher or Counting(), kbs=kbs())
    return synthesize(examples, out, setup, source="towns", **options)


# ── what is kept ───────────────────────────────────────────────────────────────────────────────


def test_what_ends_right_is_kept_and_the_rest_is_counted_by_reason(tmp_path):
    told = []
    made = work(tmp_path / "steps.jsonl", tell=told.append)
    assert made.kept == len(RIGHT)
    assert made.dropped == dict.fromkeys(OTHERS, 1)
    assert sorted(told) == sorted(["kept"] * len(RIGHT) + list(OTHERS))
    rows = read_steps(tmp_path / "steps.jsonl")
    assert made.steps == len(rows) == 4 * len(RIGHT)
    assert [row.id for row in rows[:4]] == [f"q0~taught/{end}" for end in ("0/plan", "0/answer", "1/plan", "1/final")]
    assert {row.source for row in rows} == {"towns"}


def test_the_gold_of_each_step_is_what_the_teacher_said_and_found(tmp_path):
    work(tmp_path / "steps.jsonl")
    plan, answer, stop, final = read_steps(tmp_path / "steps.jsonl")[:4]
    assert plan.kbs == tuple(kb.card for kb in kbs().values())
    assert (plan.gold.thought, plan.gold.sub_question, plan.gold.route) == (
        "I look it up.", "Which city has number 0?", "text",
    )  # fmt: skip
    assert "doc0" in plan.gold.evidence_ids
    assert plan.gold.evidence_ids == answer.gold.evidence_ids
    assert answer.gold.answers == ("Oslo",)
    assert len(answer.evidence) == 5
    assert (stop.gold.thought, stop.gold.route, stop.gold.sub_question) == ("It is clear.", NO_ROUTE, None)
    assert stop.history == (Past("Which city has number 0?", "Oslo", "text"),)
    assert final.gold.answers == ("oslo", "Kristiania")


def test_rows_rendered_with_the_teachers_prompts_are_what_it_was_asked_and_what_it_said(tmp_path):
    teacher = Counting()
    work(tmp_path / "steps.jsonl", teacher, examples=RIGHT[:3])
    rows = [render(row, PROMPTS) for row in read_steps(tmp_path / "steps.jsonl")]
    asked = {ask.messages: ask for ask in teacher.asks}
    assert len(rows) == len(asked) == 12
    for row in rows:
        assert asked[row.ask.messages] == row.ask
        assert row.reply == talk(row.ask)


@pytest.mark.parametrize(
    ("stop", "steps", "said", "expected"),
    [
        ("enough", 1, "Jane Austen", "kept"),
        ("max_steps", 1, "It was Jane Austen", "kept"),
        ("enough", 1, "Austen", "wrong answer"),
        ("enough", 1, "Jane Austen " + "and somebody else " * 5, "wrong answer"),
        ("repeated", 1, "Jane Austen", "stop: repeated"),
        ("enough", 0, "Jane Austen", "nothing looked up"),
    ],
)
def test_a_trajectory_is_kept_for_a_right_answer_that_was_looked_up(stop, steps, said, expected):
    example = Example("1", Question("Who wrote Emma?"), ("Jane Austen",))
    path = Trajectory(example.question, (Step(sub_question="Who?", routes=("text",)),) * steps, Answer("", said), stop)
    assert judge_trajectory(path, example, score=length_aware.score) == expected


def test_a_step_that_brought_nothing_stands_in_the_history_and_gives_no_rows():
    steps = (
        Step("t", "What is it?", ("text",), answer="unknown"),
        Step("t", "What is it?", ("image", "table"), answer="Emma", note="image had no evidence"),
    )
    path = Trajectory(Question("What?"), steps, Answer("two\nlines", "Emma"), "max_steps")
    rows = list(cut_into_steps(path, Example("1", path.question, ("Emma",)), ()))
    assert [row.id for row in rows] == ["1~taught/1/plan", "1~taught/1/answer", "1~taught/2/final"]
    assert rows[0].history == (Past("What is it?", "unknown", "text"),)
    assert rows[0].gold.route == "table"
    assert rows[2].history[1] == Past("What is it?", "Emma", "table")
    assert rows[2].gold.thought == "two lines"
    assert UNKNOWN == "unknown"


@pytest.mark.parametrize(
    ("said", "answers", "best"),
    [
        ("The Oslo", ("Oslo", "Kristiania"), ("The Oslo", "Kristiania")),
        ("It is Oslo", ("Oslo",), ("Oslo",)),
        ("6.8", ("6.75 [6.5, 7.0]",), ("6.8", "6.75 [6.5, 7.0]")),
    ],
)
def test_the_final_gold_is_the_teachers_wording_only_where_it_is_the_answer_alone(said, answers, best):
    path = Trajectory(Question("?"), (Step("", "What?", ("text",), answer="x"),), Answer("", said), "max_steps")
    *_, final = cut_into_steps(path, Example("1", path.question, answers), ())
    assert final.gold.answers == best


def test_nothing_kept_is_an_error_that_says_why(tmp_path):
    with pytest.raises(InputError, match=r"none of 1 trajectories is kept \(wrong answer 1\)"):
        work(tmp_path / "steps.jsonl", examples=EXAMPLES[8:9])
    assert not (tmp_path / "steps.jsonl").exists()


def test_a_teacher_that_cannot_be_asked_is_an_error_that_says_why(tmp_path):
    broken = [e for e in EXAMPLES if e.id == "stop: error"]
    with pytest.raises(InputError, match=r"stop: error 1\); the first error: .*the model fell over"):
        work(tmp_path / "steps.jsonl", examples=broken)


def test_a_metric_that_does_not_judge_answers_is_refused_before_anything_is_asked(tmp_path):
    teacher = Counting()
    with pytest.raises(InputError, match="does not judge answers"):
        work(tmp_path / "steps.jsonl", teacher, metric="cost")
    assert not teacher.asks


# ── resuming ───────────────────────────────────────────────────────────────────────────────────


def test_a_finished_synthesis_asks_nothing_again_and_takes_another_threshold(tmp_path):
    out, asked = tmp_path / "steps.jsonl", Counting()
    examples = [e for e in EXAMPLES if e.id != "stop: error"]
    work(out, examples=examples)
    before = out.read_bytes()
    assert find_unfinished(examples, out) == []
    work(out, asked, examples=examples)
    assert out.read_bytes() == before
    assert work(out, asked, examples=examples, metric="exact_match", at_least=1.0).kept == len(RIGHT)
    assert not asked.asks


def test_a_kill_in_the_middle_loses_nothing_and_asks_nothing_twice(tmp_path):
    script = tmp_path / "work.py"
    script.write_text(
        "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "import test_synthesize as t\n"
        "t.work(pathlib.Path(sys.argv[2]), t.Counting(0.05), examples=t.RIGHT, in_flight=2)\n"
    )
    out, whole = tmp_path / "steps.jsonl", tmp_path / "whole.jsonl"
    record = find_run_folder(out) / RECORD
    worker = subprocess.Popen([sys.executable, str(script), str(Path(__file__).parent), str(out)], env=os.environ)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not record.exists() or record.read_bytes().count(b"\n") < 24):
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert not out.exists()
    before = sum("reply" in json.loads(line) for line in record.read_bytes().split(b"\n")[:-1])
    assert 0 < len(find_unfinished(RIGHT, out)) < len(RIGHT)
    first, again = Counting(), Counting()
    work(whole, first, examples=RIGHT)
    work(out, again, examples=RIGHT)
    assert out.read_bytes() == whole.read_bytes()
    assert before + len(again.asks) == len(first.asks)


def test_other_questions_for_the_same_file_are_refused(tmp_path):
    work(tmp_path / "steps.jsonl", examples=RIGHT[:2])
    with pytest.raises(InputError, match="other settings"):
        work(tmp_path / "steps.jsonl", examples=RIGHT[:3])


def test_cards_that_have_changed_since_the_teacher_read_them_are_an_error(tmp_path):
    out = tmp_path / "steps.jsonl"
    work(out, examples=RIGHT[:1])
    entries = [Evidence("text", "0", "The city with number 0 is Oslo.")]
    changed = {**kbs(), "text": rr.MemoryKnowledgeBase(Card("text", "text", "Villages"), entries)}
    with pytest.raises(InputError, match="what their cards say have changed"):
        synthesize(RIGHT[:1], out, Setup(policy=Counting(), kbs=changed), source="towns")


# ── the estimate ───────────────────────────────────────────────────────────────────────────────


def test_an_estimate_counts_the_calls_that_the_method_would_make():
    gold = {"n_hops": 2}
    examples = [Example(f"q{n}", Question("Which city has number 1?"), ("Oslo",), gold) for n in range(60)]
    costs = estimate(examples, Setup(kbs={"text": kbs()["text"]}))
    assert {name: (usage.calls, usage.retrievals) for name, usage in costs.items()} == {
        "1 step each": (60 * 4, 60),  # plan, answer, stop, final
        "3 steps each": (60 * 7, 180),  # three plans and answers, final
        "as many steps as the gold": (60 * 6, 120),
    }


def test_an_estimate_is_near_to_what_the_teacher_then_reads(tmp_path):
    class Measured(Counting):
        async def reply(self, ask, **options):
            read = sum(len(m.content) for m in ask.messages) / CHARS_PER_TOKEN
            return Reply((await super().reply(ask)).text, (), round(read), 1)

    work(tmp_path / "steps.jsonl", Measured(), examples=RIGHT)
    read = sum(row.trajectory.usage.prompt_tokens for row in read_run(find_run_folder(tmp_path / "steps.jsonl"))[1])
    costs = estimate(RIGHT, Setup(kbs=kbs()))
    assert costs["1 step each"].prompt_tokens == pytest.approx(read, rel=0.05)


def test_no_questions_cost_nothing():
    assert estimate([], Setup(kbs=kbs())) == {}


# ── the command ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    (folder / "docs").mkdir()
    (folder / "docs" / "books.jsonl").write_text('{"id": "t1", "text": "Hunger is a novel by Knut Hamsun."}\n')
    call("index", folder / "docs", "--kbs", folder / "kbs")
    asked, said = "Who wrote Hunger?", "Knut Hamsun"
    hop = {"sub_question": asked, "kb": "text", "evidence_ids": ["t1"], "answer": said}
    row = {"id": "hunger", "question": asked, "answers": [said], "gold": {"steps": [hop]}}
    (folder / "questions.jsonl").write_text(json.dumps(row) + "\n")
    replies = [
        {"when": f"{asked}\nFound: nothing yet.", "reply": step(asked, "text")},
        {"when": f"{asked}\nFound 1:", "reply": step("None", "None")},
        {"when": asked, "reply": f"<answer>{said}</answer>"},
    ]
    (folder / "script.jsonl").write_text("".join(json.dumps(reply) + "\n" for reply in replies))
    return folder


def call(*arguments, fails=None):
    done = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "120"})
    if fails is None:
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout
    assert isinstance(done.exception, fails), (done.output, done.exception)
    return str(done.exception)


def test_the_command_says_what_was_kept_and_how_the_routes_are_balanced(world, tmp_path):
    out = tmp_path / "steps.jsonl"
    command = ["synthesize", world / "questions.jsonl", "--kbs", world / "kbs", "--out", out]
    said = call(*command, "--teacher", f"scripted:{world / 'script.jsonl'}")
    assert f"1 of 1 trajectories kept, 4 steps in {out}" in said
    assert "plans by route: none 1, text 1" in said
    assert len(read_steps(out)) == 4


def test_a_dry_run_asks_nothing_and_writes_nothing(world, tmp_path):
    out = tmp_path / "steps.jsonl"
    said = call("synthesize", world / "questions.jsonl", "--kbs", world / "kbs", "--out", out, "--dry-run")
    assert "as many steps as the gold" in said
    assert "No model was asked" in said
    assert not list(tmp_path.iterdir())


def test_gold_steps_need_no_teacher(world, tmp_path):
    out = tmp_path / "steps.jsonl"
    said = call("synthesize", world / "questions.jsonl", "--from-gold", "--kbs", world / "kbs", "--out", out)
    assert "1 of 1 questions have gold steps, 4 steps" in said
    said = call("synthesize", world / "questions.jsonl", "--from-gold", "--out", out)
    assert "they need --kbs" in said
    assert [row.kind for row in read_steps(out)] == ["plan", "plan", "final"]


def test_the_command_must_know_who_works_the_questions(world, tmp_path):
    command = ["synthesize", world / "questions.jsonl", "--out", tmp_path / "steps.jsonl"]
    assert "--teacher SPEC, or --from-gold" in call(*command, fails=InputError)
    assert "neither" in call(*command, "--from-gold", "--dry-run", fails=InputError)
