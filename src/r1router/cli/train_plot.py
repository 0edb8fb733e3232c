"""Implements `r1router train plot`: draws the curves of runs from their own logs, in one page that opens offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from r1router.errors import InputError


def plot(
    runs: Annotated[list[Path], typer.Argument(help="Folders of training runs.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File to write the page to.")] = Path("curves.html"),
    window: Annotated[int, typer.Option(min=1, help="Optimizer steps that each point averages.")] = 5,
    points: Annotated[Path | None, typer.Option("--json", help="Also write the logged numbers to this file.")] = None,
) -> None:
    """Draw what runs have logged.

    That is reward by kind of step, ties, entropy and dev scores.
    """
    from r1router.charts.page import write_page
    from r1router.train.judge.curves import draw_curves, read_curves, write_points

    names = [run.name or run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run) for run in runs]
    logs = dict(zip(names, map(read_curves, runs), strict=True))
    figures = draw_curves(logs, window=window)
    if not figures:
        raise InputError("these runs have logged nothing that can be drawn")
    told = f"Each point is the mean of {window} optimizer steps; scores on dev are as they were."
    out.write_text(write_page("Curves of training", figures, intro=told), encoding="utf-8")
    if points:
        write_points(logs, points)
    typer.echo(f"{len(figures)} figures of {len(logs)} runs: {out}")
