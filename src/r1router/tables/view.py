"""Shows what a question touches in a table, because a query needs columns, cells and numbers that are really there.

A view is small whatever the size of its table: some values of each column, the cells and numbers that the question's
words name, the rows that share most words with it. Prompts show it, and `grammar` makes of it the queries that can be
written.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import combinations
from typing import Any

from r1router.evidence.numbers import read_quantities
from r1router.evidence.words import order_columns, read_name_parts, read_words, tell_language
from r1router.table import CELLS, TableBlock, TableColumn, join_lines
from r1router.tables.columns import Value
from r1router.tables.meaning import Meaning
from r1router.tables.names import ROW, name_row, quote_name, quote_text
from r1router.tables.spelling import spell_as_table

COLUMNS = 24
"""Columns of a wider table that are shown: those that the question names, then the first."""
CATEGORIES = 6
"""A column of no more different values offers all of them."""
NAMED = 8
"""Cells of one column that are offered because the question names them, at most."""
PATTERNS = 4
"""Parts of cells of one column that are offered, at most."""
MEANT = 40
"""A column of no more different values offers those that the question means, too."""
NEAR = 3
"""Cells of one column that are offered because a word of theirs is nearly one of the question's, at most."""
PAIRS, FEW = 4, 3
"""Pairs of columns that are offered to be compared, at most; so many or fewer are offered without being named."""
ROWS = 8
"""Rows that are shown, at most."""
SMALL = 600
"""Characters of the cells of a table that is shown whole, at most, where it has no more than `ROWS` rows."""
SAMPLES, SAMPLE = 3, 28
"""Cells of a column that are shown, and characters of one, at most."""
LONGEST = 80
"""Characters of a cell that can be compared with."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value to compare a column with, as SQL writes it."""

    literal: str
    single: bool = False
    """Whether exactly one row has it."""
    named: bool = False
    """Whether the question names it."""
    meant: float = 0.0
    """How near it is in meaning to a phrase of a question that has no word of it, a cosine; 0 where it is not near."""


@dataclass(frozen=True, slots=True)
class ViewedColumn:
    name: str
    kind: str
    """As in `TableColumn`."""
    unit: str = ""
    samples: tuple[str, ...] = ()
    """Some of its cells, as they stand there."""
    cells: tuple[Cell, ...] = ()
    """What it can be equal to."""
    patterns: tuple[str, ...] = ()
    """Parts of its cells that the question names, as LIKE writes them: "%Oslo%"."""
    numbers: tuple[str, ...] = ()
    """What it can be larger or smaller than: numbers or dates of the question, as SQL writes them."""
    years: tuple[int, ...] = ()
    months: tuple[str, ...] = ()
    """Of a column of dates: years that the question may mean, months that occur ("March")."""
    repeats: bool = False
    """Whether a value occurs in several rows."""
    gaps: bool = False
    """Whether some rows have no value."""
    clock: bool = False
    """Whether its dates have a time of day."""
    mentioned: int = -1
    """Place in the question of the first word that its name has; -1 where none has."""
    near: tuple[tuple[str, str], ...] = ()
    """Words of its cells with those of the question that are nearly the same: ("japan", "japanes")."""


@dataclass(frozen=True, slots=True)
class OtherTable:
    """A table that a query may join."""

    name: str
    count: int
    """Its rows."""
    columns: tuple[TableColumn, ...]
    """Of many, those that the question names, then the first."""


@dataclass(frozen=True, slots=True)
class LikelyQuery:
    """A query that the question may mean (`likely`)."""

    sql: str
    share: float
    """Its probability among those that were tried, 0 to 1."""
    support: float
    """That of all queries which give the same answer."""
    stated: bool = False
    """Whether the question says all that its conditions compare with, mistypings aside."""


