"""Cuts records into entries: text into overlapping windows, tables into blocks of rows, a picture into one.

Windows follow the paper (appendix A): 100 words, stride 50, the title in front. No entry crosses a record. Of a cell
that holds more than a window, the entry of its row has the first one; the others are entries of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, islice

from r1router.ingest.records import Passage, Picture, Record, Table
from r1router.kb.entry import Entry
from r1router.scripts import count_pieces, find_word_spans, is_respelled
from r1router.table import CELLS, TableBlock, join_lines, write_row

WINDOW = 100
"""Words of a window."""
STRIDE = 50
"""Words between the starts of two windows."""
TAIL = 25
"""So few words left over join the last window, which would otherwise be repeated almost whole."""
BLOCK = 160
"""Words, numbers and marks of a block of rows with what it repeats: close to an embedder's tokens, of which
the default one reads 256; what it counts too few are long numbers and rare words."""

EMBEDDED = 1_000
"""Blocks of one table that are embedded, some 10,000 rows of six columns. They say what the table is about; a row
further down is found by its words, as it is named, and by queries. Embedding all of a million rows takes an hour."""

LONG_CELL = 400
"""Characters from which on a cell may hold more than a window: a review, a description, an abstract."""

LONG_HEADER = 2_000
"""Characters of the names of a table's columns from which on only its first entry has all of them in its text: an
embedder would see nothing else, and each row of a survey would be found by all of its questions."""

DULL = frozenset({"source", "url", "lang", "language", "index"})
"""Fields that say where a text comes from: kept with its record, not written into its entries."""
LONG = 16
"""A word of more characters counts as several, so that a window is never longer than some 2,000 characters."""


def cut(record: Record, *, key: str = "", first: int = 0) -> Iterator[Entry]:
    """The entries of one record, in order; none for a record that holds nothing to search. One is made after the other,
    since a record may be long, and its title stands in each.

    `key`: what the ids start with, the record's id where empty. `first`: number of the first entry, for a
    long table that comes in several records.
    """
    match record:
        case Passage():
            entries = _windows(record)
        case Table():
            entries = _blocks(record, first=first)
        case Picture():
            entries = _picture(record)
    for number, entry in enumerate(entries, start=first):
        yield replace(entry, id=f"{key or record.id}#{number}", digest=_digest(entry), embedded=number < EMBEDDED)


def cut_windows(text: str, *, size: int = WINDOW, stride: int = STRIDE, tail: int = TAIL) -> Iterator[str]:
    """Stretches of `text` of `size` words that start every `stride` words, white space inside kept.

    The last one takes in up to `tail` words more. Together they hold every word. Two letters of a script without
    spaces count as a word, and a long word as several (`LONG`).
    """
    words = (span for span in find_word_spans(text) for _ in range(span[0], span[1], LONG))
    ahead = list(islice(words, size + tail + 1))
    while len(ahead) > size + tail:
        yield text[ahead[0][0] : ahead[size - 1][1]]
        del ahead[:stride]
        ahead += islice(words, stride)
    if ahead:
        yield text[ahead[0][0] : ahead[-1][1]]


def _windows(record: Passage) -> Iterator[Entry]:
    fields = "; ".join(f"{name}: {value}" for name, value in record.fields if name.lower() not in DULL)
    heading = "\n".join(part for part in (_heading(record.title, record.section), fields) if part)
    bare = _entry(record, "", page=record.page, section=record.section)
    stretch = None
    for stretch in cut_windows(record.text):
        yield replace(bare, text="\n".join(part for part in (heading, stretch) if part))
    if stretch is None and heading:
        yield replace(bare, text=heading)


def _blocks(record: Table, *, first: int = 0) -> Iterator[Entry]:
    empty = TableBlock(record.title, record.section, record.caption, record.header)
    bare = _entry(record, empty.text, page=record.page, section=record.section, table=empty)
    if not record.rows:
        if bare.text:
            yield bare
        return
    brief = _shorten_header(record.header)
    room = BLOCK - count_pieces(replace(empty, header=brief).text)
    for start, end in _spans([count_pieces(write_row(row)) for row in record.rows], room):
        block = replace(empty, rows=record.rows[start:end], first_row=record.first_row + start)
        long = [(number, _cut_cells(row)) for number, row in enumerate(block.rows, block.first_row)]
        rows = [_shorten(row, cells) for row, (_, cells) in zip(block.rows, long, strict=True)]
        header = brief if first or start else record.header
        text = replace(block, header=header, rows=tuple(rows)).text
        yield replace(bare, text=text, rows=(block.first_row, block.last_row), table=block)
        for row, (number, cells) in zip(rows, long, strict=True):
            yield from _rest_of_cells(record, number, row, cells)


def _shorten_header(names: Sequence[str]) -> tuple[str, ...]:
    """The first names of very many or very long ones, and a sign that there are more."""
    if len(write_row(names)) <= LONG_HEADER:
        return tuple(names)
    ends = accumulate(len(name) + len(CELLS) for name in names)
    return (*names[: sum(end <= LONG_CELL for end in ends)], "…")


def _cut_cells(row: Sequence[str]) -> dict[int, list[str]]:
    """The windows of each cell that has several, by column."""
    long = {c: list(cut_windows(cell)) for c, cell in enumerate(row) if len(cell) > LONG_CELL}
    return {c: windows for c, windows in long.items() if len(windows) > 1}


def _shorten(row: Sequence[str], cells: Mapping[int, Sequence[str]]) -> tuple[str, ...]:
    return tuple(f"{cells[c][0]} …" if c in cells else cell for c, cell in enumerate(row))


def _rest_of_cells(
    record: Table, number: int, row: Sequence[str], cells: Mapping[int, Sequence[str]]
) -> Iterator[Entry]:
    """Passages of what is beyond the first window of long cells, under the short ones of the row."""
    section = ", ".join(part for part in (record.section, f"row {number}") if part)
    names = [*record.header, *[""] * len(row)]
    about = "; ".join(
        f"{names[c]}: {cell}" if names[c] else cell
        for c, cell in enumerate(row)
        if cell and len(cell) <= LONG_CELL // 4
    )
    bare = _entry(record, "", page=record.page, section=section)
    for c, windows in cells.items():
        for window in windows[1:]:
            text = f"{names[c]}: … {window}" if names[c] else f"… {window}"
            lines = (_heading(record.title, section), about[:LONG_CELL], text)
            yield replace(bare, record=f"{record.id}:row {number}", text="\n".join(filter(None, lines)))


def _spans(sizes: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """(start, end) of consecutive items that fit into `room` together; at least one item each."""
    start, filled = 0, 0
    for position, size in enumerate(sizes):
        if position > start and filled + size > room:
            yield start, position
            start, filled = position, 0
        filled += size
    yield start, len(sizes)


def _picture(record: Picture) -> Iterator[Entry]:
    caption = join_lines(record.caption)
    title = "" if caption.startswith(record.title) else record.title
    text = "\n".join(part for part in (title, caption, record.words.strip()) if part)
    yield _entry(record, text or record.image.name or record.id, image=record.image)


def _entry(record: Record, text: str, **location: object) -> Entry:
    bare = Entry(id="", record=record.id, source=record.source, text=text, digest="", title=record.title)
    return replace(bare, **location)  # type: ignore[arg-type]


def _heading(title: str, section: str) -> str:
    return " — ".join(part for part in (join_lines(title), join_lines(section)) if part)


def _digest(entry: Entry) -> str:
    """16 hex digits over everything that is stored but the id."""
    seen = hashlib.sha256()
    location = (entry.page, entry.section, entry.rows)
    respelled = ["respelled"] if is_respelled(entry.text) else []  # so that its terms are stored anew, and no others
    cells = [repr((entry.table.caption, entry.table.header, entry.table.rows))] if entry.table else []
    for part in (entry.record, entry.source, entry.title, entry.text, repr(location), *cells, *respelled):
        seen.update(part.encode("utf-8", "surrogatepass") + b"\0")
    if entry.image:
        seen.update(entry.image.data)
    return seen.hexdigest()[:16]
