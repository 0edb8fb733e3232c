"""Writes values as files hold them as the strings, ids and titles that records carry."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

from r1router.scripts import normalise

_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,8}$")


def write_cell(value: object) -> str:
    """One line of text for a value of any type: dates as ISO 8601, whole floats without ".0", NaN as ""."""
    match value:
        case None:
            return ""
        case str():
            return tidy(" ".join(value.split()))
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case decimal.Decimal():
            return format(value, "f") if value.is_finite() else ""
        case datetime.datetime() if value.time() == datetime.time() and value.tzinfo is None:
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(" ", "seconds")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case bytes():
            try:
                return write_cell(value.decode())
            except UnicodeDecodeError:
                return ""
        case list() | tuple() if not any(isinstance(item, dict | list | tuple) for item in value):
            return ", ".join(write_cell(item) for item in value)
        case dict() | list() | tuple():
            return write_cell(json.dumps(value, ensure_ascii=False, default=write_cell))
        case _:
            return write_cell(str(value))


def tidy(text: str) -> str:
    """The text in its normal form, and without what no index can store: halves of surrogate pairs from JSON escapes."""
    return normalise(text if text.isascii() else text.encode("utf-8", "replace").decode())


def make_title(path: Path) -> str:
    """
    >>> make_title(Path("pics/golden-gate_bridge.png"))
    'golden gate bridge'
    """
    stem = path.name
    while _SUFFIX.search(stem[1:]):  # two for .jsonl.gz
        stem = stem[: stem.rindex(".")]
    return " ".join(re.sub(r"[-_]+", " ", stem).split()) or path.name


def write_counts(counts: Mapping[str, int]) -> str:
    """
    >>> write_counts({"hidden row": 2, "chart": 1, "picture": 0})
    '2 hidden rows, 1 chart'
    """
    return ", ".join(f"{count} {noun}{'s' * (count > 1)}" for noun, count in counts.items() if count)


class Ids:
    """Makes the ids of one file unique: a repeated one gets its ordinal, "a", "a#2", "a#3"."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def unique(self, id: str) -> str:
        count = self._seen[id] = self._seen.get(id, 0) + 1
        return id if count == 1 else self.unique(f"{id}#{count}")


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    said = format(value, ".15g")
    return format(decimal.Decimal(said), "f") if "e" in said and 1e-9 < abs(value) < 1e21 else said
