"""`r1router train sft`: steps to an adapter that imitates them."""

from __future__ import annotations

from typing import Annotated

import typer

from r1router.cli import train_options as options


def sft(
    steps: options.Steps,
    out: options.Out,
    base: options.Base = "",
    adapter: options.Adapter = "",
    prompts: options.Prompts = None,
    pictures: options.Pictures = None,
    epochs: Annotated[float, typer.Option(min=0.0, help="How often each step is seen.")] = 1.0,
    max_steps: Annotated[int, typer.Option(help="Optimizer steps; -1 for what the epochs come to.")] = -1,
    batch: Annotated[int, typer.Option(min=1, help="Rows of an optimizer step, over all processes.")] = 16,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches that an optimizer step is made of.")] = 1,
    tokens: Annotated[int, typer.Option(min=0, help="Of a pass on a CPU; bounds the memory, not the result.")] = 2048,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 5e-4,
    lora: options.Lora = 32,
    layers: options.Layers = 0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longer rows are left out; pictures do not count.")] = 1024,
    vary_cards: options.VaryCards = True,
    save_every: options.SaveEvery = 50,
    save_minutes: options.SaveMinutes = 5.0,
    seed: options.Seed = 0,
    report_to: options.ReportTo = "none",
) -> None:
    """Fine-tune on steps, the stage before Step-GRPO."""
    from r1router.train import sft as stage

    settings = stage.Settings(
        base=base,
        adapter=adapter,
        prompts=options.prompt_set(prompts, adapter=adapter, base=base),
        epochs=epochs,
        max_steps=max_steps,
        batch=batch,
        accumulate=accumulate,
        tokens=tokens,
        learning_rate=learning_rate,
        lora=lora,
        layers=layers,
        max_tokens=max_tokens,
        vary_cards=vary_cards,
        save_every=save_every,
        save_minutes=save_minutes,
        seed=seed,
        report_to=report_to,
    )
    trained = stage.run(steps, out, settings, pictures=pictures)
    weights = ["--base", str(trained)]
    if options.is_adapter(trained):
        weights = [*(["--base", base] if base else []), "--adapter", str(trained)]
    options.tell(trained, "grpo", "STEPS", *weights, "--out", "RUN")
