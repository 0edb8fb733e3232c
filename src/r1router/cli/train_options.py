"""Options that the training commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Steps = Annotated[list[Path], typer.Argument(help="Files of steps, as synthesize writes.", show_default=False)]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on where it stopped.")]
Base = Annotated[
    str,
    typer.Option(help="What is trained: Hugging Face id, folder or GGUF file. [the default model]", show_default=False),
]
Adapter = Annotated[
    str,
    typer.Option(help="The adapter to go on from, such as SFT leaves. [a new LoRA]", show_default=False),
]
Prompts = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of prompt templates. [the short set, made for training]")
]
Pictures = Annotated[Path | None, typer.Option(help="Folder that the steps' pictures start from.")]
Lora = Annotated[int, typer.Option(min=0, help="Rank of the LoRA; 0 trains all weights.")]
Layers = Annotated[int, typer.Option(min=0, help="Train the upper layers only, so many; 0 for all.")]
VaryCards = Annotated[
    bool, typer.Option(help="Rename, redescribe and shuffle the knowledge bases, so that their cards are read.")
]
SaveEvery = Annotated[int, typer.Option(min=1, help="Optimizer steps between checkpoints.")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.")]
ReportTo = Annotated[str, typer.Option(help="Where the logs go: tensorboard, wandb, trackio or none.")]


def tell(words: str) -> None:
    """Printed once, however many processes train."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(words)
