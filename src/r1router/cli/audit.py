"""Implements `r1router audit`: shows whether what a step looked for was in another knowledge base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from r1router.cli import options, progress
from r1router.drive import threads
from r1router.drive.record import Recording
from r1router.kb import open_kbs
from r1router.policies import open_policy
from r1router.prompts import choose_prompts

if TYPE_CHECKING:
    from r1router.evals.audit.regret import MethodAudit

_BLOCKS = 30
"""Characters of a full bar."""


def audit(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    kbs: options.Kbs = "kbs",
    judge_answers: Annotated[
        bool,
        typer.Option(
            "--judge-answers", help="Also let --policy answer from the evidence of the other knowledge bases."
        ),
    ] = False,
    policy: options.PolicySpec = "llamacpp:",
    prompts: options.PromptSet = None,
    as_json: options.AsJson = False,
) -> None:
    """Count what the routes of a run missed.

    Each step's sub-question is sent to every knowledge base.
    """
    from r1router.evals.audit.other_routes import read_elsewhere, search_elsewhere
    from r1router.evals.audit.regret import audit as sum_up
    from r1router.evals.audit.regret import list_targets, write_audit
    from r1router.evals.report.summary import make_plain
    from r1router.evals.run import name_record, read_run

    settings, rows = read_run(run)
    opened = open_kbs(kbs)
    with progress.show_counts("searches") as tell:
        searched = search_elsewhere(settings, rows, opened, tell=tell)
    answers = None
    if judge_answers:
        model, record = open_policy(policy), Recording(name_record(run, "audit", policy))
        with progress.show_counts("answers") as tell:
            try:
                wanted = [list_targets(one) for one in searched]
                answers = threads.wait_for(
                    read_elsewhere(
                        searched, wanted, policy=model, record=record, prompts=choose_prompts(prompts, model), tell=tell
                    )
                )
            finally:
                record.close()
                threads.wait_for(model.close())
    found = sum_up(settings, rows, searched, answers=answers)
    write_audit(found, run)
    if as_json:
        typer.echo(json.dumps(make_plain(found), ensure_ascii=False, indent=2))
        return
    console = Console()
    for method in found.methods:
        _show(method, console)
    console.print(Text(f"the page of r1router report {run} --html report.html has this too", style="dim"))


def _show(method: MethodAudit, console: Console) -> None:
    from r1router.evals.report.words import write_score, write_span

    console.print(Text(method.method, style="bold"))
    if method.regret is None:
        console.print(
            Text(f"none of its {method.searches} searches can be judged: the data set names no gold evidence")
        )
        return
    by = "gold evidence" if method.by_gold == method.judged else f"gold evidence ({method.by_gold}) or answers"
    console.print(
        Text(f"regret {write_score(method.regret.mean)} [{write_span(method.regret)}]").append(
            f" of {method.judged} steps judged by {by}; {method.searches} searched", style="dim"
        )
    )
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in ("route", "steps", "found", "regret", "in no KB", "where it was instead"):
        table.add_column(title, justify="left" if title[0] in "rw" and title != "regret" else "right")
    for route in method.routes:
        instead = ", ".join(f"{name} {count}" for name, count in route.instead.items())
        table.add_row(
            Text(route.route), str(route.steps), str(route.found), str(route.regret), str(route.nowhere), Text(instead)
        )
    console.print(table)
    if method.bins:
        console.print(Text(f"{'confidence':<12}{'right':<{_BLOCKS + 8}}steps", style="dim"))
    for one in method.bins:
        full = round(one.right.mean * _BLOCKS)
        ideal = min(_BLOCKS - 1, int(one.confidence * _BLOCKS))
        bar = "".join("│" if at == ideal else "█" if at < full else "·" for at in range(_BLOCKS))
        console.print(f"{one.low:.1f}–{one.high:.1f}     {bar} {one.right.mean:.2f}   {one.right.n}", highlight=False)
    if method.calibration_error is not None:
        note = f"expected calibration error {method.calibration_error:.3f}; │ is where the bar should end"
        console.print(Text(note, style="dim"))
    if method.answers:
        a = method.answers
        console.print(
            f"of {a.steps} answers to sub-questions {a.right} were right; {a.regret} more would have been, "
            "read from another knowledge base's evidence"
        )
    console.print()
