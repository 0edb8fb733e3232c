"""Implements `r1router train sft`: trains an adapter that imitates steps."""

from __future__ import annotations

from dataclasses import replace

from r1router.cli import train_options as options
from r1router.train.settings import SftSettings


@options.add_settings(SftSettings, but=["prompts"])
def sft(
    steps: options.Steps,
    out: options.Out,
    settings: SftSettings,
    prompts: options.Prompts = None,
    pictures: options.Pictures = None,
) -> None:
    """Fine-tune on steps, the stage before Step-GRPO."""
    from r1router.train.sft import run

    settings = replace(settings, prompts=options.choose_prompt_set(prompts, settings))
    trained = run(steps, out, settings, pictures=pictures)
    weights = ["--base", str(trained)]
    if options.is_adapter(trained):
        weights = [*(["--base", settings.base] if settings.base else []), "--adapter", str(trained)]
    options.tell(trained, "grpo", "STEPS", *weights, "--out", "RUN")
