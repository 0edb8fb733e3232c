"""Draws pieces of SVG: scales, ticks, axes, markers, error bars. Colours are the page's, as CSS classes.

Written by hand rather than drawn by a plotting package: the page then follows light and dark by itself, needs no
extra, and is the same to the byte whatever is installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import NamedTuple

_COLOURS, _MARKERS = 8, 5
"""Of series: 40 of them can be told apart, since no two share both."""

Scale = Callable[[float], float]


class Box(NamedTuple):
    """The area of a plot inside its drawing, in its units."""

    left: float
    top: float
    right: float
    bottom: float


def write_number(value: float) -> str:
    """A coordinate: two digits, no trailing zeros, no negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def scale(low: float, high: float, start: float, end: float) -> Scale:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def place_ticks(high: float, *, most: int = 6) -> list[float]:
    """Round numbers from 0 up to the first one at or above `high`, `most` of them at most."""
    if high <= 0:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(high / (most - 1)))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20) if high / (size * factor) <= most - 1)
    return [round(step * n, 10) for n in range(math.ceil(high / step - 1e-9) + 1)]


def write_tick(value: float) -> str:
    """
    >>> [write_tick(v) for v in (0, 0.25, 40, 2500, 12000)]
    ['0', '0.25', '40', '2.5k', '12k']
    """
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


# ── elements ───────────────────────────────────────────────────────────────────────────────────


def draw(width: float, height: float, parts: Iterable[str], *, says: str, kind: str = "plot", least: float = 0) -> str:
    """A whole SVG; `says` is what a screen reader reads, `kind` its CSS class.

    The page may scale it, down to a share of `least`, below which it scrolls.
    """
    style = f' style="min-width:{write_number(width * least)}px"' if least else ""
    return (
        f'<svg class="{kind}"{style} width="{write_number(width)}" height="{write_number(height)}" '
        f'viewBox="0 0 {write_number(width)} {write_number(height)}" role="img" aria-label="{escape(says)}">'
        f"{''.join(parts)}</svg>"
    )


def draw_text(x: float, y: float, words: str, *, kind: str = "", anchor: str = "start", turned: bool = False) -> str:
    turn = f' transform="rotate(-90 {write_number(x)} {write_number(y)})"' if turned else ""
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{write_number(x)}" y="{write_number(y)}" text-anchor="{anchor}"{css}{turn}>{escape(words)}</text>'


def draw_line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    ends = f'x1="{write_number(x1)}" y1="{write_number(y1)}" x2="{write_number(x2)}" y2="{write_number(y2)}"'
    return f'<line class="{kind}" {ends}/>'


def draw_rect(x: float, y: float, width: float, height: float, kind: str, *, opacity: float | None = None) -> str:
    shade = "" if opacity is None else f' fill-opacity="{write_number(opacity)}"'
    return (
        f'<rect class="{kind}" x="{write_number(x)}" y="{write_number(y)}" width="{write_number(width)}" '
        f'height="{write_number(height)}"{shade}/>'
    )


def draw_path(points: Sequence[tuple[float, float]], kind: str) -> str:
    return f'<path class="{kind}" d="M{" L".join(f"{write_number(x)} {write_number(y)}" for x, y in points)}"/>'


def draw_marker(index: int, x: float, y: float, *, size: float = 4.5) -> str:
    """The marker of a series: circle, square, triangle, diamond, cross."""
    r = size
    match index % _MARKERS:
        case 0:
            return f'<circle class="mark" cx="{write_number(x)}" cy="{write_number(y)}" r="{write_number(r)}"/>'
        case 1:
            return draw_rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8, "mark")
        case 2:
            corners = [(x, y - r * 1.2), (x + r * 1.1, y + r * 0.85), (x - r * 1.1, y + r * 0.85)]
        case 3:
            corners = [(x, y - r * 1.3), (x + r * 1.3, y), (x, y + r * 1.3), (x - r * 1.3, y)]
        case _:
            a, b = r * 0.4, r * 1.15
            corners = [
                (x - a, y - b), (x + a, y - b), (x + a, y - a), (x + b, y - a), (x + b, y + a), (x + a, y + a),
                (x + a, y + b), (x - a, y + b), (x - a, y + a), (x - b, y + a), (x - b, y - a), (x - a, y - a),
            ]  # fmt: skip
    return f'<path class="mark" d="M{" L".join(f"{write_number(px)} {write_number(py)}" for px, py in corners)}Z"/>'


def draw_series(index: int, parts: Iterable[str], tip: str = "", *, of: str = "method") -> str:
    """Parts in the colour of a series, with words that appear under the pointer; `of` names the set of colours."""
    title = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<g class="{of}-{index % _COLOURS}">{title}{"".join(parts)}</g>'


def draw_error_bar(x1: float, y1: float, x2: float, y2: float) -> str:
    """A line from one bound to the other with a cap at each end; upright or flat."""
    cap = 3.0
    if abs(x2 - x1) < abs(y2 - y1):
        caps = [draw_line(x1 - cap, y, x1 + cap, y, "bar") for y in (y1, y2)]
    else:
        caps = [draw_line(x, y1 - cap, x, y1 + cap, "bar") for x in (x1, x2)]
    return "".join([draw_line(x1, y1, x2, y2, "bar"), *caps])


def draw_y_axis(box: Box, values: Sequence[float], to_y: Scale, label: str) -> str:
    """Grid lines with their numbers and the axis' name, written upwards."""
    lines = [draw_line(box.left, to_y(v), box.right, to_y(v), "grid") for v in values]
    numbers = [draw_text(box.left - 6, to_y(v) + 4, write_tick(v), kind="tick", anchor="end") for v in values]
    name = draw_text(13, (box.top + box.bottom) / 2, label, kind="axis", anchor="middle", turned=True)
    return "".join([*lines, *numbers, name])


def draw_x_axis(box: Box, values: Sequence[float], to_x: Scale, label: str) -> str:
    marks = [draw_line(to_x(v), box.bottom, to_x(v), box.bottom + 4, "grid") for v in values]
    numbers = [draw_text(to_x(v), box.bottom + 17, write_tick(v), kind="tick", anchor="middle") for v in values]
    name = draw_text((box.left + box.right) / 2, box.bottom + 36, label, kind="axis", anchor="middle")
    return "".join([draw_line(box.left, box.bottom, box.right, box.bottom, "base"), *marks, *numbers, name])
