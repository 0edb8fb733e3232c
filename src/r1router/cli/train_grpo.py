"""`r1router train grpo`: steps to a better adapter by Step-GRPO, with the gold histories or with live searches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from r1router.cli import train_options as options
from r1router.errors import InputError


def grpo(
    context: typer.Context,
    steps: options.Steps,
    out: options.Out,
    base: options.Base = "",
    adapter: options.Adapter = "",
    prompts: options.Prompts = None,
    dev: Annotated[
        list[Path] | None,
        typer.Option(help="Steps that the checkpoints are judged on, the best of which is kept; again for more."),
    ] = None,
    pictures: options.Pictures = None,
    reward: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=WEIGHT: published, format, sub_question, route, evidence, answer, cost; again for more. "
            "[published=1]"
        ),
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Let the policy work the questions, searching --kbs; no gold histories.")
    ] = False,
    kbs: Annotated[
        Path, typer.Option(envvar="R1ROUTER_KBS", help="Folder of the knowledge bases that --online searches.")
    ] = Path("kbs"),
    best: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="--online: how often a group's best reply goes on, instead of any."),
    ] = 0.0,
    path: Annotated[int, typer.Option(min=1, help="--online: most steps of a question.")] = 3,
    k: Annotated[int, typer.Option("--k", min=1, help="--online: pieces of evidence for each search.")] = 5,
    samples: Annotated[int, typer.Option(min=2, help="Replies of a group.")] = 8,
    groups: Annotated[int, typer.Option(min=1, help="Groups of an optimizer step, over all processes.")] = 4,
    batch: Annotated[int, typer.Option(min=0, help="Replies in one pass of a process; 0 for a group's.")] = 0,
    temperature: Annotated[float, typer.Option(min=0.01, help="Of the samples.")] = 1.0,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 2e-5,
    beta: Annotated[float, typer.Option(min=0.0, help="Weight of the KL to the weights at the start.")] = 0.01,
    loss: Annotated[
        str, typer.Option(help="grpo, as in the paper, or another of TRL's: dapo, dr_grpo, bnpo, cispo, sapo, vespo.")
    ] = "grpo",
    max_steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 200,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of a reply; longer ones are cut.")] = 96,
    max_prompt: Annotated[
        int, typer.Option(min=1, help="Steps with more tokens are left out; not --online. Pictures do not count.")
    ] = 1024,
    lora: options.Lora = 32,
    layers: options.Layers = 0,
    vary_cards: options.VaryCards = True,
    save_every: options.SaveEvery = 50,
    format_valid: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Stop where fewer replies than this can be read.")
    ] = 0.5,
    processes: Annotated[int, typer.Option(min=0, help="Fail unless so many train together.")] = 0,
    sharding: Annotated[str, typer.Option(help="Fail unless it is this: none, ddp, fsdp, deepspeed.")] = "",
    vllm: Annotated[bool, typer.Option("--vllm", help="Sample with vLLM, on the same GPU.")] = False,
    seed: options.Seed = 0,
    report_to: options.ReportTo = "none",
) -> None:
    """Reinforce what is rewarded, step by step, relative to the other replies to the same step."""
    from r1router.train.grpo.run import run
    from r1router.train.grpo.settings import Settings

    if not online:
        options.refuse_without("--online", context, "kbs", "best", "path", "k")
    if online and not kbs.is_dir():
        raise InputError(f"--online searches knowledge bases, and there is no folder {kbs}; name it with --kbs")
    settings = Settings(
        base=base,
        adapter=adapter,
        prompts=options.prompt_set(prompts, adapter=adapter, base=base),
        rewards=" ".join(reward or ["published=1"]),
        samples=samples,
        groups=groups,
        batch=batch,
        temperature=temperature,
        learning_rate=learning_rate,
        beta=beta,
        loss=loss,
        max_steps=max_steps,
        max_tokens=max_tokens,
        max_prompt=max_prompt,
        lora=lora,
        layers=layers,
        vary_cards=vary_cards,
        kbs=str(kbs) if online else "",
        best=best,
        path=path,
        k=k,
        save_every=save_every,
        format_valid=format_valid,
        processes=processes,
        sharding=sharding,
        vllm=vllm,
        seed=seed,
        report_to=report_to,
    )
    trained = run(steps, out, settings, dev_files=dev or (), pictures=pictures)
    options.tell(trained, *options.export_of(trained, base))
