"""Marks the pieces of a query and weighs the marks, because what a question says for a query is in many small things.

"count: how many" marks a count where the question has these words, "unsaid" each word that names a column or a cell and
is not in the query. A piece is worth the sum of its marks' weights (`likely.toml`); `likely` puts pieces together.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from r1router.tables.arrays import Floats, TableArrays
from r1router.tables.grammar import Condition, Formula, list_formulas
from r1router.tables.mentions import Mentions
from r1router.tables.view import read_numbers

UNSAID = "unsaid"
UNSTATED = frozenset(("where half named", "where partly named", "where not named", "where meant"))
"""Marks of a condition that compares with more than the question says."""
YEARS = 1500, 2100
"""The first and the last whole number that is taken for a year where all of a column are."""
Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MarkedQuery:
    """A query, what it gives, and what speaks for and against it."""

    sql: str
    answer: str
    marks: tuple[str, ...]
    """One that counts twice is there twice."""
    score: float


@cache
def read_mark_weights() -> Weights:
    """The weights that we ship."""
    told = tomllib.loads(Path(__file__).with_name("likely.toml").read_text(encoding="utf-8"))
    return {mark: float(weight) for mark, weight in told.items()}


def tell_numbers(array: Floats, *, is_first: bool) -> str:
    """What the numbers of a column are: "years", "running numbers" (of the rows), "amounts".

    `is_first`: whether the column is the table's first; there, whole numbers that only rise number the rows.
    """
    known = array[~np.isnan(array)]
    if not len(known) or (known != np.floor(known)).any():
        return "amounts"
    if known.min() >= YEARS[0] and known.max() <= YEARS[1]:
        return "years"
    has_no_gap = len(np.unique(known)) == len(known) == known.max() - known.min() + 1
    is_running = len(known) > 2 and (has_no_gap or (is_first and (np.diff(known) > 0).all()))
    return "running numbers" if is_running else "amounts"


def is_year(literal: str) -> bool:
    """Whether what a condition compares with may be a year."""
    return len(literal) == 4 and literal.isdigit() and YEARS[0] <= int(literal) <= YEARS[1]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a query: the words of the question that it says, what marks it, and what both are worth."""

    said: frozenset[str]
    marks: tuple[str, ...]
    score: float = 0.0


