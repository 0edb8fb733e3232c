"""Names to code: a file of a package by its name, or anybody's `package.module:name`; and options in specs."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
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


def split_options(spec: str) -> tuple[str, dict[str, str]]:
    """`"name?a=1&b=2"` to `("name", {"a": "1", "b": "2"})`. Raises `InputError` where an option has no value."""
    head, _, query = spec.partition("?")
    try:
        return head, dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError as error:
        raise InputError(f"{spec!r}: options are written ?name=value&name=value") from error
