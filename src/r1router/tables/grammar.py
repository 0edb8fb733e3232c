"""Writes the queries that a table and a question allow as a grammar, because a small model then cannot write a bad one.

Every query is one SELECT over the table `t`, in plain SQL, in the order in which it is written:

    SELECT "City" FROM t WHERE "Country" = 'Norway' AND "Population" > 100000
    SELECT COUNT(*) FROM t WHERE monthname("Date") = 'March'        SUM, AVG, MIN, MAX over columns of numbers
    SELECT "City" FROM t ORDER BY "Population" DESC LIMIT 1         OFFSET 1 for the second
    SELECT "City" FROM t GROUP BY "City" ORDER BY COUNT(*) DESC LIMIT 1
    SELECT "Name" FROM t WHERE row = (SELECT row FROM t WHERE "Name" = 'Smith') + 1
    SELECT ABS((SELECT "Points" FROM t WHERE "Name" = 'A') - (SELECT "Points" FROM t WHERE "Name" = 'B'))
    SELECT COUNT(*) = 2 FROM t WHERE "Wins" >= 2                    yes or no, as `true` and `false`
    SELECT "Project" FROM t WHERE "Spent" > "Budget"                one column with another (`TableView.pairs`)
    SELECT SUM("Price" * "Sold") FROM t                             "Sales" - "Cost", ABS("End" - "Start") in days

Columns are those of the view. What they are compared with is a cell or a number that the question names, or a category
of the column. A query inside a query asks for a cell that exactly one row has, so it has one value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from r1router.parse import write_gbnf_literal
from r1router.tables.names import quote_name, quote_text
from r1router.tables.view import Cell, TableView, ViewedColumn

ORDERED = ("=", "!=", ">", "<", ">=", "<=")
TOGETHER = 4
"""Of so many cells that the question names, any two may be meant together."""
PLACES = 4
"""How many rows `OFFSET` may skip."""


def write_query_grammar(view: TableView) -> str:
    """Rules for `types.Tag.grammar` of a tag `query`; "" where the view has no column to ask for.

    Where the view tells likely queries, these are all that can be written.
    """
    if not view.columns:
        return ""
    rules = _Rules()
    if view.likely:
        rules.add("query", _literals(query.sql for query in view.likely))
        return rules.text()
    rules.add("query", ['"SELECT " query-select'])
    rules.add("select", _select(rules, view))
    return rules.text()


def write_free_grammar(longest: int) -> str:
    """Rules for a query of up to `longest` characters that may be any: where tables are joined, what it may hold is not
    known. The engine checks it."""
    return f'query ::= ("SELECT " | "WITH ") query-text\nquery-text ::= ([^<\\n\\r] | "<" [ =>0-9"(]){{1,{longest}}}\n'


def can_write(grammar: str, text: str) -> bool:
    """Whether the grammar that `write_query_grammar` gave writes this query."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines() if line)
    bodies = {name: _ITEM.findall(body) for name, body in rules.items()}
    return bool(bodies) and len(text) in _Reader(bodies, text).rule("query", 0)


_ITEM = re.compile(r'"(?:[^"\\]|\\.)*"|[\w-]+|\{\d+,\d+\}|[()|?]')


class _Reader:
    """Where a text may have come to after each part of a grammar; all ways are followed at once."""

    def __init__(self, bodies: Mapping[str, list[str]], text: str) -> None:
        self._bodies, self._text = bodies, text
        self._known: dict[tuple[str, int], frozenset[int]] = {}

    def rule(self, name: str, start: int) -> frozenset[int]:
        if (name, start) not in self._known:
            self._known[name, start] = self._choice(self._bodies[name], 0, frozenset((start,)))[0]
        return self._known[name, start]

    def _choice(self, items: list[str], at: int, starts: frozenset[int]) -> tuple[frozenset[int], int]:
        """(where one of the alternatives may end, the place after them)."""
        ends: frozenset[int] = frozenset()
        while True:
            found, at = self._sequence(items, at, starts)
            ends |= found
            if at == len(items) or items[at] == ")":
                return ends, at
            at += 1

    def _sequence(self, items: list[str], at: int, places: frozenset[int]) -> tuple[frozenset[int], int]:
        while at < len(items) and items[at] not in "|)":
            begin = at
            once, at = self._item(items, begin, places)
            if at < len(items) and items[at] == "?":
                once, at = once | places, at + 1
            elif at < len(items) and items[at][0] == "{":
                low, high = map(int, items[at][1:-1].split(","))
                reached, ends, at = places, places if low == 0 else frozenset[int](), at + 1
                for times in range(1, high + 1):
                    reached, _ = self._item(items, begin, reached)
                    ends |= reached if times >= low else frozenset()
                once = ends
            places = once
        return places, at

    def _item(self, items: list[str], at: int, starts: frozenset[int]) -> tuple[frozenset[int], int]:
        item = items[at]
        if item == "(":
            ends, at = self._choice(items, at + 1, starts)
            return ends, at + 1
        if item[0] == '"':
            literal = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), item[1:-1])
            return frozenset(p + len(literal) for p in starts if self._text.startswith(literal, p)), at + 1
        return frozenset(end for start in starts for end in self.rule(item, start)), at + 1


