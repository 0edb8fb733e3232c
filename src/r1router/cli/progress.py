"""Shows progress on standard error, as a bar or as lines, so that standard output can be piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from r1router.drive import threads
from r1router.types import Policy

EVERY = 5.0
"""Seconds between two lines."""


class Lines:
    """Says how far it is in a line every few seconds; silent where standard error is a terminal, which has a bar."""

    def __init__(self, *, every: float = EVERY) -> None:
        self._every, self._silent = every, sys.stderr.isatty()
        self._said, self._line, self._wait = time.monotonic(), "", every

    def tell(self, line: Callable[[], str]) -> None:
        """The line, if it is time for one; the same line again takes twice as long each time."""
        now = time.monotonic()
        if self._silent or now - self._said < self._every:
            return
        told = line()
        wait = 2 * self._wait if told == self._line else self._every
        if now - self._said < wait:
            return
        self._said, self._line, self._wait = now, told, wait
        print(told, file=sys.stderr, flush=True)


@contextmanager
def show_counts(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is moved by calling what is given with how many are done and how many there are."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task, lines = bar.add_task(what, total=None), Lines()

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            lines.tell(lambda: f"{what}: {done:,} of {total:,}")

        yield tell


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