@dataclass(frozen=True, slots=True)
class TableView:
    """What a policy sees of a table before it asks it."""

    question: str = ""
    """The question, with words that it mistypes or shortens as the table writes them."""
    title: str = ""
    section: str = ""
    caption: str = ""
    count: int = 0
    """Rows of the whole table."""
    columns: tuple[ViewedColumn, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """Cells of the rows that share most with the question, in the order of the table; after them, of a small table, the
    others."""
    numbers: tuple[str, ...] = ()
    """Numbers of the question."""
    row: str = ROW
    """What queries call the number of a row."""
    pairs: tuple[tuple[int, int], ...] = ()
    """Places of two columns of one kind, neither of them text, that a query may compare, in the question's order."""
    others: tuple[OtherTable, ...] = ()
    """The other tables of its file, where a query may join them."""
    likely: tuple[LikelyQuery, ...] = ()
    """The likeliest queries, the best first, where they were asked for."""


def view_table(
    question: str,
    block: TableBlock,
    columns: Sequence[TableColumn],
    values: Sequence[Sequence[Value]],
    *,
    count: int | None = None,
) -> TableView:
    """The view of a table that holds these rows. `values`: of each column, the value in each of the rows.

    `count`: how many rows the whole table has, where `block` holds only the ones that the question names and the first.
    """
    whole = count is None or count == len(block.rows)
    question = _spell_as_block(question, block)
    asked = _Asked(question)
    telling = _telling(asked, block.rows)
    shown = _choose_columns(asked, columns, [block.rows[place] for place in telling])
    viewed = tuple(
        _view_column(asked, columns[place], [_cell(row, place) for row in block.rows], values[place], whole=whole)
        for place in shown
    )
    others = [place for place in range(len(block.rows)) if place not in telling] if whole and _is_small(block) else []
    rows = tuple(tuple(_cell(block.rows[place], c) for c in shown) for place in (*telling, *others))
    row = name_row([column.name for column in columns])
    return TableView(
        question, block.title, block.section, block.caption, len(block.rows) if count is None else count, viewed,
        rows, asked.numbers, row if row == ROW else quote_name(row), _pair_columns(viewed),
    )  # fmt: skip


def _spell_as_block(question: str, block: TableBlock) -> str:
    return spell_as_table(question, (text for row in (block.header, *block.rows) for text in row))


def view_other(question: str, name: str, columns: Sequence[TableColumn], count: int) -> OtherTable:
    """The view of a table of `count` rows that may be joined with the one that is asked."""
    shown = _choose_columns(_Asked(question), columns)
    return OtherTable(name, count, tuple(columns[place] for place in shown))


def write_number(value: float) -> str:
    """A number as SQL writes it: without an exponent, whole ones without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.10f}".rstrip("0").rstrip(".")


# ── what a prompt shows ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ShownColumn:
    name: str
    """Quoted, as SQL takes it."""
    kind: str
    """With the unit, where there is one: "number (km)"."""
    samples: str


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A view as templates see it."""

    heading: str
    count: int
    columns: tuple[ShownColumn, ...]
    rows: tuple[str, ...]
    chars: int
    """How many characters of text all of that is."""
    others: tuple[ShownTable, ...] = ()
    """Those that may be joined with it, each called by its heading, without samples and rows."""


def show_table(view: TableView, chars: int) -> ShownTable:
    """The view within about `chars` characters (0: all of it): its heading, every column, and as many rows as fit.

    Cells of a row are called by their columns, empty ones left out; the first is its name, unless a number.
    """
    heading = "\n".join(TableBlock(view.title, view.section, view.caption).above)
    columns = _shown_columns(view, SAMPLES, SAMPLE)
    if chars and _length(columns) > chars * 0.6:
        columns = _shown_columns(view, 1, SAMPLE // 2)
    length = len(heading) + _length(columns)
    names = [column.name for column in view.columns]
    rows: list[str] = []
    for row in view.rows:
        told = CELLS.join(
            cell if place == 0 and not cell[:1].isdigit() else f"{name}: {cell}"
            for place, (name, cell) in enumerate(zip(names, map(join_lines, row), strict=True))
            if cell
        )
        if not chars or not rows or length + len(told) < chars:
            rows.append(told[:chars] if chars else told)
            length += len(told) + 1
    others = tuple(_show_other(other) for other in view.others)
    return ShownTable(heading, view.count, columns, tuple(rows), length, others)


def _show_other(other: OtherTable) -> ShownTable:
    columns = tuple(ShownColumn(quote_name(c.name), _say_kind(c.kind, c.unit), "") for c in other.columns)
    return ShownTable(quote_name(other.name), other.count, columns, (), 0)


def _say_kind(kind: str, unit: str) -> str:
    return f"{kind} ({unit})" if unit and kind == "number" else kind


def _shown_columns(view: TableView, count: int, longest: int) -> tuple[ShownColumn, ...]:
    def cut(text: str) -> str:
        text = join_lines(text)
        return text if len(text) <= longest else text[: longest - 1] + "…"

    return tuple(
        ShownColumn(
            quote_name(column.name),
            _say_kind(column.kind, column.unit),
            "; ".join(dict.fromkeys(map(cut, column.samples[:count]))),
        )
        for column in view.columns
    )


def _length(columns: Sequence[ShownColumn]) -> int:
    return sum(len(column.name) + len(column.kind) + len(column.samples) + 4 for column in columns)


# ── the question ───────────────────────────────────────────────────────────────────────────────

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")


_PLACE = re.compile(r"\b(\d{1,3})(?:st|nd|rd|th|ère?|e)\b")
_ORDINALS = {
    word: float(place)
    for place, told in enumerate(
        ("first erste ersten erster premier première", "second zweite zweiten zweiter deuxième", "third dritte dritten "
         "dritter troisième", "fourth vierte vierten quatrième", "fifth fünfte fünften cinquième"), 1,
    )
    for word in told.split()
}  # fmt: skip


def read_numbers(question: str) -> dict[str, None]:
    """Its numbers and ordinals as SQL writes them, each once, in order."""
    found = [end for q in read_quantities(question) for end in (q.low, q.high)]
    found += [_ORDINALS[word] for word in map(str.casefold, _WORD.findall(question)) if word in _ORDINALS]
    found += [float(place) for place in _PLACE.findall(question)]
    return dict.fromkeys(write_number(number) for number in found if abs(number) < 1e15)


class _Asked:
    """The words and numbers of a question, looked up often."""

    def __init__(self, question: str) -> None:
        self._language = tell_language(question)
        read = self.read(question)
        self.words = frozenset(read)
        self._places = {word: place for place, word in reversed([*enumerate(read)])}
        plain = _WORD.findall(question)
        self.phrases = list(
            dict.fromkeys(
                " ".join(plain[start : start + length])
                for length in (4, 3, 2, 1)
                for start in range(len(plain) - length + 1)
            )
        )
        self.numbers = tuple(read_numbers(question))
        self.meaning = Meaning(question, self._language)

    def order(self, columns: Sequence[tuple[str, ...]]) -> list[int]:
        """Places of columns (name, cells …), those first with which the question shares most of its rare words."""
        return order_columns(self.words, self._language, columns)

    def read(self, text: str) -> list[str]:
        """The telling words of a text, in the question's language."""
        return read_words(text, self._language)

    def find_first(self, name: str) -> int:
        """Place of the first telling word that a column's name has; -1 where none has."""
        words = read_name_parts(name, self._language)
        return min((self._places[word] for word in words if word in self._places), default=-1)


# ── columns ────────────────────────────────────────────────────────────────────────────────────


def _choose_columns(asked: _Asked, columns: Sequence[TableColumn], rows: Sequence[Sequence[str]] = ()) -> list[int]:
    """Places of the columns to show, in order: those whose names, or cells in these rows, the question names."""
    if len(columns) <= COLUMNS:
        return list(range(len(columns)))
    texts = [(column.name, *(_cell(row, place) for row in rows)) for place, column in enumerate(columns)]
    return sorted(asked.order(texts)[:COLUMNS])


def _view_column(
    asked: _Asked, column: TableColumn, texts: Sequence[str], values: Sequence[Value], *, whole: bool
) -> ViewedColumn:
    counts: Counter[Any] = Counter(value for value in values if value not in (None, ""))
    found = {value: text for text, value in zip(texts, values, strict=True) if value in counts}
    plain = ViewedColumn(
        column.name, column.kind, column.unit, repeats=len(counts) < counts.total(),
        gaps=len(values) > counts.total(), mentioned=asked.find_first(column.name),
    )  # fmt: skip
    if column.kind == "number":
        plain = _view_numbers(asked, plain, counts, whole=whole)
    elif column.kind == "date":
        plain = _view_dates(asked, plain, counts, found)
    elif column.kind == "text":
        plain = _view_texts(asked, plain, counts, whole=whole)
    named = {cell.literal for cell in plain.cells if cell.named}
    told = [text for value, text in found.items() if _written(value) in named]
    return replace(plain, samples=tuple(dict.fromkeys([*told, *found.values()]))[:SAMPLES])


def _written(value: Value) -> str:
    """A value as SQL writes it."""
    if isinstance(value, str):
        return quote_text(value)
    if isinstance(value, date):
        return f"DATE '{value:%Y-%m-%d}'"
    return "" if value is None else write_number(float(value))


def _view_numbers(asked: _Asked, plain: ViewedColumn, counts: Counter[Any], *, whole: bool) -> ViewedColumn:
    known = {write_number(float(value)): count for value, count in counts.items() if isinstance(value, int | float)}
    few = whole and len(known) <= CATEGORIES
    equal = [
        Cell(literal, single=count == 1, named=literal in asked.numbers)
        for literal, count in sorted(known.items(), key=lambda pair: float(pair[0]))
        if few or literal in asked.numbers or literal in ("0", "1")
    ]
    above = dict.fromkeys([*asked.numbers, *(n for n in ("0", "1") if n in known)])
    return replace(plain, cells=tuple(equal), numbers=tuple(above))


def _view_dates(asked: _Asked, plain: ViewedColumn, counts: Counter[Any], texts: Mapping[Any, str]) -> ViewedColumn:
    rows: Counter[date] = Counter()
    told: dict[date, str] = {}
    for value, count in counts.items():
        if isinstance(value, date):
            day = value.date() if isinstance(value, datetime) else value
            rows[day] += count
            told.setdefault(day, texts[value])
    dates = sorted(rows)
    named = [day for day in dates if set(asked.read(told[day])) <= asked.words][:NAMED]
    literals = [f"DATE '{day.isoformat()}'" for day in named]
    years = sorted({day.year for day in dates})
    return replace(
        plain,
        cells=tuple(Cell(lit, single=rows[day] == 1, named=True) for lit, day in zip(literals, named, strict=True)),
        numbers=tuple(literals),
        years=tuple(y for y in years if len(years) <= CATEGORIES or str(y) in asked.numbers),
        clock=any(isinstance(value, datetime) for value in counts),
        months=tuple(_MONTHS[month - 1] for month in sorted({day.month for day in dates})),
    )


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
"""As DuckDB's `monthname` writes them."""


def _view_texts(asked: _Asked, plain: ViewedColumn, counts: Counter[Any], *, whole: bool) -> ViewedColumn:
    known = {value: count for value, count in counts.items() if isinstance(value, str) and can_compare(value)}
    told = {value: set(asked.read(value)) for value in known}
    spread = Counter(word for found in told.values() for word in found)
    scores = {
        value: (len(found & asked.words) / len(found), len(found & asked.words))
        for value, found in told.items()
        if found & asked.words and (2 * len(found & asked.words) >= len(found) or _rare(found & asked.words, spread))
    }
    named = sorted(scores, key=lambda value: scores[value], reverse=True)[:NAMED]
    near = find_near(asked.words - spread.keys(), spread.keys())
    nearly = [value for value, found in told.items() if value not in scores and found & near.keys()][:NEAR]
    few = whole and len(counts) <= CATEGORIES
    unsaid = [value for value in known if value not in scores and value not in nearly]
    meant = asked.meaning.find(unsaid) if plain.repeats and len(counts) <= MEANT else {}
    cells = tuple(
        Cell(
            quote_text(value), single=count == 1 and (whole or value in scores), named=value in scores,
            meant=round(meant.get(value, 0.0), 3),
        )
        for value, count in known.items()
        if few or value in named or value in nearly or value in meant
    )  # fmt: skip
    return replace(plain, cells=cells, patterns=_patterns(asked, list(known)), near=tuple(near.items()))


def find_near(asked: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Known words that begin as one that is asked for and end otherwise, with that one.

    >>> find_near(["japanes", "jan", "rain"], ["japan", "januari", "raini", "paper"])
    {'japan': 'japanes', 'januari': 'jan', 'raini': 'rain'}
    """
    words = sorted(asked)
    return {other: word for other in known for word in words if _is_near(word, other)}


def _is_near(word: str, other: str) -> bool:
    same = next((n for n, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    if word.isdigit() or same < 3:
        return False
    return same == len(word) or (same > 3 and same >= min(len(word), len(other)) - 2 and len(word) - same <= 5)


def _pair_columns(columns: Sequence[ViewedColumn]) -> tuple[tuple[int, int], ...]:
    """Pairs of columns with numbers, dates or times, those first of which the question names both.

    The one that is named first comes first, and one that is not named comes before that: "which went over budget?".
    """
    alike = [
        sorted(pair, key=lambda place: columns[place].mentioned)
        for pair in combinations(range(len(columns)), 2)
        if columns[pair[0]].kind == columns[pair[1]].kind != "text"
    ]
    named = [sum(columns[place].mentioned >= 0 for place in pair) for pair in alike]
    order = sorted(range(len(alike)), key=lambda at: -named[at])
    return tuple((alike[at][0], alike[at][1]) for at in order if named[at] or len(alike) <= FEW)[:PAIRS]


def can_compare(text: str) -> bool:
    """Whether a query may hold this cell: up to `LONGEST` characters on one line that hold no tag of ours."""
    return 0 < len(text) <= LONGEST and text.isprintable() and "<" not in text and text == text.strip()


def _rare(found: set[str], spread: Mapping[str, int]) -> bool:
    return any(spread[word] <= 3 and not word.isdigit() for word in found)


def _patterns(asked: _Asked, cells: Sequence[str]) -> tuple[str, ...]:
    """Parts of several words first; of parts that stand in the same cells, the longest. And how cells often begin."""
    plain = [f" {' '.join(_WORD.findall(cell)).casefold()} " for cell in cells]
    whole = {text.strip() for text in plain}
    found: dict[frozenset[int], str] = {}
    for phrase in asked.phrases:
        told = phrase.casefold()
        if (
            told in whole
            or not asked.read(phrase)
            or (len(phrase) < 3 and not phrase[0].isupper() and not phrase.isdigit())
        ):
            continue
        inside = frozenset(place for place, text in enumerate(plain) if f" {told} " in text)
        if inside and phrase.casefold() in " ".join(cells[place].casefold() for place in inside):
            found.setdefault(inside, f"%{phrase}%")
    return (*list(found.values())[:PATTERNS], *_beginnings(cells))


def _beginnings(cells: Sequence[str]) -> list[str]:
    """First words that sort the cells into up to four kinds, such as "W 32-6" and "L 3-10"."""
    first = Counter(cell.split()[0] for cell in cells if len(cell.split()) > 1)
    often = [word for word, count in first.items() if count > 1 and "%" not in word and "_" not in word]
    sorts = len(first) <= 4 and len(often) > 1 and sum(first.values()) >= 0.8 * len(cells)
    return [f"{word} %" for word in often] if sorts else []


# ── rows ───────────────────────────────────────────────────────────────────────────────────────


def _telling(asked: _Asked, rows: Sequence[Sequence[str]]) -> list[int]:
    """Places of up to `ROWS` rows that share rare words with the question, in order; the first two where none does."""
    told = [asked.words & set(asked.read(" ".join(row))) for row in rows]
    spread = Counter(word for found in told for word in found)
    scores = [math.fsum(math.log(1 + len(rows) / spread[word]) for word in found) for found in told]
    named = [place for place in sorted(range(len(rows)), key=lambda p: (-scores[p], p)) if scores[place] > 0]
    return sorted(named[:ROWS]) or list(range(min(2, len(rows))))


def _is_small(block: TableBlock) -> bool:
    return len(block.rows) <= ROWS and sum(len(cell) for row in block.rows for cell in row) <= SMALL


def _cell(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""
