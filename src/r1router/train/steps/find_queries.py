"""Finds the queries of a table's grammar that give a known answer, because question sets hold answers and no queries.

All queries are worked out at once on arrays of the whole table; each that gives the answer is kept with what speaks for
it. The best one is simple and says what the question says: its columns, its cells and numbers, and its kind of asking
("how many", "the most", "after"). The words for that last part are English; they are used nowhere but here, where
training data are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from r1router.evidence.numbers import read_quantities
from r1router.evidence.words import read_words, tell_language
from r1router.table import TableBlock, TableColumn
from r1router.tables.arrays import Bools, Floats, compare, meets, read_arrays
from r1router.tables.columns import Value
from r1router.tables.grammar import ORDERED, PLACES, Condition, list_conditions
from r1router.tables.names import quote_name
from r1router.tables.view import TableView, read_numbers, view_table

TRIPLED = 12
"""Pairs that a third condition is joined to, and third conditions, at most."""
PAIRED = 36
"""Conditions that are joined in pairs, at most; those that the question says most of."""
COMPARED = 24
"""Sets of rows of which two are compared with each other, at most."""
LEFT = 1.35
"""What a word of the question costs that a query could have said and does not."""
YES, NO = frozenset(("yes", "true")), frozenset(("no", "false"))


@dataclass(frozen=True, slots=True)
class Found:
    """A query that gives the answer."""

    sql: str
    cost: float
    """Lower is better: how long it is, what it leaves of the question's words, what it holds that is not asked."""
    kind: str
    """What it does: read, order, group, count, total, differ, compare."""


def find_queries(
    question: str, block: TableBlock, columns: Sequence[TableColumn], values: Sequence[Sequence[Value]],
    answers: Sequence[str], *, ask: str | None = None,
) -> list[Found]:  # fmt: skip
    """The queries over a whole table whose result is one of the accepted answers, the best first.

    `ask`: the question without what names the table, where that is known; other words then count for nothing.
    """
    view = view_table(question, block, columns, values)
    if not block.rows or not view.columns:
        return []
    answer = _Answer(answers)
    search = _Search(ask or question, view, block, columns, values, empty=answer.truth is not None)
    found: dict[str, Found] = {}
    for query in search.queries(answer):
        if query.sql not in found or query.cost < found[query.sql].cost:
            found[query.sql] = query
    return sorted(found.values(), key=lambda query: (query.cost, len(query.sql), query.sql))