class _Rules:
    """Rules by name, in order; each begins with `query-`, but for the first."""

    def __init__(self) -> None:
        self._rules: dict[str, list[str]] = {}

    def add(self, name: str, alternatives: Iterable[str]) -> str:
        """The reference to a rule, "" where it has no alternative."""
        written = list(dict.fromkeys(alternatives))
        if not written:
            return ""
        name = "query" if name == "query" else f"query-{name}"
        self._rules[name] = written
        return name

    def text(self) -> str:
        return "".join(f"{name} ::= {' | '.join(written)}\n" for name, written in self._rules.items())


def _literals(texts: Iterable[str]) -> list[str]:
    return [write_gbnf_literal(text) for text in texts]


def _seq(*parts: str) -> str:
    """A sequence; "" where one of its parts cannot be written."""
    return " ".join(parts) if all(parts) else ""


# ── what is selected ───────────────────────────────────────────────────────────────────────────


def _select(rules: _Rules, view: TableView) -> list[str]:
    columns = view.columns
    worked_out = [formula.sql for formula in list_formulas(view)]
    column = rules.add("column", _literals([*(quote_name(c.name) for c in columns), *worked_out]))
    number = rules.add("number", _literals([*(quote_name(c.name) for c in columns if c.kind == "number"), *worked_out]))
    ordered = rules.add("ordered", _literals([*(quote_name(c.name) for c in columns if c.kind != "text"), *worked_out]))
    counted = rules.add("counted", _literals(dict.fromkeys(["0", "1", *view.numbers])))
    sign = rules.add("sign", _literals(f" {op} " for op in ORDERED))
    where = _where(rules, [*list_conditions(view), *list_pair_conditions(view)])
    later = rules.add("later", _literals(quote_name(c.name) for c in columns if c.kind in ("date", "time")))
    total = rules.add("total", _totals(number, column))
    order = rules.add("order", _orders(ordered, view.row))
    grouped = [group for c in columns if c.repeats for group in _grouped(c, number, where)]
    single = rules.add(
        "single", _literals(_equal(columns[place], cell) for place, cell in _singles(columns, named=False))
    )
    one = rules.add("one", _one(number, single, total, where))
    return [
        form
        for form in (
            _seq(column, '" FROM t"', where, f"{order}?" if order else ""),
            _seq(column, '" FROM t"', where),
            _seq(column, '" FROM t"', order),
            *grouped,
            _seq(total, '" FROM t"', f"{where}?") if where else _seq(total, '" FROM t"'),
            _seq(total, sign, counted, '" FROM t"', f"{where}?") if where else _seq(total, sign, counted, '" FROM t"'),
            _seq('("MAX(" | "MIN(")', later, '") FROM t"', f"{where}?" if where else '""'),
            _seq('"ABS("', one, '" - "', one, '")"'),
            _seq(one, sign, one),
            *(_earlier(c, single, sign) for c in columns if c.kind in ("date", "time")),
            *(_first_is(c, order) for c in columns),
        )
        if form
    ]


def _totals(number: str, column: str) -> Iterable[str]:
    """Totals that are numbers."""
    yield '"COUNT(*)"'
    yield f'"COUNT(DISTINCT " {column} ")"'
    if number:
        yield f'"SUM(" {number} (" * " {number})? ")"'
        yield f'"AVG(" {number} ")"'
        yield f'("MAX(" | "MIN(") {number} ")"'
        yield f'"MAX(" {number} ") - MIN(" {number} ")"'


