"""Writes figures as HTML that draws itself without a network, because a report is kept, sent and opened anywhere.

A page is one file: Plotly's basic bundle (MIT, 1.2 MB), our few lines that give it the page's colours, and the
numbers as JSON. The same figures make the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

from r1router.charts.figures import Figure

_HERE = Path(__file__).parent
STYLE = (_HERE / "charts.css").read_text(encoding="utf-8")
"""Colours in light and dark, and the boxes of figures."""


def write_page(title: str, figures: Sequence[Figure], *, intro: str = "") -> str:
    """A whole page of figures; `intro` is a plain sentence above them."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n"
        f"<p>{escape(intro)}</p>\n"
        f'<div class="figures">\n{"".join(map(write_figure, figures))}</div>\n</main>\n'
        f"{write_scripts()}</body>\n</html>\n"
    )


def write_figure(figure: Figure) -> str:
    """The place of a figure with its numbers; it is drawn by what `write_scripts` puts at the end of the page."""
    drawn = json.dumps({"data": figure.traces, "layout": figure.layout}, ensure_ascii=False)
    safe = drawn.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    note = f"<small>{escape(figure.note)}</small>" if figure.note else ""
    return (
        f'<figure class="chart{" broad" if figure.broad else ""}">'
        f"<figcaption><b>{escape(figure.title)}</b>{note}</figcaption>"
        f'<div class="plot" role="group" aria-label="{escape(figure.says or figure.title)}" '
        f'style="height:{figure.height}px"></div>'
        f'<script type="application/json">{safe}</script></figure>\n'
    )


@cache
def write_scripts() -> str:
    """Plotly and what draws every figure of the page; once, after the last one."""
    bundle, ours = ((_HERE / name).read_text(encoding="utf-8") for name in ("plotly-basic.min.js", "charts.js"))
    return f"<script>{bundle}</script>\n<script>{ours}</script>\n"
