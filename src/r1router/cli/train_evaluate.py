"""Implements `r1router train evaluate`: scores a policy's replies to training steps beside the floors."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Annotated

import typer

from r1router.cli import options
from r1router.cli.progress import show_counts
from r1router.drive import threads
from r1router.embedders import open_text_embedder
from r1router.policies import open_policy
from r1router.prompts import choose_prompts

POLICY = "policy"
"""The column of the policy that is judged."""


def evaluate(
    steps: Annotated[list[Path], typer.Argument(help="Files of steps, as synthesize writes.", show_default=False)],
    policy: options.PolicySpec = "llamacpp:",
    prompts: options.PromptSet = None,
    train_steps: Annotated[
        list[Path] | None, typer.Option(help="Steps to train the linear probe on; repeat for more.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder of the steps' pictures, for a model that sees.")] = None,
    embedder: Annotated[
        str, typer.Option(help="Text embedder that compares sub-questions and feeds the probe.")
    ] = "minilm:",
    limit: Annotated[int | None, typer.Option(min=1, help="Take N steps only, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, help="Steps in flight at once.")] = 64,
    file: Annotated[Path | None, typer.Option("--json", help="Also write the scores and replies to this file.")] = None,
) -> None:
    """Score a policy's replies to steps one by one.

    Each is asked with its gold history.
    """
    from r1router.train.judge.evaluate import evaluate as ask
    from r1router.train.judge.probe import score_floors
    from r1router.train.judge.scores import format_table, score_steps
    from r1router.train.steps.render import render
    from r1router.train.steps.step_file import read_steps

    if file:
        file.parent.mkdir(parents=True, exist_ok=True)  # before hours of asking
    wanted = read_steps(*steps)
    if limit is not None and limit < len(wanted):
        wanted = [wanted[place] for place in sorted(random.Random(seed).sample(range(len(wanted)), limit))]
    trained_on = read_steps(*train_steps) if train_steps else []
    if shared := {step.id for step in wanted} & {step.id for step in trained_on}:
        typer.echo(f"the probe is trained on {len(shared)} of the {len(wanted)} steps that it is judged by", err=True)
    texts = open_text_embedder(embedder)
    opened = open_policy(policy)
    try:
        prompt_set = choose_prompts(prompts, opened)
        rows = [render(step, prompt_set, pictures=pictures) for step in wanted]
        with show_counts("asking") as tell:
            replies = threads.wait_for(ask(rows, opened, concurrency=concurrency, tell=tell))
    finally:
        threads.wait_for(opened.close())
    columns = {POLICY: score_steps(rows, replies, embedder=texts)}
    columns |= score_floors(wanted, train=trained_on, embedder=texts)
    typer.echo(format_table(columns))
    if file:
        told = {
            "policy": opened.spec,
            "steps": [str(path) for path in steps],
            "scores": {name: scores.to_dict() for name, scores in columns.items()},
            "replies": {row.step.id: reply for row, reply in zip(rows, replies, strict=True)},
        }
        file.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
