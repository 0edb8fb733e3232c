"""Implements `r1router eval`: answers a question set by methods, with progress, and reports at the end."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from r1router.api import Setup, open_kbs_of, open_policy_of
from r1router.cli import options, tables
from r1router.cli.progress import Lines, show_asking
from r1router.drive.budget import Budget
from r1router.errors import PolicyError
from r1router.methods import load_method
from r1router.prompts import find_prompts_beside
from r1router.types import Ask, Example, Policy, Reply

if TYPE_CHECKING:
    from r1router.evals.run import RunLine


@options.takes(setup=options.make_setup_of_any, budget=options.make_budget)
def eval_(
    dataset: options.Dataset,
    out: Annotated[
        Path, typer.Option(help="Folder of the run. Give the same command again to continue a stopped run.")
    ],
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", envvar="R1ROUTER_METHOD", help="A method; repeat the option for more. [r1_router]"),
    ] = None,
    *,
    setup: Setup,
    limit: Annotated[int | None, typer.Option(min=1, help="Take the first N questions only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draw the --limit questions at random, with this seed.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Questions in flight at once.")] = 64,
    budget: Budget,
    replay: Annotated[
        Path | None, typer.Option(help="Reuse the replies and evidence of this run; ask no model.")
    ] = None,
    alone: Annotated[
        int, typer.Option(min=0, help="Ask N questions once more, one at a time, to measure their seconds.")
    ] = 0,
    temperature: Annotated[
        float,
        typer.Option(min=0.0, help="Temperature of the policy; above 0, give each run its own --sample (pass@k)."),
    ] = 0.0,
    sample: Annotated[int, typer.Option(min=0, help="Seed of the replies, for temperatures above 0.")] = 0,
    primary: options.Primary = None,
) -> None:
    """Answer a question set by one or more methods. Stop it at any time; the same command goes on."""
    from r1router.evals.datasets import load_examples
    from r1router.evals.gold import check_routes
    from r1router.evals.report.summary import PRIMARY, report
    from r1router.evals.run import evaluate, read_alone, read_run

    console, names = Console(), list(dict.fromkeys(methods or ["r1_router"]))
    for name in names:  # every name is known to be good before the first question is asked
        load_method(name)
    examples = load_examples(dataset, limit=limit, seed=seed)
    kbs = open_kbs_of(setup)
    kinds = {name: kb.card.kind for name, kb in kbs.items()}
    check_routes(examples, kinds)
    policy: Policy = _Recorded(replay) if replay else open_policy_of(setup)
    if temperature:
        policy = _Warm(policy, temperature, sample)
    began = time.perf_counter()
    with _bar() as bar:
        tell = _teller(bar, names, examples, out, primary or PRIMARY, kinds)
        with show_asking(policy, bar.console):
            evaluate(
                examples,
                out,
                replace(setup, policy=policy, kbs=kbs, budget=budget),
                dataset=name_dataset(dataset),
                methods=names,
                in_flight=concurrency,
                replay=replay,
                alone=alone,
                tell=tell,
            )
    run = read_run(out)
    tables.show(report([run], primary=primary or PRIMARY, alone=[read_alone(out)]), console, metrics=tables.USUAL)
    failed = sum(row.trajectory.stop == "error" for row in run[1])
    notes = Text(
        f"{len(run[1])} answers in {out}, {time.perf_counter() - began:.1f} s, {concurrency} in flight\n", "dim"
    )
    notes.append(f"more: r1router report {out} --html report.html    r1router show {out} --list wrong", "dim")
    console.print(notes, soft_wrap=True)
    if failed:
        again = f"{failed} of {len(run[1])} answers failed and count as 0; the same command asks for those again"
        console.print(Text(again, style="yellow"), soft_wrap=True)
    if failed == len(run[1]):
        raise typer.Exit(1)


def name_dataset(spec: str) -> str:
    """What a data set is called in reports: its file and options, without the folders, which differ by machine."""
    from r1router.evals.datasets import open_dataset

    source = open_dataset(spec)
    return source.path.name + spec.rpartition(source.path.name)[2]


class _Warm:
    """A policy that is asked at another temperature than 0, as the runs of pass@k are."""

    def __init__(self, policy: Policy, temperature: float, seed: int) -> None:
        self.spec = f"{policy.spec} (temperature {temperature:g}, sample {seed})"
        self.prompts = policy.prompts
        self._policy, self._temperature, self._seed = policy, temperature, seed

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        return await self._policy.reply(ask, temperature=self._temperature, seed=self._seed)

    async def close(self) -> None:
        await self._policy.close()


class _Recorded:
    """The policy of a run that is replayed: it is named, and never asked."""

    def __init__(self, run: Path) -> None:
        from r1router.evals.run import read_run

        self.spec = read_run(run)[0].policy
        self.prompts = find_prompts_beside(run)

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        raise PolicyError("a replay asks no model")

    async def close(self) -> None:
        pass


# ── progress ───────────────────────────────────────────────────────────────────────────────────


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[score]}"),
        console=Console(stderr=True),
    )


def _teller(
    bar: Progress,
    methods: Sequence[str],
    examples: Sequence[Example],
    out: Path,
    primary: str,
    kinds: Mapping[str, str],
) -> Callable[[RunLine], None]:
    """Moves the bar with each row: how many are done, the running score of its method, what failed."""
    from r1router.evals.metrics import load_metric
    from r1router.evals.report.results import ERROR, measure_row
    from r1router.evals.run import CONFIG, read_run

    judge = {primary: load_metric(primary)}
    total = len(methods) * len(examples)
    task = bar.add_task("", total=total, score="")
    found = read_run(out)[1] if (out / CONFIG).exists() else []
    resumed = sum(row.trajectory.stop != ERROR for row in found)
    scores: dict[str, list[float]] = defaultdict(list)
    counts: Counter[str] = Counter()
    lines = Lines()

    def tell(row: RunLine) -> None:
        value = measure_row(row, judge, kinds).get(primary)
        if value is not None:
            scores[row.method].append(value)
        counts["done"] += 1
        counts["failed"] += row.trajectory.stop == ERROR
        mean = f"{primary} {sum(of) / len(of):.3f}" if (of := scores[row.method]) else ""
        failed = f"  {counts['failed']} failed" if counts["failed"] else ""
        if counts["done"] == resumed:  # what was there already says nothing about the speed
            bar.reset(task, total=total, completed=resumed)
        bar.update(task, completed=counts["done"], description=row.method, score=mean + failed)
        lines.tell(lambda: f"{row.method}: {counts['done']:,} of {total:,} answers, {mean}{failed}")

    return tell
