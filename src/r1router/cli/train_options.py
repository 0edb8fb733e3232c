"""Declares the options that the training commands share."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_type_hints

import typer

from r1router.errors import InputError
from r1router.train.settings import TrainSettings

T = TypeVar("T")

Steps = Annotated[list[Path], typer.Argument(help="Files of steps, written by synthesize.", show_default=False)]
StepsOrQuestions = Annotated[
    list[Path],
    typer.Argument(
        metavar="STEPS...",
        help="Files of steps, written by synthesize; with --online also question files.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(help="Folder of the run. Give the same command again to continue a stopped run.")]
Base = Annotated[
    str,
    typer.Option(
        help="What was trained: Hugging Face id, folder or GGUF file. [the default model]", show_default=False
    ),
]
Prompts = Annotated[
    Path | None,
    typer.Option(
        "--prompts",
        help="Folder of prompt templates. [those of the --adapter or --base, else our short set]",
    ),
]
Pictures = Annotated[Path | None, typer.Option(help="Folder of the steps' pictures, for a model that sees.")]


def add_settings(made: type[T], *, but: Sequence[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose parameter `settings` comes from options, one for each field of this dataclass except `but`."""
    types = get_type_hints(made)
    offered = [Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=_option(f, types[f.name]))
               for f in fields(cast(Any, made)) if f.name not in but]  # fmt: skip

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in signature(command, eval_str=True).parameters.values()]
        place = [p.name for p in own].index("settings")
        parameters = [*own[:place], *offered, *own[place + 1 :]]

        @wraps(command)
        def run(**given: Any) -> None:
            told = {p.name: given.pop(p.name) for p in offered}
            command(**given, settings=made(**told))

        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


def _option(field: Field[Any], kind: Any) -> Any:
    """The annotation of a command's parameter for a setting; a switch that is off by itself has no `--no-…`."""
    name = f"--{field.name.replace('_', '-')}"
    names = [f"{name}/--no-{field.name.replace('_', '-')}" if field.default is True else name]
    bounds = {"min": field.metadata["min"], "max": field.metadata["max"]}
    return Annotated[
        kind, typer.Option(*names, help=field.metadata["help"], **bounds, show_default=field.default != "")
    ]


def choose_prompt_set(named: Path | None, settings: TrainSettings) -> str:
    """The prompts to train with: what is trained further keeps those that it was trained with."""
    from r1router.prompts import find_prompts_beside

    weights = [Path(spec.partition("?")[0]).expanduser() for spec in (settings.adapter, settings.base) if spec]
    places = (place.parent if place.suffix == ".gguf" else place for place in weights)
    return str(named or find_prompts_beside(*places) or settings.prompts)


def check_kbs(location: str) -> None:
    """Raises `InputError` where there is no such place for knowledge bases."""
    from r1router.kb.stores import open_catalog

    catalog = open_catalog(location)
    if not catalog.exists():
        place = f"{catalog.kind.removeprefix('the ')} {catalog.place}"
        raise InputError(f"--online searches knowledge bases, and there is no {place}; name it with --kbs")


def refuse_without(switch: str, context: typer.Context, *names: str) -> None:
    """Raises `InputError` for options on the command line that mean nothing without `switch`."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise InputError(f"--{name.replace('_', '-')} is for {switch}; give that too, or leave it out")


def is_adapter(trained: Path) -> bool:
    return (trained / "adapter_config.json").is_file()


def write_export_command(trained: Path, base: str) -> list[str]:
    """The command that writes the result in a form that its base allows: GGUF is made from GGUF."""
    from r1router.train.weights.load import find_gguf_file

    form = [] if is_adapter(trained) else ["--form", "q8_0"]
    if find_gguf_file(base) is None:
        form = ["--form", "merged"]
    return ["export", str(trained), *(["--base", base] if base else []), *form, "--out", "FOLDER"]


def tell(trained: Path, *then: str) -> None:
    """Where the result is and the command that goes on from it; printed once, however many processes train."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"trained: {trained}\nnext: {shlex.join(['r1router', 'train', *then])}")
