"""`r1router eval`, `report`, `show`, `score` and `audit` as a person runs them, on two small knowledge bases."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import r1router.cli as app_module
from r1router.cli import app
from r1router.errors import InputError, UnknownName
from r1router.evals.run import read_run

ASKED = {
    "hunger": ("Who wrote Hunger?", "text", "Knut Hamsun"),
    "emma": ("Who wrote Emma?", "text", "Jane Austen"),
    "shannon": ("How long is the Shannon?", "table", "360"),
    "danube": ("How long is the Danube?", "table", "2850"),
}
WRONG_ROUTE = "danube"
ROUTER = "r1_router?look=false"
"""Routes as the script says; with looks a wrong route is mended, and there is none to find."""


def call(*arguments, fails=None):
    """What a command prints; with `fails`, the error that it ends with."""
    done = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "120"})
    if fails is None:
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout
    assert isinstance(done.exception, fails), (done.output, done.exception)
    return str(done.exception)


def lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def replies():
    """Asks the question itself, of the right knowledge base but once; reads out what is accepted but once."""
    for name, (question, kb, answer) in ASKED.items():
        route = "text" if name == WRONG_ROUTE else kb
        said = "far" if name == WRONG_ROUTE else answer
        yield {
            "when": f"{question}\nFound: nothing yet.",
            "reply": f"<think>I look it up.</think><sub-question>{question}</sub-question><ret>{route}</ret>",
        }
        yield {"when": f"{question}\nFound 1:", "reply": "<sub-question>None</sub-question><ret>None</ret>"}
        yield {"when": question, "reply": f"<answer>{said}</answer>"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """kbs/ with "text" and "table", questions.jsonl, script.jsonl and the run folder run/ of two methods."""
    folder = tmp_path_factory.mktemp("world")
    books = [{"id": "t1", "text": "Hunger is a novel by Knut Hamsun."}, {"id": "t2", "text": "Emma is by Jane Austen."}]
    (folder / "docs").mkdir()
    lines(folder / "docs" / "books.jsonl", books)
    (folder / "docs" / "rivers.csv").write_text("River,Length\nShannon,360\nDanube,2850\n")
    call("index", folder / "docs", "--kbs", folder / "kbs")
    gold = {"text": ["t1", "t2"], "table": ["docs/rivers.csv", "rivers.csv", str(folder / "docs" / "rivers.csv")]}
    lines(
        folder / "questions.jsonl",
        [
            {"id": name, "question": question, "answers": [answer], "type": kb,
             "gold": {"steps": [{"sub_question": question, "kb": kb, "evidence_ids": gold[kb], "answer": answer}]}}
            for name, (question, kb, answer) in ASKED.items()
        ],
    )  # fmt: skip
    lines(folder / "script.jsonl", replies())
    evaluate(folder, folder / "run")
    return folder


def evaluate(world, out, *options, methods=(ROUTER, "direct"), fails=None):
    chosen = [word for method in methods for word in ("--method", method)]
    policy = f"scripted:{world / 'script.jsonl'}"
    return call("eval", world / "questions.jsonl", "--kbs", world / "kbs", "--policy", policy, "--out", out,
                *chosen, *options, fails=fails)  # fmt: skip


# ── eval ───────────────────────────────────────────────────────────────────────────────────────


def test_an_evaluation_ends_with_the_table_and_says_how_to_see_more(world, tmp_path):
    said = evaluate(world, tmp_path / "run")
    assert "questions.jsonl" in said
    assert "0.750" in said
    assert f"{ROUTER} − direct" in said
    assert "r1router show" in said
    _, rows = read_run(tmp_path / "run")
    assert [(r.method, r.example.id) for r in rows] == [(m, i) for m in (ROUTER, "direct") for i in ASKED]


def test_the_same_command_again_asks_nothing_and_says_the_same(world, tmp_path):
    first = evaluate(world, tmp_path / "run", methods=["direct"]).partition("answers in")[0]
    shutil.move(world / "script.jsonl", tmp_path / "script.jsonl")
    (world / "script.jsonl").write_text("")
    try:
        assert evaluate(world, tmp_path / "run", methods=["direct"]).partition("answers in")[0] == first
    finally:
        shutil.move(tmp_path / "script.jsonl", world / "script.jsonl")


def test_a_replay_gives_the_same_report_to_the_byte(world, tmp_path):
    evaluate(world, tmp_path / "replayed", "--replay", world / "run", "--policy", "nothing:that-is-ever-opened")
    for run in (world / "run", tmp_path / "replayed"):
        call("report", run, "--html", tmp_path / f"{run.name}.html")
        (tmp_path / f"{run.name}.json").write_text(call("report", run, "--json"))
        (tmp_path / f"{run.name}.txt").write_text(call("report", run))
    for kind in ("html", "json", "txt"):
        assert (tmp_path / f"run.{kind}").read_bytes() == (tmp_path / f"replayed.{kind}").read_bytes()


def test_only_so_many_questions_are_asked_and_a_seed_draws_them(world, tmp_path):
    evaluate(world, tmp_path / "first", "--limit", 2, methods=["direct"])
    assert [row.example.id for row in read_run(tmp_path / "first")[1]] == ["hunger", "emma"]
    drawn = []
    for out in ("a", "b"):
        evaluate(world, tmp_path / out, "--limit", 2, "--seed", 5, methods=["direct"])
        drawn.append([row.example.id for row in read_run(tmp_path / out)[1]])
    assert drawn[0] == drawn[1]


def test_budgets_reach_every_question(world, tmp_path):
    evaluate(world, tmp_path / "run", "--max-retrievals", 0, methods=[ROUTER])
    settings, rows = read_run(tmp_path / "run")
    assert settings.budget.retrievals == 0
    assert {row.trajectory.stop for row in rows} == {"retrievals"}


def test_failed_questions_are_named_and_a_run_of_nothing_else_fails(world, tmp_path):
    lines(tmp_path / "script.jsonl", [row for row in replies() if "Emma" not in row["when"]])
    some = CliRunner().invoke(app, ["eval", str(world / "questions.jsonl"), "--kbs", str(world / "kbs"), "--method",
                                    "direct", "--out", str(tmp_path / "some"), "--policy",
                                    f"scripted:{tmp_path / 'script.jsonl'}"])  # fmt: skip
    assert some.exit_code == 0
    assert "1 of 4 answers failed and count as 0" in some.stdout
    (tmp_path / "empty.jsonl").write_text("")
    everything = CliRunner().invoke(app, ["eval", str(world / "questions.jsonl"), "--kbs", str(world / "kbs"),
                                          "--out", str(tmp_path / "all"), "--policy",
                                          f"scripted:{tmp_path / 'empty.jsonl'}"])  # fmt: skip
    assert everything.exit_code == 1


def test_wrong_names_are_one_line_with_the_nearest_name_before_anything_is_asked(world, tmp_path):
    assert "did you mean 'direct'" in evaluate(world, tmp_path / "a", methods=["direkt"], fails=UnknownName)
    assert "did you mean 'length_aware'" in evaluate(
        world, tmp_path / "b", "--primary", "lenght_aware", fails=UnknownName
    )
    said = call("eval", world / "question.jsonl", "--out", tmp_path / "c", fails=InputError)
    assert "no question file" in said
    assert "questions.jsonl" in said
    said = call("eval", f"jsonI:{world / 'questions.jsonl'}", "--out", tmp_path / "d", fails=UnknownName)
    assert "did you mean 'jsonl'" in said
    assert not any((tmp_path / name).exists() for name in "acd")


# ── report ─────────────────────────────────────────────────────────────────────────────────────


def test_a_report_has_the_numbers_of_each_method(world):
    found = json.loads(call("report", world / "run", "--json"))
    (section,) = found["sections"]
    router, direct = section["results"]
    assert router["scores"]["exact_match"]["mean"] == 0.75
    assert router["scores"]["evidence_recall"]["mean"] == 0.75
    assert router["macro_route_accuracy"]["mean"] == pytest.approx((1 + 0.5 + 1) / 3, abs=1e-6)
    assert router["costs"]["retrievals"]["mean"] == 1
    assert direct["costs"]["retrievals"]["mean"] == 0
    assert section["comparisons"][0]["difference"]["mean"] == 0


def test_a_report_takes_metrics_and_the_one_to_test_by(world):
    said = call("report", world / "run", "--metric", "token_f1", "--metric", "contains", "--primary", "exact_match")
    assert "paired differences in exact_match" in said
    assert "f1_recall" not in said.replace("\n", "")
    assert "did you mean 'token_f1'" in call("report", world / "run", "--metric", "token_f2", fails=UnknownName)
    assert "did you mean 'direct'" in call("report", world / "run", "--against", "diret", fails=UnknownName)


def test_a_report_of_no_run_says_how_to_make_one(world):
    assert "there is no run at" in call("report", world / "kbs", fails=InputError)


def test_a_policy_can_judge_the_answers_and_is_asked_once_for_each(world, tmp_path):
    shutil.copytree(world / "run", tmp_path / "run")
    asked = [{"when": f"Question: {q}", "reply": f"<verdict>{v}</verdict>"} for (q, _, _), v in zip(
        ASKED.values(), ["correct", "correct", "incorrect", "incorrect"], strict=True)]  # fmt: skip
    policy = f"scripted:{lines(tmp_path / 'verdicts.jsonl', asked)}"
    said = call("report", tmp_path / "run", "--judge", policy, "--primary", "judge", "--json")
    results = json.loads(said)["sections"][0]["results"]
    assert [r["scores"]["judge"]["mean"] for r in results] == [0.5, 0.5]
    (tmp_path / "verdicts.jsonl").write_text("")
    assert call("report", tmp_path / "run", "--judge", policy, "--primary", "judge", "--json") == said
    assert "judge" in call("report", tmp_path / "run", "--judge", policy)


# ── show ───────────────────────────────────────────────────────────────────────────────────────


def test_a_trajectory_is_shown_beside_its_gold_steps(world):
    said = call("show", world / "run", "--id", "hunger")
    assert "Knut Hamsun" in said
    assert "[1] gold Hunger is a novel" in said
    assert "→ text" in said
    assert "the other trajectories: --method NAME" in said
    wrong = call("show", world / "run", "--id", WRONG_ROUTE, "--method", ROUTER)
    assert "→ table   2850" in wrong
    assert "gold Hunger" not in wrong


def test_two_methods_and_two_runs_are_compared_step_by_step(world, tmp_path):
    said = call("show", world / "run", "--id", "hunger", "--method", ROUTER, "--method", "direct")
    assert f"{ROUTER} and direct part at once: only one takes steps" in said
    lines(tmp_path / "script.jsonl", ({**row, "reply": row["reply"].replace("table", "text")} for row in replies()))
    evaluate(world, tmp_path / "other", "--policy", f"scripted:{tmp_path / 'script.jsonl'}", methods=[ROUTER])
    said = call("show", world / "run", "--id", "shannon", "--diff", tmp_path / "other", "--method", ROUTER)
    assert "part at step 1: table against text" in said
    same = call("show", world / "run", "--id", "emma", "--diff", tmp_path / "other", "--method", ROUTER)
    assert "take the same steps to the same answer" in same


def test_questions_are_listed_by_how_they_went(world):
    wrong = call("show", world / "run", "--list", "wrong")
    assert WRONG_ROUTE in wrong
    assert "hunger" not in wrong
    assert "2 of 8" in wrong
    assert "6 of 8" in call("show", world / "run", "--list", "right")
    assert "0 of 8" in call("show", world / "run", "--list", "error")


def test_a_trajectory_as_json_is_the_whole_of_it(world):
    (one, _) = json.loads(call("show", world / "run", "--id", "emma", "--json"))
    assert one["method"] == ROUTER
    assert one["scores"]["exact_match"] == 1
    assert one["trajectory"]["steps"][0]["routes"] == ["text"]


def test_a_wrong_id_or_method_or_none_says_what_there_is(world):
    said = call("show", world / "run", "--id", "hungry", fails=InputError)
    assert "did you mean 'hunger'" in said
    assert "--list all" in said
    assert "method of this run" in call("show", world / "run", "--id", "emma", "--method", "cot", fails=UnknownName)
    assert "say which question" in call("show", world / "run", fails=InputError)


# ── score ──────────────────────────────────────────────────────────────────────────────────────


def test_predictions_made_elsewhere_are_scored_and_missing_ones_count_zero(world, tmp_path):
    made = lines(tmp_path / "p.jsonl", [{"id": "hunger", "prediction": "Hamsun"}, {"id": "shannon", "prediction": 360}])
    found = json.loads(call("score", made, world / "questions.jsonl", "--json"))
    assert (found["questions"], found["missing"]) == (4, 2)
    assert found["scores"]["exact_match"] == {"mean": 0.25, "low": 0.0, "high": 0.75, "n": 4}
    assert found["scores"]["token_f1"]["mean"] == pytest.approx((2 / 3 + 1) / 4, abs=1e-6)
    assert "evidence_recall" not in found["scores"]
    said = call("score", made, world / "questions.jsonl", "--metric", "exact_match")
    assert "2 of 4 questions have no prediction and count 0" in said
    assert "token_f1" not in said


def said(id_, prediction="x"):
    return {"id": id_, "prediction": prediction}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([said("emma"), said("emmma")], ":2: the data set has no question 'emmma'; did you mean 'emma'"),
        ([said("emma"), said("hunger"), said("emma")], ":3: 'emma' already has a prediction at line 1"),
        ([{"id": "emma", "answer": "x"}], ":1: expected"),
        ([said("emma", None)], ":1: expected"),
        (["just words"], ":1: expected"),
    ],
)
def test_predictions_that_do_not_fit_are_refused_with_their_line(world, tmp_path, rows, says):
    made = lines(tmp_path / "p.jsonl", rows)
    assert f"p.jsonl{says}" in call("score", made, world / "questions.jsonl", fails=InputError)


def test_predictions_that_are_no_json_or_no_file_are_refused(world, tmp_path):
    (tmp_path / "p.jsonl").write_text('{"id": "emma", "prediction": "x"}\n\nid,prediction\n')
    said = call("score", tmp_path / "p.jsonl", world / "questions.jsonl", fails=InputError)
    assert "p.jsonl:3: not a line of JSON" in said
    assert "no file of predictions" in call("score", tmp_path / "q", world / "questions.jsonl", fails=InputError)


def test_a_metric_that_judges_more_than_answers_cannot_score_predictions(world, tmp_path):
    made = lines(tmp_path / "p.jsonl", [])
    said = call("score", made, world / "questions.jsonl", "--metric", "evidence_recall", fails=InputError)
    assert "judges more than an answer" in said
    assert "length_aware" in said


# ── audit ──────────────────────────────────────────────────────────────────────────────────────


def test_an_audit_finds_the_wrong_route_and_the_page_shows_it(world, tmp_path):
    shutil.copytree(world / "run", tmp_path / "run")
    found = json.loads(call("audit", tmp_path / "run", "--kbs", world / "kbs", "--json"))
    (router,) = found["methods"]
    assert (router["searches"], router["judged"], router["regret"]["mean"]) == (4, 4, 0.25)
    assert [(r["route"], r["found"], r["instead"]) for r in router["routes"]] == [
        ("table", 1, {}), ("text", 2, {"table": 1}),
    ]  # fmt: skip
    said = call("audit", tmp_path / "run", "--kbs", world / "kbs")
    assert "regret 0.250" in said
    call("report", tmp_path / "run", "--html", tmp_path / "r.html")
    assert "Audit of the routes" in (tmp_path / "r.html").read_text()
    call("report", world / "run", "--html", tmp_path / "without.html")
    assert "Audit of the routes" not in (tmp_path / "without.html").read_text()


def test_an_audit_can_read_the_evidence_of_the_other_knowledge_bases(world, tmp_path):
    shutil.copytree(world / "run", tmp_path / "run")
    asked, _, accepted = ASKED[WRONG_ROUTE]
    lines(tmp_path / "s.jsonl", [{"when": asked, "reply": f"<answer>{accepted}</answer>"}])
    policy = f"scripted:{tmp_path / 's.jsonl'}"
    found = json.loads(
        call("audit", tmp_path / "run", "--kbs", world / "kbs", "--judge-answers", "--policy", policy, "--json")
    )
    assert found["methods"][0]["answers"] == {"steps": 4, "right": 3, "regret": 1}


# ── recipes ────────────────────────────────────────────────────────────────────────────────────


def recipe(name, world, tmp_path, **environment):
    """What a recipe prints, with `r1router` on the path and the world's knowledge bases and policy."""
    command = tmp_path / "bin" / "r1router"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom r1router.cli import main\nmain()\n")
    command.chmod(0o755)
    paths = [str(Path(app_module.__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment |= {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "KBS": str(world / "kbs"),
        "POLICY": f"scripted:{world / 'script.jsonl'}",
    }
    script = Path(__file__).parents[1] / "recipes" / name
    done = subprocess.run(
        [script, world / "questions.jsonl", tmp_path / "run"],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_multihop_recipe_ends_in_scores_by_hops_and_a_page(world, tmp_path):
    said = recipe("multihop_scaling.sh", world, tmp_path, METHODS="r1_router direct")
    assert "length_aware by hops" in said
    assert "Score by number of hops" in (tmp_path / "run" / "report.html").read_text()


def test_the_latency_recipe_ends_in_seconds_by_stage_and_the_overhead(world, tmp_path):
    said = recipe("latency.sh", world, tmp_path, METHODS="r1_router", LIMIT="2")
    table = said.partition("median seconds of a question")[2]
    assert table.splitlines()[1].split()[1:] == ["plan", "search", "answer", "final", "total", "over", "direct"]
    assert " 1.0 x" in table


def test_some_questions_are_asked_alone_to_measure_their_seconds(world, tmp_path):
    said = evaluate(world, tmp_path / "run", "--alone", "1", methods=("direct",))
    assert "alone p50" in said
    lines = (tmp_path / "run" / "alone.jsonl").read_text().splitlines()
    assert [json.loads(line)["method"] for line in lines] == ["direct"]
    evaluate(world, tmp_path / "run", "--alone", "1", methods=("direct",))
    assert (tmp_path / "run" / "alone.jsonl").read_text().splitlines() == lines, "none is measured twice"


def test_gold_that_names_no_knowledge_base_is_refused_before_a_question_is_asked(world, tmp_path):
    (tmp_path / "bad.jsonl").write_text(
        json.dumps({"question": "Who?", "answers": ["A"], "gold": {"steps": [{"kb": "tabel", "sub_question": "x"}]}})
    )
    policy = f"scripted:{world / 'script.jsonl'}"
    words = ["eval", tmp_path / "bad.jsonl", "--kbs", world / "kbs", "--policy", policy, "--out", tmp_path / "run"]
    told = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(told.exception, InputError)
    assert "'tabel'" in str(told.exception)
