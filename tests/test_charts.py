"""Figures of Plotly: what they hold, that a page of them is one file, and that a browser draws them offline."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from browsing import chromium
from r1router.charts.figures import draw_groups, draw_lines, draw_reliability, draw_scatter, draw_spreads
from r1router.charts.page import write_figure, write_page
from r1router.evals.statistics import Interval


def interval(mean):
    return Interval(mean, mean - 0.1, mean + 0.2, 10)


FIGURES = [
    draw_lines({"loss": [(1, 2.0), (2, 1.0)]}, title="Loss", x_label="step", y_label="nats"),
    draw_scatter({"a": (interval(1.0), interval(0.5))}, title="Score", x_label="retrievals", y_label="score"),
    draw_groups({"a": {"1": interval(0.5)}}, title="Hops", x_label="hops", y_label="score", counts={"1": 10}),
    draw_spreads({"think": {"a": (1.0, 3.0)}}, title="Seconds", x_label="seconds"),
    draw_reliability([(0.4, interval(0.5), 7)], title="Reliability"),
]


class Outside(HTMLParser):
    """What a page would load."""

    def __init__(self):
        super().__init__()
        self.loads = []

    def handle_starttag(self, tag, attributes):
        self.loads += [value for key, value in attributes if key in ("src", "href", "srcset", "data")]


def test_a_figure_holds_the_numbers_and_the_distances_of_its_bounds():
    [trace] = FIGURES[1].traces
    assert (trace["x"], trace["y"]) == ([1.0], [0.5])
    assert trace["error_y"]["array"] == [pytest.approx(0.2)]
    assert trace["error_y"]["arrayminus"] == [pytest.approx(0.1)]
    [bar] = FIGURES[3].traces
    assert (bar["x"], bar["error_x"]["array"]) == ([1.0], [2.0])


def test_what_is_told_of_a_point_names_its_series_whole():
    name = "a_method:with_options_of_mine"
    drawn = [
        draw_lines({name: [(0, 1)]}, title="", x_label="", y_label=""),
        draw_scatter({name: (interval(0.5), interval(0.5))}, title="", x_label="", y_label=""),
        draw_groups({name: {"all": interval(0.5)}}, title="", x_label="", y_label="", counts={"all": 3}),
        draw_spreads({name: {"a": (1.0, 3.0)}}, title="", x_label=""),
    ]
    assert all(figure.traces[0]["hovertemplate"].startswith(f"<b>{name}</b><br>") for figure in drawn)


def test_a_series_keeps_its_marker_in_every_figure():
    points = {name: (interval(1.0), interval(0.5)) for name in "abcdefghij"}
    scatter = draw_scatter(points, title="", x_label="", y_label="")
    looks = [(trace["marker"]["color"], trace["marker"]["symbol"]) for trace in scatter.traces]
    assert len(set(looks)) == 10
    groups = draw_groups(
        {name: {"g": interval(0.5)} for name in points}, title="", x_label="", y_label="", counts={"g": 1}
    )
    assert [(trace["marker"]["color"], trace["marker"]["symbol"]) for trace in groups.traces] == looks


@pytest.mark.parametrize("name", ["text+table+image_of_something_long", "yes/no", "a_method:with_options_of_mine"])
def test_long_names_of_groups_are_broken_into_lines(name):
    [trace] = draw_groups({"a": {name: interval(0.5)}}, title="", x_label="", y_label="", counts={name: 3}).traces
    lines = trace["x"][0].split("<br>")
    assert max(map(len, lines)) <= 20
    assert "".join(lines[:-1]) == name
    assert lines[-1] == "n=3"
    [bar, *_] = draw_spreads({"think": {name: (1.0, 3.0)}}, title="", x_label="").traces
    assert bar["y"] == ["<br>".join(lines[:-1])]
    assert bar["error_x"]["color"] == "soft", "whiskers are seen in the dark, too"


def test_a_name_cannot_become_markup():
    bad = "</script><img src=x onerror=alert(1)>"
    text = write_figure(draw_lines({bad: [(0, 0)]}, title=bad, x_label=bad, y_label=bad, note=bad))
    assert "<img" not in text
    assert text.count("</script>") == 1
    drawn = json.loads(re.search(r'<script type="application/json">(.*)</script>', text)[1])
    assert drawn["data"][0]["name"] == bad


def test_a_page_is_one_file_and_the_same_twice():
    pages = [write_page("Run", FIGURES, intro="What it did.") for _ in range(2)]
    assert pages[0] == pages[1]
    outside = Outside()
    outside.feed(pages[0])
    assert outside.loads == []


@pytest.mark.slow
def test_a_browser_draws_every_figure_and_asks_for_nothing(tmp_path: Path):
    page = tmp_path / "charts.html"
    page.write_text(write_page("Run", FIGURES), encoding="utf-8")
    with chromium() as driver:
        driver.get(page.as_uri())
        drawn = driver.execute_script("return [...document.querySelectorAll('.plot')].map(p => !!p._fullLayout)")
        loaded = driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
        said = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert drawn == [True] * len(FIGURES)
    assert (loaded, said) == ([], [])


@pytest.mark.slow
def test_the_legend_is_not_under_the_buttons_on_a_phone(tmp_path: Path):
    page = tmp_path / "charts.html"
    stages = {stage: {"r1_router": (1.0, 3.0)} for stage in ("think", "retrieve", "read", "final answer", "look")}
    page.write_text(write_page("Run", [draw_spreads(stages, title="Seconds", x_label="seconds")]), encoding="utf-8")
    with chromium() as driver:
        size = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(page.as_uri())
        lowest, highest = driver.execute_script("""
            const box = (css) => document.querySelector(css).getBoundingClientRect();
            return [box(".modebar-group").bottom, box(".legend").top];
        """)
    assert lowest <= highest
