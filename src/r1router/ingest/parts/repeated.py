"""Cuts what stands in every entry of a record, because a title of a megabyte makes a gigabyte of a small file.

A long title or section of a text goes in front of it as well, and long notes below a table are several records, so
nothing of them is lost; of other tables, and of pictures, it is told what was cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from r1router.ingest.parts.pieces import cut_at_blanks
from r1router.ingest.records import About, Passage, Picture, Problem, Record, Table

LONGEST = 2_000
"""Characters of a title, a section or a table's caption: as many as a window of text has at most."""
LONGEST_NAME = 500
"""Characters of the name of a column, and of an id that a file gives a record."""
LONGEST_HEADER = 50_000
"""Characters of all names of columns together. A survey of 600 questions, each of a line, has as many."""
SHORTEST_NAME = 10
"""Characters that the name of a column keeps, however many there are."""
_SHOWN = 60


def cut_repeated(items: Iterable[Record | Problem | About]) -> Iterator[Record | Problem | About]:
    """The same, where no record has more of it than that."""
    passed_on: set[int] = set()
    """Hashes of what was put in front of a text, or told: it may stand in many records."""
    for item in items:
        if isinstance(item, Problem | About):
            yield item
            continue
        if len(item.id) > LONGEST_NAME:
            item = replace(item, id=_shorten_id(item.id))
        long = {name: said for name, said in _find_long(item) if hash(said) not in passed_on}
        passed_on.update(map(hash, long.values()))
        if isinstance(item, Passage):
            item = replace(item, text="\n\n".join([*long.values(), item.text])) if long else item
        else:
            yield from (_tell(item, f"its {name} has {len(said):,}", LONGEST) for name, said in long.items())
        if isinstance(item, Table):
            if (kept := _share_header(item.header)) < max(map(len, item.header), default=0):
                if hash(item.header) not in passed_on:
                    passed_on.add(hash(item.header))
                    yield _tell_header(item, kept)
                item = replace(item, header=tuple(_cut(name, kept) for name in item.header))
            if not item.rows:
                yield from map(_shorten, _cut_notes(item))
                continue
        yield _shorten(item)


def _find_long(record: Record) -> Iterator[tuple[str, str]]:
    """(what it is, itself) of all texts that are too long. A picture is one entry, and notes below a table are cut."""
    about = {"title": record.title}
    if not isinstance(record, Picture):
        about["section"] = record.section
    if isinstance(record, Table) and record.rows:
        about["caption"] = record.caption
    yield from ((name, said) for name, said in about.items() if len(said) > LONGEST)


def _share_header(names: Sequence[str]) -> int:
    """Characters that each name may have, so that all together are at most `LONGEST_HEADER`; short ones keep theirs."""
    left = LONGEST_HEADER
    for place, length in enumerate(sorted(map(len, names))):
        if length > (share := left // (len(names) - place)):
            return min(LONGEST_NAME, max(SHORTEST_NAME, share))
        left -= length
    return LONGEST_NAME


def _tell_header(table: Table, kept: int) -> Problem:
    long = [len(name) for name in table.header if len(name) > kept]
    which = "the name of a column has" if len(long) == 1 else f"the names of {len(long):,} columns have up to"
    return _tell(table, f"{which} {max(long):,}", kept)


def _tell(record: Table | Picture, said: str, kept: int) -> Problem:
    where = record.section[:_SHOWN] if isinstance(record, Table) else record.image.name[:_SHOWN]
    return Problem(record.source, where, f"{said} characters; {kept:,} are kept", read=True)


def _cut_notes(table: Table) -> Iterator[Table]:
    """A table without rows, in as many as its caption needs; each part ends at white space where it has some."""
    for part, caption in cut_at_blanks(table.caption, LONGEST, blanks=" \n"):
        yield replace(table, id=f"{table.id}{part}", caption=caption)


def _shorten(record: Record) -> Record:
    if not any(_find_long(record)):
        return record
    title = _cut(record.title, LONGEST)
    if isinstance(record, Picture):
        return replace(record, title=title)
    section = _cut(record.section, LONGEST)
    if isinstance(record, Passage):
        return replace(record, title=title, section=section)
    return replace(record, caption=_cut(record.caption, LONGEST), title=title, section=section)


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1].rstrip()}…"


def _shorten_id(id_: str) -> str:
    """The beginning of it, and what tells it from others that begin so."""
    return f"{id_[: LONGEST_NAME - 40]}…{hashlib.sha256(id_.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
