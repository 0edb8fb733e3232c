"""Ranks the queries that a question may mean, because a small model chooses better among few than it writes.

A query is what is told (cells, a total, the first of an order) of the rows that meet some conditions. Its score is the
weight of what marks it (`query_marks`), "rows: 2" for two rows that it gives among them, and the scores of all queries
make up probabilities. The weights were fitted by `recipes/router/fit_likely.py` to questions of which only the answers
are known. The likeliest are then read by a cross-encoder (`rerank`), whose score counts beside theirs.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations

import numpy as np

from r1router.table import TableBlock, TableColumn
from r1router.tables.arrays import Bools, Floats, meets, read_arrays, write_value
from r1router.tables.columns import Value
from r1router.tables.grammar import Condition, list_conditions, list_formulas, list_pair_conditions
from r1router.tables.names import quote_name
from r1router.tables.query_marks import UNSTATED, MarkedQuery, Part, QueryMarks, Weights, read_mark_weights
from r1router.tables.rerank import open_query_reranker
from r1router.tables.results import CELLS, round_number
from r1router.tables.view import LikelyQuery, TableView, read_numbers

SINGLE, PAIRED, TRIPLED = 14, 4, 5
"""Conditions that are joined in pairs; pairs that a third is joined to; third conditions, at most."""
WHERES, HEADS, OF_EACH = 24, 40, 4
"""Sets of conditions, and things told, that are put together; of each kind of the latter so many at least."""
WORKED_OUT = 400
"""Queries that are worked out, at most."""
ONES = 30
"""Queries in brackets of which two are put together, at most."""
SKIPPED = 2
"""Places after the first that an order is asked for, at most."""
RERANKED = 24
"""So many of the likeliest queries are read by the cross-encoder; the others count as the least of them."""
RERANKER = 0.75
"""What its score counts, beside the sum of a query's marks; chosen on dev."""
TEMPERATURE = 1.4
"""What the sum of both is divided by, so that its probabilities are as often right as they say: of 950 questions over
tables kept apart 0.67 of the likeliest queries are right, and they say 0.67; without it they say 0.76."""
_TOKEN, _QUOTED = re.compile(r"[^\W_]+"), re.compile(r"'((?:[^']|'')*)'")


def rank_queries(
    view: TableView, block: TableBlock, columns: Sequence[TableColumn], values: Sequence[Sequence[Value]],
    *, most: int, weights: Weights | None = None,
) -> tuple[LikelyQuery, ...]:  # fmt: skip
    """The `most` likeliest queries, the best first. Arguments as of `view_table`, and its view."""
    found = mark_queries(view, block, columns, values, weights=weights)
    if not found:
        return ()
    found = sorted(found, key=lambda query: (-query.score, query.sql))
    read = open_query_reranker().score(view.question, found[:RERANKED], block.title)
    read += [min(read)] * (len(found) - len(read))
    scores = [query.score + RERANKER * score for query, score in zip(found, read, strict=True)]
    highest = max(scores)
    shares = [math.exp((score - highest) / TEMPERATURE) for score in scores]
    total = math.fsum(shares)
    support: dict[str, float] = defaultdict(float)
    for query, share in zip(found, shares, strict=True):
        support[query.answer] += share / total
    ranked = sorted(zip(found, shares, strict=True), key=lambda one: (-one[1], one[0].sql))
    return tuple(
        LikelyQuery(query.sql, share / total, support[query.answer], _is_stated(query, view.question))
        for query, share in ranked[:most]
    )


def _is_stated(query: MarkedQuery, question: str) -> bool:
    """Whether the question says all that the query compares with, a single letter where it stands: "Hepatitis A"."""
    said = f" {' '.join(_TOKEN.findall(question.casefold()))} "
    texts = [_TOKEN.findall(text.casefold()) for text in _QUOTED.findall(query.sql)]
    lettered = (words for words in texts if any(len(word) == 1 and word.isalpha() for word in words))
    return UNSTATED.isdisjoint(query.marks) and all(f" {' '.join(words)} " in said for words in lettered)


