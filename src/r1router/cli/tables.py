"""Prints a report as tables in a terminal: scores, paired tests, groups of questions, why it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from r1router.evals.report.summary import Report, Section
    from r1router.evals.statistics import Interval

USUAL = ("f1_recall", "exact_match", "evidence_recall")
"""The metrics beside the primary one, unless others are asked for; the HTML page has all."""


def show(report: Report, console: Console, *, metrics: Sequence[str] = USUAL) -> None:
    """Print a report; `metrics` are the columns beside the primary one, as far as the report has them."""
    for section in report.sections:
        console.print(Rule(Text(section.dataset, style="bold")))
        for setup in section.setups:
            made = f"{', '.join(setup.kbs) or 'no knowledge bases'}; k={setup.k}; {setup.max_steps} steps at most"
            console.print(Text(f"{section.questions} questions; {setup.policy}; {made}", style="dim"), soft_wrap=True)
        shown = [name for name in dict.fromkeys(metrics) if name in report.metrics and name != report.primary]
        console.print(_scores(section, report.primary, shown))
        console.print(_costs(section))
        if section.comparisons:
            console.print(_comparisons(section, report.primary))
        for title, groups in (
            ("hops", {r.method: r.by_hops for r in section.results}),
            ("type", {r.method: r.by_type for r in section.results}),
        ):
            if any(groups.values()):
                console.print(_groups(f"{report.primary} by {title}", groups))
        for note in section.notes:
            console.print(Text(note, style="yellow"), soft_wrap=True)


def _scores(section: Section, primary: str, metrics: Sequence[str]) -> Table:
    table = _table("", "method", *(name.replace("_", "_\n") for name in (primary, *metrics)), "macro\nroute", "failed")
    for r in section.results:
        scores = [_cell(r.scores.get(name)) for name in (primary, *metrics)]
        table.add_row(Text(r.method), *scores, _cell(r.macro_route_accuracy), str(r.errors or "·"))
    return table


def _costs(section: Section) -> Table:
    from r1router.evals.report.results import TOTAL
    from r1router.evals.report.words import write_amount

    table = _table("", "method", "retrievals", "tokens", "seconds\np50", "\np95")
    table.add_column("stopped", overflow="fold")
    for r in section.results:
        costs = [write_amount(r.costs[name].mean) if r.costs else "·" for name in ("retrievals", "tokens")]
        total = r.seconds.get(TOTAL)
        seconds = [write_amount(total.p50), write_amount(total.p95)] if total else ["·", "·"]
        stops = ", ".join(f"{reason} {count}" for reason, count in r.stops.items())
        table.add_row(Text(r.method), *costs, *seconds, Text(stops, style="dim"))
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.title, table.title_justify, table.title_style = title or None, "left", "dim"
    table.add_column(first, style="bold", overflow="fold")
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table


def _cell(value: Interval | None) -> Text:
    """The mean, its 95 % interval below it."""
    if value is None:
        return Text("·", style="dim")
    return Text(f"{value.mean:.3f}\n").append(f"{value.low:.2f}–{value.high:.2f}", style="dim")


def _comparisons(section: Section, primary: str) -> Table:
    from r1router.evals.report.words import write_chance, write_signed, write_span

    title = f"paired differences in {primary}; p corrected for {len(section.comparisons)} comparisons (Holm)"
    table = _table(title, "methods", "difference", "95 % interval", "p", "p corrected", "questions")
    for c in section.comparisons:
        style = "" if c.p_holm < 0.05 else "dim"
        d = c.difference
        numbers = write_signed(d.mean), write_span(d), write_chance(d.p), write_chance(c.p_holm), str(d.n)
        table.add_row(Text(f"{c.a} − {c.b}"), *numbers, style=style)
    return table


def _groups(title: str, methods: Mapping[str, Mapping[str, Interval]]) -> Table:
    names = list(dict.fromkeys(name for groups in methods.values() for name in groups))
    counts = [max(groups[name].n for groups in methods.values() if name in groups) for name in names]
    heads = [name.replace("+", "+\n") + f"\nn={n}" for name, n in zip(names, counts, strict=True)]
    table = _table(title, "method", *heads)
    for method, groups in methods.items():
        table.add_row(Text(method), *(_cell(groups.get(name)) for name in names))
    return table