def _orders(ordered: str, row: str) -> Iterable[str]:
    by = f"({write_gbnf_literal(row)} | {ordered})" if ordered else write_gbnf_literal(row)
    skip = " | ".join(_literals(f" OFFSET {n}" for n in range(1, PLACES + 1)))
    yield f'" ORDER BY " {by} (" DESC" | " ASC") " LIMIT 1" ({skip})?'


def _grouped(column: ViewedColumn, number: str, where: str) -> Iterable[str]:
    name = quote_name(column.name)
    by = f'("COUNT(*)" | "SUM(" {number} ")")' if number else '"COUNT(*)"'
    begin, middle = write_gbnf_literal(f"{name} FROM t"), write_gbnf_literal(f" GROUP BY {name} ORDER BY ")
    yield f'{begin} {f"{where}? " if where else ""}{middle} {by} (" DESC" | " ASC") " LIMIT 1"'


def _one(number: str, single: str, total: str, where: str) -> Iterable[str]:
    """Queries in brackets whose value is one number."""
    if single and number:
        yield f'"(SELECT " {number} " FROM t WHERE " {single} ")"'
    if where:
        yield f'"(SELECT " {total} " FROM t" {where} ")"'


def _earlier(column: ViewedColumn, single: str, sign: str) -> str:
    """Whether one row's date is before another's."""
    date = _seq(write_gbnf_literal(f"(SELECT {quote_name(column.name)} FROM t WHERE "), single, '")"') if single else ""
    return _seq(date, sign, date)


def _first_is(column: ViewedColumn, order: str) -> str:
    """Whether the first row in an order is one that the question names."""
    named = [cell.literal for cell in column.cells if cell.named]
    begin = write_gbnf_literal(f"(SELECT {quote_name(column.name)} FROM t")
    return f'{begin} {order} ") = " ({" | ".join(_literals(named))})' if named and order else ""


# ── conditions ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row must have, and what it is made of."""

    sql: str
    column: int
    """Place of the column in the view, or after the last that of a formula; -1 for the number of the row."""
    sign: str
    """An operator, or "year =", "month =", "average >", "row +1" and the like."""
    literal: str = ""
    of: int = -1
    """Place of the column that `literal` is a cell of, where that is another one: the row that is compared with."""
    named: bool = False
    """Whether the question names what is compared with."""
    other: int = -1
    """Place of the column of the same row that is compared with."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A number that is worked out of two columns of a row."""

    sql: str
    kind: str
    """difference, together, product, days."""
    left: int
    right: int
    """Places of the columns in the view."""


def list_formulas(view: TableView) -> list[Formula]:
    """What a query may work out of two columns: a difference or a sum of one unit, a product, the days between two
    dates."""
    found: list[Formula] = []
    for left, right in view.pairs:
        one, other = view.columns[left], view.columns[right]
        if one.kind == "date":
            found.append(Formula(f"ABS({_day(one)} - {_day(other)})", "days", left, right))
        elif one.kind == "number":
            if _is_comparable(one, other):
                found.append(Formula(f"{quote_name(one.name)} - {quote_name(other.name)}", "difference", left, right))
                found.append(Formula(f"{quote_name(one.name)} + {quote_name(other.name)}", "together", left, right))
            found.append(Formula(f"{quote_name(one.name)} * {quote_name(other.name)}", "product", left, right))
    return found


def list_pair_conditions(view: TableView) -> list[Condition]:
    """Conditions that compare two columns of a row, or what is worked out of them with a number of the question."""
    found: list[Condition] = []
    for left, right in view.pairs:
        one, other = view.columns[left], view.columns[right]
        named = min(one.mentioned, other.mentioned) >= 0
        if _is_comparable(one, other):
            for sign in (">", "<", "="):
                sql = f"{quote_name(one.name)} {sign} {quote_name(other.name)}"
                mark = f"{sign} column" if named else f"{sign} column unnamed"
                found.append(Condition(sql, left, mark, other=right, named=named))
    for place, formula in enumerate(list_formulas(view), len(view.columns)):
        found += [
            Condition(f"{formula.sql} {sign} {number}", place, sign, number, named=True)
            for number in view.numbers
            for sign in (">", "<", ">=", "<=")
        ]
    return found


def _is_comparable(one: ViewedColumn, other: ViewedColumn) -> bool:
    return one.unit == other.unit or not (one.unit and other.unit)


