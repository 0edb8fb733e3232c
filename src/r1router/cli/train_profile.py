"""Implements `r1router train profile`: says what replies to steps earn, and where there is something to learn."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from r1router.cli import options
from r1router.cli.progress import show_counts
from r1router.drive import threads
from r1router.errors import InputError
from r1router.policies import open_policy
from r1router.prompts import choose_prompts


def profile(
    steps: Annotated[
        list[Path],
        typer.Argument(help="Files of steps, as synthesize writes; or folders of train sample.", show_default=False),
    ],
    policy: options.PolicySpec = "llamacpp:",
    prompts: options.PromptSet = None,
    reward: Annotated[
        list[str] | None, typer.Option(help="NAME=WEIGHT, as in training; repeat for more. [published=1]")
    ] = None,
    samples: Annotated[int, typer.Option(min=2, help="Replies to sample for each step.")] = 8,
    temperature: Annotated[float, typer.Option(min=0.01, help="Temperature of the samples.")] = 1.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Take N steps only, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    concurrency: Annotated[int, typer.Option(min=1, help="Replies in flight at once.")] = 64,
    out: Annotated[
        Path | None, typer.Option(help="File to write the profiles to, for `train grpo --curriculum`.")
    ] = None,
) -> None:
    """Sample replies to steps and tell what is in reach.

    Mean reward, best of the samples and ties are told.
    """
    from r1router.train.judge.profile import format_profiles, sample_profiles, write_profiles

    if all(path.is_dir() for path in steps):
        _tell_sampled(steps, out)
        return
    from r1router.train.rewards import PUBLISHED, load_rewards, parse_weights
    from r1router.train.steps.render import render
    from r1router.train.steps.step_file import read_steps

    wanted = read_steps(*steps)
    if limit is not None and limit < len(wanted):
        wanted = [wanted[place] for place in sorted(random.Random(seed).sample(range(len(wanted)), limit))]
    weighted = load_rewards(parse_weights(reward) if reward else PUBLISHED)
    opened = open_policy(policy)
    try:
        chosen = choose_prompts(prompts, opened)
        rows = [render(step, chosen) for step in wanted]
        with show_counts("sampling") as tell:
            profiles = threads.wait_for(
                sample_profiles(
                    rows, opened, chosen, weighted, samples=samples, temperature=temperature, seed=seed,
                    concurrency=concurrency, tell=tell,
                )
            )  # fmt: skip
    finally:
        threads.wait_for(opened.close())
    if out:
        write_profiles(profiles, out)
    typer.echo(format_profiles(profiles))
    if len(profiles) < len(wanted):
        typer.echo(f"{len(wanted) - len(profiles)} steps left out: no reward applies to them", err=True)


def _tell_sampled(folders: Sequence[Path], out: Path | None) -> None:
    """The profile of what `train sample` has sampled; of questions also which rewards tell their right answers."""
    from r1router.train.judge.profile import format_profiles, write_profiles
    from r1router.train.sampled.profile_groups import format_aucs, measure_aucs, profile_groups
    from r1router.train.sampled.run import read_sampled

    groups, profiles = [], []
    for folder in folders:
        found, greedy, weights = read_sampled(folder)
        groups += found
        if not greedy:
            raise InputError(f"{folder} was sampled with --no-greedy; sample it with --greedy to profile it")
        profiles += profile_groups(found, weights)
    if out:
        write_profiles(profiles, out)
    typer.echo(format_profiles(profiles))
    if aucs := measure_aucs(groups):
        typer.echo("\nAUC against answered right in the end (replies that carried their questions on)")
        typer.echo(format_aucs(aucs))
