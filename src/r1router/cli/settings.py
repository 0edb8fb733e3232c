"""Reads the defaults of all options from a file and the environment, because nobody wants to type them every time.

A flag comes before the environment, the environment before the file, the file before what the option says itself.
An option that names an environment variable of its own is shared: it stands at the top of the file, for every
command that has it. Every other option stands in the table of its command.

    policy = "openai:qwen3@http://localhost:11434/v1"     every command; R1ROUTER_POLICY
    [serve]
    port = 9000                                           r1router serve; R1ROUTER_SERVE_PORT
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from r1router.errors import InputError, UnknownName

FILE = "r1router.toml"
PREFIX = "R1ROUTER_"
FOLDER_OR_URL = "FOLDER|URL"
"""How an option shows that it takes either."""
FROM_FLAG_ONLY = {"--help", "--version", "--json", "--yes", "--install-completion", "--show-completion"}
"""Options that say what one call is for."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command, as the file and the environment name it."""

    command: tuple[str, ...]
    """Such as ("kb", "search"); () for a shared one."""
    key: str
    variable: str
    parameters: tuple[tuple[tuple[str, ...], Any], ...]
    """The (command, parameter) that take it; one, or several where it is shared."""

    @property
    def name(self) -> str:
        return ".".join((*self.command, self.key))

    @property
    def parameter(self) -> Any:
        return self.parameters[0][1]


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for an option where the command line does not say otherwise."""

    option: Option
    value: Any
    """None where nothing is said and the option has no default."""
    source: str
    """Such as "r1router.toml:3" or "R1ROUTER_KBS in .env"; "" for the option's own default."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files that were found, and what they say."""

    file: Path | None
    values: Mapping[str, Any]
    """The file as TOML."""
    env_file: Path | None
    env_names: tuple[str, ...]
    """Variables that were taken from it."""


def find(named: Path | None = None, *, start: Path | None = None) -> Found:
    """Reads r1router.toml, `named` or the nearest one upward from `start`, and the `.env` beside it.

    Variables of `.env` that the environment lacks are put into it: ours, and keys (`…_KEY`, `…_TOKEN`). Without
    a r1router.toml, `.env` is that of the folder itself. Raises `InputError`.
    """
    folder = (start or Path.cwd()).absolute()
    if named is not None and not named.is_file():
        raise InputError(f"there is no settings file {str(named)!r}; r1router init writes one")
    file = named or next((at / FILE for at in (folder, *folder.parents) if (at / FILE).is_file()), None)
    values = _read(file) if file else {}
    env_file = (file.parent if file else folder) / ".env"
    names = _take_env(env_file) if env_file.is_file() else ()
    return Found(file, values, env_file if env_file.is_file() else None, names)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f'{file}: {error}; text stands in quotes: policy = "llamacpp:"') from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error


