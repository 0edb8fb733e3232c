"""Counts on a progress bar on standard error, so that what is printed on standard output can be piped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from r1router.drive import threads
from r1router.types import Policy


@contextmanager
def show_counts(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is moved by calling what is given with how many are done and how many there are."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def show_asking(policy: Policy, console: Console) -> Iterator[None]:
    """Long work that the same command goes on with; who interrupts it is told so, and the policy is closed."""
    try:
        yield
    except KeyboardInterrupt:
        console.print(Text("interrupted; the same command goes on from here", style="yellow"))
        raise
    finally:
        threads.wait_for(policy.close())
