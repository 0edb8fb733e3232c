"""Implements `r1router index`: takes files and folders into knowledge bases, and shows how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table
from rich.text import Text

from r1router.cli import options
from r1router.cli.progress import Lines
from r1router.types import Kind, Policy

if TYPE_CHECKING:
    from r1router.ingest.run import IndexReport, Progress


def index(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.", show_default=False)],
    kbs: options.Kbs = "kbs",
    as_: Annotated[Kind | None, typer.Option("--as", help="Read every file as this kind.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Fill this one knowledge base. [text, image and table, by kind]")
    ] = None,
    holds: Annotated[str | None, typer.Option(help="One line that says what it holds; the router reads it.")] = None,
    embedder: Annotated[
        str | None, typer.Option(help="Text embedder of a new knowledge base: minilm: or another spec.")
    ] = None,
    image_embedder: Annotated[
        str | None, typer.Option(help="Picture embedder of a new knowledge base: efficientnet: or another spec.")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove what came from files that are gone.")] = False,
    ocr: Annotated[bool, typer.Option(help="Read the words in pictures.")] = True,
    reader: Annotated[
        str | None, typer.Option(help="Reader with a layout model for PDF files: docling, if you have it.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that embed, or actors with --ray. [threads of this process]")
    ] = None,
    ray: Annotated[
        str | None, typer.Option(help="Address of a Ray cluster that reads and embeds: auto, or HOST:6379.")
    ] = None,
    describe: Annotated[
        str | None,
        typer.Option(help="A policy that says what is in them, for the router: openai:MODEL@URL or another."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running: index again when a file changes, and remove what is gone.")
    ] = False,
) -> None:
    """Index files and folders into knowledge bases.

    Run it again to take in what has changed.
    """
    from r1router.ingest.describe import open_describer
    from r1router.ingest.run import index as run
    from r1router.ingest.watch import wait_for_changes

    console = Console()
    policy = open_describer(describe) if describe else None

    def take_in() -> IndexReport:
        with _bar(Console(stderr=True)) as bar:
            report = run(
                paths,
                kbs,
                as_=as_,
                name=name,
                holds=holds,
                embedder=embedder,
                image_embedder=image_embedder,
                prune=prune or watch,
                ocr=ocr,
                reader=reader,
                workers=workers,
                ray=ray,
                progress=_shown_in(bar),
            )
        _report(report, console)
        if policy:
            runner.run(_describe(kbs, report, policy, console))
        return report

    with asyncio.Runner() as runner:
        report = take_in()
        for _ in wait_for_changes(paths) if watch else ():
            take_in()
        if policy:
            runner.run(policy.close())
    if any(not problem.read for problem in report.problems) and not report.read + report.skipped:
        raise typer.Exit(1)


async def _describe(kbs: str, report: IndexReport, policy: Policy, console: Console) -> None:
    from r1router.ingest.describe import describe_kbs

    changed = [name for name, counts in report.kbs.items() if counts.seen > counts.kept or counts.removed]
    for name, line in (await describe_kbs(kbs, policy, changed=changed)).items():
        console.print(Text(f"{name}: ", style="bold").append(line, style="none"), soft_wrap=True)


def _shown_in(bar: Bar) -> Callable[[Progress], None]:
    task, lines = bar.add_task("", total=None, entries=0, speed=""), Lines()

    def show(progress: Progress) -> None:
        seconds = bar.tasks[task].elapsed or 0.0
        bar.update(
            task,
            description=Path(progress.source).name,
            completed=progress.files,
            total=progress.of_files,
            entries=progress.entries,
            speed=f"{progress.written / seconds:.0f} embedded/s" if progress.written and seconds else "",
        )
        lines.tell(lambda: write_progress(progress))

    return show


def write_progress(progress: Progress) -> str:
    """How far it is, in a line.

    >>> from r1router.ingest.run import Progress
    >>> write_progress(Progress("docs/cities.csv", files=1, of_files=2, entries=1, written=0))
    'indexing: 1 of 2 files, 1 entry, cities.csv'
    >>> write_progress(Progress("", files=0, of_files=0, entries=0, written=0))
    'indexing: looking for files'
    """
    if not progress.of_files:
        return "indexing: looking for files"
    entries = f"{progress.entries:,} {'entry' if progress.entries == 1 else 'entries'}"
    parts = (f"{progress.files} of {progress.of_files} files", entries, Path(progress.source).name)
    return f"indexing: {', '.join(filter(None, parts))}"


def _bar(console: Console) -> Bar:
    return Bar(
        SpinnerColumn(),
        MofNCompleteColumn(),
        TextColumn("files"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[entries]} entries"),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False, style="dim"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


MOST_ALIKE = 5
"""Files of which the same is told are named one by one; `r1router kb sources` always does so."""


def _report(report: IndexReport, console: Console) -> None:
    if any(counts.seen or counts.removed for counts in report.kbs.values()):
        table = Table(Column("knowledge base", overflow="fold"), box=None, header_style="dim", pad_edge=False)
        for title in ("added", "changed", "removed", "unchanged"):
            table.add_column(title, justify="right")
        for name, counts in report.kbs.items():
            numbers = (counts.added, counts.changed, counts.removed, counts.kept)
            table.add_row(Text(name, style="bold"), *(f"{number:,}" for number in numbers))
        console.print(table)
    known = f", {report.skipped} unchanged" if report.skipped else ""
    pruned = f", {report.pruned} gone and removed" if report.pruned else ""
    files = "1 file" if report.read == 1 else f"{report.read} files"
    console.print(Text(f"{files} read{known}{pruned} in {report.seconds:.1f} s", style="dim"))
    if report.gone:
        some, one = len(report.gone), len(report.gone) == 1
        said = f"{some} {'source is' if one else 'sources are'} gone; --prune removes {'it' if one else 'them'}"
        console.print(Text(said, style="yellow"))
    if report.unsupported:
        kinds = sorted(report.unsupported.items(), key=lambda kind: (-kind[1], kind[0]))
        said = ", ".join(f"{count} × {suffix or 'without a suffix'}" for suffix, count in kinds)
        console.print(Text(f"no reader for: {said}", style="dim"), soft_wrap=True)
    for heading, read in (("could not be read:", False), ("read, but look at it:", True)):
        told = [problem for problem in report.problems if problem.read == read]
        if told:
            console.print(Text(heading, style="yellow"))
        alike: dict[tuple[str, str], list[str]] = {}
        for problem in told:
            alike.setdefault((problem.where, problem.reason), []).append(problem.path)
        for (where, reason), paths in alike.items():
            if len(paths) > MOST_ALIKE:
                console.print(Text(f"  {len(paths):,} files ({paths[0]}, …), {where}: {reason}"), soft_wrap=True)
                continue
            for path in paths:
                place = f"{path}, {where}" if where else path
                console.print(Text(f"  {place}: {reason}"), soft_wrap=True)
