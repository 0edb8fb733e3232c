"""Loads code by its name: a file of a package, or anybody's `package.module:name`; and reads options in specs."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from r1router.errors import InputError, UnknownName


def load(what: str, name: str, *, package: str, known: Iterable[str], attribute: str) -> Any:
    """`attribute` of the module `package.name`, or the object that `module.path:object` names.

    Raises `UnknownName` for a name that is neither, `InputError` for a module that cannot be imported.
    """
    module_name, colon, own_attribute = name.partition(":")
    if colon:
        try:
            return getattr(importlib.import_module(module_name), own_attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise InputError(f"{what} {name!r} cannot be loaded: {error}") from error
    known = list(known)
    if name not in known:
        raise UnknownName(what, name, known)
    return getattr(importlib.import_module(f"{package}.{name}"), attribute)


def list_entries(package: str) -> list[str]:
    """The names that a folder of modules offers: its files, but for those that begin with an underscore.

    `package` is the `__file__` of the folder's `__init__`.
    """
    return sorted(path.stem for path in Path(package).parent.glob("*.py") if not path.stem.startswith("_"))


def split_options(spec: str) -> tuple[str, dict[str, str]]:
    """`"name?a=1&b=2"` to `("name", {"a": "1", "b": "2"})`. Raises `InputError` where an option has no value."""
    head, _, query = spec.partition("?")
    try:
        return head, dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError as error:
        raise InputError(f"{spec!r}: options are written ?name=value&name=value") from error


def bind(what: str, function: Callable[..., Any], options: Mapping[str, str]) -> dict[str, Any]:
    """Options as text to what `list_options` tells of the function, each as the type of its default.

    Raises `UnknownName` for an option that it does not have, `InputError` for a value of another type.
    """
    known = list_options(function)
    for key in options:
        if key not in known:
            raise UnknownName(f"option of the {what}", key, known)
    return {key: _convert(what, key, value, known[key]) for key, value in options.items()}


def list_options(function: Callable[..., Any]) -> dict[str, Any]:
    """A function's keyword-only parameters that have a default, with it."""
    parameters = inspect.signature(function).parameters.items()
    return {key: p.default for key, p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}


def _convert(what: str, key: str, value: str, default: object) -> object:
    try:
        match default:
            case bool():
                return {"true": True, "false": False}[value.lower()]
            case int():
                return int(value)
            case float():
                return float(value)
            case _:
                return value
    except (ValueError, KeyError) as error:
        kind = type(default).__name__
        raise InputError(f"{what}: option {key}={value!r} is not of type {kind}") from error
