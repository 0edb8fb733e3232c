"""Waits until files change, so that the index of a folder can follow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from r1router.errors import MissingExtra

QUIET = 1_000
"""Milliseconds without a change after which a run begins: programs write a file in several steps."""


def wait_for_changes(paths: Iterable[Path]) -> Iterator[None]:
    """Yields whenever something under the paths has changed, until it is interrupted.

    Raises `MissingExtra` without the package `watchfiles`.
    """
    try:
        from watchfiles import watch
    except ImportError as error:
        raise MissingExtra("watchfiles", "watch", "--watch") from error
    for _ in watch(*(path for path in paths if path.exists()), debounce=8 * QUIET, step=QUIET, raise_interrupt=False):
        yield
