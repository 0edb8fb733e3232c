"""Implements `r1router train export`: exports a trained adapter as the files that are served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from r1router.cli import train_options as options


def export(
    trained: Annotated[
        Path,
        typer.Argument(
            help="Folder of the adapter or of a model, GGUF adapter, or 'default', the router that ships.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the files into.")],
    base: options.Base = "",
    form: Annotated[
        list[str] | None,
        typer.Option(
            help="lora (GGUF adapter), q8_0 or f16 (GGUF files), merged (a folder), adapter and base (folders, for "
            "servers that put one on the other); repeat for more. [lora]"
        ),
    ] = None,
    template: Annotated[
        str, typer.Option(help="GGUF file of the same model, if --base is not one.", show_default=False)
    ] = "",
) -> None:
    """Write what a run has trained as weights.

    They are an adapter or whole, for llama.cpp or for transformers and vLLM.
    """
    from r1router.train.weights.export import export as write

    for name, file in write(trained, out, base=base, forms=form or ["lora"], template=template).items():
        typer.echo(f"{name}: {file}")
    if has_copied_answers(out) and not (out / "extractor.onnx").exists():
        from r1router.policies._default_model import ROUTER

        typer.echo(
            "With these weights the language model alone finds answers in the evidence. To have the encoder that ships "
            f"do it, as in the default policy: cp '{ROUTER.with_name('extractor.onnx')}' '{out}'"
        )


def has_copied_answers(out: Path) -> bool:
    """Whether the prompts that were written there have answers copied from the evidence."""
    from r1router.prompts import Prompts

    return (out / "prompts").is_dir() and Prompts(out / "prompts").copied_answers
