"""Implements `r1router report`: shows runs as tables with intervals and tests, as JSON, or as an HTML page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from r1router.cli import options, progress, tables
from r1router.drive import threads
from r1router.drive.prices import PriceList
from r1router.drive.record import Recording
from r1router.policies import open_policy

if TYPE_CHECKING:
    from r1router.evals.metrics import Metric
    from r1router.evals.run import RunLine


@options.takes(prices=options.make_prices)
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs. Runs on the same data set are compared.")],
    html: Annotated[Path | None, typer.Option(help="Write an HTML page with tables and plots to this file.")] = None,
    metrics: options.Metrics = None,
    primary: options.Primary = None,
    against: Annotated[
        str | None, typer.Option(help="Test each method against this one only, not every pair.", metavar="METHOD")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="A policy that judges each answer; adds the metric `judge`.", metavar="POLICY")
    ] = None,
    *,
    prices: PriceList,
    as_json: options.AsJson = False,
) -> None:
    """Sum up runs: scores, paired tests, routes, cost.

    Scores have 95 % intervals, and are split by number of hops and by type, too.
    """
    from r1router.evals.audit.regret import read_audit
    from r1router.evals.metrics import DEFAULT
    from r1router.evals.report.html import write_page
    from r1router.evals.report.summary import PRIMARY, make_plain
    from r1router.evals.report.summary import report as sum_up
    from r1router.evals.run import read_alone, read_run

    console = Console()
    opened = [read_run(folder) for folder in runs]
    found = sum_up(
        opened,
        names=[folder.resolve().name for folder in runs],
        metrics=metrics or DEFAULT,
        own={"judge": _judge(judge, runs[0], [row for _, rows in opened for row in rows])} if judge else {},
        primary=primary or PRIMARY,
        against=against,
        prices=prices,
        alone=[read_alone(folder) for folder in runs],
    )
    if as_json:
        typer.echo(json.dumps(make_plain(found), ensure_ascii=False, indent=2))
    else:
        tables.show(found, console, metrics=[*(["judge"] if judge else []), *(metrics or tables.USUAL)])
    if html:
        audits = [read_audit(folder, rows) for folder, (_, rows) in zip(runs, opened, strict=True)]
        html.write_text(write_page(found, [audit for audit in audits if audit]), encoding="utf-8")
        Console(stderr=True).print(Text(f"wrote {html}", style="dim"), soft_wrap=True)


def _judge(spec: str, folder: Path, rows: Sequence[RunLine]) -> Metric:
    """The policy's verdicts on the rows, kept beside the first run."""
    from r1router.evals.judge import judge_rows
    from r1router.evals.run import name_record

    policy, record = open_policy(spec), Recording(name_record(folder, "judge", spec))
    with progress.show_counts("judged") as tell:
        try:
            return threads.wait_for(judge_rows(rows, policy=policy, record=record, tell=tell))
        finally:
            record.close()
            threads.wait_for(policy.close())
