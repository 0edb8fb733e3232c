"""Options that the training commands share."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from r1router.errors import InputError

Steps = Annotated[list[Path], typer.Argument(help="Files of steps, as synthesize writes.", show_default=False)]
Out = Annotated[Path, typer.Option(help="Folder of the run; the same command again goes on where it stopped.")]
Base = Annotated[
    str,
    typer.Option(help="What is trained: Hugging Face id, folder or GGUF file. [the default model]", show_default=False),
]
Adapter = Annotated[
    str,
    typer.Option(
        help="The adapter to go on from: a folder that training left, or a GGUF file. [a new LoRA]", show_default=False
    ),
]
Prompts = Annotated[
    Path | None,
    typer.Option(
        "--prompts",
        help="Folder of prompt templates. [those that the --adapter or --base brings, else the short set of ours]",
    ),
]
Pictures = Annotated[
    Path | None, typer.Option(help="Folder that the steps' pictures start from, for a model that sees.")
]
Lora = Annotated[int, typer.Option(min=0, help="Rank of a new LoRA; 0 trains all weights. An --adapter has its own.")]
Layers = Annotated[
    int, typer.Option(min=0, help="A new LoRA on the upper layers only, so many; 0 for all. An --adapter has its own.")
]
VaryCards = Annotated[
    bool, typer.Option(help="Rename, redescribe and shuffle the knowledge bases, so that their cards are read.")
]
SaveEvery = Annotated[int, typer.Option(min=1, help="Optimizer steps between checkpoints.")]
SaveMinutes = Annotated[float, typer.Option(min=0.0, help="And at least one in so many minutes.")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.")]
ReportTo = Annotated[str, typer.Option(help="Where the logs go: tensorboard, wandb, trackio or none.")]


def prompt_set(named: Path | None, *, adapter: str, base: str) -> str:
    """The prompts to train with: what is trained further keeps those that it was trained with."""
    from r1router.prompts import beside
    from r1router.train.sft import SHORT

    places = (Path(weights).expanduser() for weights in (adapter, base) if weights)
    return str(named or beside(*(place.parent if place.suffix == ".gguf" else place for place in places)) or SHORT)


def refuse_without(switch: str, context: typer.Context, *names: str) -> None:
    """Raises `InputError` for options on the command line that mean nothing without `switch`."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise InputError(f"--{name} is for {switch}; give that too, or leave it out")


def is_adapter(trained: Path) -> bool:
    return (trained / "adapter_config.json").is_file()


def export_of(trained: Path, base: str) -> list[str]:
    """The command that writes the result in a form that its base allows: GGUF is made from GGUF."""
    from r1router.train.weights.load import find_gguf_file

    form = [] if is_adapter(trained) else ["--form", "q8_0"]
    if find_gguf_file(base) is None:
        form = ["--form", "merged"]
    return ["export", str(trained), *(["--base", base] if base else []), *form, "--out", "FOLDER"]


def tell(trained: Path, *then: str) -> None:
    """Where the result is and the command that goes on from it; printed once, however many processes train."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"trained: {trained}\nnext: {shlex.join(['r1router', 'train', *then])}")