def mark_queries(
    view: TableView, block: TableBlock, columns: Sequence[TableColumn], values: Sequence[Sequence[Value]],
    *, weights: Weights | None = None,
) -> list[MarkedQuery]:  # fmt: skip
    """The queries that may be meant, each once, in no order."""
    if not block.rows or not view.columns:
        return []
    table = read_arrays(view, block, columns, values, formulas=list_formulas(view))
    marked = _Search(table, read_mark_weights() if weights is None else weights).run()
    return list({query.sql: query for query in marked}.values())


# ── parts of queries ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Where:
    sql: str
    part: Part
    mask: Bools
    conditions: tuple[Condition, ...] = ()


Worth = Callable[[Bools], tuple[str, tuple[str, ...]] | None]
"""What is told of some rows, with marks of it; None where it is nothing, or has no one answer."""


@dataclass(frozen=True, slots=True)
class _Head:
    """What is told: the query before and after its conditions."""

    kind: str
    before: str
    after: str
    part: Part
    worth: Worth
    about: int = -1
    """Place of the column that is told or totalled."""
    by: int = -1


@dataclass(frozen=True, slots=True)
class _Total:
    name: str
    sql: str
    part: Part
    over: Callable[[Bools], float]
    place: int = -1


@dataclass(frozen=True, slots=True)
class _One:
    """A query in brackets that gives one number."""

    sql: str
    alike: tuple[object, ...]
    """Two are compared only where this is the same of both."""
    part: Part
    value: float
    added: bool
    """Whether it may be subtracted."""


