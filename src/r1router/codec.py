"""Turns the nouns into plain JSON values and back, so that files, records and clients hold one and the same form.

Pictures travel as base64; what has its default value is left out, so that lines stay short and old lines can
still be read after a field has been added. Pydantic checks what is read against the types of the fields.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from r1router.errors import InputError

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

T = TypeVar("T")


def to_dict(value: Any) -> Any:
    """A noun (or anything made of nouns) as dicts, lists and scalars that `json.dumps` takes."""
    return json.loads(json.dumps(_plain(value), default=_write_bytes))


def to_json(value: Any) -> bytes:
    """A noun as the bytes of its JSON, on one line: what `to_dict` gives, in one pass."""
    from pydantic_core import PydanticSerializationError

    try:
        return _adapter(cast(Any, type(value))).dump_json([value], exclude_defaults=True, warnings=False)[1:-1]
    except PydanticSerializationError:  # a lone surrogate, which has no UTF-8
        return json.dumps(to_dict(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def from_dict(kind: type[T], value: Mapping[str, Any]) -> T:
    """The noun of this kind that `to_dict` turned into `value`. Raises `InputError` where it does not fit."""
    from pydantic import ValidationError

    try:
        noun: T = _adapter(cast(Any, kind)).validate_python([value])[0]
    except ValidationError as error:
        raise InputError(_describe(kind.__name__, error.errors(include_url=False, include_input=False))) from error
    return noun


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """For a list of this kind: of a list, and not of a dataclass, the configuration holds for all that is in it."""
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(list[kind], config=ConfigDict(extra="forbid", val_json_bytes="base64"))


def _plain(value: Any) -> Any:
    """`value` without nouns in it; bytes are still bytes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _adapter(type(value)).dump_python([value], exclude_defaults=True, warnings=False)[0]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _write_bytes(value: Any) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    return base64.b64encode(value).decode("ascii")


def replace_surrogates(text: str) -> str:
    """The text with a question mark for each lone surrogate, which has no UTF-8."""
    return text.encode("utf-8", "replace").decode()


def escape_controls(text: str) -> str:
    """The text with an escape for each character that is not printable but the end of a line: a file's name may hold
    the codes that move a terminal's cursor or colour what follows."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


# ── what did not fit ───────────────────────────────────────────────────────────────────────────

_SAYS = {"tuple_type": "must be a list", "dataclass_type": "must be an object", "missing": "is missing"}
"""Pydantic's words for these would name Python's types, not JSON's."""
_TOLD = 3
"""Errors that a message tells of."""


def _describe(name: str, errors: list[ErrorDetails]) -> str:
    """What is wrong, where: `Trajectory.steps[0].evidence must be a list`."""
    said = [_describe_one(name, error) for error in errors[:_TOLD]]
    return "; ".join([*said, *([f"and {len(errors) - _TOLD} more"] if len(errors) > _TOLD else [])])


def _describe_one(name: str, error: ErrorDetails) -> str:
    place = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"][1:]]
    if error["type"] == "unexpected_keyword_argument":
        return f"{name}{''.join(place[:-1])} has an unknown field: {error['loc'][-1]}"
    return f"{name}{''.join(place)} {_SAYS.get(error['type'], 'is wrong: ' + error['msg'])}"
