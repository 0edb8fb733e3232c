"""Writes a report as one HTML page that opens offline: tables that sort, plots, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from r1router.charts.figures import (
    COLOURS,
    KEYS,
    Figure,
    draw_groups,
    draw_reliability,
    draw_scatter,
    draw_spreads,
)
from r1router.charts.page import STYLE, write_figure, write_scripts
from r1router.evals.audit.regret import Audit
from r1router.evals.report.results import TOTAL
from r1router.evals.report.summary import Report, Section
from r1router.evals.report.words import (
    write_amount,
    write_breakable,
    write_chance,
    write_how_timed,
    write_score,
    write_signed,
    write_span,
)
from r1router.evals.run import RunSettings
from r1router.evals.statistics import Difference, Interval

STAGE_NAMES = {"plan": "think", "search": "retrieve", "answer": "read", "final": "final answer"}
"""What people call the stages."""
_FEW = 12
"""Rows of a table that is open at first."""
LEAST = 0.1
"""Least reach of a small drawing of scores, so that scores next to nothing look like that."""


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
        "how_timed": write_how_timed,
        "breakable": write_breakable,
    }
    sections = [_section(section, report.primary, audits) for section in report.sections]
    return environment.get_template("report.html.j2").render(
        report=report,
        sections=sections,
        total=TOTAL,
        few=_FEW,
        names=STAGE_NAMES,
        budget=write_budget,
        style=Markup(STYLE),
        scripts=Markup(write_scripts()) if any(s["figures"] or s["reliability"] for s in sections) else "",
    )


def _section(section: Section, primary: str, audits: Sequence[Audit]) -> dict[str, Any]:
    results = section.results
    top = max(LEAST, *(r.scores[primary].high for r in results if primary in r.scores), 0.0)
    audited = [audit for audit in audits if audit.dataset == section.dataset]
    reach = max(LEAST, *(max(abs(c.difference.low), abs(c.difference.high)) for c in section.comparisons), 0.0)
    return {
        "data": section,
        "marks": [(number % COLOURS, KEYS[number % len(KEYS)]) for number in range(len(results))],
        "strips": [_strip(r.scores[primary], 0.0, top) if primary in r.scores else None for r in results],
        "figures": [Markup(write_figure(figure)) for figure in _figures(section, primary)],
        "matrices": [(r.method, _matrix(r.confusion)) for r in results if r.confusion],
        "audits": audited,
        "reliability": [Markup(write_figure(figure)) for audit in audited for figure in _reliability(audit)],
        "compared": [(c, _strip(c.difference, -reach, reach)) for c in section.comparisons],
        "real": sum(c.p_holm < 0.05 for c in section.comparisons),
        "groups": [
            (title, list(dict.fromkeys(group for r in results for group in getattr(r, field))), field)
            for title, field in (("number of hops", "by_hops"), ("type of question", "by_type"))
            if any(getattr(r, field) for r in results)
        ],
        "stops": sorted({reason for r in results for reason in r.stops}),
        "seconds": list(dict.fromkeys(stage for r in results for stage in r.seconds)),
        "tries": next((r.best_of[0] for r in results if r.best_of), 0),
        "calibrated": any(r.calibration_error is not None for r in results),
        "priced": any("money" in r.costs for r in results),
        "timed": [
            *([("alone", {r.method: r.alone for r in results})] if any(r.alone for r in results) else []),
            ("at once", {r.method: r.seconds for r in results}),
        ],
        "every": [*_values(r.scores for r in results), *_values(r.costs for r in results)],
    }


def _figures(section: Section, primary: str) -> Iterator[Figure]:
    scored = [r for r in section.results if primary in r.scores]
    for cost in ("retrievals", "tokens"):
        points = {r.method: (r.costs[cost], r.scores[primary]) for r in scored if r.costs}
        if points:
            note = "Means with 95 % intervals; up and to the left is better."
            label = f"{cost} per question"
            yield draw_scatter(points, title=f"Score against {cost}", x_label=label, y_label=primary, note=note)
    timed = [r for r in section.results if r.seconds]
    stages = list(dict.fromkeys(stage for r in timed for stage in r.seconds if stage != TOTAL))
    if timed:
        yield draw_spreads(
            {
                STAGE_NAMES.get(stage, stage): {
                    r.method: (r.seconds[stage].p50, r.seconds[stage].p95) for r in timed if stage in r.seconds
                }
                for stage in stages
            },
            title="Latency per stage",
            x_label="seconds per question",
            note="Bars to the median question, whiskers to the 95th percentile; of questions in flight at once.",
        )
    for title, field in (("number of hops", "by_hops"), ("type of question", "by_type")):
        groups = {r.method: getattr(r, field) for r in scored if getattr(r, field)}
        counts: dict[str, int] = {}
        for values in groups.values():
            for group, value in values.items():
                counts[group] = max(counts.get(group, 0), value.n)
        if groups:
            note = "Means with 95 % intervals, the methods from left to right as in the legend."
            yield draw_groups(
                groups, title=f"Score by {title}", x_label=title, y_label=primary, counts=counts, note=note
            )


def _reliability(audit: Audit) -> Iterator[Figure]:
    for method in audit.methods:
        if method.bins:
            bins = [(b.confidence, b.right, b.right.n) for b in method.bins]
            yield draw_reliability(bins, title=f"Reliability of {method.method}")


class _Strip(NamedTuple):
    """An interval as a small drawing in a table, in percent of its width."""

    low: float
    width: float
    mean: float
    zero: float | None
    """Where 0 is, if that is inside."""
    says: str


def _strip(value: Interval | Difference, least: float, most: float) -> _Strip:
    def place(x: float) -> float:
        return round(100 * (x - least) / (most - least), 1)

    says = f"{write_score(value.mean)}, {write_span(value)}"
    zero = place(0.0) if least < 0 < most else None
    return _Strip(place(value.low), place(value.high) - place(value.low), place(value.mean), zero, says)


class _Matrix(NamedTuple):
    """Gold route against taken route."""

    taken: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[int, float, bool]]]]
    """Gold route, then for each taken one: steps, share of the gold route's, whether it is the right one."""


def _matrix(counts: Mapping[str, Mapping[str, int]]) -> _Matrix:
    taken = sorted({name for row in counts.values() for name in row} | {*counts}, key=lambda n: (n == "none", n))
    rows = []
    for gold in sorted(counts):
        total = sum(counts[gold].values()) or 1
        cells = [(counts[gold].get(name, 0), counts[gold].get(name, 0) / total, name == gold) for name in taken]
        rows.append((gold, cells))
    return _Matrix(taken, rows)


def _values(tables: Iterable[Mapping[str, Interval]]) -> list[tuple[str, list[Interval | None]]]:
    """(name, the value of each method), by name."""
    columns = list(tables)
    return [(name, [column.get(name) for column in columns]) for name in sorted({n for c in columns for n in c})]


def write_budget(setup: RunSettings) -> str:
    """The budget of a run as the end of a sentence; empty where it had none."""
    limits = {"tokens": setup.budget.tokens, "seconds": setup.budget.seconds, "retrievals": setup.budget.retrievals}
    said = [f"{limit:g} {name}" for name, limit in limits.items() if limit is not None]
    return f", within {' and '.join(said)} a question" if said else ""
