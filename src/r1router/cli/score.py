"""Implements `r1router score`: scores predictions that were made elsewhere, with intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from r1router.cli import options


def score(
    predictions: Annotated[
        Path, typer.Argument(help='File of predictions, one {"id", "prediction"} on each line.', show_default=False)
    ],
    dataset: options.Dataset,
    metrics: options.Metrics = None,
    as_json: options.AsJson = False,
) -> None:
    """Score predictions that were made elsewhere. A question without one counts 0."""
    from r1router.evals.datasets import load_examples
    from r1router.evals.predictions import list_answer_metrics, read_predictions, score_predictions
    from r1router.evals.report.summary import make_plain
    from r1router.evals.report.words import write_score as digits
    from r1router.evals.report.words import write_span

    list_answer_metrics(metrics)
    examples = load_examples(dataset)
    scored = score_predictions(read_predictions(predictions, examples), examples, metrics=metrics)
    if as_json:
        typer.echo(json.dumps(make_plain(scored), ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in ("metric", "mean", "95 % interval", "questions"):
        table.add_column(title, justify="left" if title == "metric" else "right")
    for name, value in scored.scores.items():
        table.add_row(Text(name, style="bold"), digits(value.mean), write_span(value), str(value.n))
    console = Console()
    console.print(table)
    if scored.missing:
        missing = f"{scored.missing} of {scored.questions} questions have no prediction and count 0"
        console.print(Text(missing, style="yellow"))