def _take_env(file: Path) -> tuple[str, ...]:
    """The names that were taken into the environment."""
    import dotenv

    try:
        told = dotenv.dotenv_values(file, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    taken = []
    for name, value in told.items():
        ours = name.startswith(PREFIX) or name.endswith(("_KEY", "_TOKEN"))
        if ours and value and not os.environ.get(name):
            os.environ[name] = value
            taken.append(name)
    return tuple(taken)


# ── the options ────────────────────────────────────────────────────────────────────────────────


def list_options(root: Any) -> list[Option]:
    """Every option of every command below this one, the shared ones first."""
    shared: dict[str, list[tuple[tuple[str, ...], Any]]] = {}
    own = []
    for command, parameter in _walk(root):
        if parameter.param_type_name != "option" or parameter.hidden or FROM_FLAG_ONLY & {*parameter.opts}:
            continue
        variable = parameter.envvar if isinstance(parameter.envvar, str) else ""
        if variable:
            shared.setdefault(variable, []).append((command, parameter))
        else:
            key = max(parameter.opts, key=len).lstrip("-").replace("-", "_")
            variable = PREFIX + "_".join((*command, key)).upper().replace("-", "_")
            own.append(Option(command, key, variable, ((command, parameter),)))
    return [
        *(Option((), name.removeprefix(PREFIX).lower(), name, tuple(takers)) for name, takers in shared.items()),
        *own,
    ]


def _walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, below in getattr(command, "commands", {}).items():
        yield from ((((*path, name)), parameter) for parameter in below.params)
        yield from _walk(below, (*path, name))


# ── what holds ─────────────────────────────────────────────────────────────────────────────────


def settle(root: Any, found: Found) -> list[Setting]:
    """What holds for every option. Raises `InputError` with file, line and key for what does not fit."""
    options = list_options(root)
    _check_names(options, found)
    return [_settle_one(option, found) for option in options]


def make_default_map(settings: Iterable[Setting]) -> dict[str, Any]:
    """The settings as the command line takes them: by command, by parameter. What only defaults is left out."""
    made: dict[str, Any] = {}
    for setting in settings:
        for command, parameter in setting.option.parameters if setting.source else ():
            place = made
            for name in command:
                place = place.setdefault(name, {})
            several = parameter.multiple and not isinstance(setting.value, list)
            place[parameter.name] = [setting.value] if several else setting.value
    return made


def _settle_one(option: Option, found: Found) -> Setting:
    if given := os.environ.get(option.variable):
        inside = found.env_file is not None and option.variable in found.env_names
        source = f"{option.variable} in {found.env_file}" if inside else option.variable
        words = given.split() if option.parameter.multiple else [given]
        for word in words:
            _convert(option.parameter, word, where=source)
        return Setting(option, words if option.parameter.multiple else given, source)
    table: Any = found.values
    for name in option.command:
        table = table.get(name, {})
    if option.key in table and found.file:
        source = f"{found.file}:{_find_line(found.file, option)}"
        return Setting(option, _fit(option, table[option.key], found.file, source), source)
    default = option.parameter.default
    return Setting(option, None if callable(default) else default, "")


def _fit(option: Option, value: Any, file: Path, where: str) -> Any:
    """A value of the file as its parameters take it; a path is from the file's folder on."""
    if isinstance(value, dict):
        raise InputError(f"{where}: {option.name} is one value, not a table")
    if isinstance(value, bool) != bool(option.parameter.is_flag):
        wanted = "true or false" if option.parameter.is_flag else "neither true nor false"
        raise InputError(f"{where}: {option.name} is {wanted}; got {value!r}")
    if isinstance(value, bool):
        return value
    if isinstance(value, list) and not option.parameter.multiple:
        raise InputError(f"{where}: {option.name} is one value; got {value!r}")
    listed = [str(each) for each in value] if isinstance(value, list) else [str(value)]
    taken = [_convert(option.parameter, each, where=f"{where}: {option.name}") for each in listed]
    placed = [str(file.parent / Path(text).expanduser()) if _is_path(option.parameter, each) else text
              for each, text in zip(taken, listed, strict=True)]  # fmt: skip
    return placed if option.parameter.multiple else placed[0]


def _is_path(parameter: Any, value: Any) -> bool:
    return isinstance(value, Path) or (parameter.metavar == FOLDER_OR_URL and "://" not in value)


def _convert(parameter: Any, value: str, *, where: str) -> Any:
    """One value as the option takes it. Raises `InputError` where the option would refuse it."""
    try:
        taken = parameter.process_value(typer.Context(TyperCommand(None)), [value] if parameter.multiple else value)
    except typer.BadParameter as error:
        raise InputError(f"{where}: {error.message}") from error
    return taken[0] if parameter.multiple else taken


def _check_names(options: Sequence[Option], found: Found) -> None:
    """Raises `UnknownName` for a key or a table of the file that means nothing."""
    shared = {option.key for option in options if not option.command}
    known: dict[tuple[str, ...], list[str]] = {(): []}
    for option in options:
        known.setdefault(option.command, []).append(option.key)
        for depth in range(len(option.command)):
            names = known.setdefault(option.command[:depth], [])
            if option.command[depth] not in names:
                names.append(option.command[depth])
    stack: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), found.values)]
    while stack:
        path, table = stack.pop()
        for key, value in table.items():
            if key not in known[path]:
                line = _find_key_line(found.file, path, key)
                place = f"[{'.'.join(path)}]" if path else "the top of the file"
                if key in shared:
                    raise InputError(
                        f"{found.file}:{line}: in {place}: {key} holds for every command;"
                        " write it at the top of the file, before the first [table]"
                    )
                error = UnknownName("setting", key, known[path])
                raise InputError(f"{found.file}:{line}: in {place}: {error}")
            if (*path, key) in known:
                if not isinstance(value, dict):
                    raise InputError(f"{found.file}:{_find_key_line(found.file, path, key)}: {key} is a table, [{key}]")
                stack.append(((*path, key), value))


def _find_line(file: Path, option: Option) -> int:
    return _find_key_line(file, option.command, option.key)


def _find_key_line(file: Path | None, table: tuple[str, ...], key: str) -> int:
    """Line of a key in its table, from 1; of the table's head where the key is written in another way."""
    inside, head = not table, 1
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines() if file else (), 1):
        if opened := re.match(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$", line):
            path = tuple(part.strip().strip("\"'") for part in opened[1].split("."))
            inside = path == table
            if path == (*table, key):
                return number
            head = number if inside else head
        elif inside and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
    return head