class _Answer:
    """The accepted answers, in the forms in which results are compared with them."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.texts = {_norm(answer) for answer in answers} - {""}
        self.lists = [parts for answer in answers if len(parts := _parts(answer)) > 1]
        found = [read_quantities(answer) for answer in answers]
        self.numbers = [
            (q[0].low, _places(answer)) for answer, q in zip(answers, found, strict=True)
            if len(q) == 1 and len(read_words(answer)) <= 2 and re.match(r"[-−+$€£]?\s*[\d.]|\w+$", answer.strip())
        ]  # fmt: skip
        self.truth = True if self.texts & YES else False if self.texts & NO else None

    def is_number(self, values: Floats) -> Bools:
        """Which of the values are an accepted number, to as many places as it is given with."""
        hit = np.zeros(values.shape, dtype=bool)
        for number, places in self.numbers:
            with np.errstate(invalid="ignore"):
                hit |= np.abs(values - number) <= max(abs(number) * 1e-6, 0.5 * 10.0**-places if places else 1e-6)
        return hit


def _places(answer: str) -> int:
    found = re.search(r"\d\.(\d+)", answer)
    return len(found[1]) if found else 0


def _norm(text: str) -> str:
    return " ".join(re.findall(r"[\w.]+", text.casefold().replace(",", ""))).strip(". ")


def _parts(answer: str) -> frozenset[str]:
    for mark in ("|", "; ", "\n", ", "):
        if mark in answer:
            return frozenset(_norm(part) for part in answer.split(mark)) - {""}
    return frozenset()


# ── what the question says ─────────────────────────────────────────────────────────────────────

_CUES: dict[str, str] = {
    "count": "how many|number of|amount of|times|count|total|only|all|any|both|once|twice|or more|at least|several",
    "distinct": "different|distinct|unique|how many|number of|various|types?|kinds?",
    "sum": "total|sum|combined|altogether|all|together|overall|how (?:many|much)|collectively",
    "average": r"average|mean|per\b",
    "range": "difference|range|between|span|how many more",
    "maximum": r"most|best|maximum|max|last|latest|top|higher|more|\w+est\b",
    "minimum": r"least|worst|minimum|min|first|less|fewer|lower|smaller|\w+est\b",
    "largest": r"most|best|maximum|max|last|latest|top|\w+est\b",
    "smallest": r"least|worst|minimum|min|first|\w+est\b",
    "last": r"last|latest|final|most recent|bottom|ends?\b|newest|end of|recently",
    "first": "first|earliest|top|start|initial|debut|begin|oldest",
    "differ": r"difference|more|less|fewer|apart|between|longer|older|younger|higher|taller|many (?:years|days|places)",
    "next": r"after|next|follow\w*|below|under|subsequent\w*|succe\w+|later|beneath|then",
    "previous": r"before|previous\w*|prior|above|preced\w*|over\b|earlier|ahead",
    "above": r"(?<!no )more|over|above|greater|higher|larger|after|exceed|older|longer|later|bigger|better|beyond",
    "below": "less|under|below|fewer|lower|smaller|before|until|younger|shorter|earlier|prior",
    "at least": "at least|minimum|or (?:more|higher|above|over|later|longer|better)|since|from|upwards|no less",
    "at most": "at most|maximum|or (?:less|fewer|lower|below|under|earlier|shorter)|up to|within|no more|until",
    "not": r"not?\b|n't|never|without|except|other|besides|outside|exclud\w*|non|else|didn|wasn|weren|doesn|un\w+",
    "nothing": r"no\b|not|without|never|n't|missing|empty|blank|lack\w*|did ?n.t|none|open|yet|still",
    "something": "have|had|has|any|with|got|given|received|known",
    "group": "most|least|often|frequent|common|more than|which|who|fewest|number of|more",
    "second": "second|2nd|runner|next|another|after",
    "third": "third|3rd",
    "later": "fourth|4th|fifth|5th|third|3rd|second|2nd",
    "product": "worth|value|cost|total|revenue|turnover|price|spent|spend|paid",
    "same": r"same|equal|also|share\w*|as many|as much|tied?|too",
    "compare": r"more|less|fewer|than|higher|lower|larger|smaller|better|worse|same|equal|as many|longer|shorter|or\b",
}
_CUE = {name: re.compile(rf"\b(?:{form})", re.IGNORECASE) for name, form in _CUES.items()}
_HOW_MANY = re.compile(r"\b(?:how (?:many|much|long|old)|number of|total|difference|average)\b", re.IGNORECASE)


class _Words:
    """What a query says of a question, as costs."""

    def __init__(self, question: str, view: TableView) -> None:
        self.text = question
        self._language = tell_language(question)
        self.asked = frozenset([*self.read(question), *read_numbers(question)])
        # What the table is about is what its rows are: "how many orders" asks for no column, though one is so called.
        about = frozenset(self.read(f"{view.title} {view.section} {view.caption}"))
        known = {word for column in view.columns for word in self.read(column.name)} - about
        known |= {
            word for column in view.columns for cell in column.cells if cell.named for word in self.read(cell.literal)
        }
        known |= {word for column in view.columns for pattern in column.patterns for word in self.read(pattern)}
        known |= set(view.numbers) | {
            word for column in view.columns for month in column.months for word in self.read(month)
        }
        self.linked = self.asked & known
        self.cued = {name: bool(form.search(question)) for name, form in _CUE.items()}

    def read(self, text: str) -> list[str]:
        """The telling words of a text, in the question's language."""
        return read_words(text, self._language)

    def cue(self, *names: str) -> float:
        """What kinds of asking cost that the question has no word for."""
        return sum(0.0 if self.cued[name] else 2.0 for name in names)

    def column(self, name: str) -> tuple[frozenset[str], float]:
        """(words of the question that a column's name says, what it costs where it says none)."""
        told = frozenset(self.read(name))
        said = told & self.asked
        return said, 0.0 if said else 0.7

    def left(self, said: frozenset[str]) -> float:
        """What the words cost that a query could have said and does not."""
        return LEFT * len(self.linked - said)


