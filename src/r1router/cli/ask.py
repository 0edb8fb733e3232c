"""Implements `r1router ask`: answers a question and prints each step as it happens."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from r1router import api
from r1router.cli import options, render
from r1router.codec import to_dict
from r1router.drive.budget import Budget
from r1router.errors import PolicyError
from r1router.types import Finished


@options.takes(setup=options.make_setup, budget=options.make_budget)
def ask(
    question: Annotated[str, typer.Argument(help="What to answer.")],
    image: Annotated[Path | None, typer.Option(help="A picture that the question is about.")] = None,
    *,
    setup: api.Setup,
    budget: Budget,
    as_json: options.AsJson = False,
) -> None:
    """Answer a question step by step and show where each fact came from."""
    events = api.stream(question, replace(setup, budget=budget), image=image)
    with closing(events):
        if as_json:
            trajectory = next(event.trajectory for event in events if isinstance(event, Finished))
            typer.echo(json.dumps(to_dict(trajectory), ensure_ascii=False, indent=2))
        else:
            trajectory = render.show(events, Console())
    if not (trajectory.answer and trajectory.answer.text):
        raise PolicyError(f"the policy gave no answer; {'; '.join(trajectory.format_errors[-1:]) or trajectory.stop}")
