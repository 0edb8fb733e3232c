"""Draws the plots of a report as SVG: points with intervals, groups, seconds, matrices, reliability."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple

from r1router.evals.report.svg import (
    Box,
    draw,
    draw_error_bar,
    draw_line,
    draw_marker,
    draw_path,
    draw_rect,
    draw_series,
    draw_text,
    draw_x_axis,
    draw_y_axis,
    place_ticks,
    scale,
)
from r1router.evals.statistics import Difference, Interval

_WIDTH, _HEIGHT = 400.0, 300.0
_BOX = Box(52, 12, 388, 250)
_LETTER = 6.3
"""Width of a letter of a label."""
LEAST = 0.1
"""Least height of an axis of scores, so that scores next to nothing look like that."""


class Point(NamedTuple):
    name: str
    style: int
    """Number of the series: its colour and marker."""
    x: Interval
    y: Interval


def draw_scatter(points: Sequence[Point], *, x_label: str, y_label: str) -> str:
    """One point a method, both intervals as bars, its name beside it where there is room."""
    across, up = place_ticks(max(p.x.high for p in points)), place_ticks(max(LEAST, *(p.y.high for p in points)))
    to_x, to_y = (
        scale(0, across[-1], _BOX.left + 8, _BOX.right - 6),
        scale(0, up[-1], _BOX.bottom, _BOX.top),
    )
    parts = [draw_y_axis(_BOX, up, to_y, y_label), draw_x_axis(_BOX, across, to_x, x_label)]
    at = [(to_x(p.x.mean), to_y(p.y.mean)) for p in points]
    for p, (x, y) in zip(points, at, strict=True):
        flat, upright = (
            draw_error_bar(to_x(p.x.low), y, to_x(p.x.high), y),
            draw_error_bar(x, to_y(p.y.low), x, to_y(p.y.high)),
        )
        parts.append(draw_series(p.style, [flat, upright]))
    drawn = [Box(x - 2, to_y(p.y.high), x + 2, to_y(p.y.low)) for p, (x, _) in zip(points, at, strict=True)]
    parts += _names(points, at, drawn)
    for p, (x, y) in zip(points, at, strict=True):
        tip = f"{p.name}: {y_label} {say_interval(p.y)}, {x_label} {say_interval(p.x)}"
        parts.append(draw_series(p.style, [draw_marker(p.style, x, y)], tip))
    return draw(_WIDTH, _HEIGHT, parts, says=f"{y_label} against {x_label}, one point a method")


_SIDES = [(9, 4, "start"), (-9, 4, "end"), (0, -10, "middle"), (0, 18, "middle"), (7, -8, "start"), (7, 16, "start"),
          (-7, -8, "end"), (-7, 16, "end")]  # fmt: skip


def _names(points: Sequence[Point], at: Sequence[tuple[float, float]], bars: Iterable[Box]) -> list[str]:
    """The names, each on the side of its point where it covers least."""
    taken = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in at] + list(bars)
    placed = []
    for p, (x, y) in zip(points, at, strict=True):
        width = len(p.name) * _LETTER
        options = []
        for dx, dy, anchor in _SIDES:
            left = x + dx - {"start": 0, "middle": width / 2, "end": width}[anchor]
            options.append((Box(left, y + dy - 10, left + width, y + dy + 3), anchor))
        best, anchor = min(options, key=lambda option: _covered(option[0], taken))
        taken.append(best)
        start = {"start": best.left, "middle": (best.left + best.right) / 2, "end": best.right}[anchor]
        placed.append(draw_series(p.style, [draw_text(start, best.bottom - 3, p.name, kind="name", anchor=anchor)]))
    return placed


def _covered(box: Box, taken: Sequence[Box]) -> float:
    outside = max(0, _BOX.left - box.left) + max(0, box.right - _WIDTH) + max(0, _BOX.top - 8 - box.top)
    outside += max(0, box.bottom - _BOX.bottom)
    shared = sum(
        max(0, min(box.right, other.right) - max(box.left, other.left))
        * max(0, min(box.bottom, other.bottom) - max(box.top, other.top))
        for other in taken
    )
    return shared + outside * 100


def draw_groups(
    methods: Mapping[int, tuple[str, Mapping[str, Interval]]],
    *,
    x_label: str,
    y_label: str,
    joined: bool = False,
    broad: bool = False,
) -> str:
    """Scores of groups of questions: a column a group, in it the methods side by side.

    `methods` is by the number of the series. `joined` draws a thin line through each, for groups with an order.
    """
    groups = list(dict.fromkeys(group for _, values in methods.values() for group in values))
    width = max(780.0 if broad else _WIDTH, len(groups) * (26 + 11 * len(methods)) + 70)
    box = _BOX._replace(right=width - 12)
    up = place_ticks(max(LEAST, *(i.high for _, values in methods.values() for i in values.values())))
    to_y = scale(0, up[-1], box.bottom, box.top)
    column = (box.right - box.left) / len(groups)
    step = min(14.0, (column - 20) / max(1, len(methods)))
    parts = [draw_y_axis(box, up, to_y, y_label), draw_line(box.left, box.bottom, box.right, box.bottom, "base")]
    for at, group in enumerate(groups):
        n = max(values[group].n for _, values in methods.values() if group in values)
        x = box.left + column * (at + 0.5)
        parts.append(draw_text(x, box.bottom + 17, f"{group} (n={n})", kind="tick", anchor="middle"))
        if at:
            parts.append(draw_line(x - column / 2, box.top, x - column / 2, box.bottom, "grid"))
    parts.append(draw_text((box.left + box.right) / 2, box.bottom + 36, x_label, kind="axis", anchor="middle"))
    for place, (style, (name, values)) in enumerate(methods.items()):
        shift = (place - (len(methods) - 1) / 2) * step
        xs = {group: box.left + column * (at + 0.5) + shift for at, group in enumerate(groups) if group in values}
        drawn = (
            [draw_path([(x, to_y(values[group].mean)) for group, x in xs.items()], "thread")]
            if joined and len(xs) > 1
            else []
        )
        for group, x in xs.items():
            i = values[group]
            drawn += [draw_error_bar(x, to_y(i.low), x, to_y(i.high)), draw_marker(style, x, to_y(i.mean))]
        said = "; ".join(f"{group}: {say_interval(values[group])}" for group in xs)
        parts.append(draw_series(style, drawn, f"{name}: {said}"))
    says = f"{y_label} by {x_label}"
    if width == _WIDTH:
        return draw(width, _HEIGHT, parts, says=says)
    return draw(width, _HEIGHT, parts, says=says, kind="plot wide", least=0.8)


class Spread(NamedTuple):
    p50: float
    p95: float


def draw_stages(methods: Mapping[str, Mapping[str, Spread]], *, x_label: str) -> str:
    """Seconds of each stage of each method: a bar to the median, a whisker to the 95th percentile."""
    thin, gap = 9.0, 14.0
    row = {name: max(1, len(values)) * (thin + 1) + gap for name, values in methods.items()}
    left = 14 + max(len(name) for name in methods) * _LETTER
    box = Box(left, 4, _WIDTH - 14, 4 + sum(row.values()))
    across = place_ticks(max([s.p95 for values in methods.values() for s in values.values()] or [1]), most=5)
    to_x = scale(0, across[-1], box.left, box.right)
    parts = [draw_line(to_x(v), box.top, to_x(v), box.bottom, "grid") for v in across]
    parts.append(draw_x_axis(box, across, to_x, x_label))
    names = list(dict.fromkeys(stage for values in methods.values() for stage in values))
    y = box.top
    for name, values in methods.items():
        parts.append(draw_text(box.left - 8, y + row[name] / 2 + 4, name, kind="name", anchor="end"))
        bar_y = y + gap / 2
        for stage, s in values.items():
            middle = bar_y + thin / 2
            drawn = [
                draw_rect(box.left, bar_y, max(0.5, to_x(s.p50) - box.left), thin, "fill"),
                draw_error_bar(to_x(s.p50), middle, to_x(s.p95), middle),
            ]
            tip = f"{name}, {stage}: median {s.p50:.2f} s, 95 % of questions within {s.p95:.2f} s"
            parts.append(draw_series(names.index(stage), drawn, tip, of="stage"))
            bar_y += thin + 1
        y += row[name]
    return draw(_WIDTH, box.bottom + 44, parts, says="seconds of a question by stage and method")


def draw_matrix(counts: Mapping[str, Mapping[str, int]], *, says: str) -> str:
    """Gold route against taken route: counts, shaded by the share of the gold route's steps."""
    golds = sorted(counts)
    taken = sorted({name for row in counts.values() for name in row} | set(golds), key=lambda n: (n == "none", n))
    left, top, size = 30 + max(map(len, golds)) * _LETTER, 46.0, 52.0
    wide = max(size, max(map(len, taken)) * _LETTER + 10)
    parts = [
        draw_text(left + wide * len(taken) / 2, 13, "taken", kind="axis", anchor="middle"),
        draw_text(11, top + size * len(golds) / 2, "gold", kind="axis", anchor="middle", turned=True),
    ]
    parts += [
        draw_text(left + wide * (n + 0.5), 35, name, kind="tick", anchor="middle") for n, name in enumerate(taken)
    ]
    for r, gold in enumerate(golds):
        total = sum(counts[gold].values())
        y = top + size * r
        parts.append(draw_text(left - 7, y + size / 2 + 4, gold, kind="tick", anchor="end"))
        for c, name in enumerate(taken):
            count = counts[gold].get(name, 0)
            share = count / total if total else 0.0
            x = left + wide * c
            kind = "cell right" if name == gold else "cell"
            ink = "on" if share > 0.55 else "off"
            parts += [
                f"<g><title>{escape(f'{gold} → {name}: {count} of {total}')}</title>",
                draw_rect(x + 1, y + 1, wide - 2, size - 2, kind, opacity=0.04 + 0.96 * share),
                draw_text(x + wide / 2, y + size / 2 + 1, str(count), kind=ink, anchor="middle"),
                draw_text(x + wide / 2, y + size / 2 + 15, f"{share:.0%}", kind=f"{ink} small", anchor="middle"),
                "</g>",
            ]
    return draw(left + wide * len(taken) + 6, top + size * len(golds) + 4, parts, says=says, kind="plot matrix")


