"""Implements `r1router train dpo`: trains an adapter that prefers the better of two replies to one decision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from r1router.cli import train_options as options
from r1router.train.settings import DpoSettings


@options.add_settings(DpoSettings, but=["prompts", "vary_cards"])
def dpo(
    pairs: Annotated[list[Path], typer.Argument(help="Files of pairs, as train sample writes.", show_default=False)],
    out: options.Out,
    settings: DpoSettings,
    prompts: options.Prompts = None,
) -> None:
    """Prefer the better of two replies (DPO).

    The pairs, each of one decision, were sampled before.
    """
    from r1router.train.dpo import run

    settings = replace(settings, prompts=options.choose_prompt_set(prompts, settings))
    trained = run(pairs, out, settings)
    options.tell(trained, *options.write_export_command(trained, settings.base))
