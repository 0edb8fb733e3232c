"""Reads what models cost and finds the price of one, because a budget can be money only where prices are known."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from r1router.errors import InputError
from r1router.types import Usage

COLUMNS = ("model", "in", "out")
"""Of a table of prices; others are ignored."""


class Prices(NamedTuple):
    """What a model costs, in any currency, for a million tokens."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, usage: Usage) -> float:
        """What these tokens cost."""
        return (usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion) / 1e6


@dataclass(frozen=True, slots=True)
class PriceList:
    """What is known of prices: one for every model, or one for each of some models."""

    every: Prices | None = None
    """Holds for every model, whatever the table says."""
    models: Mapping[str, Prices] = field(default_factory=dict)
    """By the name of a model, or by the spec of a policy without its options."""

    def find(self, spec: str) -> Prices | None:
        """The price of the model that this policy asks; None where it is not known.

        >>> listed = PriceList(models={"gpt-4o-mini": Prices(0.15, 0.6)})
        >>> listed.find("openai:gpt-4o-mini"), listed.find("openai:gpt-4o-mini@https://host/v1?timeout=9")
        (Prices(prompt=0.15, completion=0.6), Prices(prompt=0.15, completion=0.6))
        >>> listed.find("openai:gpt-4o") is None
        True
        """
        if self.every is not None:
            return self.every
        bare = spec.partition("?")[0].partition(" (")[0]  # what a warmer policy adds stands in parentheses
        target = bare.partition(":")[2]
        model = target.rpartition("@")[0] or target
        return next((self.models[name] for name in (bare, model, Path(model).name) if name in self.models), None)


def read_prices(file: Path) -> dict[str, Prices]:
    """A csv table with the columns `model`, `in` and `out`: the name of a model, and money for a million tokens.

    Columns may be separated by commas, semicolons or tabs; beside the latter two a number may have a decimal comma.
    Raises `InputError` that names the line.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the table of prices {file} cannot be read: {error}") from error
    head = lines[0] if lines else ""
    separator = max(",;\t", key=head.count)
    rows = csv.DictReader(lines, delimiter=separator, skipinitialspace=True)
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise InputError(
            f"{file}:1: a table of prices has the columns model,in,out; there is no {' and no '.join(missing)}"
        )
    found: dict[str, Prices] = {}
    for row in rows:
        place, name = f"{file}:{rows.line_num}", (row["model"] or "").strip()
        if not name:
            raise InputError(f"{place}: the model has no name")
        if name in found:
            raise InputError(f"{place}: {name!r} has a price already")
        prices = (_read_price(row[column], place, column, comma=separator != ",") for column in COLUMNS[1:])
        found[name] = Prices(*prices)
    return found


def _read_price(given: str | None, place: str, column: str, *, comma: bool) -> float:
    text = (given or "").strip()
    try:
        price = float(text.replace(",", ".") if comma else text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise InputError(f"{place}: '{column}' is money for a million tokens, such as 0.15; got {text!r}")
    return price
