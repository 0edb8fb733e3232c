"""Implements `r1router config`: shows the value of each option and its origin, because three places can set it."""

from __future__ import annotations

import json
import os
import re
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from r1router.cache import find_cache_folder
from r1router.cli import options
from r1router.cli.settings import PREFIX, Setting, settle

_OTHERS = {"R1ROUTER_CONFIG", "R1ROUTER_CACHE", "R1ROUTER_KB_MEMORY", "R1ROUTER_KEY"}
"""Variables that are read, and are no options."""
_PASSWORD = re.compile(r"(?P<user>://[^/@:?]*):[^/@]*(?=@)|(?<=[?&])(ssl)?password=[^&]*&?")


def config(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Every option of every command, with its variable.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show which settings hold, and why.

    A flag comes first, then the environment, the file, the default.
    """
    found, root = context.obj, context.find_root().command
    settings = settle(root, found)
    shown = [setting for setting in settings if every or setting.source or not setting.option.command]
    if as_json:
        typer.echo(json.dumps([_plain(setting) for setting in shown], ensure_ascii=False, indent=2, default=str))
        return
    console = Console()
    console.print(Text(f"file  {found.file or 'none; r1router init writes one'}"), soft_wrap=True)
    if found.env_file:
        console.print(Text(f".env  {found.env_file}: {', '.join(found.env_names) or 'nothing new'}"), soft_wrap=True)
    console.print(Text(f"cache {find_cache_folder()}"), soft_wrap=True)
    folded = [Column(title, overflow="fold") for title in ("value", "from")]
    table = Table("option", *folded, box=None, header_style="dim", pad_edge=False)
    if every:
        table.add_column("variable", style="dim")
    for setting in shown:
        value = _hide_password(setting.value)
        value = "–" if value in (None, "", []) else json.dumps(value, ensure_ascii=False, default=str)
        source = Text(setting.source or "default", style="" if setting.source else "dim")
        row = (Text(setting.option.name, style="bold"), Text(value), source)
        table.add_row(*row, *([setting.option.variable] if every else []))
    console.print(table)
    known = {setting.option.variable for setting in settings} | _OTHERS
    for name in sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known):
        Console(stderr=True).print(Text(f"{name} is set, and no option reads it", style="yellow"), soft_wrap=True)


def _hide_password(value: Any) -> Any:
    """The value; of a URL without the password that it may hold."""
    return _PASSWORD.sub(lambda found: found["user"] or "", value) if isinstance(value, str) else value


def _plain(setting: Setting) -> dict[str, Any]:
    option = setting.option
    return {
        "option": option.name,
        "value": _hide_password(setting.value),
        "from": setting.source or "default",
        "variable": option.variable,
    }
