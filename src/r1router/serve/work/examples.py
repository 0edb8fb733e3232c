"""Makes example questions from what knowledge bases hold, by rule and without a model, to show what may be asked.

a table    Which CITY has the largest POPULATION?  Which CITY has the most SCHOOLS?  What is the POPULATION of OSLO?
a text     What does "TITLE" say about "SECTION"?
a picture  What does the picture "TITLE" show?
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, pairwise, zip_longest
from typing import NamedTuple

from r1router.kb.stored import StoredKnowledgeBase
from r1router.table import TableBlock, join_lines
from r1router.types import Evidence

LOOKED_AT = 200
"""Entries of each knowledge base, from its beginning."""
LONGEST = 40
"""Characters of a name in a question."""
MOST_WORDS = 3
"""Words of a column's name in a question; a longer one is often no noun: "What you may row", "From the station to"."""
_NUMBER = re.compile(r"-?(\d|[1-9][\d,. ]*\d)([.,]\d+)?")
"""No code: "+47" and "007" are none."""
_YEAR = re.compile(r"1[5-9]\d\d|20\d\d")
_ORDER = ("table", "text", "image")
"""Questions of the first kinds say most about what can be asked."""
_LETTER = re.compile(r"[^\W\d_]")


class Example(NamedTuple):
    kb: str
    question: str


def make_examples(kbs: Mapping[str, StoredKnowledgeBase], *, most: int = 4) -> list[Example]:
    """Of each knowledge base in turn, without repeats. Raises `KnowledgeBaseError` where one cannot be read."""
    ordered = sorted(kbs.items(), key=lambda named: _ORDER.index(named[1].card.kind))
    of_each = [[Example(name, asked) for asked in _ask_about(kb)] for name, kb in ordered]
    turns = chain.from_iterable(zip_longest(*of_each))
    return list({one.question: one for one in turns if one}.values())[:most]


def _ask_about(kb: StoredKnowledgeBase) -> Iterator[str]:
    entries = _one_of_each_title(kb.sample(LOOKED_AT))
    match kb.card.kind:
        case "table":
            keys = _find_shared_columns(entries)
            asked = [tuple(_ask_table(entry.table, keys[_source(entry)])) for entry in entries if entry.table]
            yield from (question for turn in zip_longest(*asked) for question in turn if question)
        case "image":
            yield from (f"What does the picture “{entry.title}” show?" for entry in entries if _is_name(entry.title))
        case "text":
            yield from map(_ask_passage, (entry for entry in entries if _is_name(entry.title)))


def _one_of_each_title(entries: Sequence[Evidence]) -> list[Evidence]:
    """The first with a section, where one has any: it says what the passage is about."""
    best: dict[str, Evidence] = {}
    for entry in entries:
        held = best.setdefault(entry.title, entry)
        if _section(entry) and not _section(held):
            best[entry.title] = entry
    return list(best.values())


def _section(entry: Evidence) -> str:
    last = entry.location.section.split(" › ")[-1].strip() if entry.location else ""
    return last if _is_name(last) and last != entry.title else ""


def _ask_passage(entry: Evidence) -> str:
    section = _section(entry)
    if section.endswith("?"):
        return section
    return f"What does “{entry.title}” say about “{section}”?" if section else f"What is “{entry.title}” about?"


def _source(entry: Evidence) -> str:
    return entry.location.source if entry.location else ""


def _find_shared_columns(entries: Sequence[Evidence]) -> dict[str, set[str]]:
    """By source, the columns that several of its tables have: they link tables, and say nothing by themselves."""
    counted: dict[str, Counter[str]] = {}
    for entry in entries:
        columns = {join_lines(name).strip() for name in entry.table.header} if entry.table else set[str]()
        counted.setdefault(_source(entry), Counter()).update(columns)
    return {source: {name for name, tables in names.items() if tables > 1} for source, names in counted.items()}


def _ask_table(block: TableBlock, links: Collection[str]) -> Iterator[str]:
    """By the first column that names things, and the first of numbers or of anything beside it but `links`."""
    header = [join_lines(name).strip() for name in block.header]
    columns = [[cell.strip() for cell in column] for column in zip(*block.rows, strict=False)]
    fit = [at for at, name in enumerate(header) if _is_name(name) and len(name.split()) <= MOST_WORDS]
    named = [at for at in fit if at < len(columns) and any(columns[at])]
    keys = [at for at in named if _names_things(columns[at])]
    if not keys:
        return
    key = keys[0]
    told = [at for at in named if at != key and header[at] not in links]
    rest = [at for at in told if not _numbers_rows(columns[at]) and not _are_years(columns[at])]
    if numbers := [at for at in rest if _measures(columns[at])]:
        number = header[numbers[0]]
        yield f"Which {_lower(header[key])} has the {'most' if _may_be_plural(number) else 'largest'} {_lower(number)}?"
    for at in filter(lambda at: not _may_be_plural(header[at]), [*numbers, *rest]):
        if row := next((row for row in block.rows if _is_name(row[key].strip()) and row[at].strip()), None):
            yield f"What is the {_lower(header[at])} of {row[key].strip()}?"
            return


def _names_things(cells: Sequence[str]) -> bool:
    """Whether a column has a name of its own in each row."""
    filled = [cell for cell in cells if cell]
    return len(set(filled)) == len(filled) and sum(map(_is_name, filled)) > len(filled) / 2


def _measures(cells: Sequence[str]) -> bool:
    return all(map(_NUMBER.fullmatch, filter(None, cells)))


def _numbers_rows(cells: Sequence[str]) -> bool:
    """Whether a column is of whole numbers that only rise: they number the rows, or are years in order."""
    filled = [cell for cell in cells if cell]
    return all(map(str.isdecimal, filled)) and all(int(a) < int(b) for a, b in pairwise(filled))


def _are_years(cells: Sequence[str]) -> bool:
    """Whether a column is of years: none is the largest, and what they are years of is often no noun ("built")."""
    return all(map(_YEAR.fullmatch, filter(None, cells)))


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST and "\n" not in text and bool(_LETTER.search(text))


def _may_be_plural(name: str) -> bool:
    """Whether "is" may be wrong after it: "Main ingredients"; "Address" is no plural, of "Status" we cannot tell."""
    return name.endswith("s") and not name.endswith("ss")


def _lower(name: str) -> str:
    """A name of a column in the middle of a sentence: "Length" as "length", "GDP" and "Name (EU)" as they are."""
    return name.lower() if name[1:].islower() else name
