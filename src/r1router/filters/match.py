"""Tells whether the fields of a source match a filter; every store's own translation must agree with it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from r1router.filters.tree import And, Compare, Fields, Filter, Like, Not, Or, Scalar

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(tree: Filter, fields: Fields) -> bool:
    """Whether a source with these fields is one that the filter lets through."""
    match tree:
        case And(parts):
            return all(matches(part, fields) for part in parts)
        case Or(parts):
            return any(matches(part, fields) for part in parts)
        case Not(part):
            return not matches(part, fields)
        case Compare(field, op, value):
            held = _list_items(fields, field)
            return not held if value is None else any(_compare(item, op, value) for item in held)
        case Like(field, pattern):
            return any(is_like(write(item), pattern) for item in _list_items(fields, field))


def _list_items(fields: Fields, field: str) -> tuple[Scalar, ...]:
    held = fields.get(field, ())
    return held if isinstance(held, tuple) else (held,)


def _compare(held: Scalar, op: str, value: Scalar) -> bool:
    if op == "=" and isinstance(value, str):
        return write(held) == value
    if isinstance(held, bool) or isinstance(value, bool) or isinstance(held, str) != isinstance(value, str):
        return op == "=" and held is value
    return held == value if op == "=" else _ORDER[op](held, value)


def write(value: Scalar) -> str:
    """A value as text: a whole number without a point, true and false in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def is_like(text: str, pattern: str) -> bool:
    """Whether a text has this form, in time that grows with their lengths and not with the number of "%"."""
    first, *others = pattern.split("%")
    if not others:
        return text == pattern
    *middle, last = others
    if not text.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - len(last) >= at and text.endswith(last)
