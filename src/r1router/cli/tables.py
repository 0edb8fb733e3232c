"""Prints a report as tables in a terminal: scores, paired tests, groups of questions, why it stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
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
    from r1router.evals.report.words import write_how_timed

    for section in report.sections:
        console.print(Rule(Text(section.dataset, style="bold")))
        asked = f"{section.questions} question{'s' if section.questions != 1 else ''}"
        made = [
            f"{asked}; {setup.policy}; {', '.join(setup.kbs) or 'no knowledge bases'}; "
            f"k={setup.k}; {setup.max_steps} steps at most"
            for setup in section.setups
        ]
        for line in dict.fromkeys(made):
            console.print(Text(line, style="dim"), soft_wrap=True)
        shown = [name for name in dict.fromkeys(metrics) if name in report.metrics and name != report.primary]
        for table in (*_scores(section, report.primary, shown, console), *_costs(section, console)):
            console.print(table)
        console.print(Text(write_how_timed(section), style="dim"))
        for table in _comparisons(section, report.primary, console) if section.comparisons else ():
            console.print(table)
        for title, groups in (
            ("hops", {r.method: r.by_hops for r in section.results}),
            ("type", {r.method: r.by_type for r in section.results}),
        ):
            if any(groups.values()):
                for table in _groups(f"{report.primary} by {title}", groups, console):
                    console.print(table)
        for note in section.notes:
            console.print(Text(note, style="yellow"), soft_wrap=True)


def _scores(section: Section, primary: str, metrics: Sequence[str], console: Console) -> Iterator[Table]:
    results = section.results
    columns = {name.replace("_", "_\n"): [_cell(r.scores.get(name)) for r in results] for name in (primary, *metrics)}
    if any(r.best_of for r in results):
        tries = next(r.best_of[0] for r in results if r.best_of)
        columns[f"best of {tries}\npass@{tries}"] = [_cell(r.best_of[1] if r.best_of else None) for r in results]
    columns["macro\nroute"] = [_cell(r.macro_route_accuracy) for r in results]
    if any(r.calibration_error is not None for r in results):
        columns["calibration\nerror"] = [
            Text("·" if r.calibration_error is None else f"{r.calibration_error:.3f}") for r in results
        ]
    columns["failed"] = [Text(str(r.errors or "·")) for r in results]
    return _split("", [r.method for r in results], columns, console)


def _costs(section: Section, console: Console) -> Iterator[Table]:
    from r1router.evals.report.results import TOTAL
    from r1router.evals.report.words import write_amount

    results = section.results
    columns = {
        name: [Text(write_amount(r.costs[name].mean) if name in r.costs else "·") for r in results]
        for name in ("retrievals", "tokens")
    }
    if any("money" in r.costs for r in results):
        columns["money"] = [Text(f"{r.costs['money'].mean:.6f}" if "money" in r.costs else "·") for r in results]
    alone = any(r.alone for r in results)
    for title, timed in (("alone", [r.alone for r in results]), ("at once", [r.seconds for r in results])):
        if title == "alone" and not alone:
            continue
        for share in ("p50", "p95"):
            cells = [Text(write_amount(getattr(of[TOTAL], share)) if TOTAL in of else "·") for of in timed]
            columns[f"seconds\n{title} {share}"] = cells
    columns["stopped"] = [
        Text("\n".join(f"{reason} {count}" for reason, count in r.stops.items()), style="dim") for r in results
    ]
    yield from _split("", [r.method for r in results], columns, console)


def _split(
    title: str, methods: Sequence[str], columns: Mapping[str, Sequence[Text]], console: Console
) -> Iterator[Table]:
    """The columns in as many tables as the console is wide, each with the names of all methods whole."""
    longest = max(len(line) for text in ("method", *methods) for line in text.split("\n"))
    name = min(longest, max(12, console.width // 2))
    left = dict(columns)
    while left:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
        table.title, table.title_justify, table.title_style = title or None, "left", "dim"
        table.add_column("method", style="bold", overflow="fold", min_width=name, max_width=name)
        taken: list[Sequence[Text]] = []
        used = name + 2
        for head, cells in left.items():
            lines = [line for text in (head, *(cell.plain for cell in cells)) for line in text.split("\n")]
            used += max(map(len, lines)) + 3  # a space on either side, and the line between columns
            if taken and used > console.width:
                break
            taken.append(left[head])
            table.add_column(head, justify="right", no_wrap=True)
        for number, method in enumerate(methods):
            table.add_row(Text(method), *(cells[number] for cells in taken))
        left = dict(list(left.items())[len(taken) :])
        yield table


def _cell(value: Interval | None) -> Text:
    """The mean, its 95 % interval below it."""
    if value is None:
        return Text("·", style="dim")
    return Text(f"{value.mean:.3f}\n").append(f"{value.low:.2f}–{value.high:.2f}", style="dim")


def _comparisons(section: Section, primary: str, console: Console) -> Iterator[Table]:
    from r1router.evals.report.words import write_chance, write_signed, write_span

    title = f"paired differences in {primary}; p corrected for {len(section.comparisons)} comparisons (Holm)"
    columns: dict[str, list[Text]] = {"difference": [], "p": [], "p\ncorrected": [], "questions": []}
    for c in section.comparisons:
        d, style = c.difference, "" if c.p_holm < 0.05 else "dim"
        cells = f"{write_signed(d.mean)}\n{write_span(d)}", write_chance(d.p), write_chance(c.p_holm), str(d.n)
        for column, cell in zip(columns.values(), cells, strict=True):
            column.append(Text(cell, style))
    pairs = [(c.a, f"− {c.b}") for c in section.comparisons]
    between = " " if max(len(" ".join(pair)) for pair in pairs) <= console.width // 2 else "\n"
    return _split(title, [between.join(pair) for pair in pairs], columns, console)


def _groups(title: str, methods: Mapping[str, Mapping[str, Interval]], console: Console) -> Iterator[Table]:
    columns = {}
    for name in dict.fromkeys(name for groups in methods.values() for name in groups):
        count = max(groups[name].n for groups in methods.values() if name in groups)
        head = "\n".join(wrap(re.sub(r"(?<=[+_])(?=\w)", " ", name), 18)).replace("_ ", "_").replace("+ ", "+")
        columns[f"{head}\nn={count}"] = [_cell(groups.get(name)) for groups in methods.values()]
    return _split(title, list(methods), columns, console)
