"""Implements `r1router methods`: lists the ways to answer with their options, because they are found by their files."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from r1router.cli import options
from r1router.methods import names
from r1router.registry import list_options


def methods(as_json: options.AsJson = False) -> None:
    """List the methods with their options.

    An option is given as --method NAME?option=value.
    """
    show_entries("r1router.methods", names(), "solve", as_json=as_json)


def show_entries(package: str, entries: list[str], attribute: str, *, as_json: bool) -> None:
    """Prints what the modules of a registry folder do, by their first sentence, and the options that each takes."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    for name in entries:
        module = import_module(f"{package}.{name}")
        function: Callable[..., Any] = getattr(module, attribute)
        told = {key: value for key, value in list_options(function).items() if not callable(value)}
        found.append((name, (module.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " "), told))
    if as_json:
        plain = [{"name": name, "does": does, "options": told} for name, does, told in found]
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=2, default=str))
        return
    console = Console()
    for name, does, told in found:
        console.print(Text(name, style="bold").append(f"  {does}", style="not bold"))
        if told:
            taken = "&".join(f"{key}={_write(value)}" for key, value in told.items())
            console.print(Text(f"    ?{taken}", style="dim"), soft_wrap=True)


def _write(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
