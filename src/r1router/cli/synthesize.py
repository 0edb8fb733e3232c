"""Implements `r1router synthesize`: makes training steps from a question set, by a teacher or from gold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from r1router.api import Setup, open_policy_of
from r1router.cli import options
from r1router.cli.eval import name_dataset
from r1router.cli.progress import Lines, show_asking
from r1router.cli.settings import FOLDER_OR_URL
from r1router.errors import InputError
from r1router.kb import open_kbs

if TYPE_CHECKING:
    from r1router.train.steps.step_file import TrainingStep
    from r1router.types import Example


def synthesize(
    dataset: options.Dataset,
    out: Annotated[Path, typer.Option(help="File of steps. Give the same command again to continue.")],
    teacher: Annotated[
        str | None, typer.Option(help="The model that works the questions: openai:MODEL@URL, llamacpp:GGUF, …")
    ] = None,
    kbs: Annotated[
        str | None,
        typer.Option(
            envvar="R1ROUTER_KBS",
            help="Where the knowledge bases are. [kbs; none with --from-gold]",
            metavar=FOLDER_OR_URL,
        ),
    ] = None,
    from_gold: Annotated[
        bool, typer.Option("--from-gold", help="Use the gold steps of the data set; ask no teacher.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate calls and tokens; ask no model, write nothing.")
    ] = False,
    prompts: options.PromptSet = None,
    max_steps: options.MaxSteps = 3,
    k: options.K = 5,
    limit: Annotated[int | None, typer.Option(min=1, help="Take the first N questions only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draw the --limit questions at random, with this seed.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Questions in flight at once.")] = 64,
    metric: Annotated[str, typer.Option(help="Metric that says whether a final answer is right.")] = "length_aware",
    at_least: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Keep answers that score at least this much.")
    ] = 0.5,
) -> None:
    """Make training steps from questions.

    A teacher works them, and what it ends right with is kept.
    """
    from r1router.evals.datasets import load_examples

    if from_gold and (teacher or dry_run):
        raise InputError("--from-gold asks no model: it takes neither --teacher nor --dry-run")
    if not (from_gold or dry_run or teacher):
        raise InputError(
            "say who works the questions: --teacher SPEC, or --from-gold where the data set has gold steps"
        )
    examples = load_examples(dataset, limit=limit, seed=seed)
    setup = Setup(kbs=kbs or "kbs", policy=teacher or "", prompts=prompts, max_steps=max_steps, k=k)
    if from_gold:
        _from_gold(examples, out, kbs, k, name_dataset(dataset))
    elif dry_run:
        _dry_run(examples, out, setup)
    else:
        _taught(examples, out, setup, name_dataset(dataset), metric=metric, at_least=at_least, concurrency=concurrency)


def _taught(
    examples: list[Example],
    out: Path,
    setup: Setup,
    source: str,
    *,
    metric: str,
    at_least: float,
    concurrency: int,
) -> None:
    from r1router.train.steps.step_file import read_steps
    from r1router.train.steps.synthesize import KEPT, find_unfinished, load_answer_score, synthesize

    load_answer_score(metric)  # known to be good before the first question is asked
    teacher = open_policy_of(setup)
    there = len(examples) - len(find_unfinished(examples, out))
    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task, lines = bar.add_task("working", total=len(examples)), Lines()

        def tell(verdict: str) -> None:
            counts[verdict] += 1
            if counts.total() == there:  # what was there already says nothing about the speed
                bar.reset(task, total=len(examples), completed=there)
            bar.update(task, completed=counts.total(), description=f"{counts[KEPT]} kept")
            lines.tell(lambda: f"working: {counts.total():,} of {len(examples):,} questions, {counts[KEPT]:,} kept")

        with show_asking(teacher, bar.console):
            made = synthesize(
                examples,
                out,
                replace(setup, policy=teacher),
                source=source,
                metric=metric,
                at_least=at_least,
                in_flight=concurrency,
                tell=tell,
            )
    console = Console()
    console.print(f"{made.kept} of {len(examples)} trajectories kept, {made.steps} steps in {out}", soft_wrap=True)
    for reason, count in made.dropped.items():
        console.print(Text(f"  {reason}: {count} dropped"), soft_wrap=True)
    if "stop: error" in made.dropped:
        console.print(Text("the same command asks again for those that failed", style="yellow"))
    _show_steps(read_steps(out), console)
    console.print(Text(f"what the teacher did: r1router show {made.run} --list wrong", "dim"), soft_wrap=True)


def _from_gold(examples: list[Example], out: Path, kbs: str | None, k: int, source: str) -> None:
    from r1router.train.steps.gold import ANSWERED, make_gold_steps
    from r1router.train.steps.step_file import read_steps, write_steps

    fates: Counter[str] = Counter()

    def tell(fate: str) -> None:
        fates[fate] += 1

    made = make_gold_steps(examples, open_kbs(kbs) if kbs else None, k=k, source=source, tell=tell)
    count = write_steps(made, out)
    if not count:
        raise InputError(
            f"none of the {len(examples)} questions has gold steps; a teacher can make some: --teacher SPEC"
        )
    console, steps = Console(), read_steps(out)
    answered = sum(step.kind == "final" for step in steps)
    console.print(f"{answered} of {len(examples)} questions have gold steps, {count} steps in {out}", soft_wrap=True)
    _show_steps(steps, console)
    missed = {fate: number for fate, number in fates.items() if fate != ANSWERED}
    for fate, number in missed.items():
        told = f"{number} of {fates.total()} gold steps gave no answer step: {fate}"
        console.print(Text(told, style="yellow"), soft_wrap=True)
    if missed:
        hint = (
            "evidence_ids may be a file's name, or the `record` of a piece, as `r1router kb search NAME WORDS --json` "
            f"shows it; --k {k * 4} looks further down"
        )
        console.print(Text(hint, style="dim"), soft_wrap=True)
    if kbs is None:
        console.print(Text("no steps that answer from evidence: they need --kbs", style="yellow"))


def _dry_run(examples: list[Example], out: Path, setup: Setup) -> None:
    from r1router.train.steps import estimate as guess
    from r1router.train.steps.synthesize import find_unfinished

    left, console = find_unfinished(examples, out), Console()
    if len(left) < len(examples):
        console.print(f"{len(examples) - len(left)} of {len(examples)} questions are worked already")
    costs = guess.estimate(left, setup)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in ("", "calls", "prompt tokens", "reply tokens", "searches"):
        table.add_column(title, justify="right" if title else "left")
    for name, usage in costs.items():
        numbers = (usage.calls, usage.prompt_tokens, usage.completion_tokens, usage.retrievals)
        table.add_row(Text(name, style="bold"), *(f"{number:,}" for number in numbers))
    if costs:
        console.print(table)
    told = (
        f"{len(left)} questions to work, estimated from {min(guess.SAMPLE, len(left))} of them: real prompts and "
        f"evidence, {guess.CHARS_PER_TOKEN} characters a token, thoughts of {guess.THOUGHT} characters, answers of "
        f"{guess.ANSWER}; pictures, and replies that must be asked for again, are not counted. No model was asked."
    )
    console.print(Text(told, style="dim"), soft_wrap=True)


def _show_steps(steps: list[TrainingStep], console: Console) -> None:
    """How many of each kind, and how the routes are balanced."""
    kinds = Counter(step.kind for step in steps)
    routes = Counter(step.gold.route for step in steps if step.kind == "plan")
    for what, counts in (("kind", kinds), ("plans by route", routes)):
        told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        console.print(Text(f"{what}: {told}", style="dim"), soft_wrap=True)
