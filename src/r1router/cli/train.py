"""Implements `r1router train …`: gathers its commands, each of which is one file."""

from __future__ import annotations

import typer

from r1router.cli.train_dpo import dpo
from r1router.cli.train_evaluate import evaluate
from r1router.cli.train_export import export
from r1router.cli.train_grpo import grpo
from r1router.cli.train_plot import plot
from r1router.cli.train_profile import profile
from r1router.cli.train_sample import sample
from r1router.cli.train_sft import sft

train_app = typer.Typer(no_args_is_help=True, help="Train a router, score its steps, export it.", rich_markup_mode=None)
train_app.command()(sft)
train_app.command()(grpo)
train_app.command()(sample)
train_app.command()(dpo)
train_app.command()(profile)
train_app.command()(plot)
train_app.command()(evaluate)
train_app.command()(export)