class QueryMarks:
    """What one question says of pieces of queries over one table."""

    def __init__(self, table: TableArrays, weights: Weights) -> None:
        self.table, self.view, self.weights = table, table.view, weights
        self.asked = Mentions(table.view)
        self.formulas = list_formulas(table.view)
        self.kinds = [*(column.kind for column in self.view.columns), *(formula.kind for formula in self.formulas)]
        named = self.asked.named
        self.meant = {
            (place, cell.literal): cell.meant
            for place, column in enumerate(self.view.columns)
            for cell in column.cells
            if cell.meant
        }
        self.named = [*named, *(named[formula.left] | named[formula.right] for formula in self.formulas)]
        self.key = next((place for place, c in enumerate(self.view.columns) if c.kind == "text"), 0)
        places = [self.asked.first(words) for words in self.asked.named]
        self.earliest = min((place for place in places if place is not None), default=None)
        self.sorts = [*map(self._tell_sort, range(len(self.view.columns)))]
        self.sorts += [*map(self._tell_sort_of_two, self.formulas)]
        """Of each column and formula what it is made of: "amounts", "years", "running numbers", or the kind."""
        self._columns: dict[tuple[int, str], Part] = {}
        self._kinds_of_asking: dict[str, Part] = {}

    def _part(self, said: Iterable[str], *marks: str) -> Part:
        words = frozenset(said)
        return Part(words, marks, self._weigh(marks) - self.weights.get(UNSAID, 0.0) * len(words & self.asked.linked))

    def _weigh(self, marks: Iterable[str]) -> float:
        return math.fsum(self.weights.get(mark, 0.0) for mark in marks)

    def _join(self, *parts: Part) -> Part:
        marks = tuple(mark for part in parts for mark in part.marks)
        said = frozenset().union(*(part.said for part in parts))
        again = sum(len(part.said & self.asked.linked) for part in parts) - len(said & self.asked.linked)
        score = math.fsum(part.score for part in parts) + self.weights.get(UNSAID, 0.0) * again
        return Part(said, marks, score)

    def _asks(self, mark: str) -> Part:
        """A function, with each of the question's words: some ask for it."""
        if mark not in self._kinds_of_asking:
            self._kinds_of_asking[mark] = self._part((), mark, *(f"{mark}: {word}" for word in self.asked.words))
        return self._kinds_of_asking[mark]

    def _asks_for_end(self, *, most: bool) -> Part:
        return self._asks("the most" if most else "the least")

    def _finish(self, sql: str, answer: str, part: Part, *marks: str) -> MarkedQuery:
        left = self.asked.linked - part.said
        unsaid = (*(UNSAID,) * len(left), *("unsaid name",) * len(left & self.asked.in_names))
        marks = (*marks, *unsaid)
        known = part.score + self.weights.get(UNSAID, 0.0) * len(part.said & self.asked.linked)
        return MarkedQuery(sql, answer, (*part.marks, *marks), known + self._weigh(marks))

    def _column(self, place: int, role: str) -> Part:
        """A column as what is told, what is totalled or what is ordered by."""
        if (place, role) not in self._columns:
            is_formula = place >= len(self.view.columns)
            marks = self._mark_formula(place, role) if is_formula else self._mark_column(place, role)
            self._columns[place, role] = self._part(self.named[place], *marks)
        return self._columns[place, role]

    def _tell_sort(self, place: int) -> str:
        kind = self.view.columns[place].kind
        return tell_numbers(self.table.numbers[place], is_first=place == 0) if kind == "number" else kind

    def _tell_sort_of_two(self, formula: Formula) -> str:
        one, other = self.sorts[formula.left], self.sorts[formula.right]
        if one == other:
            return "amounts" if (formula.kind, one) == ("difference", "years") else one
        return other if one == "amounts" else one

    def _mark_total(self, name: str, place: int) -> Part:
        """What a total of this name adds up: the sum of running numbers is nearly never asked for."""
        return self._part((), f"{name} of {self.sorts[place]}")

    def _mark_formula(self, place: int, role: str) -> Iterator[str]:
        formula = self.formulas[place - len(self.view.columns)]
        count = sum(bool(self.asked.named[column]) for column in (formula.left, formula.right))
        yield f"{role} {formula.kind}"
        yield f"{role} {formula.kind} of {count} named"
        yield f"{formula.kind} of {self.sorts[place]}"
        yield from (f"{formula.kind}: {word}" for word in self.asked.words)

    def _mark_column(self, place: int, role: str) -> Iterator[str]:
        kind, said = self.view.columns[place].kind, self.asked.named[place]
        yield f"{role} {kind}"
        if role == "tell":
            yield from (f"tell {kind}: {word}" for word in self.asked.words)
        if place == self.key:
            yield f"{role} first text"
        if kind != "text" and len(self.table.numbers) == 1 + len(self.formulas):
            yield f"{role} the only {kind}"
        if place == 0:
            yield f"{role} first"
        at = self.asked.first(said)
        if at is None:
            yield f"{role} {'what the table is about' if self.asked.heading[place] else f'unnamed {kind}'}"
            # "Which is the cheapest?" orders by a price, though no word of the question is in that name.
            yield from (f"{role} {name}: {word}" for name in self.asked.names[place] for word in self.asked.words)
            return
        if len(said) == len(self.asked.names[place]):
            yield f"{role} wholly named"
        if at == self.earliest:
            yield f"{role} named before others"
        yield f"{role} after {self.asked.token(at - 1)}"

    def _mark_condition(self, condition: Condition) -> Part:
        asked, sign = self.asked, condition.sign
        if condition.of >= 0 and not sign.startswith("row"):
            sign = f"{sign} another row"
        elif condition.column >= len(self.view.columns):
            sign = f"{self.kinds[condition.column]} {sign}"
        words = self._literal(condition)
        said = words & asked.asked
        near = asked.find_near(condition.column, words) if not said and condition.column >= 0 else frozenset()
        marks = [f"where {sign}"]
        if condition.literal:
            share = len(said) / max(1, len(words))
            known = "wholly" if share == 1 else "half" if share >= 0.5 else "partly" if said else "not"
            meant = self.meant.get((condition.column, condition.literal), 0.0) if not said and condition.of < 0 else 0.0
            if meant:
                marks += ["where meant", f"where meant by {int(10 * meant)}"]
                marks += [f"where {sign} meant"] if sign != "=" else []
            else:
                marks.append(f"where {'nearly' if near else known} named")
            if said and said <= asked.about:
                marks.append("where the table's name")
            if asked.is_ordinal(said):
                marks.append(f"where {sign} an ordinal")
            if asked.is_denied(said or near):
                marks.append(f"where {sign} denied")
            if condition.column >= 0 and condition.of < 0:
                marks += self._mark_number(condition, said)
        if condition.column >= 0:
            named = self.named[condition.column]
            kind = self.kinds[condition.column]
            if condition.other >= 0:
                named |= asked.named[condition.other]
            marks.append(f"where {kind} {'' if named else 'un'}named")
            if condition.column == self.key:
                marks.append("where first text")
        else:
            named = frozenset()
        first, last = asked.first(said or near), asked.last(said or near)
        if first is not None and last is not None:
            marks += [f"where {sign} after {asked.token(first - 1)}", f"where {sign} before {asked.token(last + 1)}"]
            marks.append(f"where {sign} after {asked.token(first - 2)} {asked.token(first - 1)}")
        # "More than" asks for ">" alike, whether a number or another column is compared with.
        reckons = condition.other >= 0 or condition.column >= len(self.view.columns)
        asks = condition.sign.split()[0] if reckons else sign
        if asks not in ("=", "ILIKE"):
            marks += [f"where {asks}: {word}" for word in asked.words]
        return self._part(said | named, *marks)

    def _mark_number(self, condition: Condition, said: frozenset[str]) -> Iterator[str]:
        """What speaks for and against comparing with this number: it follows its column's name ("order 2"); it is a
        year, and the column has none."""
        place = condition.column
        if is_year(condition.literal):
            yield f"where a year of {self.sorts[place]}"
        if place >= len(self.view.columns):
            yield f"where {self.kinds[place]} of {self.sorts[place]}"
            return
        name = self.asked.named[place] | self.asked.heading[place]
        if condition.literal[:1].isdigit() and self.asked.is_after(said, name):
            yield "where right after its name"

    def _literal(self, condition: Condition) -> frozenset[str]:
        """The words of what a condition compares with."""
        return frozenset((*self.asked.read(condition.literal), *read_numbers(condition.literal)))

    def _named_cells(self, *, single: bool) -> Iterator[tuple[int, str, Part]]:
        """(place of the column, literal, part) of the cells that the question names."""
        for place, column in enumerate(self.view.columns):
            for cell in column.cells:
                if cell.named and (cell.single or not single):
                    words = frozenset((*self.asked.read(cell.literal), *read_numbers(cell.literal)))
                    said = words & self.asked.asked
                    mark = "named wholly" if said == words else "named partly"
                    if not single or len(np.flatnonzero(self.table.equal(place, cell.literal))) == 1:
                        yield place, cell.literal, self._part(said, mark)