class _Search(QueryMarks):
    """Puts queries together, the parts that are worth most first."""

    def run(self) -> Iterator[MarkedQuery]:
        """Every query that is put together."""
        wheres = self._wheres()
        heads = [*self._told(), *self._totalled(), *self._checked()]
        heads.sort(key=lambda head: -head.part.score)
        kept, spare = heads[:HEADS], heads[HEADS:]
        of_kind = Counter(head.kind for head in kept)
        for head in spare:
            if of_kind[head.kind] < OF_EACH:
                of_kind[head.kind] += 1
                kept.append(head)
        together = [
            (head.part.score + where.part.score, head, where)
            for head in kept
            for where in wheres
            if self._fits(head, where)
        ]
        together.sort(key=lambda one: -one[0])
        for _, head, where in together[:WORKED_OUT]:
            if query := self._put_together(head, where):
                yield query
        yield from self._of_two(wheres)
        yield from self._is_first()

    # conditions

    def _wheres(self) -> list[_Where]:
        """No condition, and the sets of conditions that are worth most."""
        best: dict[bytes, _Where] = {}
        for condition in (*list_conditions(self.view), *list_pair_conditions(self.view)):
            where = self._where(condition)
            if where is not None:
                key = where.mask.tobytes() if where.mask.any() else where.sql.encode()
                if key not in best or where.part.score > best[key].part.score:
                    best[key] = where
        singles = sorted(best.values(), key=_by_score)
        near = singles[:SINGLE]
        joined = (self._both(pair) for pair in combinations(near, 2))
        pairs = sorted((pair for pair in joined if pair), key=_by_score)
        alone = {where.conditions: where for where in near}
        triples = [
            self._both((*(alone[(condition,)] for condition in pair.conditions), third))
            for pair in pairs[:PAIRED]
            for third in near[:TRIPLED]
            if third.conditions[0] not in pair.conditions
        ]
        found = sorted([*singles[:WHERES], *pairs[:WHERES], *(t for t in triples if t)], key=_by_score)
        everything = _Where("", self._part((), "no condition"), np.ones(self.table.rows, dtype=bool))
        return [everything, *found[:WHERES]]

    def _where(self, condition: Condition) -> _Where | None:
        mask = self.table.mask(condition)
        if condition.sign == "=" and condition.of >= 0 and mask.sum() == 1:
            return None  # a row is the same as itself
        if mask.all() or not (mask.any() or condition.sign in ("=", "ILIKE")):
            return None
        return _Where(condition.sql, self._mark_condition(condition), mask, (condition,))

    def _both(self, members: Sequence[_Where]) -> _Where | None:
        """Conditions joined by AND, where each takes rows away and no two are about the same."""
        for one, other in combinations((where.conditions[0] for where in members), 2):
            same = one.sign.rstrip("=") == other.sign.rstrip("=") and one.sign != "ILIKE"
            if one.column == other.column and (same or "=" in (one.sign, other.sign)):
                return None
        masks = [where.mask for where in members]
        mask = np.logical_and.reduce(masks)
        if mask.any() and any(
            bool((mask == np.logical_and.reduce(masks[:n] + masks[n + 1 :])).all()) for n in range(len(masks))
        ):
            return None
        told = [self._literal(where.conditions[0]) for where in members]
        twice = sum(bool(one & other) for one, other in combinations(told, 2))
        marks = (f"{len(members)} conditions", *("says a cell twice",) * twice)
        part = self._join(*(where.part for where in members), self._part((), *marks))
        sql = " AND ".join(where.sql for where in members)
        return _Where(sql, part, mask, tuple(where.conditions[0] for where in members))

    # what is told

    def _told(self) -> Iterator[_Head]:
        """Cells of the rows, of the first in an order, of the commonest."""
        table, columns = self.table, self.view.columns
        cells = self._asks("cells")
        read = self._join(cells, self._asks("read"))
        for place, name in enumerate(table.names):
            part = self._join(read, self._column(place, "tell"))
            yield _Head("read", f"{name} FROM t", "", part, partial(self._read, place), place)
        for by, down, skip, order in self._orders():
            tail = f" ORDER BY {self.view.row if by < 0 else table.names[by]} {'DESC' if down else 'ASC'} LIMIT 1"
            for place, name in enumerate(table.names):
                if place != by:
                    worth = partial(self._read_first, place, by, down, skip)
                    after = f"{tail} OFFSET {skip}" if skip else tail
                    part = self._join(cells, order, self._column(place, "tell"))
                    yield _Head("order", f"{name} FROM t", after, part, worth, place, by)
        for place, column in enumerate(columns):
            for by in (-1, *table.of_numbers) if column.repeats else ():
                for down in (True, False) if by != place else ():
                    name, total = table.names[place], f"SUM({table.names[by]})" if by >= 0 else "COUNT(*)"
                    mark = f"group by {'sum' if by >= 0 else 'count'} {'down' if down else 'up'}"
                    parts = [cells, self._asks(mark), self._asks_for_end(most=down), self._column(place, "tell")]
                    parts += [self._column(by, "order by"), self._mark_total(mark, by)] if by >= 0 else []
                    after = f" GROUP BY {name} ORDER BY {total} {'DESC' if down else 'ASC'} LIMIT 1"
                    worth = partial(self._read_commonest, place, by, down)
                    yield _Head("group", f"{name} FROM t", after, self._join(*parts), worth, place, by)

    def _orders(self) -> Iterator[tuple[int, bool, int, Part]]:
        """(column, or -1 for the rows as they stand; the largest first; how many are left out; part)."""
        for by in (-1, *self.table.numbers):
            for down in (True, False):
                mark = f"{'order' if by >= 0 else 'row'} {'down' if down else 'up'}"
                parts = [self._asks(mark)]
                if by >= 0:
                    parts += [self._asks_for_end(most=down), self._column(by, "order by")]
                yield by, down, 0, self._join(*parts)
                for skip in range(1, SKIPPED + 1):
                    said = self._part((str(skip + 1),))  # "the second" is said by leaving one out
                    yield by, down, skip, self._join(*parts, self._asks(f"skip {skip}"), said)

    def _read(self, place: int, mask: Bools) -> tuple[str, tuple[str, ...]] | None:
        rows = np.flatnonzero(mask)
        texts = self.table.texts[place]
        cells = list(dict.fromkeys(texts[row] for row in rows if texts[row]))
        if not 0 < len(cells) <= CELLS:
            return None
        return ", ".join(cells), (f"rows: {min(3, len(rows))}", f"cells: {min(3, len(cells))}")

    def _read_first(
        self, place: int, by: int, down: bool, skip: int, mask: Bools
    ) -> tuple[str, tuple[str, ...]] | None:
        array = np.arange(1.0, self.table.rows + 1) if by < 0 else self.table.numbers[by]
        rows = np.flatnonzero(mask & ~np.isnan(array))
        if len(rows) <= max(skip, 1):
            return None
        row = rows[np.argsort(-array[rows] if down else array[rows], kind="stable")[skip]]
        text = self.table.texts[place][row]
        known = array[rows]
        marks = (
            *(("a tie",) if (known == array[row]).sum() > 1 else ()),
            *(("order of two",) if len(rows) == 2 else ()),
            *(("a row of totals",) if by >= 0 and len(rows) > 3 and 2 * array[row] == known.sum() else ()),
        )
        return (text, marks) if text else None

    def _read_commonest(self, place: int, by: int, down: bool, mask: Bools) -> tuple[str, tuple[str, ...]] | None:
        totals: dict[str, float] = defaultdict(float)
        for row in np.flatnonzero(mask):
            weight = 1.0 if by < 0 else self.table.numbers[by][row]
            if not math.isnan(weight):
                is_empty = self.table.values[place][int(row)] is None
                totals["" if is_empty else self.table.texts[place][row]] += weight
        empty = totals.pop("", None)  # for the query a group like others
        if len(totals) < 2:
            return None
        best = (max if down else min)(totals.values())
        if empty is not None and (empty >= best if down else empty <= best):
            return None
        first, *others = [text for text, total in totals.items() if total == best]
        return first, ("a tie",) if others else ()

    # totals

    @cached_property
    def _totals(self) -> list[_Total]:
        table = self.table
        found = [_Total("count", "COUNT(*)", self._asks("count"), lambda mask: float(mask.sum()))]
        for place, column in enumerate(self.view.columns):
            if column.repeats:
                part = self._join(self._asks("kinds"), self._column(place, "total"))
                found.append(
                    _Total("kinds", f"COUNT(DISTINCT {table.names[place]})", part, partial(self._kinds, place), place)
                )
        for place in table.of_numbers:
            for name, form, function in _OVER_NUMBERS:
                end = [self._asks_for_end(most=name == "largest")] if name in ("largest", "smallest") else []
                part = self._join(self._asks(name), *end, self._column(place, "total"), self._mark_total(name, place))
                over = partial(_total, function, table.numbers[place])
                found.append(_Total(name, form.format(table.names[place]), part, over, place))
        return found

    def _kinds(self, place: int, mask: Bools) -> float:
        return float(len({self.table.values[place][int(row)] for row in np.flatnonzero(mask)} - {"", None}))

    def _totalled(self) -> Iterator[_Head]:
        computed = self._asks("computed")
        for total in self._totals:
            part = self._join(computed, total.part)
            yield _Head(total.name, f"{total.sql} FROM t", "", part, partial(self._write_total, total), total.place)
        for place, array in self.table.numbers.items():
            for down in (True, False) if place not in self.table.of_numbers else ():
                mark, name = ("largest", "MAX") if down else ("smallest", "MIN")
                part = self._join(
                    computed, self._asks(mark), self._asks_for_end(most=down), self._column(place, "total")
                )
                worth = partial(self._latest, place, array, down)
                yield _Head(mark, f"{name}({self.table.names[place]}) FROM t", "", part, worth, place)

    def _write_total(self, total: _Total, mask: Bools) -> tuple[str, tuple[str, ...]] | None:
        value = total.over(mask)
        if math.isnan(value):
            return None
        if total.name == "count":
            told = "all" if value == self.table.rows else str(min(2, int(value)))
            return write_value(value), (f"counted: {told}",)
        written = write_value(value)
        if total.name == "average":
            written = round_number(written)
        return written, ("total of one row",) if mask.sum() == 1 else ()

    def _latest(self, place: int, array: Floats, down: bool, mask: Bools) -> tuple[str, tuple[str, ...]] | None:
        rows = np.flatnonzero(mask & ~np.isnan(array))
        if not len(rows):
            return None
        row = rows[(np.argmax if down else np.argmin)(array[rows])]
        return self.table.texts[place][row], ("total of one row",) if len(rows) == 1 else ()

    def _checked(self) -> Iterator[_Head]:
        """Whether a total is so many."""
        told = read_numbers(self.view.question)
        sides = self._asks("yes or no")
        for literal in dict.fromkeys(["0", "1", *self.view.numbers]):
            known = frozenset((literal,)) & self.asked.asked
            at = self.asked.first(known)
            if self.asked.is_ordinal(known):  # "the second" is a place in an order
                continue
            for sign in ("=", ">", "<", ">=", "<="):
                if literal == "0" and sign != ">":
                    continue
                if literal == "0":
                    part = self._asks("is there")
                else:
                    after = () if at is None else (f"is it {sign} after {self.asked.token(at - 1)}",)
                    many = self._part(known, *after, "is it one" if literal not in told else "is it so many")
                    part = self._join(self._asks(f"is it {sign}"), many)
                for total in self._totals:
                    if total.name != "count" and (literal == "0" or literal not in told):
                        continue
                    worth = partial(self._check, total, sign, float(literal))
                    checked = self._join(sides, part, self._part(total.part.said, f"check {total.name}"))
                    yield _Head("check", f"{total.sql} {sign} {literal} FROM t", "", checked, worth, total.place)

    def _check(self, total: _Total, sign: str, number: float, mask: Bools) -> tuple[str, tuple[str, ...]] | None:
        value = total.over(mask)
        if math.isnan(value):
            return None
        answer, marks = _say(meets(value, sign, number))
        return answer, (*marks, *self._doubt(total, number))

    def _doubt(self, total: _Total, number: float) -> Iterator[str]:
        """What speaks against asking whether a total is so many: it cannot be, whatever the rows."""
        if total.name in ("count", "kinds"):
            if number != int(number) or number > self.table.rows:
                yield "check beyond the table"
        elif total.name in ("average", "largest", "smallest"):
            known = self.table.numbers[total.place]
            if number < np.nanmin(known) or number > np.nanmax(known):
                yield "check beyond the column"

    # together

    def _fits(self, head: _Head, where: _Where) -> bool:
        """Whether the conditions leave something to be told."""
        if head.kind == "read" and not where.sql:
            return False
        given = {c.sign for c in where.conditions if c.column == head.about and c.of < 0}
        if "=" in given:
            return head.kind not in ("read", "order", "kinds", "group")
        return not ("IN" in given and head.kind in ("read", "kinds"))

    def _names_one_row(self, condition: Condition) -> bool:
        """Whether it asks for the row of this name, where each row has its own: "How many people live in Bergen?" asks
        for no count of the rows of Bergen."""
        is_name = condition.column == self.key and condition.sign == "=" and condition.of < 0
        return is_name and not self.view.columns[self.key].repeats

    def _put_together(self, head: _Head, where: _Where) -> MarkedQuery | None:
        given = head.worth(where.mask)
        if given is None:
            return None
        answer, marks = given
        sql = f"SELECT {head.before}{f' WHERE {where.sql}' if where.sql else ''}{head.after}"
        more = [f"{head.kind}, {len(where.conditions)} conditions"]
        if head.kind in ("read", "order", "group") and self.asked.repeats(answer):
            more.append("repeats the question")
        if head.kind == "check" and any(word[:1].isdigit() for word in head.part.said & where.part.said):
            more.append("checks a number that is given")
        if head.by >= 0 and any(c.column == head.by for c in where.conditions):
            more.append("ordered by what is given")
        if head.kind == "count" and any(self._names_one_row(c) for c in where.conditions):
            more.append("counts a row by its name")
        if head.about >= 0 and any(c.column == head.about for c in where.conditions):
            more.append("tells what is given")
            if any(c.column == head.about and c.sign == "IN" for c in where.conditions):
                more.append("chooses between two")
        if any(c.of == head.about for c in where.conditions):
            more.append("tells what another row is known by")
        return self._finish(sql, answer, self._join(head.part, where.part), *marks, *more)

    def _of_two(self, wheres: Sequence[_Where]) -> Iterator[MarkedQuery]:
        """Differences and comparisons of two rows, or of two sets of rows."""
        ones = sorted([*self._ones_of_rows(), *self._ones_of_sets(wheres)], key=lambda one: -one.part.score)[:ONES]
        differ = self._join(self._asks("computed"), self._asks("differ"))
        compare = {s: self._join(self._asks("yes or no"), self._asks(f"compare {s}")) for s in (">", "<", "=")}
        for one, other in combinations(ones, 2):
            if one.alike != other.alike or one.sql == other.sql:
                continue
            if not self.asked.comes_first(one.part.said, other.part.said):
                one, other = other, one
            if one.added:
                part = self._join(one.part, other.part, differ)
                answer = write_value(abs(one.value - other.value))
                yield self._finish(f"SELECT ABS({one.sql} - {other.sql})", answer, part)
            for sign, said in compare.items():
                answer, marks = _say(meets(one.value, sign, other.value))
                part = self._join(one.part, other.part, said)
                yield self._finish(f"SELECT {one.sql} {sign} {other.sql}", answer, part, *marks)

    def _ones_of_rows(self) -> Iterator[_One]:
        table = self.table
        for of, literal, named in self._named_cells(single=True):
            row = int(np.flatnonzero(table.equal(of, literal))[0])
            for place, array in table.numbers.items():
                if place == of or np.isnan(array[row]):
                    continue
                sql = f"(SELECT {table.names[place]} FROM t WHERE {self._equal(of, literal)})"
                part = self._join(named, self._column(place, "total"), self._part((), "of a row"))
                yield _One(sql, (of, place), part, float(array[row]), place in table.of_numbers)

    def _ones_of_sets(self, wheres: Sequence[_Where]) -> Iterator[_One]:
        for where in wheres[1:9]:
            if len(where.conditions) > 1 and where.mask.sum() == 1:
                yield from self._ones_of_row(where)
            for total in self._totals:
                if total.name == "count" or (total.name not in ("kinds", "range") and total.part.said):
                    value = total.over(where.mask)
                    if math.isnan(value) or (total.name != "count" and where.mask.sum() == 1):
                        continue
                    alike = (*(condition.column for condition in where.conditions), total.sql)
                    plain = self._part(total.part.said, f"of a set: {total.name}")
                    part = self._join(plain, where.part)
                    yield _One(f"(SELECT {total.sql} FROM t WHERE {where.sql})", alike, part, value, True)

    def _ones_of_row(self, where: _Where) -> Iterator[_One]:
        """The numbers of a row that no cell alone names: of a town in a year."""
        row = int(np.flatnonzero(where.mask)[0])
        given = {condition.column for condition in where.conditions}
        for place, array in self.table.numbers.items():
            if place not in given and not np.isnan(array[row]):
                sql = f"(SELECT {self.table.names[place]} FROM t WHERE {where.sql})"
                part = self._join(where.part, self._column(place, "total"), self._part((), "of a row"))
                alike = (*(condition.column for condition in where.conditions), place)
                yield _One(sql, alike, part, float(array[row]), place in self.table.of_numbers)

    def _is_first(self) -> Iterator[MarkedQuery]:
        """Whether the first row in an order is one that the question names."""
        table = self.table
        sides = self._join(self._asks("yes or no"), self._part((), "is the first"))
        for place, literal, named in self._named_cells(single=False):
            mask = table.equal(place, literal)
            for by, down, skip, order in self._orders():
                array = np.arange(1.0, table.rows + 1) if by < 0 else table.numbers[by]
                if skip or by == place or np.isnan(array).all():
                    continue
                best = np.flatnonzero(array == (np.nanmax(array) if down else np.nanmin(array)))
                if len(best) != 1 or not table.texts[place][best[0]]:
                    continue
                answer, marks = _say(bool(mask[best[0]]))
                tail = f"{self.view.row if by < 0 else table.names[by]} {'DESC' if down else 'ASC'} LIMIT 1"
                sql = f"SELECT (SELECT {table.names[place]} FROM t ORDER BY {tail}) = {literal}"
                yield self._finish(sql, answer, self._join(named, order, sides), *marks)

    def _equal(self, place: int, literal: str) -> str:
        column = self.view.columns[place]
        name = quote_name(column.name)
        return f"{f'CAST({name} AS DATE)' if column.clock else name} = {literal}"


_OVER_NUMBERS: tuple[tuple[str, str, Callable[[Floats], float]], ...] = (
    ("sum", "SUM({})", lambda array: float(array.sum())),
    ("average", "AVG({})", lambda array: float(array.mean())),
    ("range", "MAX({0}) - MIN({0})", lambda array: float(array.max() - array.min())),
    ("largest", "MAX({})", lambda array: float(array.max())),
    ("smallest", "MIN({})", lambda array: float(array.min())),
)


def _total(function: Callable[[Floats], float], array: Floats, mask: Bools) -> float:
    known = array[mask & ~np.isnan(array)]
    return function(known) if len(known) else math.nan


def _say(truth: bool) -> tuple[str, tuple[str, ...]]:
    return ("yes", ("says yes",)) if truth else ("no", ("says no",))


def _by_score(where: _Where) -> float:
    return -where.part.score
