"""`r1router ask`: a question to its answer, each step printed as it happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from r1router import api
from r1router.cli import options, render
from r1router.codec import to_dict
from r1router.drive.budget import Budget
from r1router.types import Finished


def ask(
    question: Annotated[str, typer.Argument(help="What to answer.")],
    image: Annotated[Path | None, typer.Option(help="A picture that the question is about.")] = None,
    kbs: options.Kbs = Path("kbs"),
    policy: options.PolicySpec = "llamacpp:",
    method: options.MethodSpec = "r1_router",
    prompts: options.PromptSet = None,
    max_steps: options.MaxSteps = 3,
    k: options.K = 5,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Budget of tokens for the question.")] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0.0, help="Budget of seconds for the question.")] = None,
    max_retrievals: Annotated[int | None, typer.Option(min=0, help="Budget of searches for the question.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Answer a question step by step and show where each fact came from."""
    events = api.stream(
        question,
        image=image,
        kbs=kbs,
        policy=policy,
        method=method,
        prompts=prompts,
        max_steps=max_steps,
        k=k,
        budget=Budget(max_tokens, max_seconds, max_retrievals),
    )
    if as_json:
        trajectory = next(event.trajectory for event in events if isinstance(event, Finished))
        typer.echo(json.dumps(to_dict(trajectory), ensure_ascii=False, indent=2))
    else:
        render.show(events, Console())