def draw_reliability(bins: Sequence[tuple[float, Interval]], *, style: int = 0) -> str:
    """Confidence against how often the route was right; on the dashed line the confidence means what it says.

    `bins` are (mean confidence, accuracy); the number of steps stands under each.
    """
    marks = [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    to_x, to_y = scale(0, 1, _BOX.left + 6, _BOX.right - 6), scale(0, 1, _BOX.bottom, _BOX.top)
    parts = [
        draw_y_axis(_BOX, marks, to_y, "share of right routes"),
        draw_x_axis(_BOX, marks, to_x, "confidence of the route taken"),
        draw_line(to_x(0), to_y(0), to_x(1), to_y(1), "ideal"),
    ]
    points = [(to_x(confidence), to_y(right.mean)) for confidence, right in bins]
    drawn = [draw_path(points, "thread")] if len(points) > 1 else []
    for (_, right), (x, y) in zip(bins, points, strict=True):
        drawn += [draw_error_bar(x, to_y(right.low), x, to_y(right.high)), draw_marker(style, x, y)]
        parts.append(draw_text(x, _BOX.bottom - 5, str(right.n), kind="tick small", anchor="middle"))
    parts.append(draw_series(style, drawn))
    return draw(_WIDTH, _HEIGHT, parts, says="confidence of routes against their accuracy")


def draw_strip(value: Interval | Difference, high: float, *, low: float = 0.0) -> str:
    """An interval as a line with its mean, small enough for a table; a mark where 0 is, if that is inside."""
    to_x = scale(low, high, 3, 117)
    parts = [draw_line(3, 8, 117, 8, "grid")]
    if low < 0 < high:
        parts.append(draw_line(to_x(0), 1, to_x(0), 15, "base"))
    parts += [
        draw_line(to_x(value.low), 8, to_x(value.high), 8, "range"),
        draw_marker(0, to_x(value.mean), 8, size=3.5),
    ]
    return draw(120, 16, parts, says=say_interval(value), kind="strip")


def say_interval(value: Interval | Difference) -> str:
    digits = 3 if abs(value.mean) < 10 else 0
    return f"{value.mean:.{digits}f} ({value.low:.{digits}f} to {value.high:.{digits}f})"
