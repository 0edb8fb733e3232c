"""Implements `r1router init`: writes a commented r1router.toml, because nobody wants to type the same options twice."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any

import typer

from r1router.cli.settings import FILE, Option, list_options
from r1router.errors import InputError

TABLES = (("index",), ("serve",), ("eval",))
"""Commands whose own options are written, too; `r1router config --all` names those of the others."""
_HEAD = f"""\
# {FILE}: what the commands of r1router default to, in this folder and below it.
# A flag comes before a variable of the environment, a variable before this file. `r1router config` shows what holds.
# Take the # away in front of what you want to say. A path is from this file's folder on.
# Keys do not belong here: write OPENAI_API_KEY=… into a file `.env` beside this one, and keep that out of git.
"""


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder to write it to.")] = Path(),
    kbs: Annotated[str | None, typer.Option(help="Folder of the knowledge bases to write into the file.")] = None,
    policy: Annotated[str | None, typer.Option(help="The model to write into the file.")] = None,
) -> None:
    """Write a commented file of settings.

    All commands read r1router.toml in this folder and below it.
    """
    file = folder / FILE
    if file.exists():
        raise InputError(f"{file} is there already; change it with an editor")
    folder.mkdir(parents=True, exist_ok=True)
    said = {name: value for name, value in (("kbs", kbs), ("policy", policy)) if value is not None}
    file.write_text(write_file(list_options(context.find_root().command), said), encoding="utf-8")
    typer.echo(f"wrote {file}\nnext: r1router config shows what holds, r1router models where models come from")


def write_file(known: Iterable[Option], said: dict[str, str]) -> str:
    """The text of a file in which `said` holds and everything else is a comment."""
    known = list(known)
    parts = [_HEAD, *(_write_option(option, said.get(option.key)) for option in known if not option.command)]
    for table in TABLES:
        parts.append(f"# What `r1router {' '.join(table)}` alone takes.\n[{'.'.join(table)}]\n")
        parts += [_write_option(option, None) for option in known if option.command == table]
    return "\n".join(parts)


def _write_option(option: Option, value: str | None) -> str:
    lines = wrap(f"{option.parameter.help} ({option.variable})", 116)
    comment = "\n".join(f"# {line}" for line in lines)
    shown = value if value is not None else _find_example(option)
    if shown is None:
        return f"{comment}\n# {option.key} …\n"
    return f"{comment}\n{'' if value is not None else '# '}{option.key} = {json.dumps(shown, ensure_ascii=False)}\n"


def _find_example(option: Option) -> Any:
    """The default; where there is none, a value that is possible; None where we have none."""
    default = option.parameter.default
    if default is None:
        return _EXAMPLES.get(option.name, [] if option.parameter.multiple else None)
    return str(default) if isinstance(default, Path) else default


_EXAMPLES = {
    "prompts": "prompts",
    "max_tokens": 20_000,
    "max_seconds": 60,
    "max_retrievals": 10,
    "max_cost": 0.05,
    "prices": "prices.csv",
    "index.as": "text",
    "index.name": "handbook",
    "index.holds": "Our handbook: rules, forms, addresses",
    "index.embedder": "minilm:",
    "index.image_embedder": "efficientnet:",
    "eval.out": "runs/mine",
    "eval.limit": 100,
    "eval.seed": 0,
    "eval.replay": "runs/before",
    "eval.primary": "length_aware",
}
