"""Reads the weights of a formula beside a prompt set, because they are fitted to the policy that the set is for."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from r1router.errors import InputError

W = TypeVar("W")


def read_weights(file: Path, kind: type[W]) -> W | None:
    """The weights, numbers by the names of the fields of `kind`, a dataclass; None where there is no file.

    Raises `InputError` for a file that is no TOML, and for what is no weight.
    """
    if not file.is_file():
        return None
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    wrong = [name for name, value in given.items() if name not in known or not isinstance(value, int | float)]
    if wrong:
        raise InputError(f"{file}: {', '.join(wrong)} is no weight; known: {', '.join(sorted(known))}, each a number")
    weights: Any = kind
    made: W = weights(**given)
    return made
