"""Implements `r1router train sample`: samples groups of replies, judges them, and writes what to train on."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from r1router.cli import options as common
from r1router.cli import train_options as options
from r1router.cli.progress import show_counts
from r1router.drive import threads
from r1router.policies import open_policy
from r1router.prompts import choose_prompts
from r1router.train.sampled.settings import SampleSettings


@options.add_settings(SampleSettings, but=["policy", "prompts", "rewards", "kbs"])
def sample(
    context: typer.Context,
    steps: options.StepsOrQuestions,
    out: Annotated[Path, typer.Option(help="Folder of what is sampled; the same command again goes on.")],
    settings: SampleSettings,
    policy: common.PolicySpec = "llamacpp:",
    prompts: common.PromptSet = None,
    reward: Annotated[
        list[str] | None, typer.Option(help="NAME=WEIGHT, as in training; again for more. [published=1]")
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Let the policy work the questions, searching --kbs; no gold histories.")
    ] = False,
    kbs: common.Kbs = "kbs",
    pictures: options.Pictures = None,
    at_least: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Imitate a best reply that earned this share of what can be earned.")
    ] = 0.5,
    gap: Annotated[float, typer.Option(min=0.0, help="Reward between the two replies of a pair, at least.")] = 0.1,
    pairs: Annotated[int, typer.Option(min=1, help="Most pairs of a group.")] = 2,
) -> None:
    """Sample groups of replies once.

    The best are to imitate (train sft), pairs to prefer between (train dpo).
    """
    from r1router.train.rewards import parse_weights
    from r1router.train.sampled.run import BEST, PAIRS, run

    if not online:
        options.refuse_without("--online", context, "kbs", "best", "steps_per_question", "k", "reach", "anywhere")
    else:
        options.check_kbs(kbs)
    opened = open_policy(policy)
    try:
        chosen = choose_prompts(prompts, opened)
        settings = replace(
            settings,
            policy=policy,
            prompts=str(chosen.folder),
            rewards=tuple(parse_weights(reward).items()) if reward else settings.rewards,
            kbs=kbs if online else "",
        )
        with show_counts("sampling") as tell:
            groups, best, preferred = run(
                steps, out, settings, policy=opened, prompts=chosen, pictures=pictures, at_least=at_least, gap=gap,
                pairs=pairs, tell=tell,
            )  # fmt: skip
    finally:
        threads.wait_for(opened.close())
    typer.echo(f"{len(groups)} groups, {best} steps to imitate, {preferred} pairs in {out}")
    for stage, file in (("sft", BEST), ("dpo", PAIRS)):
        words = ["r1router", "train", stage, str(out / file), "--adapter", "ADAPTER", "--out", "RUN"]
        typer.echo(f"next: {shlex.join(words)}")