_SIGN_CUES = {
    "!=": ("not",), ">": ("above",), ">=": ("at least",), "<": ("below",), "<=": ("at most",), "row +1": ("next",),
    "row -1": ("previous",), "row >": ("next",), "row <": ("previous",), "IS NULL": ("nothing",),
    "IS NOT NULL": ("something",), "year >": ("above",), "year <": ("below",), "year >=": ("at least",),
    "year <=": ("at most",), "average >": ("average", "above"), "average <": ("average", "below"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a query, the words of the question that it says, and what else it costs."""

    sql: str
    said: frozenset[str] = frozenset()
    cost: float = 0.0


# ── the table as arrays ────────────────────────────────────────────────────────────────────────


class _Search:
    def __init__(
        self, question: str, view: TableView, block: TableBlock, columns: Sequence[TableColumn],
        values: Sequence[Sequence[Value]], *, empty: bool,
    ) -> None:  # fmt: skip
        """`empty`: whether conditions that no row meets count too, since a statement may be wrong."""
        self.view = view
        self.words = _Words(question, view)
        self.table = read_arrays(view, block, columns, values)
        self.texts, self.values, self.rows = self.table.texts, self.table.values, self.table.rows
        self.names, self.arrays, self.of_numbers = self.table.names, self.table.numbers, self.table.of_numbers
        self.filters, self.masks = self._filters(empty=empty)

    # conditions

    def _filters(self, *, empty: bool) -> tuple[list[_Part], Bools]:
        """All rows, then every set of rows that one, two or three conditions leave, by the best way to say it."""
        singles = []
        for condition in list_conditions(self.view):
            mask = self.table.mask(condition)
            if condition.sign == "=" and condition.of >= 0 and mask.sum() == 1:
                continue  # a row is the same as itself
            if mask.any() or (empty and condition.sign == "ILIKE"):
                singles.append((self._said(condition), condition, mask))
        near = sorted(range(len(singles)), key=lambda n: (singles[n][0].cost - len(singles[n][0].said), n))[:PAIRED]
        best: dict[bytes, tuple[_Part, Bools]] = {}
        for part, _, mask in singles:
            self._keep(best, part, mask)
        pairs: list[tuple[frozenset[int], _Part, Bools]] = []
        for at, one in enumerate(near):
            for other in near[at + 1 :]:
                first, second = sorted((one, other))
                joined = self._join([singles[first], singles[second]], empty=empty)
                if joined is not None:
                    pairs.append((frozenset((first, second)), *joined))
                    self._keep(best, *joined)
        pairs.sort(key=lambda pair: self._worth(pair[1]))
        for members, _, _ in pairs[:TRIPLED]:
            for third in near[:TRIPLED]:
                if third not in members:
                    joined = self._join([singles[n] for n in sorted((*members, third))], empty=empty)
                    if joined is not None:
                        self._keep(best, *joined)
        kept = list(best.values())
        everything = np.ones((1, self.rows), dtype=bool)
        parts = [_Part(""), *(_Part(f" WHERE {part.sql}", part.said, part.cost) for part, _ in kept)]
        return parts, np.concatenate([everything, np.array([m for _, m in kept], dtype=bool).reshape(-1, self.rows)])

    def _join(
        self, members: Sequence[tuple[_Part, Condition, Bools]], *, empty: bool
    ) -> tuple[_Part, Bools] | None:  # fmt: skip
        """Conditions joined by AND, where each of them takes rows away and none is about the same as another."""
        for at, (_, one, _) in enumerate(members):
            for _, other, _ in members[at + 1 :]:
                same = one.sign.rstrip("=") == other.sign.rstrip("=") and one.sign != "ILIKE"
                if one.column == other.column and (same or "=" in (one.sign, other.sign)):
                    return None
        masks = [mask for _, _, mask in members]
        both = np.logical_and.reduce(masks)
        if not both.any():
            if not empty:
                return None
        elif any(bool((both == np.logical_and.reduce(masks[:n] + masks[n + 1 :])).all()) for n in range(len(masks))):
            return None
        said = frozenset().union(*(part.said for part, _, _ in members))
        cost = sum(part.cost for part, _, _ in members) + 0.3 * (len(members) - 1)
        return _Part(" AND ".join(part.sql for part, _, _ in members), said, cost), both

    def _worth(self, part: _Part) -> float:
        return part.cost - LEFT * len(part.said & self.words.linked)

    def _keep(self, best: dict[bytes, tuple[_Part, Bools]], part: _Part, mask: Bools) -> None:
        key = mask.tobytes() + bytes([part.sql.count(" AND ")])
        if key not in best or self._worth(part) < self._worth(best[key][0]):
            best[key] = (part, mask)

    def _said(self, condition: Condition) -> _Part:
        w = self.words
        cost = 0.6 + w.cue(
            *(("same",) if condition.sign == "=" and condition.of >= 0 else _SIGN_CUES.get(condition.sign, ()))
        )
        told, unnamed = (
            w.column(self.view.columns[condition.column].name) if condition.column >= 0 else (frozenset(), 0.0)
        )
        literal = frozenset(w.read(condition.literal)) & w.asked
        if condition.literal and not literal:
            cost += 1.5
        elif condition.literal and condition.sign in ("=", "!=", "IN") and not condition.literal.startswith("DATE"):
            cost += 0.8 * (1 - len(literal) / max(1, len(set(w.read(condition.literal)))))
        if condition.sign in ("ILIKE", "IN", "IS NULL", "IS NOT NULL"):
            cost += 0.3 if condition.sign == "ILIKE" else 0.6
        if unnamed and self.view.columns[condition.column].kind != "text":
            cost += 0.4  # a number stands for anything, a name does not
        return _Part(condition.sql, told | literal, cost + (unnamed if condition.sign != "ILIKE" else unnamed / 2))

    # queries

    def queries(self, answer: _Answer) -> Iterable[Found]:
        """Every query that gives the answer."""
        if answer.truth is None:
            yield from self._reads(answer)
            yield from self._orders(answer)
            yield from self._groups(answer)
            if answer.numbers:
                yield from self._totals(answer)
                yield from self._differences(answer)
        else:
            yield from self._checks(answer.truth)

    def _found(self, kind: str, sql: str, cost: float, *parts: _Part) -> Found:
        said = frozenset().union(*(part.said for part in parts))
        return Found(sql, round(cost + sum(part.cost for part in parts) + self.words.left(said), 3), kind)

    def _column(self, place: int) -> _Part:
        said, cost = self.words.column(self.view.columns[place].name)
        return _Part(self.names[place], said, cost)

    @cached_property
    def _forms(self) -> list[list[str]]:
        return [[_norm(text) for text in column] for column in self.texts]

    def _hits(self, place: int, answer: _Answer) -> Bools:
        hit: Bools = np.array([form in answer.texts for form in self._forms[place]])
        return hit | answer.is_number(self.arrays[place]) if place in self.of_numbers else hit

    def _reads(self, answer: _Answer) -> Iterable[Found]:
        counts = self.masks.sum(1)
        asks_number = 1.0 if _HOW_MANY.search(self.words.text) else 0.0
        for place in range(len(self.names)):
            hit = self._hits(place, answer)
            whole = (self.masks & hit).sum(1)
            right = (whole == counts) & (counts > 0)
            for parts in answer.lists:
                inside = np.array([form in parts for form in self._forms[place]])
                if parts <= {form for form, ok in zip(self._forms[place], inside, strict=True) if ok}:
                    right |= np.array([
                        bool((m & ~inside).sum() == 0 and {self._forms[place][r] for r in np.flatnonzero(m)} == parts)
                        for m in self.masks
                    ])  # fmt: skip
            column = self._column(place)
            cost = asks_number if place not in self.of_numbers else 0.0
            for at in np.flatnonzero(right):
                where = self.filters[at]
                # A cell that is asked for and given at once is no question: it costs more than any other way.
                if at and not where.sql.startswith((f" WHERE {column.sql} =", f" WHERE {column.sql} IN")):
                    yield self._found("read", f"SELECT {column.sql} FROM t{where.sql}", cost, column, where)

    def _orders(self, answer: _Answer) -> Iterable[Found]:
        numbers = np.arange(1.0, self.rows + 1)
        for by, name in [(-1, self.view.row), *((p, self.names[p]) for p in self.arrays)]:
            array = numbers if by < 0 else self.arrays[by]
            known = ~np.isnan(array)
            column_by = _Part(name) if by < 0 else self._column(by)
            for down in (True, False):
                order = np.argsort(np.where(known, -array if down else array, np.inf), kind="stable")
                ranks: npt.NDArray[np.intp] = np.cumsum(self.masks[:, order], axis=1, dtype=np.intp)
                for skip in range(PLACES + 1):
                    yield from self._ordered(answer, array, order, ranks, column_by, down=down, skip=skip, by=by)

    def _ordered(
        self, answer: _Answer, array: Floats, order: npt.NDArray[np.intp], ranks: npt.NDArray[np.intp],
        by_part: _Part, *, down: bool, skip: int, by: int,
    ) -> Iterable[Found]:  # fmt: skip
        enough = ranks[:, -1] > skip
        at = np.argmax(ranks == skip + 1, axis=1)
        rows = order[at]
        value = array[rows]
        # Of rows that are equal any may come first: such a query has no one result.
        clear = enough & ~np.isnan(value)
        same = (array[None, :] == value[:, None]) & self.masks
        clear &= same.sum(1) == 1
        cues = ("last" if down else "first",) if by < 0 else ("maximum" if down else "minimum",)
        cost = (
            1.0
            + self.words.cue(*cues)
            + (0.0 if not skip else 0.5 + self.words.cue(("second", "third", "later", "later")[skip - 1]))
        )
        tail = f" ORDER BY {by_part.sql} {'DESC' if down else 'ASC'} LIMIT 1{f' OFFSET {skip}' if skip else ''}"
        for place in range(len(self.names)):
            if place == by:
                continue
            hit = self._hits(place, answer)
            column = self._column(place)
            for m in np.flatnonzero(clear & hit[rows]):
                if m == 0 or ranks[m, -1] > 1:
                    where = self.filters[m]
                    yield self._found(
                        "order", f"SELECT {column.sql} FROM t{where.sql}{tail}", cost, column, by_part, where
                    )

    def _groups(self, answer: _Answer) -> Iterable[Found]:
        near = self._near(COMPARED)
        for place, column in enumerate(self.view.columns):
            hit = self._hits(place, answer)
            if not column.repeats or not hit.any():
                continue
            forms = [str(value) if value not in (None, "") else "" for value in self.values[place]]
            kinds = sorted({form for form in forms if form})
            belongs = np.array([[form == kind for form in forms] for kind in kinds])
            right = np.array([hit[np.argmax(one)] for one in belongs])
            part = self._column(place)
            sums = [("COUNT(*)", np.ones(self.rows), _Part("", cost=self.words.cue("group")))]
            sums += [(f"SUM({self.names[p]})", self.arrays[p], self._column(p)) for p in self.of_numbers if p != place]
            for by, weights, by_part in sums:
                known = ~np.isnan(weights)
                totals = (self.masks[near] * np.nan_to_num(weights)) @ belongs.T
                for down in (True, False):
                    present = ((self.masks[near] & known) @ belongs.T) > 0
                    signed = np.where(present, totals if down else -totals, -np.inf)
                    top = signed.argmax(1)
                    unique = (signed == signed.max(1)[:, None]).sum(1) == 1
                    cost = 2.2 + self.words.cue("maximum" if down else "minimum")
                    for at in np.flatnonzero(unique & right[top] & (present.sum(1) > 1)):
                        where = self.filters[near[at]]
                        sql = (
                            f"SELECT {part.sql} FROM t{where.sql} GROUP BY {part.sql} "
                            f"ORDER BY {by} {'DESC' if down else 'ASC'} LIMIT 1"
                        )
                        yield self._found("group", sql, cost, part, by_part, where)

    @cached_property
    def _aggregates(self) -> list[tuple[_Part, Floats, str]]:
        """(how it is written, its value over each set of rows, its kind) of every total."""
        masks, w = self.masks, self.words
        found = [(_Part("COUNT(*)", cost=0.4 + w.cue("count")), masks.sum(1).astype(float), "count")]
        for place, column in enumerate(self.view.columns):
            if column.repeats:
                found.append(
                    (self._total(place, "COUNT(DISTINCT {})", 1.2, "distinct"), self._distinct(place), "count")
                )
        for place, array in self.arrays.items():
            known = ~np.isnan(array)
            filled = np.where(known, array, 0.0)
            some = (masks & known).sum(1)
            with np.errstate(invalid="ignore", divide="ignore"):
                high = np.where(masks & known, array, -np.inf).max(1)
                low = np.where(masks & known, array, np.inf).min(1)
                high, low = (np.where(some > 0, end, np.nan) for end in (high, low))
                if place in self.of_numbers:
                    sums = np.where(some > 0, masks @ filled, np.nan)
                    found += [
                        (self._total(place, "SUM({})", 0.8, "sum"), sums, "total"),
                        (self._total(place, "AVG({})", 0.8, "average"), sums / some, "total"),
                        (self._total(place, "MAX({0}) - MIN({0})", 1.5, "range"), high - low, "total"),
                        (self._total(place, "MAX({})", 0.8, "largest"), high, "total"),
                        (self._total(place, "MIN({})", 0.8, "smallest"), low, "total"),
                    ]
        for one in self.of_numbers:
            for other in self.of_numbers:
                if one < other:
                    a, b = self._column(one), self._column(other)
                    part = _Part(f"SUM({a.sql} * {b.sql})", a.said | b.said, a.cost + b.cost + 1.5 + w.cue("product"))
                    found.append((part, masks @ np.nan_to_num(self.arrays[one] * self.arrays[other]), "total"))
        return found

    def _total(self, place: int, form: str, cost: float, cue: str) -> _Part:
        column = self._column(place)
        return _Part(form.format(column.sql), column.said, column.cost + cost + self.words.cue(cue))

    def _distinct(self, place: int) -> Floats:
        kinds = {value for value in self.values[place] if value not in (None, "")}
        belongs = np.array([[value == kind for value in self.values[place]] for kind in sorted(kinds, key=str)])
        counts: Floats = (self.masks @ belongs.T).sum(1).astype(float)
        return counts

    def _totals(self, answer: _Answer) -> Iterable[Found]:
        for part, totals, kind in self._aggregates:
            for at in np.flatnonzero(answer.is_number(totals)):
                where = self.filters[at]
                if kind == "count" or at == 0 or self.masks[at].sum() > 1:
                    yield self._found(kind, f"SELECT {part.sql} FROM t{where.sql}", 0.0, part, where)

    def _near(self, count: int) -> npt.NDArray[np.intp]:
        """The sets of rows that the question says most of, all rows among them."""
        worth = np.array([self._worth(part) for part in self.filters])
        worth[0] = -np.inf
        return np.sort(np.argsort(worth, kind="stable")[:count])

    def _ones(self) -> tuple[list[_Part], Floats]:
        """Queries in brackets, and the value of each."""
        parts, values = [], []
        singles = [
            (place, cell.literal, cell.named)
            for place, c in enumerate(self.view.columns)
            for cell in c.cells
            if cell.single and cell.named
        ]
        for place, literal, _ in singles:
            row = int(np.flatnonzero(self.table.equal(place, literal))[0])
            name = self.view.columns[place].name
            said = frozenset(self.words.read(f"{literal} {name}")) & self.words.asked
            for number in self.arrays:
                if number != place and not np.isnan(self.arrays[number][row]):
                    column = self._column(number)
                    sql = f"(SELECT {column.sql} FROM t WHERE {quote_name(name)} = {literal})"
                    parts.append(_Part(sql, said | column.said, column.cost + 0.5))
                    values.append(self.arrays[number][row])
        for at in self._near(14)[1:]:
            where = self.filters[at]
            for part, totals, kind in self._aggregates:
                if (
                    (kind == "count" or self.masks[at].sum() > 1)
                    and not np.isnan(totals[at])
                    and "*)" not in part.sql.replace("(*)", "")
                ):
                    parts.append(
                        _Part(
                            f"(SELECT {part.sql} FROM t{where.sql})",
                            part.said | where.said,
                            part.cost + where.cost + 0.3,
                        )
                    )
                    values.append(totals[at])
        return parts, np.array(values)

    def _is_later(self, sql: str) -> bool:
        """Whether a query in brackets gives a date or a time, of which no difference is written."""
        later = [self.names[place] for place in self.arrays if place not in self.of_numbers]
        return any(sql.startswith(f"(SELECT {name} FROM") for name in later)

    def _differences(self, answer: _Answer) -> Iterable[Found]:
        parts, values = self._ones()
        if len(parts) < 2:
            return
        cost = 1.5 + self.words.cue("differ")
        hits = answer.is_number(np.abs(values[:, None] - values[None, :]))
        for a, b in zip(*np.nonzero(np.triu(hits, 1)), strict=True):
            if _alike(parts[a].sql, parts[b].sql) and not self._is_later(parts[a].sql):
                yield self._found("differ", f"SELECT ABS({parts[a].sql} - {parts[b].sql})", cost, parts[a], parts[b])

    def _checks(self, truth: bool) -> Iterable[Found]:
        told = read_numbers(self.words.text)
        counted = {"0": 0.0, "1": 0.8} | {n: -0.4 for n in self.view.numbers if n in told}
        near = self._near(COMPARED)
        for part, totals, kind in self._aggregates:
            for literal, dear in counted.items():
                number = float(literal)
                if kind == "count" and number > self.rows:
                    continue
                for sign in ORDERED:
                    cues = _SIGN_CUES.get(sign, ())
                    if literal == "0" and sign != ">":
                        continue
                    cost = 0.8 + dear + (0.0 if literal == "0" else self.words.cue(*cues))
                    said = _Part("", frozenset((literal,)) & self.words.asked)
                    for at in near[compare(totals[near], sign, number) == truth]:
                        if not np.isnan(totals[at]):
                            where = self.filters[at]
                            free = _Part(part.sql, part.said, 0.4) if part.sql == "COUNT(*)" else part
                            if literal == "0" and (part.sql != "COUNT(*)" or at == 0):
                                continue
                            sql = f"SELECT {part.sql} {sign} {literal} FROM t{where.sql}"
                            yield self._found("compare", sql, cost, free, where, said)
        parts, values = self._ones()
        for a in range(len(parts)):
            for b in range(a + 1, len(parts)):
                if _alike(parts[a].sql, parts[b].sql):
                    for sign in (">", "<", "="):
                        if meets(values[a], sign, values[b]) == truth:
                            cost = 1.2 + self.words.cue("compare")
                            yield self._found(
                                "compare", f"SELECT {parts[a].sql} {sign} {parts[b].sql}", cost, parts[a], parts[b]
                            )
        yield from self._first_is(truth)

    def _first_is(self, truth: bool) -> Iterable[Found]:
        for place, column in enumerate(self.view.columns):
            for cell in column.cells:
                if not cell.named:
                    continue
                named = self.table.equal(place, cell.literal)
                for by, array in [(-1, np.arange(1.0, self.rows + 1)), *self.arrays.items()]:
                    if by == place or np.isnan(array).all():
                        continue
                    for down in (True, False):
                        top = np.nanmax(array) if down else np.nanmin(array)
                        at = np.flatnonzero(array == top)
                        if len(at) != 1 or bool(named[at[0]]) != truth:
                            continue
                        by_part = _Part(self.view.row) if by < 0 else self._column(by)
                        cue = ("last" if down else "first") if by < 0 else ("largest" if down else "smallest")
                        literal = _Part("", frozenset(self.words.read(cell.literal)) & self.words.asked)
                        first = f"SELECT {self.names[place]} FROM t ORDER BY {by_part.sql} {'DESC' if down else 'ASC'}"
                        sql = f"SELECT ({first} LIMIT 1) = {cell.literal}"
                        yield self._found("compare", sql, 1.8 + self.words.cue(cue), by_part, literal)


def _alike(one: str, other: str) -> bool:
    """Whether two queries in brackets ask for the same thing of different rows."""
    return one.partition(" FROM ")[0] == other.partition(" FROM ")[0] and one != other
