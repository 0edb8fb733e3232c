"""Writes what is in a knowledge base in a few lines, as long for a large one as for a small one, so that none drowns.

The lines say how much there is, in which languages and of which years; the topics, with titles from each of them; and
of tables the columns with their units. Many tables share the space that one would have.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from r1router.kb.languages import name_language
from r1router.kb.rows import CELLS, read_block
from r1router.kb.topics import Topic, find_topics
from r1router.table import TableColumn, join_lines
from r1router.tables.columns import read_columns
from r1router.types import Kind

BUDGET = 600
"""Characters of all lines together, at most."""
SAMPLE = 600
"""Entries that are looked at, or tables; spread over all of them."""
SAMPLED = ("title", "section", "text", "first_row", "vector", CELLS)
"""The stored columns of an entry that are read."""
TITLE = 48
"""Characters of a title."""
_LOOKED_AT = 4_000
"""Characters of a text that are looked at, of a title and of a section: most have some hundreds."""
_COLUMNS = 200
"""Columns of a table that are looked at: more names have no room in the lines."""
_TOPICS = 0.4
"""The share of the budget that topics take at most."""
_EACH = 60
"""Where each table would have fewer characters, their columns are told together."""
_YEAR = re.compile(r"(?<![\w.,-])(?:1[5-9]|20)\d\d(?![\d.,]\d|\w)")
_DATED = re.compile(r"(?<!\w)(?:(?:\d\d?[./]){2}((?:1[5-9]|20)\d\d)|((?:1[5-9]|20)\d\d)-\d\d)(?!\d)")
_LANGUAGE_SHARE = 0.1
"""A language of fewer texts is not named."""


class Counts(NamedTuple):
    """How much there is."""

    entries: int
    sources: int
    languages: Counter[str]
    """Texts of a sample in each language."""


def write_details(kind: Kind, rows: Iterable[Mapping[str, Any]], counts: Counts) -> str:
    """The lines, with a line break between; "" of nothing. `rows`: the sample, with the columns `SAMPLED`; each is let
    go as soon as what is told of it was read, since it may have megabytes."""
    if not counts.entries:
        return ""
    looked_at = [_look_at(kind, row) for row in rows if row["vector"] is not None]
    texts = [each.text for each in looked_at]
    lines = [_write_counts(kind, counts, texts)]
    if not looked_at:  # of tables: they are all single lines, none has a row
        return lines[0]
    tables = [each.table for each in looked_at if each.table]
    left = BUDGET - len(lines[0]) - 1
    if 0 < _EACH * len(tables) <= left:
        return "\n".join([*lines, write_tables(tables, left)])
    vectors = np.array([each.vector for each in looked_at], np.float32).reshape(len(looked_at), -1)
    titles = [each.title for each in looked_at]
    topics = find_topics(texts, titles, vectors)
    if topics:
        said = ["Topics: " + "; ".join(map(_say_topic, topics[:count])) for count in range(len(topics), 0, -1)]
        lines.append(next((line for line in said if len(line) <= _TOPICS * BUDGET), said[-1])[: int(_TOPICS * BUDGET)])
    if kind == "table":
        lines += _fit("Columns: ", _list_columns(tables), (BUDGET - sum(map(len, lines))) // 2, ", ")
    left = BUDGET - sum(len(line) + 1 for line in lines)
    lines += _fit("Such as: ", _spread_titles(titles, topics), left, "; ")
    return "\n".join(lines)


def _write_counts(kind: Kind, counts: Counts, texts: Sequence[str]) -> str:
    """
    >>> _write_counts("text", Counts(1200, 3, Counter(de=30, fr=10)), ["Founded in 2019.", "1.5.2023"])
    '1,200 entries from 3 files; German, French; years 2019 to 2023'
    """
    entries, sources = (
        f"{number:,} {one if number == 1 else many}"
        for number, one, many in ((counts.entries, "entry", "entries"), (counts.sources, "file", "files"))
    )
    least = max(1.0, _LANGUAGE_SHARE * counts.languages.total())
    languages = [name_language(code) for code, count in counts.languages.most_common() if count >= least]
    return "; ".join(filter(None, (f"{entries} from {sources}", ", ".join(languages), _say_years(kind, texts))))


def _say_years(kind: Kind, texts: Sequence[str]) -> str:
    """The years that the texts name, without the rare ones at both ends: each counts once a text.

    Of tables only those of dates, since 1950 in a cell may be anything.

    >>> _say_years("table", ["part | bought | weight in g", "1640 | 2019-03-01 | 1950"])
    'year 2019'
    """
    years = sorted(year for text in texts for year in _find_years(kind, text))
    if not years:
        return ""
    edge = len(years) // 20
    first, last = years[edge], years[-1 - edge]
    return f"years {first} to {last}" if first != last else f"year {first}"


def _find_years(kind: Kind, text: str) -> set[str]:
    dated = {first or second for first, second in _DATED.findall(text)}
    return dated if kind == "table" else dated.union(_YEAR.findall(text))


class _LookedAt(NamedTuple):
    """What is told of one entry."""

    title: str
    text: str
    vector: Sequence[float]
    table: Described | None


def _look_at(kind: Kind, row: Mapping[str, Any]) -> _LookedAt:
    table = _read_table(row) if kind == "table" else None
    return _LookedAt(_title(row), row["text"][:_LOOKED_AT], row["vector"], table)


# ── tables ─────────────────────────────────────────────────────────────────────────────────────


class Described(NamedTuple):
    """A table by its title and its columns, each with what it measures."""

    title: str
    columns: Sequence[str]


def write_tables(tables: Sequence[Described], budget: int) -> str:
    """Every table with as many of its columns as there is space for: each gets its first before one gets its second.

    >>> write_tables([Described("Ships", ["name", "length in m", "built"]), Described("Crew", ["name"])], 44)
    'Ships (name, length in m, …); Crew (name)'
    """
    titles = [cut(table.title, TITLE) for table in tables]
    shown = [0] * len(tables)

    def write() -> str:
        return "; ".join(
            _write_table(title, table.columns, count) for title, table, count in zip(titles, tables, shown, strict=True)
        )

    for turn in range(max((len(table.columns) for table in tables), default=0)):
        for place, table in enumerate(tables):
            if turn < len(table.columns) and shown[place] == turn:
                shown[place] += 1
                if len(write()) > budget:
                    shown[place] -= 1
    return cut(write(), budget)


def _write_table(title: str, columns: Sequence[str], count: int) -> str:
    if not count:
        return title
    return f"{title} ({', '.join([*columns[:count], *(['…'] if count < len(columns) else [])])})"


def _read_table(row: Mapping[str, Any]) -> Described:
    block = read_block(row)
    title = " — ".join(filter(None, (_title(row), "" if block is None else block.section[:_LOOKED_AT])))
    if block is None or not any(block.header):
        return Described(title, [])
    header = [join_lines(name) for name in block.header[:_COLUMNS]]
    readers, _ = read_columns(header, [row[:_COLUMNS] for row in block.rows])
    return Described(title, [_say_column(reader.column) for reader in readers])


def _say_column(column: TableColumn) -> str:
    """
    >>> _say_column(TableColumn("Price", "number", "€")), _say_column(TableColumn("Price (€)", "number", "€"))
    ('Price in €', 'Price (€)')
    """
    name = cut(column.name, TITLE)
    return f"{name} in {column.unit}" if column.unit and column.unit not in name else name


def _list_columns(tables: Sequence[Described]) -> list[str]:
    """Columns of the tables, those first that most of them have, then the first ones of each."""
    turns = zip_longest(*(dict.fromkeys(table.columns) for table in tables))
    names = [name for turn in turns for name in turn if name]
    counted = Counter(name.casefold() for name in names)
    written = {name.casefold(): name for name in reversed(names)}
    return [written[name] for name, _ in counted.most_common()]


# ── topics and titles ──────────────────────────────────────────────────────────────────────────


def _say_topic(topic: Topic) -> str:
    return f"{', '.join(topic.words)} ({max(1, round(100 * topic.share))} %)"


def _spread_titles(titles: Sequence[str], topics: Sequence[Topic]) -> list[str]:
    """Titles: that of the middle of each topic first, then of rows from the first half, quarter and so on."""
    every = range(len(titles))
    halves = sorted(every, key=lambda place: (int(f"{place:b}"[::-1], 2) / (1 << place.bit_length()), place))
    places = [*(topic.middle for topic in topics), *halves]
    return list(dict.fromkeys(cut(titles[place], TITLE) for place in places if titles[place]))


def _title(row: Mapping[str, Any]) -> str:
    return " ".join((row["title"] or "")[:_LOOKED_AT].split())


def _fit(head: str, parts: Sequence[str], budget: int, between: str) -> list[str]:
    """One line of as many parts as there is space for; none where not even one fits."""
    line = head
    for part in parts:
        longer = f"{line}{between if line != head else ''}{part}"
        if len(longer) > budget:
            break
        line = longer
    return [line] if line != head else []


def cut(text: str, characters: int) -> str:
    """
    >>> cut("Measurements", 8)
    'Measure…'
    """
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"
