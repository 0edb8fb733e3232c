"""Holds the columns of a table as arrays, because conditions and totals are then worked out on all rows at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt

from r1router.table import TableBlock, TableColumn
from r1router.tables.columns import Value
from r1router.tables.grammar import Condition, Formula
from r1router.tables.names import quote_name
from r1router.tables.results import round_endless
from r1router.tables.view import TableView

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TableArrays:
    """The columns of a view, by their places in it, and after them the formulas that were asked for."""

    view: TableView
    rows: int
    names: tuple[str, ...]
    """Of the columns, quoted as SQL takes them."""
    texts: tuple[tuple[str, ...], ...]
    """Of each column, what its cells say."""
    values: tuple[Sequence[Value], ...]
    numbers: dict[int, Floats]
    """The values of the columns that are not text: numbers, days since year 1, seconds; NaN where there is none."""
    of_numbers: tuple[int, ...]
    """Places of the columns that may be added up."""

    def mask(self, condition: Condition) -> Bools:
        """Which rows meet a condition of `grammar.list_conditions`."""
        sign, literal = condition.sign, condition.literal
        if condition.of >= 0:
            return self._compare_with_row(condition)
        if condition.other >= 0:
            return _compare_columns(self.numbers[condition.column], sign, self.numbers[condition.other])
        values = self.values[condition.column]
        if sign in ("IS NULL", "IS NOT NULL"):
            empty = np.array([value is None or value == "" for value in values])
            return empty if sign == "IS NULL" else ~empty
        if sign == "ILIKE":
            form = re.compile(re.escape(literal).replace("%", ".*"), re.IGNORECASE | re.DOTALL)
            return np.array([bool(form.fullmatch(str(value or ""))) for value in values])
        if sign == "month =":
            return np.array([isinstance(v, date) and f"{v:%B}" == literal for v in values])
        if sign.startswith("year"):
            years = np.array([float(v.year) if isinstance(v, date) else np.nan for v in values])
            return compare(years, sign[5:], float(literal))
        if sign.startswith("average"):
            array = self.numbers[condition.column]
            return compare(array, sign[8:], float(np.nanmean(array)) if not np.isnan(array).all() else np.nan)
        if sign == "=":
            return self.equal(condition.column, literal)
        if sign == "IN":
            one, other = self._pair(condition)
            return self.equal(condition.column, one) | self.equal(condition.column, other)
        if sign == "!=" and self.view.columns[condition.column].kind == "text":
            filled: Bools = np.array([value not in (None, "") for value in values])
            return filled & ~self.equal(condition.column, literal)
        return compare(self.numbers[condition.column], sign, _read_literal(literal))

    def equal(self, place: int, literal: str) -> Bools:
        """Which rows have this value, written as in SQL, in the column at this place."""
        if place in self.numbers:
            array = np.floor(self.numbers[place]) if literal.startswith("DATE") else self.numbers[place]
            return compare(array, "=", _read_literal(literal))
        text = literal[1:-1].replace("''", "'")
        return np.array([value == text for value in self.values[place]])

    def _compare_with_row(self, condition: Condition) -> Bools:
        place = int(np.flatnonzero(self.equal(condition.of, condition.literal))[0])
        if condition.sign.startswith("row"):
            numbers = np.arange(self.rows)
            rows: dict[str, Bools] = {
                "row +1": numbers == place + 1, "row -1": numbers == place - 1,
                "row >": numbers > place, "row <": numbers < place,
            }  # fmt: skip
            return rows[condition.sign]
        if condition.column not in self.numbers:
            value = self.values[condition.column][place]
            return np.array([value not in (None, "") and other == value for other in self.values[condition.column]])
        return compare(self.numbers[condition.column], condition.sign, self.numbers[condition.column][place])

    def _pair(self, condition: Condition) -> tuple[str, str]:
        cells = [cell.literal for cell in self.view.columns[condition.column].cells]
        return next((a, b) for a in cells for b in cells if f"{a}, {b}" == condition.literal)


def read_arrays(
    view: TableView, block: TableBlock, columns: Sequence[TableColumn], values: Sequence[Sequence[Value]],
    *, formulas: Sequence[Formula] = (),
) -> TableArrays:  # fmt: skip
    """The columns that a view shows of a table with these rows. `values`: as for `view_table`."""
    place = {column.name: number for number, column in enumerate(columns)}
    shown = [place[column.name] for column in view.columns]
    numbers = {
        at: np.array([_read_number(value) for value in values[p]])
        for at, p in enumerate(shown)
        if view.columns[at].kind != "text"
    }
    worked_out = [_work_out(formula, numbers) for formula in formulas]
    after = range(len(shown), len(shown) + len(formulas))
    return TableArrays(
        view=view,
        rows=len(block.rows),
        names=(*(quote_name(column.name) for column in view.columns), *(formula.sql for formula in formulas)),
        texts=(
            *(tuple(row[p] if p < len(row) else "" for row in block.rows) for p in shown),
            *(tuple(map(write_value, array)) for array in worked_out),
        ),
        values=(*(values[p] for p in shown), *([None if np.isnan(n) else n for n in array] for array in worked_out)),
        numbers={**numbers, **dict(zip(after, worked_out, strict=True))},
        of_numbers=(*(at for at, column in enumerate(view.columns) if column.kind == "number"), *after),
    )


def _work_out(formula: Formula, numbers: dict[int, Floats]) -> Floats:
    """The formula's value in each row; NaN where it has none."""
    one, other = numbers[formula.left], numbers[formula.right]
    if formula.kind == "product":
        return one * other
    if formula.kind == "together":
        return one + other
    return np.abs(np.floor(one) - np.floor(other)) if formula.kind == "days" else one - other


def write_value(value: float) -> str:
    """A number as an answer has it; "" for NaN."""
    if np.isnan(value):
        return ""
    whole = value == int(value) and abs(value) < 1e15
    return str(int(value)) if whole else round_endless(format(value, ".12g"))


def compare(array: Floats, sign: str, value: float) -> Bools:
    """Which numbers stand so to this one; none that is NaN does."""
    with np.errstate(invalid="ignore"):
        result: Bools = _SIGNS[sign](array, value)
    return result & ~np.isnan(array) & (not np.isnan(value))


def _compare_columns(left: Floats, sign: str, right: Floats) -> Bools:
    """In which rows the one number stands so to the other; `sign` as in "> column"."""
    with np.errstate(invalid="ignore"):
        result: Bools = _SIGNS[sign.split()[0]](left, right)
    return result & ~np.isnan(left) & ~np.isnan(right)


def meets(one: float, sign: str, other: float) -> bool:
    """Whether one number stands so to another."""
    return bool(_SIGNS[sign](one, other))


_SIGNS: dict[str, Callable[..., Bools]] = {
    "=": lambda a, b: np.abs(a - b) <= 1e-9 * np.maximum(1.0, np.abs(b)),
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def _read_literal(text: str) -> float:
    """The number that a literal is; of a date the days since year 1."""
    if text.startswith("DATE"):
        return float(date.fromisoformat(text[6:-1]).toordinal())
    return float(text)


def _read_number(value: Value) -> float:
    if isinstance(value, datetime):
        return value.toordinal() + (value.hour * 3600 + value.minute * 60 + value.second) / 86400
    if isinstance(value, date):
        return float(value.toordinal())
    return float(value) if isinstance(value, int | float) else float("nan")
