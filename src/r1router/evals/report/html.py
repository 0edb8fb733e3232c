"""Writes a report as one HTML page that opens offline: tables that sort, plots, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from r1router.evals.audit.regret import Audit
from r1router.evals.report import plots
from r1router.evals.report.results import TOTAL
from r1router.evals.report.summary import Comparison, Report, Section
from r1router.evals.report.svg import draw, draw_marker, draw_series
from r1router.evals.report.words import write_amount, write_chance, write_score, write_signed, write_span
from r1router.evals.run import Settings
from r1router.evals.statistics import Interval

STAGE_NAMES = {"plan": "think", "search": "retrieve", "answer": "read", "final": "final answer"}
"""What people call the stages."""
_FEW = 12
"""Rows of a table that is open at first."""


def write_page(report: Report, audits: Sequence[Audit] = ()) -> str:
    """The page. `audits` of the runs are shown with their data sets."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": write_score,
        "span": write_span,
        "signed": write_signed,
        "amount": write_amount,
        "chance": write_chance,
    }
    sections = [_section(section, report.primary, audits) for section in report.sections]
    return environment.get_template("report.html.j2").render(
        report=report, sections=sections, total=TOTAL, few=_FEW, names=STAGE_NAMES, budget=write_budget
    )


def _section(section: Section, primary: str, audits: Sequence[Audit]) -> dict[str, Any]:
    results = section.results
    top = max(plots.LEAST, *(r.scores[primary].high for r in results if primary in r.scores), 0.0)
    audited = [audit for audit in audits if audit.dataset == section.dataset]
    return {
        "data": section,
        "markers": [_key(style) for style in range(len(results))],
        "strips": [Markup(plots.draw_strip(r.scores[primary], top)) if primary in r.scores else "" for r in results],
        "figures": list(_figures(section, primary)),
        "matrices": [
            (r.method, Markup(plots.draw_matrix(r.confusion, says=f"gold and taken routes of {r.method}")))
            for r in results
            if r.confusion
        ],
        "audits": audited,
        "reliability": [drawn for audit in audited for drawn in _reliability(audit)],
        "compared": _compared(section.comparisons),
        "real": sum(c.p_holm < 0.05 for c in section.comparisons),
        "groups": [
            (title, list(dict.fromkeys(group for r in results for group in getattr(r, field))), field)
            for title, field in (("number of hops", "by_hops"), ("type of question", "by_type"))
            if any(getattr(r, field) for r in results)
        ],
        "stops": sorted({reason for r in results for reason in r.stops}),
        "seconds": list(dict.fromkeys(stage for r in results for stage in r.seconds)),
        "every": [*_values(r.scores for r in results), *_values(r.costs for r in results)],
    }


def _key(style: int) -> Markup:
    """The marker of a method, for the legend and the tables."""
    return Markup(draw(14, 14, [draw_series(style, [draw_marker(style, 7, 7, size=4.6)])], says="", kind="key"))


class _Figure(NamedTuple):
    title: str
    note: str
    svg: Markup
    place: str = ""
    """CSS class: "two" columns, "broad", "tall"."""
    stages: Sequence[str] = ()
    """Names of the stages, for a legend of their colours."""


def _figures(section: Section, primary: str) -> Iterator[_Figure]:
    scored = [(style, r) for style, r in enumerate(section.results) if primary in r.scores]
    for cost in ("retrievals", "tokens"):
        points = [plots.Point(r.method, style, r.costs[cost], r.scores[primary]) for style, r in scored if r.costs]
        if points:
            drawn = plots.draw_scatter(points, x_label=f"{cost} per question", y_label=primary)
            note = "Means with 95 % intervals; up and to the left is better."
            yield _Figure(f"Score against {cost}", note, Markup(drawn))
    groups = {
        field: {style: (r.method, getattr(r, field)) for style, r in scored if getattr(r, field)}
        for field in ("by_hops", "by_type")
    }
    many = {f: len(g) * len({name for _, values in g.values() for name in values}) > 16 for f, g in groups.items()}
    timed = {
        r.method: {STAGE_NAMES.get(s, s): plots.Spread(v.p50, v.p95) for s, v in r.seconds.items() if s != TOTAL}
        for r in section.results
        if r.seconds
    }
    if timed:
        drawn = plots.draw_stages(timed, x_label="seconds per question")
        stages = list(dict.fromkeys(stage for values in timed.values() for stage in values))
        note = "Bars to the median question, whiskers to the 95th percentile."
        yield _Figure("Latency per stage", note, Markup(drawn), "tall" if many["by_hops"] else "", stages)
    for title, field, place in (("number of hops", "by_hops", "two"), ("type of question", "by_type", "broad")):
        if groups[field]:
            drawn = plots.draw_groups(
                groups[field], x_label=title, y_label=primary, joined=field == "by_hops", broad=many[field]
            )
            note = "Means with 95 % intervals, the methods from left to right as in the legend."
            yield _Figure(f"Score by {title}", note, Markup(drawn), place if many[field] else "")


def _reliability(audit: Audit) -> list[tuple[str, Markup]]:
    return [
        (method.method, Markup(plots.draw_reliability([(b.confidence, b.right) for b in method.bins])))
        for method in audit.methods
        if method.bins
    ]


def _compared(comparisons: Sequence[Comparison]) -> list[tuple[Comparison, Markup]]:
    reach = max(plots.LEAST, *(max(abs(c.difference.low), abs(c.difference.high)) for c in comparisons), 0.0)
    return [(c, Markup(plots.draw_strip(c.difference, reach, low=-reach))) for c in comparisons]


def _values(tables: Iterable[Mapping[str, Interval]]) -> list[tuple[str, list[Interval | None]]]:
    """(name, the value of each method), by name."""
    columns = list(tables)
    return [(name, [column.get(name) for column in columns]) for name in sorted({n for c in columns for n in c})]


def write_budget(setup: Settings) -> str:
    """The budget of a run as the end of a sentence; empty where it had none."""
    limits = {"tokens": setup.budget.tokens, "seconds": setup.budget.seconds, "retrievals": setup.budget.retrievals}
    said = [f"{limit:g} {name}" for name, limit in limits.items() if limit is not None]
    return f", within {' and '.join(said)} a question" if said else ""