def _where(rules: _Rules, conditions: Sequence[Condition]) -> str:
    found: dict[int, list[str]] = {}
    for condition in conditions:
        found.setdefault(condition.column, []).append(condition.sql)
    names = [rules.add(f"on-{place}" if place >= 0 else "neighbour", _literals(on)) for place, on in found.items()]
    any_one = rules.add("condition", names)
    return rules.add("where", [f'" WHERE " {any_one} (" AND " {any_one}){{0,2}}'] if any_one else [])


def list_conditions(view: TableView) -> list[Condition]:
    """Every condition that a query over this view may hold; two of them may be joined by AND."""
    found: list[Condition] = []
    for place, column in enumerate(view.columns):
        found += _on_column(place, column)
        found += _compared(place, view.columns)
    return [*found, *_neighbours(view.columns, view.row)]


def _on_column(place: int, column: ViewedColumn) -> Iterable[Condition]:
    name, day = quote_name(column.name), _day(column)
    for cell in column.cells:
        for sign in ("=", "!=") if column.kind != "date" else ("=",):
            yield Condition(f"{day} {sign} {cell.literal}", place, sign, cell.literal, named=cell.named)
    named = [cell.literal for cell in column.cells if cell.named] if column.kind != "date" else []
    named = [*named, *_meant_beside(column, named)][:TOGETHER]
    for one, other in combinations(named, 2):
        yield Condition(f"{name} IN ({one}, {other})", place, "IN", f"{one}, {other}", named=True)
    for pattern in column.patterns:
        yield Condition(f"{name} ILIKE {quote_text(pattern)}", place, "ILIKE", pattern, named=pattern[0] == "%")
    for number in column.numbers:
        for sign in (">", "<", ">=", "<="):
            yield Condition(f"{day} {sign} {number}", place, sign, number, named=True)
    for year in column.years:
        for sign in ("=", ">", "<", ">=", "<="):
            yield Condition(f"year({name}) {sign} {year}", place, f"year {sign}", str(year), named=True)
    for month in column.months:
        yield Condition(f"monthname({name}) = '{month}'", place, "month =", month)
    if column.gaps:
        yield Condition(f"{name} IS NULL", place, "IS NULL")
        yield Condition(f"{name} IS NOT NULL", place, "IS NOT NULL")


def _meant_beside(column: ViewedColumn, named: Sequence[str]) -> list[str]:
    """The cell that is meant beside the one that is named: "cardiology or the skin people"."""
    meant = [cell for cell in column.cells if cell.meant] if len(named) == 1 else []
    return [max(meant, key=lambda cell: cell.meant).literal] if meant else []


def _compared(place: int, columns: Sequence[ViewedColumn]) -> Iterable[Condition]:
    """The same as in the row that has a cell of another column, larger or smaller, or than the average."""
    column = columns[place]
    name = quote_name(column.name)
    for sign in ("=", ">", "<") if column.kind != "text" else ("=",) if column.repeats else ():
        for of, cell in _singles(columns):
            if of != place:
                inner = f"(SELECT {name} FROM t WHERE {_equal(columns[of], cell)})"
                yield Condition(f"{name} {sign} {inner}", place, sign, cell.literal, of, named=True)
        if column.kind == "number" and sign != "=":
            yield Condition(f"{name} {sign} (SELECT AVG({name}) FROM t)", place, f"average {sign}")


def _neighbours(columns: Sequence[ViewedColumn], row: str) -> Iterable[Condition]:
    """The rows next to, after and before the one that has a cell."""
    for of, cell in _singles(columns):
        inner = f"(SELECT {row} FROM t WHERE {_equal(columns[of], cell)})"
        for sign, sql in (
            ("row +1", f"{row} = {inner} + 1"), ("row -1", f"{row} = {inner} - 1"),
            ("row >", f"{row} > {inner}"), ("row <", f"{row} < {inner}"),
        ):  # fmt: skip
            yield Condition(sql, -1, sign, cell.literal, of, named=True)


def _singles(columns: Sequence[ViewedColumn], *, named: bool = True) -> list[tuple[int, Cell]]:
    """Cells that exactly one row has, and that the question names where `named`, with the places of their columns."""
    cells = [(place, cell) for place, column in enumerate(columns) for cell in column.cells if cell.single]
    return [(place, cell) for place, cell in cells if cell.named or not named]


def _equal(column: ViewedColumn, cell: Cell) -> str:
    return f"{_day(column)} = {cell.literal}"


def _day(column: ViewedColumn) -> str:
    name = quote_name(column.name)
    return f"CAST({name} AS DATE)" if column.clock else name
