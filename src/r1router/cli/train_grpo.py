"""Implements `r1router train grpo`: trains an adapter by Step-GRPO, on gold histories or with live searches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from r1router.cli import train_options as options
from r1router.cli.settings import FOLDER_OR_URL
from r1router.train.grpo.settings import GrpoSettings


@options.add_settings(GrpoSettings, but=["prompts", "rewards", "rehearse", "watch", "decisions", "kbs"])
def grpo(
    context: typer.Context,
    steps: options.StepsOrQuestions,
    out: options.Out,
    settings: GrpoSettings,
    prompts: options.Prompts = None,
    dev: Annotated[
        list[Path] | None,
        typer.Option(help="Steps to judge the checkpoints on; the best one is kept. Repeat for more."),
    ] = None,
    pictures: options.Pictures = None,
    reward: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=WEIGHT: published, format, sub_question, route, evidence, evidence_rank, gain_over_rag, "
            "answer_gain, redundancy, answer, query, cost; repeat for more. [published=1]"
        ),
    ] = None,
    rehearse: Annotated[
        list[str] | None,
        typer.Option(
            help="FILE=SHARE: steps to imitate as well, SHARE for each reply; repeat for more.",
        ),
    ] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(
            help="FILE=WEIGHT: dev steps of something else that must not be forgotten. Checkpoints are judged by the "
            "mean over --dev (weight 1) and these; repeat for more.",
        ),
    ] = None,
    decide: Annotated[
        list[str] | None,
        typer.Option(
            help="--online: train on these decisions only: plan, answer, query or final. The others are taken from "
            "gold, else from the policy; repeat for more. [all]"
        ),
    ] = None,
    online: Annotated[
        bool,
        typer.Option("--online", help="Let the policy work the questions and search --kbs, without gold histories."),
    ] = False,
    kbs: Annotated[
        str,
        typer.Option(
            envvar="R1ROUTER_KBS",
            help="Where the knowledge bases are that --online searches, or collections of them.",
            metavar=FOLDER_OR_URL,
        ),
    ] = "kbs",
) -> None:
    """Reinforce what is rewarded, step by step.

    A reply is rewarded relative to the other replies to the same step.
    """
    from r1router.train.grpo.run import run
    from r1router.train.rewards import parse_weights

    if not online:
        options.refuse_without(
            "--online",
            context,
            "kbs",
            "best",
            "steps_per_question",
            "k",
            "reach",
            "decide",
            "anywhere",
            "others",
            "labels",
        )
    else:
        options.check_kbs(kbs)
    settings = replace(
        settings,
        prompts=options.choose_prompt_set(prompts, settings),
        rewards=tuple(parse_weights(reward).items()) if reward else settings.rewards,
        rehearse=tuple(parse_weights(rehearse or ()).items()),
        watch=tuple(parse_weights(watch or ()).items()),
        decisions=tuple(decide or ()),
        kbs=kbs if online else "",
    )
    trained = run(steps, out, settings, dev_files=dev or (), pictures=pictures)
    options.tell(trained, *options.write_export_command(trained, settings.base))
