"""Starts the command line and turns an error into one line, because a traceback helps only programmers."""

from __future__ import annotations

import os
import sys
from typing import Any

from r1router.interrupts import take_interrupts_at_once

__all__ = ["app", "main"]


def main() -> None:
    """The `r1router` command. Exit code 1 for an error that is told, 2 for wrong usage, 130 when interrupted."""
    take_interrupts_at_once()
    try:
        from r1router.cli.commands import run  # takes most of a second, in which it may be interrupted

        code = run()
    except KeyboardInterrupt:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(130)  # a model that is still being loaded by another thread cannot be stopped otherwise
    sys.exit(code)


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from r1router.cli.commands import app

    return app
