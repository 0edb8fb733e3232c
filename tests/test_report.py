"""Runs to reports: what is counted, what is compared, what is said beside the numbers, and the page."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console

from browsing import Person, chromium
from r1router.charts.page import write_scripts
from r1router.cli import tables
from r1router.drive.budget import Budget
from r1router.drive.prices import PriceList, Prices
from r1router.errors import InputError, UnknownName
from r1router.evals.audit.other_routes import Searched
from r1router.evals.audit.regret import audit
from r1router.evals.report.html import write_page
from r1router.evals.report.summary import drop_folders, make_plain, report
from r1router.evals.run import RunLine, RunSettings
from r1router.types import Answer, Evidence, Example, Question, Step, Trajectory, Usage
from test_page_accessible import SIZES, faults

KINDS = {"text": "text", "table": "table"}


def settings(methods, **changes):
    made = RunSettings("cities.jsonl", "0", tuple(methods), "scripted:", KINDS, "0", 3, 5, Budget(), "0.1.0")
    return replace(made, **changes)


def example(n, *, hops=1, type_="text"):
    steps = [{"sub_question": f"part {i} of {n}", "kb": "text", "evidence_ids": [f"e{n}-{i}"]} for i in range(hops)]
    return Example(f"q{n}", Question(f"Which city has number {n}?"), ("Oslo",), {"steps": steps}, type_)


def path(n, said, *, routes=("text",), stop="enough", seconds=1.0, found=True):
    if stop == "error":
        return Trajectory(Question(f"Which city has number {n}?"), stop=stop, error="the model fell over")
    evidence = (Evidence(routes[0], f"e{n}-0#0", "…", record=f"e{n}-0" if found else "other"),)
    step = Step(sub_question=f"part 0 of {n}", routes=routes, evidence=evidence, probabilities={routes[0]: 0.75})
    usage = Usage(90, 10, calls=2, retrievals=len(routes), seconds={"plan": seconds, "final": 0.5})
    return Trajectory(Question(f"Which city has number {n}?"), (step,), Answer("", said), stop, usage=usage)


def run(answers, **changes):
    """A run of the methods that `answers` names, each with what it said to question 0, 1, …; None is a failure."""
    rows = [
        RunLine(method, example(n), path(n, said or "", stop="error" if said is None else "enough"))
        for method, all_said in answers.items()
        for n, said in enumerate(all_said)
    ]
    return settings(answers, **changes), rows


RIGHT, WRONG = "Oslo", "Lima"


# ── what is counted ────────────────────────────────────────────────────────────────────────────


def test_a_score_is_a_mean_over_questions_with_its_interval():
    (section,) = report([run({"a": [RIGHT] * 6 + [WRONG] * 2})]).sections
    score = section.results[0].scores["exact_match"]
    assert score.mean == 0.75
    assert score.low < 0.75 < score.high
    assert score.n == 8


def test_a_failed_question_counts_zero_everywhere_and_is_named():
    found = report([run({"a": [RIGHT, RIGHT, None, None]})])
    (result,) = found.sections[0].results
    assert result.scores["length_aware"].mean == 0.5
    assert result.scores["evidence_recall"].mean == 0.5
    assert result.scores["abstention"].mean == 0, "who failed has not declined to answer"
    assert (result.errors, result.stops) == (2, {"enough": 2, "error": 2})
    assert found.sections[0].notes == ("a: 2 of 4 questions failed and count as 0; all: the model fell over",)


def test_costs_and_seconds_are_of_the_questions_that_finished():
    (result,) = report([run({"a": [RIGHT, None]})]).sections[0].results
    assert result.costs["tokens"].mean == 100
    assert result.costs["tokens"].n == 1
    assert result.seconds["total"].p50 == 1.5
    (nothing,) = report([run({"a": [None, None]})]).sections[0].results
    assert not nothing.costs
    assert not nothing.seconds


def test_seconds_have_a_median_and_a_95th_percentile_for_each_stage():
    rows = [RunLine("a", example(n), path(n, RIGHT, seconds=float(n))) for n in range(101)]
    (result,) = report([(settings(["a"]), rows)]).sections[0].results
    assert (result.seconds["plan"].p50, result.seconds["plan"].p95) == (50, 95)
    assert result.seconds["final"].p95 == 0.5
    assert result.seconds["search"].p95 == 0
    assert result.seconds["total"].p50 == 50.5


def test_macro_route_accuracy_weighs_the_routes_the_same():
    rows = [RunLine("a", example(n), path(n, RIGHT)) for n in range(8)]
    table = {"steps": [{"kb": "table", "evidence_ids": ["x"]}]}
    rows += [RunLine("a", replace(example(n), gold=table), path(n, RIGHT)) for n in (8, 9)]
    (result,) = report([(settings(["a"]), rows)]).sections[0].results
    assert result.scores["route_accuracy"].mean == 0.8
    assert result.macro_route_accuracy.mean == pytest.approx((1 + 0 + 1) / 3), "text, table and none"
    assert result.confusion == {"table": {"text": 2}, "text": {"text": 8}}


def test_a_method_that_always_searches_everything_has_no_confusion():
    rows = [RunLine("all", example(n), path(n, RIGHT, routes=("text", "table"))) for n in range(3)]
    assert report([(settings(["all"]), rows)]).sections[0].results[0].confusion == {}


def test_scores_are_split_by_hops_and_by_type():
    rows = [
        RunLine(
            "a", example(n, hops=1 + n % 2, type_="text" if n < 4 else "text+table"), path(n, RIGHT if n % 2 else WRONG)
        )
        for n in range(8)
    ]
    (result,) = report([(settings(["a"]), rows)]).sections[0].results
    assert {hops: (i.mean, i.n) for hops, i in result.by_hops.items()} == {"1": (0, 4), "2": (1, 4)}
    assert {name: (i.mean, i.n) for name, i in result.by_type.items()} == {"text": (0.5, 4), "text+table": (0.5, 4)}
    unknown = [RunLine("a", Example("x", Question("?"), ("Oslo",)), path(0, RIGHT))]
    assert report([(settings(["a"]), unknown)]).sections[0].results[0].by_hops == {}


# ── what is compared ───────────────────────────────────────────────────────────────────────────


def test_methods_are_compared_on_the_same_questions_and_corrected_together():
    found = report([run({"good": [RIGHT] * 12, "bad": [WRONG] * 12, "fair": [RIGHT] * 6 + [WRONG] * 6})])
    pairs = {(c.a, c.b): c for c in found.sections[0].comparisons}
    assert list(pairs) == [("good", "bad"), ("good", "fair"), ("bad", "fair")]
    best = pairs["good", "bad"]
    assert best.difference.mean == 1
    assert best.difference.p == pytest.approx(2 / 4096)
    assert best.p_holm == pytest.approx(6 / 4096)
    assert pairs["bad", "fair"].difference.mean == -0.5


def test_comparing_against_one_method_leaves_the_other_pairs_out():
    given = run({"a": [RIGHT] * 4, "b": [WRONG] * 4, "c": [RIGHT] * 4})
    found = report([given], against="b").sections[0].comparisons
    assert [(c.a, c.b) for c in found] == [("a", "b"), ("c", "b")]
    with pytest.raises(UnknownName, match="did you mean"):
        report([given], against="aa")


def test_methods_of_two_runs_of_one_data_set_are_compared_and_told_apart_by_the_run():
    found = report([run({"a": [RIGHT] * 4}), run({"a": [WRONG] * 4, "b": [RIGHT] * 4})], names=["old", "new"])
    (section,) = found.sections
    assert [r.method for r in section.results] == ["a (old)", "a (new)", "b"]
    assert len(section.comparisons) == 3
    with pytest.raises(InputError, match="called alike"):
        report([run({"a": [RIGHT]}), run({"a": [RIGHT]})], names=["x", "x"])


def test_runs_of_two_data_sets_are_reported_apart():
    found = report([run({"a": [RIGHT]}), run({"a": [WRONG]}, dataset="rivers.jsonl")])
    assert [(s.dataset, s.results[0].method) for s in found.sections] == [("cities.jsonl", "a"), ("rivers.jsonl", "a")]


def test_an_unfinished_method_is_compared_on_what_it_has_and_named():
    found = report([run({"a": [RIGHT] * 8, "b": [WRONG] * 3})]).sections[0]
    assert found.comparisons[0].difference.n == 3
    assert "b has answered 3 of 8 questions" in found.notes[0]


def test_one_id_for_two_questions_is_refused():
    other = settings(["b"]), [RunLine("b", replace(example(0), answers=("Lima",)), path(0, RIGHT))]
    with pytest.raises(InputError, match="'q0' is not the same in all runs"):
        report([run({"a": [RIGHT]}), other])


def test_an_empty_run_says_to_go_on():
    with pytest.raises(InputError, match="no answered question yet"):
        report([(settings(["a"]), [])], names=["runs/x"])


# ── metrics ────────────────────────────────────────────────────────────────────────────────────


def letters(trajectory, example):
    return float(len(trajectory.answer.text))


def breaks(trajectory, example):
    raise ZeroDivisionError("no such luck")


def test_the_primary_metric_can_be_another_one_or_a_value_of_one_or_anybodys():
    given = run({"a": [RIGHT, WRONG]})
    assert report([given], primary="exact_match").metrics[0] == "exact_match"
    assert report([given], primary="evidence_recall@5").sections[0].results[0].by_hops["1"].mean == 1
    own = report([given], metrics=["test_report:letters"], primary="test_report:letters")
    assert own.metrics == ("letters",)
    assert own.sections[0].results[0].scores["letters"].mean == 4


def test_an_unknown_metric_is_refused_with_the_nearest_name():
    given = run({"a": [RIGHT]})
    with pytest.raises(UnknownName, match="did you mean 'exact_match'"):
        report([given], metrics=["exact_matches"])
    with pytest.raises(UnknownName, match="did you mean 'length_aware'"):
        report([given], primary="lenght_aware")


def test_a_failing_metric_fails_the_report_and_says_where():
    with pytest.raises(ZeroDivisionError) as raised:
        report([run({"a": [RIGHT]})], metrics=["test_report:breaks"])
    assert raised.value.__notes__ == ["while the metric 'breaks' judged 'q0'"]


# ── the page ───────────────────────────────────────────────────────────────────────────────────


class Links(HTMLParser):
    """Whatever a page would load or leave to, and whether its elements close."""

    def __init__(self):
        super().__init__()
        self.loads, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.loads += [v for k, v in attributes if k in ("src", "href", "data", "srcset") and not v.startswith("#")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def audited(given):
    made, rows = given
    there = {"table": (Evidence("table", "t", "…", record="nothing"),)}
    return audit(made, rows, [Searched(row, 0, there) for row in rows if row.trajectory.steps])


def test_the_page_is_whole_loads_nothing_and_is_the_same_twice():
    given = [run({"a": [RIGHT] * 6 + [None], "b": [WRONG] * 7}), run({"a": [RIGHT]}, dataset="rivers.jsonl")]
    pages = [write_page(report(given), [audited(given[0])]) for _ in range(2)]
    assert all(page.count(write_scripts()) == 1 for page in pages)
    pages = [page.replace(write_scripts(), "") for page in pages]
    assert pages[0] == pages[1]
    links = Links()
    links.feed(pages[0])
    assert links.open == []
    assert links.loads == []
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", pages[0])
    for words in (
        "Score against retrievals",
        "Score against tokens",
        "Score by number of hops",
        "Latency per stage",
        "Where gold steps were sent",
        "Paired tests",
        "Reliability of a",
        "1 of 7 questions failed",
    ):
        assert words in pages[0]


@pytest.mark.slow
def test_the_page_has_nothing_that_axe_finds_and_no_legend_over_its_plot(tmp_path):
    routes = [("text",), ("table",)] * 4 + [("text",)] * 3
    taken = [RunLine("one_shot_routing", example(n), path(n, RIGHT, routes=r)) for n, r in enumerate(routes)]
    setup, rows = run({"r1_router": [RIGHT] * 6 + [WRONG] * 5, "vanilla_rag": [WRONG] * 11})
    page = tmp_path / "report.html"
    page.write_text(write_page(report([(settings([*setup.methods, "one_shot_routing"]), [*rows, *taken])])))
    with chromium() as driver:
        person = Person(driver, "")
        for size in SIZES.values():
            for dark in (False, True):
                person.has_screen(*size, dark=dark)
                driver.get(page.as_uri())
                person.finds(".plot .legend")
                assert faults(person) == []
                over = person.runs(
                    "const box = (element) => element.getBoundingClientRect();"
                    "return [...document.querySelectorAll('.plot:has(.legend)')].filter((plot) =>"
                    "  box(plot.querySelector('.legend')).bottom > box(plot.querySelector('.gridlayer')).top + 1"
                    ").length"
                )
                assert over == 0


def test_a_page_of_a_run_in_which_everything_failed_still_opens():
    text = write_page(report([run({"a": [None, None], "b": [None, None]})]))
    assert "2 of 2 questions failed" in text
    assert "Score against" not in text


def test_what_stands_in_the_data_cannot_become_markup():
    made, rows = run({"<script>alert(1)</script>": [RIGHT, WRONG]}, dataset="<b>x</b>")
    bad = [replace(rows[0], example=replace(rows[0].example, type="<i>"))]
    text = write_page(report([(made, bad + rows[1:])])).replace(write_scripts(), "")
    assert "<script>alert" not in text
    assert "<b>x</b>" not in text
    assert "<i>" not in text


def test_a_report_as_json_has_names_and_no_folders():
    found = make_plain(report([run({"a": [RIGHT]}, policy="llamacpp:/home/ada/x.gguf")]))
    text = json.dumps(found)
    assert found["sections"][0]["results"][0]["scores"]["exact_match"]["mean"] == 1
    assert found["sections"][0]["setups"][0]["policy"] == "llamacpp:x.gguf"
    assert "/home" not in text


@pytest.mark.parametrize("spec", ["scripted:", "llamacpp:", "openai:a/b@http://host:80/v1", "llamacpp:x.gguf?ctx=9"])
def test_specs_without_folders_stay_as_they_are(spec):
    assert drop_folders(spec) == spec


# ── money, calibration, several tries, seconds alone ───────────────────────────────────────────


def test_prices_make_a_column_of_money_and_none_is_there_without_them():
    given = run({"a": [RIGHT, RIGHT]})
    (result,) = report([given], prices=PriceList(Prices(prompt=10.0, completion=100.0))).sections[0].results
    assert result.costs["money"].mean == pytest.approx((90 * 10 + 10 * 100) / 1e6)
    assert "money" not in report([given]).sections[0].results[0].costs
    assert "money" in write_page(report([given], prices=PriceList(Prices(1.0, 1.0))))


def test_confidence_in_routes_is_calibrated_against_gold():
    rows = [RunLine("a", example(n), path(n, RIGHT, routes=("text" if n < 3 else "table",))) for n in range(4)]
    (result,) = report([(settings(["a"]), rows)]).sections[0].results
    assert result.calibration_error == pytest.approx(0.0), "three of four right, each with a confidence of 0.75"
    (wrong,) = report([(settings(["a"]), rows[3:])]).sections[0].results
    assert wrong.calibration_error == pytest.approx(0.75)


def test_runs_of_one_method_give_the_score_of_the_best_of_them():
    found = report([run({"a": [RIGHT, WRONG, WRONG]}), run({"a": [WRONG, RIGHT, WRONG]})], names=["one", "two"])
    for result in found.sections[0].results:
        tries, best = result.best_of
        assert (tries, best.mean) == (2, pytest.approx(2 / 3))
    assert report([run({"a": [RIGHT]})]).sections[0].results[0].best_of is None


def test_seconds_alone_stand_beside_those_of_many_at_once():
    given = run({"a": [RIGHT, RIGHT]})
    (result,) = report([given], alone=[{"a": [{"plan": 0.5, "final": 0.25}]}]).sections[0].results
    assert (result.alone["total"].p50, result.seconds["total"].p50) == (0.75, 1.5)


@pytest.mark.parametrize(("alone", "says"), [({}, "--alone 8"), ({"a": [{"plan": 0.5}]}, "one at a time")])
def test_a_report_says_that_questions_in_flight_together_wait_for_each_other(alone, says):
    found = report([run({"a": [RIGHT, RIGHT]})], alone=[alone])
    console = Console(width=200, file=io.StringIO())
    tables.show(found, console)
    for text in (console.file.getvalue(), write_page(found)):
        assert "each of which waits for the others" in text
        assert says in text


def test_one_question_is_called_one_question():
    found = report([run({"a": [RIGHT]})])
    console = Console(width=120, file=io.StringIO())
    tables.show(found, console)
    for text in (console.file.getvalue(), write_page(found)):
        assert "1 question" in text
        assert "1 questions" not in text


@pytest.mark.parametrize("width", [60, 80, 97, 120])
def test_a_terminal_shows_the_names_of_all_methods_whole_however_many_groups_there_are(width):
    names = [f"a_method_with_a_long_name_{letter}" for letter in "ab"]
    types = [f"a_rather_long_type_of_question_{n}" for n in range(12)]
    rows = [RunLine(name, example(n, type_=types[n]), path(n, RIGHT)) for name in names for n in range(12)]
    console = Console(width=width, file=io.StringIO())
    tables.show(report([(settings(names), rows)]), console)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    wide = Console(width=1000, file=io.StringIO())
    tables.show(report([(settings(names), rows)]), wide)
    cut = set(console.file.getvalue().split()) - set(wide.file.getvalue().split())
    assert all(set(word) == {"─"} for word in cut), "no heading and no number is cut at the edge"
    assert sum(line.strip().startswith(names[1]) for line in lines) > 3
    assert sum("n=1" in line for line in lines) > 1, "the groups are in several tables"
