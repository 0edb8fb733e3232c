"""The nouns to plain JSON values and back, one trajectory a line in files.

Pictures travel as base64; what has its default value is left out, so that lines stay short and old lines can
still be read after a field has been added.
"""

from __future__ import annotations

import base64
import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from r1router.errors import InputError

T = TypeVar("T")


def to_dict(value: Any) -> Any:
    """A noun (or anything made of nouns) as dicts, lists and scalars that `json.dumps` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_dict(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not _is_default(field, getattr(value, field.name))
        }
    if isinstance(value, Mapping):
        return {str(key): to_dict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_dict(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value


def from_dict(kind: type[T], value: Mapping[str, Any]) -> T:
    """The noun of this kind that `to_dict` turned into `value`. Raises `InputError` where it does not fit."""
    return typing.cast(T, _read(kind, value, kind.__name__))


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return field.default is not dataclasses.MISSING and bool(value == field.default)


@cache
def _field_types(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, value: Any, where: str) -> Any:
    """`value` as what the annotation `kind` says, with `where` it stands for messages."""
    if value is None or kind is Any:
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _read(next(a for a in arguments if a is not type(None)), value, where)
    if dataclasses.is_dataclass(kind):
        return _read_noun(typing.cast(type, kind), value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where} must be a list, not {type(value).__name__}")
        each = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_read(a, item, f"{where}[{n}]") for n, (a, item) in enumerate(zip(each, value, strict=False)))
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return kind(*value)
    if kind is bytes:
        return base64.b64decode(value)
    return value


def _read_noun(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise InputError(f"{where} must be an object, not {type(value).__name__}")
    known = _field_types(kind)
    unknown = value.keys() - known.keys()
    if unknown:
        raise InputError(f"{where} has unknown fields: {', '.join(sorted(unknown))}")
    try:
        return kind(**{name: _read(known[name], item, f"{where}.{name}") for name, item in value.items()})
    except TypeError as error:
        raise InputError(f"{where}: {error}") from error


def encodable(text: str) -> str:
    """The text with a question mark for each lone surrogate, which has no UTF-8."""
    return text.encode("utf-8", "replace").decode()
