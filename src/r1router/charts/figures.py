"""Draws numbers as figures of Plotly: lines, points with intervals, groups, bars; data only, nothing is rendered here.

A series keeps its colour and its marker in every figure of a page, by its number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any, Protocol

COLOURS = 8
MARKERS = ("circle", "square", "triangle-up", "diamond", "cross")
KEYS = "●■▲◆✚"
"""The markers as letters, for tables. Forty series differ, since no two share both colour and marker."""


class Bounded(Protocol):
    """A mean with the bounds of its interval, such as `evals.statistics.Interval`."""

    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Figure:
    """What Plotly draws; colours, fonts and the grid come from the page."""

    title: str
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    note: str = ""
    """A sentence below the title."""
    height: int = 340
    """Pixels."""
    broad: bool = False
    """Whether it needs the width of the page."""
    says: str = field(default="")
    """What a screen reader says; the title where it is empty."""


def draw_lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    note: str = "",
    marked: bool = False,
    from_zero: bool = False,
) -> Figure:
    """A line for each series through its (x, y), in the given order; `marked` draws its points, too."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers" if marked else "lines",
            "name": name,
            "x": [x for x, _ in points],
            "y": [y for _, y in points],
            "hovertemplate": f"{_head(name)}%{{x}}: %{{y}}<extra></extra>",
            **_style(number),
        }
        for number, (name, points) in enumerate(series.items())
    ]
    return Figure(title, traces, _axes(x_label, y_label, y_from_zero=from_zero), note)


def draw_scatter(
    points: Mapping[str, tuple[Bounded, Bounded]], *, title: str, x_label: str, y_label: str, note: str = ""
) -> Figure:
    """One point (x, y) for each series, both intervals as bars."""
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [x.mean],
            "y": [y.mean],
            "error_x": _bar([x]),
            "error_y": _bar([y]),
            "hovertemplate": f"{_head(name)}{y_label} {_say(y)}<br>{x_label} {_say(x)}<extra></extra>",
            **_style(number),
        }
        for number, (name, (x, y)) in enumerate(points.items())
    ]
    return Figure(title, traces, _axes(x_label, y_label, x_from_zero=True, y_from_zero=True), note)


def draw_groups(
    series: Mapping[str, Mapping[str, Bounded]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    counts: Mapping[str, int],
    note: str = "",
) -> Figure:
    """A column for each group, in it the series side by side with their intervals; `counts` stand below the names."""
    names = {group: f"{_break(group)}<br>n={count}" for group, count in counts.items()}
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [names[group] for group in values],
            "y": [value.mean for value in values.values()],
            "error_y": _bar(list(values.values())),
            "text": [_say(value) for value in values.values()],
            "hovertemplate": f"{_head(name)}%{{x}}: %{{text}}<extra></extra>",
            **_style(number),
        }
        for number, (name, values) in enumerate(series.items())
    ]
    layout = _axes(x_label, y_label, y_from_zero=True)
    order = {"categoryorder": "array", "categoryarray": list(names.values()), "type": "category"}
    layout = {**layout, "xaxis": {**layout["xaxis"], **order}, "scattermode": "group", "scattergap": 0.35}
    many = len(series) * len(counts) > 16
    return Figure(title, traces, layout, note, broad=many, height=380 if many else 340)


def draw_spreads(
    series: Mapping[str, Mapping[str, tuple[float, float]]], *, title: str, x_label: str, note: str = ""
) -> Figure:
    """A bar to the first number of each series in each row, a whisker to the second; rows go down the page."""
    rows = list(dict.fromkeys(row for values in series.values() for row in values))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": [_break(row) for row in values],
            "x": [middle for middle, _ in values.values()],
            "text": [f"{middle:.2f} to {high:.2f}" for middle, high in values.values()],
            "textposition": "none",
            "hovertemplate": f"{_head(name)}%{{y}}: %{{text}}<extra></extra>",
            "error_x": {"type": "data", "symmetric": False, "array": [high - low for low, high in values.values()],
                        "arrayminus": [0] * len(values), "thickness": 1.2, "width": 3, "color": "soft"},
            "marker": {"color": f"c{number % COLOURS}"},
        }
        for number, (name, values) in enumerate(series.items())
    ]  # fmt: skip
    layout = _axes(x_label, "", x_from_zero=True)
    order = {"categoryorder": "array", "categoryarray": [_break(row) for row in reversed(rows)], "type": "category"}
    layout = {**layout, "yaxis": {**layout["yaxis"], **order}, "barmode": "group", "bargap": 0.3}
    return Figure(title, traces, layout, note, height=max(340, 120 + 22 * len(rows) * max(1, len(series)) // 2))


def draw_reliability(bins: Sequence[tuple[float, Bounded, int]], *, title: str, note: str = "") -> Figure:
    """(mean confidence, share that was right, steps) of each bin; on the dashed line confidence means what it says."""
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "steps",
        "x": [confidence for confidence, _, _ in bins],
        "y": [right.mean for _, right, _ in bins],
        "error_y": _bar([right for _, right, _ in bins]),
        "text": [f"{_say(right)}, {steps} steps" for _, right, steps in bins],
        "hovertemplate": "confidence %{x:.2f}: %{text}<extra></extra>",
        **_style(0),
    }
    layout = _axes("confidence of the route taken", "share of right routes")
    ideal = {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "line": {"dash": "dash", "width": 1, "color": "soft"}}
    for axis in ("xaxis", "yaxis"):
        layout = {**layout, axis: {**layout[axis], "range": [-0.02, 1.02]}}
    return Figure(title, [trace], {**layout, "shapes": [ideal], "showlegend": False}, note)


# ── pieces ─────────────────────────────────────────────────────────────────────────────────────


def _style(number: int) -> dict[str, Any]:
    """The look of a series; the page puts its colour in place of "cN"."""
    colour = f"c{number % COLOURS}"
    return {
        "marker": {"color": colour, "symbol": MARKERS[number % len(MARKERS)], "size": 9},
        "line": {"color": colour, "width": 1.6},
    }


def _bar(values: Sequence[Bounded]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [value.high - value.mean for value in values],
        "arrayminus": [value.mean - value.low for value in values],
        "thickness": 1.2,
        "width": 3,
    }


def _axes(x_label: str, y_label: str, *, x_from_zero: bool = False, y_from_zero: bool = False) -> dict[str, Any]:
    def axis(label: str, from_zero: bool) -> dict[str, Any]:
        return {"title": {"text": _escape(label)}, "automargin": True, "rangemode": "tozero" if from_zero else "normal"}

    return {"xaxis": axis(x_label, x_from_zero), "yaxis": axis(y_label, y_from_zero)}


def _say(value: Bounded) -> str:
    digits = 3 if abs(value.mean) < 10 else 0
    return f"{value.mean:.{digits}f} ({value.low:.{digits}f} to {value.high:.{digits}f})"


def _head(name: str) -> str:
    """The name of a series at the top of what is told of a point; Plotly's own box beside it is pale and cuts names."""
    return f"<b>{_escape(name)}</b><br>"


def _break(name: str) -> str:
    """A name in lines that are short enough to stand side by side."""
    return (
        "<br>".join(map(_escape, wrap(re.sub(r"(?<=[+_/,:])(?=\w)", " ", name), 16)))
        .replace("_ ", "_")
        .replace("+ ", "+")
        .replace("/ ", "/")
        .replace(": ", ":")
    )


def _escape(text: str) -> str:
    """Text as Plotly shows it literally: it reads a few tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
