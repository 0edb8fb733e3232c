"""Defines what a filter is once it is read: a tree of four kinds of test, the same for every store.

A test of a field that a source does not have is false, so `Not` of it is true: there is no third value. A field may
hold a list; a test is true where it is true of one item. A store that translates a tree keeps to this, as `match.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]
Fields = Mapping[str, Value]
"""What is known of a source, by name. Dates are text in ISO 8601, so that they sort as text."""


@dataclass(frozen=True, slots=True)
class Compare:
    """A field and a value. Text is compared by code points, a number with numbers alone, a boolean with booleans.

    Text equals a number that is written so. None is equal to a field that is not there; it has no order.
    """

    field: str
    op: Literal["=", "<", "<=", ">", ">="]
    value: Scalar | None

    def __eq__(self, other: object) -> bool:
        """With the types of the values: for Python 1 is True, and what a filter found is remembered by its tree."""
        return isinstance(other, Compare) and self._typed == other._typed

    @property
    def _typed(self) -> tuple[str, str, Scalar | None, type]:
        return self.field, self.op, self.value, type(self.value)


@dataclass(frozen=True, slots=True)
class Like:
    """A field as text, and a pattern: "%" stands for any characters, or none, and all else for itself."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


Filter = Compare | Like | And | Or | Not


def list_fields(tree: Filter) -> set[str]:
    """The names of all fields that it tests."""
    match tree:
        case Compare(field) | Like(field):
            return {field}
        case Not(part):
            return list_fields(part)
        case And(parts) | Or(parts):
            return {name for part in parts for name in list_fields(part)}
