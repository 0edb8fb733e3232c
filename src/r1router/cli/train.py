"""`r1router train …`: steps to a trained router; each command is one file."""

from __future__ import annotations

import typer

from r1router.cli.train_evaluate import evaluate

train_app = typer.Typer(no_args_is_help=True, help="Train a router, score its steps, export it.", rich_markup_mode=None)
train_app.command()(evaluate)
