"""A run folder: resumable after a kill, deterministic, replayable, asking nothing twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import r1router as rr
from r1router.drive.record import Recording
from r1router.errors import InputError, PolicyError, UnknownName
from r1router.evals.run import RECORD, TIMINGS, TRAJECTORIES, evaluate, read_run
from r1router.prompts import DEFAULT
from r1router.types import Card, Evidence, Example, Question, Reply

EXAMPLES = [Example(f"q{n}", Question(f"Which city has number {n}?"), ("Oslo",)) for n in range(12)]


def kbs():
    entries = [Evidence("text", str(n), f"The city with number {n} is Oslo.") for n in range(20)]
    return {"text": rr.MemoryKnowledgeBase(Card("text", "text", "Cities by number"), entries)}


def talk(ask):
    if ask.purpose != "plan":
        return Reply("<answer>Oslo</answer>", prompt_tokens=7, completion_tokens=2)
    if "Found 1" in ask.messages[-1].content:
        return Reply("<sub-question>None</sub-question><ret>None</ret>")
    question = ask.messages[-1].content.partition("Question: ")[2].splitlines()[0]
    return Reply(f"<sub-question>{question}</sub-question><ret>text</ret>")


def run(out, policy, examples=EXAMPLES, **options):
    options = {"methods": ["r1_router", "direct"], "kbs": kbs(), "dataset": "cities"} | options
    return evaluate(examples, out, policy=policy, **options)


class Counting(rr.Scripted):
    """Counts the calls, and falls over after `last` of them."""

    def __init__(self, last=10**9):
        super().__init__(talk)
        self.asked, self.last = [], last

    async def reply(self, ask, **options):
        self.asked.append(ask)
        if len(self.asked) > self.last:
            raise PolicyError("the model fell over")
        return await super().reply(ask, **options)


def files(folder, *names):
    return {name: (folder / name).read_bytes() for name in names or (TRAJECTORIES, "run.json")}


def test_a_run_takes_a_setup_and_its_method_where_no_other_is_named(tmp_path):
    setup = rr.Setup(policy=rr.Scripted(talk), kbs=kbs(), method="direct")
    evaluate(EXAMPLES[:2], tmp_path / "run", setup, dataset="cities", k=3)
    settings, rows = read_run(tmp_path / "run")
    assert (settings.methods, settings.k, len(rows)) == (("direct",), 3, 2)


def test_a_run_refuses_a_record_of_others_and_a_method_without_a_name(tmp_path):
    setup = rr.Setup(policy=rr.Scripted(talk), kbs=kbs())
    with pytest.raises(InputError, match=r"package\.module:function"):
        evaluate(EXAMPLES, tmp_path / "run", setup, dataset="cities", method=rr.load_method("direct"))
    record = Recording(tmp_path / "record.jsonl")
    with pytest.raises(InputError, match="give replay"):
        evaluate(EXAMPLES, tmp_path / "run", setup, dataset="cities", record=record)
    record.close()
    assert not (tmp_path / "run").exists()


def test_a_run_has_one_trajectory_for_each_method_and_example_in_order(tmp_path):
    run(tmp_path / "run", rr.Scripted(talk))
    settings, rows = read_run(tmp_path / "run")
    assert settings.methods == ("r1_router", "direct")
    assert [(r.method, r.example.id) for r in rows] == [(m, e.id) for m in settings.methods for e in EXAMPLES]
    assert all(r.trajectory.answer.text == "Oslo" for r in rows)
    assert set(rows[0].trajectory.usage.seconds) == {"look", "plan", "search", "answer", "final"}


def prompt_set(folder):
    folder.mkdir(exist_ok=True)
    (folder / "next_step.j2").write_text("### user\nQuestion: {{ question }}\n{% if steps %}Found 1{% endif %}\n")
    return folder


def test_a_policy_is_asked_with_the_prompts_that_it_brings_and_the_run_keeps_them(tmp_path):
    own = prompt_set(tmp_path / "trained")
    policy = rr.Scripted(talk, prompts=own)
    run(tmp_path / "run", policy, EXAMPLES[:1], methods=["r1_router"])
    assert policy.asks[0].messages[0].content == f"Question: {EXAMPLES[0].question.text}"
    kept = tmp_path / "run" / "prompts"
    assert (kept / "next_step.j2").read_text() == (own / "next_step.j2").read_text()
    assert (kept / "final_answer.j2").read_text() == (DEFAULT / "final_answer.j2").read_text()
    replayed = rr.Scripted([], prompts=kept)
    run(tmp_path / "again", replayed, EXAMPLES[:1], methods=["r1_router"], replay=tmp_path / "run")
    assert files(tmp_path / "again") == files(tmp_path / "run")


def test_a_run_is_not_taken_up_with_other_prompts(tmp_path):
    run(tmp_path / "run", rr.Scripted(talk), EXAMPLES[:1])
    with pytest.raises(InputError, match="prompts was"):
        run(tmp_path / "run", rr.Scripted(talk, prompts=prompt_set(tmp_path / "trained")), EXAMPLES[:1])


def test_a_run_that_is_finished_asks_nothing_again(tmp_path):
    run(tmp_path / "run", rr.Scripted(talk))
    before = files(tmp_path / "run", TRAJECTORIES, TIMINGS, RECORD)
    policy = Counting()
    told = []
    run(tmp_path / "run", policy, tell=told.append)
    assert policy.asked == []
    assert len(told) == 2 * len(EXAMPLES)
    assert files(tmp_path / "run", TRAJECTORIES, TIMINGS, RECORD) == before


def test_a_run_that_failed_half_way_goes_on_without_asking_twice(tmp_path):
    whole, broken = Counting(), Counting(last=17)
    run(tmp_path / "whole", whole)
    run(tmp_path / "run", broken, in_flight=3)
    _, rows = read_run(tmp_path / "run")
    assert any(r.trajectory.stop == "error" for r in rows)
    again = Counting()
    run(tmp_path / "run", again, in_flight=3)
    assert files(tmp_path / "run") == files(tmp_path / "whole")
    assert not {a.messages for a in broken.asked[:17]} & {a.messages for a in again.asked}
    assert 17 + len(again.asked) == len(whole.asked)


def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path):
    script = tmp_path / "work.py"
    script.write_text(
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "import test_eval_run as t\n"
        "class Slow(t.Counting):\n"
        "    async def reply(self, ask, **o):\n"
        "        time.sleep(0.03)\n"
        "        return await super().reply(ask, **o)\n"
        "t.run(sys.argv[2], Slow(), in_flight=4)\n"
    )
    out = tmp_path / "run"
    command = [sys.executable, str(script), str(Path(__file__).parent), str(out)]
    worker = subprocess.Popen(command, env=os.environ)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (
        not (out / RECORD).exists() or (out / RECORD).read_bytes().count(b"\n") < 20
    ):
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    with (out / RECORD).open("ab") as record, (out / TRAJECTORIES).open("ab") as lines:
        record.write(b'{"key": "cut sh')  # what a kill in the middle of a write leaves
        lines.write(b'{"method": "r1_rou')
    known = {json.loads(line)["key"] for line in (out / RECORD).read_bytes().split(b"\n")[:-1]}
    assert len(known) >= 20
    run(out, rr.Scripted(talk), in_flight=4)
    run(tmp_path / "whole", rr.Scripted(talk))
    assert files(out) == files(tmp_path / "whole")
    keys = [json.loads(line)["key"] for line in (out / RECORD).read_bytes().split(b"\n")[:-1]]
    assert len(keys) == len(set(keys)), "something was asked twice"


def test_a_run_replays_without_a_model_and_without_knowledge_bases(tmp_path):
    run(tmp_path / "run", rr.Scripted(talk))

    class Deaf:
        card = kbs()["text"].card

        def search(self, queries, *, k):
            raise AssertionError("a replay searches nothing")

    run(tmp_path / "again", rr.Scripted([]), kbs={"text": Deaf()}, replay=tmp_path / "run")
    names = (TRAJECTORIES, TIMINGS, "run.json")
    assert files(tmp_path / "again", *names) == files(tmp_path / "run", *names)


def test_a_replay_of_something_else_says_what_is_missing(tmp_path):
    run(tmp_path / "run", rr.Scripted(talk))
    other = [Example("x", Question("Which river?"), ("Danube",))]
    run(tmp_path / "other", rr.Scripted([]), examples=other, replay=tmp_path / "run")
    _, rows = read_run(tmp_path / "other")
    assert "has no rankings to" in rows[0].trajectory.error
    assert "Which river?" in rows[0].trajectory.error


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"k": 3}, "k was 5, now 3"),
        ({"methods": ["direct"]}, "methods was"),
        ({"examples": EXAMPLES[:3]}, "examples was"),
    ],
)
def test_other_settings_in_the_same_folder_are_refused(tmp_path, change, says):
    run(tmp_path / "run", rr.Scripted(talk))
    with pytest.raises(InputError, match=says):
        run(tmp_path / "run", rr.Scripted(talk), **change)


def test_two_examples_of_one_id_are_refused(tmp_path):
    with pytest.raises(InputError, match="two examples have the id 'q0'"):
        run(tmp_path / "run", rr.Scripted(talk), examples=[EXAMPLES[0], EXAMPLES[0]])


def test_a_folder_that_is_no_run_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="r1router eval DATASET"):
        read_run(tmp_path)


def test_a_damaged_record_is_refused_with_its_line(tmp_path):
    run(tmp_path / "run", rr.Scripted(talk))
    record = tmp_path / "run" / RECORD
    record.write_bytes(b"nonsense\n" + record.read_bytes())
    with pytest.raises(InputError, match=r"record.jsonl:1 is not a line"):
        run(tmp_path / "run", rr.Scripted(talk), examples=EXAMPLES)


def test_a_run_under_a_filter_sees_only_what_fits_and_says_so(tmp_path):
    entries = [Evidence("text", str(n), f"The city with number {n} is Oslo.") for n in range(20)]
    about = {str(n): {"folder": "old" if n < 10 else "new", "year": n} for n in range(20)}
    bases = {"text": rr.MemoryKnowledgeBase(Card("text", "text", "Cities by number"), entries, about=about)}
    under = {"methods": ["r1_router"], "kbs": bases, "where": "year >= 10"}
    run(tmp_path / "run", rr.Scripted(talk), **under)
    settings, rows = read_run(tmp_path / "run")
    assert settings.where == "year >= 10"
    assert {row.trajectory.question.where for row in rows} == {"year >= 10"}
    found = {int(e.id) for row in rows for step in row.trajectory.steps for e in step.evidence}
    assert found
    assert min(found) >= 10
    with pytest.raises(InputError, match="where was 'year >= 10', now ''"):
        run(tmp_path / "run", rr.Scripted(talk), **under | {"where": ""})
    with pytest.raises(UnknownName, match="did you mean"):
        run(tmp_path / "other", rr.Scripted(talk), **under | {"where": "yaer = 3"})
