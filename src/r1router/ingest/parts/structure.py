"""Finds the tables in a grid of cells, because people put titles, notes, totals and several tables on one sheet.

A grid is cut at blank rows and at blank columns. In each piece, rows that are narrower than the others stand above the
table; names of columns are told from data by what the columns hold below them; totals and lone cells at the end stand
below it. The same rules hold for csv, sheets, web pages, Markdown, Word and slides. Rows may be a stream: no more than
`AHEAD` of them are held.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise

from r1router.errors import UnreadableFile

AHEAD = 2_000
"""Rows that are looked at before a piece counts as one long table."""
MOST_COLUMNS = 100_000
"""Genes are some 60,000; each column is looked at many times."""
_SAMPLE = 50
_MOST_ABOVE = 30
_MOST_BLOCKS = 6
"""Blocks of words above a table, with blank lines between them."""
_MOST_HEADS = 3
_SURE = 0.6
"""Confidence below which a choice is told."""

_VALUE = re.compile(
    r"[(\[<>~≈±+−–-]{0,3}\s?[$€£¥₹]?\s?\d[\d.,:/'’\u00a0\u202f\-− ]{0,40}\s?[a-zA-Zµ°%‰€$£¥²³/]{0,5}[)\]*]?$"
)
"""A number, an amount, a date or a time; not a text that begins with a number."""
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d$")
_DATE = re.compile(r"(?:(?:1[5-9]|20|21)\d\d[-/.](?:0?[1-9]|1[0-2])(?:[-/.]\d\d?)?|\d\d?[-/.]\d\d?[-/.]\d{2,4})$")
_RULE = re.compile(r"(?=[-=_+|: ─━═┼╪]+$).*[-=_─━═]{2}")
_CODE = re.compile(r"\d|\w@\w|://")
_MOST_WORDS = 4
"""Of a cell that may be a name; more are a sentence."""
_NONE = frozenset({"", "-", "–", "—", "n/a", "na", "none", "null", "nan", ".", "…"})
_TOTAL = re.compile(
    r"(?:(?:grand |sub)?total(?:s|e|en)?|sums?|summe|gesamt(?:summe)?|insgesamt|zusammen|somme|totaal|razem|suma"
    r"|итого|всего|合计|总计|合計|総計|합계|(?:closing |ending |end)?balance|kontostand|(?:end)?saldo|endbestand|solde)"
    r"\s{0,3}(?:[:(.\d].*)?$",
    re.IGNORECASE,
)

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a grid."""

    number: int
    """1-based, as the sheet or file counts."""
    cells: Row
    copied: frozenset[int] = frozenset()
    """Columns whose text is that of a merged cell to their left."""
    heads: frozenset[int] = frozenset()
    """Columns whose cell is marked as the name of a column or row."""
    is_bold: bool = False
    """Whether all its cells are set in bold letters."""


@dataclass(slots=True)
class Found:
    """One table; its rows are a stream, to be read before the next table is asked for."""

    header: Row
    rows: Iterator[Row]
    titles: tuple[str, ...] = ()
    """What stands above it, line by line."""
    first_line: int = 1
    """Number of the line that it begins at, lines above included."""
    last_head: int = 0
    """Number of the last line above its rows."""
    left: int = 0
    """Its first column, from 0."""
    remark: str = ""
    """What was guessed with little confidence; empty where it is plain."""
    notes: list[str] = field(default_factory=list)
    """What stands below it; complete when the rows have been read."""


def find_tables(lines: Iterable[Line]) -> Iterator[Found]:
    """The tables of a grid, in reading order; lines that belong to none come as a table without rows, as its notes.

    Raises `UnreadableFile` for a line of more than `MOST_COLUMNS` cells.
    """
    source = _Lines(lines)
    above: list[Line] = []
    while block := source.block():
        parts = _side_by_side(block) if source.is_at_gap() else []
        if len(parts) > 1:
            for part in parts:
                yield from find_tables(part)
        elif _stands_above(block) and (_filled(block[0]) < 2 or source.is_wider_next(block)):
            above += block
        else:
            yield _open(block, source, above)
            above = []
    if above:
        yield Found((), iter(()), notes=[_written(line) for line in above], first_line=above[0].number)


class _Lines:
    """Lines with a look ahead, handed out in blocks without a blank line inside."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines: Iterator[Line] = map(_check_width, lines)

    def block(self, most: int = AHEAD) -> list[Line]:
        """The next lines that are not blank, up to the next blank one; empty at the end."""
        block: list[Line] = []
        for line in self._lines:
            if not any(line.cells):
                if block:
                    self.put_back([line])
                    break
            elif not _is_rule(line):
                block.append(line)
                if len(block) == most:
                    break
        return block

    def put_back(self, lines: Sequence[Line]) -> None:
        self._lines = chain(lines, self._lines)

    def is_wider_next(self, block: Sequence[Line]) -> bool:
        """Whether the next block that is no such words either has more columns than this one."""
        seen: list[Line] = [Line(block[-1].number + 1, ())]
        for _ in range(_MOST_BLOCKS):
            following = self.block()
            seen += following
            if not following or not _stands_above(following):
                break
            seen.append(Line(following[-1].number + 1, ()))
        self.put_back(seen)
        return bool(following) and _usual(map(_filled, following)) > _usual(map(_filled, block))

    def is_at_gap(self) -> bool:
        """Whether a blank line, or nothing, comes next."""
        following = next(self._lines, None)
        if following is not None:
            self.put_back([following])
        return following is None or not any(following.cells)


def _check_width(line: Line) -> Line:
    """The line. Raises `UnreadableFile` for one of too many cells."""
    if len(line.cells) > MOST_COLUMNS:
        said = f"row {line.number} has {len(line.cells):,} columns, and at most {MOST_COLUMNS:,} are read"
        raise UnreadableFile("", f"{said}; turn the table, or split it")
    return line


def _side_by_side(block: Sequence[Line]) -> list[list[Line]]:
    """The block cut at its blank columns, where what stands on either side looks like a table of its own."""
    left, right = _left(block), max(_extent(line) for line in block)
    blank = [c for c in range(left, right) if not any(_at(line, c) for line in block)]
    edges = [left - 1, *blank, right]
    spans = [(a + 1, b) for a, b in pairwise(edges) if b - a > 1]
    if len(spans) < 2 or any(b - a < 2 for a, b in spans):
        return []
    parts = [[_between(line, a, b) for line in block if any(line.cells[a:b])] for a, b in spans]
    heights = {len(part) for part in parts}
    keys = [[_at(line, a) for line in part[1:]] for part, (a, _) in zip(parts, spans, strict=True)]
    named_twice = len({part[0].cells[a:b] for part, (a, b) in zip(parts, spans, strict=True)}) < len(parts)
    if min(heights) < 2 or not (len(heights) > 1 or named_twice or all(_share_of_values(key) < 0.5 for key in keys)):
        return []
    return [[_between(line, a, b) for line in block] for a, b in spans]


def _stands_above(block: Sequence[Line]) -> bool:
    """Whether these lines are words about a table (lone cells, a name and its value), and none themselves."""
    if all(_filled(line) == 1 or _is_comment(line) for line in block):
        return max(map(_extent, block)) > 1 or len(block) == 1 or not _is_column(block)
    names = [line.cells[_margin(line)] for line in block if _filled(line) == 2]
    pairs = all(_filled(line) <= 2 and not line.heads for line in block) and names
    return bool(pairs) and (len(block) <= 2 or all(name.endswith(":") for name in names)) and len(block) < _MOST_ABOVE


def _is_column(block: Sequence[Line]) -> bool:
    """Whether lone cells under each other are a table of one column: a name above short values."""
    return len(block) > 2 and max(len(line.cells[_margin(line)]) for line in block) < 80


def _open(block: list[Line], source: _Lines, above: Sequence[Line]) -> Found:
    """The table that a block begins with; its rows go on as long as blocks follow that continue it."""
    cut = _first_of_table(block)
    titles = [*above, *block[:cut]]
    rows = block[cut:]
    left = _left(rows)
    if turned := _turned(rows, left):
        return replace(turned, titles=tuple(map(_written, titles)), first_line=(titles or rows)[0].number)
    heads, confidence = _count_heads(rows, left)
    names = rows[:heads]
    width = max([*(_extent(line) for line in names), _usual(map(_extent, rows))]) - left
    blank = {c for c in range(width) if not any(_at(line, left + c) for line in rows)} if source.is_at_gap() else set()
    columns = [c for c in range(width) if c not in blank]
    header = _join_heads(names, left, columns)
    found = Found(
        tuple(name or f"column {n}" for n, name in enumerate(header, 1)),
        iter(()),
        tuple(map(_written, titles)),
        (titles or rows)[0].number,
        names[-1].number if names else rows[0].number - 1,
        left,
    )
    if not heads:
        found.remark = (
            f"row {rows[0].number} looks like data, so the columns have no names (confidence {confidence:.1f})"
        )
    elif confidence < _SURE:
        taken = f"row {names[-1].number} was taken for the names of the columns (confidence {confidence:.1f})"
        found.remark = f"{taken}; if it is data, write names above it"
    found.rows = _ending(
        _body(rows[heads:], source, found, [cut_row(line, left, columns, width) for line in names], columns), found
    )
    return found


def _body(
    first: Sequence[Line], source: _Lines, found: Found, names: Sequence[Row], columns: Sequence[int]
) -> Iterator[Row]:
    """The rows of a table, names repeated in the middle left out, across blank lines where the table goes on."""
    left, width = found.left, (columns[-1] + 1 if columns else 0)
    kinds = _kinds([cut_row(line, left, columns, width) for line in first[:_SAMPLE]])
    values = [c for c, kind in enumerate(kinds) if kind == "value"]
    without = [c for c in range(width) if c not in set(columns)]
    lines = first
    while True:
        for place, line in enumerate(lines):
            row = cut_row(line, left, columns, width)
            if place and _begins_another(lines, place, row, values, left):
                source.put_back(lines[place:])
                return
            if row not in names:
                yield row
        following = source.block()
        if not following:
            return
        contiguous = bool(lines) and following[0].number == lines[-1].number + 1
        has_more = any(_at(line, left + c) for line in following for c in without)
        if not contiguous and (has_more or not _goes_on(following, found, kinds, len(columns))):
            source.put_back([Line(following[0].number - 1, ()), *following])
            return
        lines = following


def _begins_another(lines: Sequence[Line], place: int, row: Row, values: Sequence[int], left: int) -> bool:
    """Whether another table begins here without a blank line: names again over the columns of values."""
    if any(is_value(_at_row(row, c)) for c in values) or place + 2 >= len(lines):
        return False
    is_lone = _filled(lines[place]) == 1
    names = lines[place + 1] if is_lone else lines[place]
    data = lines[place + 2] if is_lone else lines[place + 1]
    if not values:  # a line alone, then names, over the first values that there are
        named = [c for c, cell in enumerate(names.cells) if cell and not is_value(cell)]
        first = [c for c in named if is_value(_at(data, c))]
        return is_lone and bool(first) and len(named) == _filled(names) > 1 and first[0] > _margin(names)
    over = [c for c in values if (name := _at(names, left + c)) and name.lower() not in _NONE and not is_value(name)]
    under = [c for c in values if is_value(_at(data, left + c))]
    return over == values and under == values and (is_lone or len(values) > 1)


def _goes_on(block: Sequence[Line], found: Found, kinds: Sequence[str], width: int) -> bool:
    """Whether a block behind a blank line is more rows of the same table."""
    if _left(block) < found.left:
        return False
    if _is_totals(block):
        return True
    if _usual(map(_extent, block)) - found.left > max(width, 2) or _filled(block[0]) < 2:
        return False
    if _usual(map(_filled, block)) < 2 or block[0].heads:
        return False
    row = tuple(_at(block[0], found.left + c) for c in range(width))
    same = tuple(row) == found.header[:width]
    if same:
        return True
    values = [c for c, kind in enumerate(kinds) if kind == "value" and c < width]
    if values:
        is_begun = bool(row[0]) and bool(found.header) and _filled(block[0]) > 1  # a value that is not known
        return not any(row[c] and not is_value(row[c]) for c in values) and (is_begun or any(row[c] for c in values))
    heads, confidence = _count_heads(block, _left(block))
    return not (heads and confidence > 0.8) and len(kinds) == width


def _is_totals(block: Sequence[Line]) -> bool:
    return all(_filled(line) > 1 and _TOTAL.match(line.cells[_margin(line)]) for line in block)


def _ending(rows: Iterator[Row], found: Found) -> Iterator[Row]:
    """The rows, but for totals and lone cells at the end, which become notes."""
    held: deque[Row] = deque()
    for row in rows:
        held.append(row)
        if len(held) > 6:
            yield held.popleft()
    below: list[str] = []
    while len(held) > 1 and (note := _as_note(held[-1], found.header)):
        held.pop()
        below.insert(0, note)
    yield from held
    found.notes += below


def _as_note(row: Row, header: Row) -> str:
    """What a last row says, where it is none of the table's own: empty where it is."""
    filled = [(c, cell) for c, cell in enumerate(row) if cell]
    if len(header) > 1 and len(filled) == 1 and filled[0][0] == 0:
        return filled[0][1]
    if len(row) > 1 and _TOTAL.match(filled[0][1]) and any(is_value(cell) for _, cell in filled[1:]):
        return f"{filled[0][1]}: " + "; ".join(
            f"{header[c] if c < len(header) else c + 1} {cell}" for c, cell in filled[1:]
        )
    return ""


def _first_of_table(block: Sequence[Line]) -> int:
    """How many lines of the block stand above its table."""
    last = [_filled(line) for line in block[-max(2, len(block) - 3) :]]
    usual = last[0] if len(last) == 2 else _usual(last)  # a longer line at the very end shows nothing
    count = 0
    while count < min(len(block) - 1, _MOST_ABOVE):
        line, filled = block[count], _filled(block[count])
        is_lone = filled == 1 and (_margin(line) == _left(block) or usual > 2)
        is_pair = filled == 2 and usual > 2 and _extent(line) - _margin(line) == 2
        usual_end = _usual(map(_extent, block))
        is_last = _margin(line) > _left(block) and _extent(line) == usual_end  # it is above all columns but the first
        narrow = usual > 1 and (is_lone or (is_pair and not is_last))
        if (
            not (narrow or _is_comment(line))
            or (line.heads - {_margin(line)} and filled > 1)
            or _is_filled_below(block, count)
        ):
            break
        count += 1
    return max(count, _first_above_values(block))


def _first_above_values(block: Sequence[Line]) -> int:
    """The line whose names stand directly above the first values of several columns; 0 where that is not plain."""
    left = _left(block)
    table = [cut_row(line, left) for line in block[: _MOST_ABOVE + _SAMPLE]]
    values = [c for c, kind in enumerate(_kinds(table[len(table) // 3 :])) if kind == "value"]
    place = next((n for n, row in enumerate(table) if _is_data(row, values)), 0)
    if len(values) < 2 or place < 2 or place > _MOST_ABOVE or any(line.heads for line in block[:place]):
        return 0
    names = [_at_row(table[place - 1], c) for c in values]
    again = {_at_row(row, c) for row in table[place:] for c in values}
    given = [table[place][c] for c in values if _at_row(table[place], c)]
    if not all(names) or len(set(names)) < len(names) or again & set(names):
        return 0
    if _are_labels(given, table[place + 1 :], values, len(table[place])):  # years are the names, and no values
        return 0
    first = place - 1
    while first > 0 and place - first < _MOST_HEADS and _names_several(block[first - 1], block[first]):
        first -= 1
    return first


def _is_data(row: Row, values: Sequence[int]) -> bool:
    said = [cell for c in values if (cell := _at_row(row, c)).lower() not in _NONE]
    return bool(said) and all(map(is_value, said))


def _names_several(upper: Line, lower: Line) -> bool:
    """Whether the upper line gives names to several columns of the lower one, or one to each."""
    named = [c for c in range(_extent(lower)) if _at(lower, c)]
    starts = [c for c in range(_extent(upper)) if _at(upper, c) and c not in upper.copied]
    if len(starts) < 2:
        return False
    if set(named) <= set(starts):
        return True
    ends = [*starts[1:], _extent(lower)]
    under = [[c for c in named if start <= c < end] for start, end in zip(starts, ends, strict=True)]
    alone = sum(1 for cells in under if len(cells) == 1 and _at(upper, cells[0]) != _at(lower, cells[0]))
    return sum(1 for cells in under if len(cells) > 1) >= alone


def _is_filled_below(block: Sequence[Line], place: int) -> bool:
    """Whether the next line gives names under this one's: "2022" over "Q1" and "Q2"."""
    line, below = block[place], block[place + 1]
    return _filled(line) > 1 and any(c in line.copied for c in range(len(below.cells)) if _at(below, c))


def _count_heads(rows: Sequence[Line], left: int) -> tuple[int, float]:
    """How many lines name the columns, and how plain that is (0 to 1)."""
    marked = 0
    while marked < len(rows) - 1 and _is_marked(rows[marked]) and not (marked and _names_rows(rows[marked])):
        marked += 1
    if marked:
        return marked, 1.0
    bold = next((place for place, line in enumerate(rows[: _MOST_HEADS + 1]) if not line.is_bold), 0)
    if bold:
        return bold, 0.9
    table = [cut_row(line, left) for line in rows[: _SAMPLE + 1]]
    first, body = table[0], table[1:]
    if not body:
        return (0, 0.5) if any(map(is_value, first)) else (1, 0.5)
    kinds = _kinds(body)
    values = [c for c, kind in enumerate(kinds) if kind == "value"]
    named = [c for c in values if _at_row(first, c) and not is_value(first[c])]
    given = [c for c in values if is_value(_at_row(first, c))]
    if given and _are_labels([first[c] for c in given if c + left not in rows[0].copied], body, given, len(first)):
        named, given = named + given, []
    if not values:
        again = [c for c in range(len(first)) if first[c] and any(_at_row(row, c) == first[c] for row in body)]
        if again and len(body) > 1:
            return 0, 0.5 + 0.1 * min(3, len(again))
        heads, confidence = _weigh_words(first, body)
    elif len(named) < len(given):
        return 0, 0.7 if len(body) > 1 else 0.5
    elif not named:
        heads, confidence = _weigh_words(first, body)
    else:
        heads, confidence = 1, 1 - len(given) / (len(named) + len(given) + 1) / 2
    while 0 < heads < min(_MOST_HEADS, len(rows) - 1) and _names_too(rows, table, heads):
        heads += 1
    return heads, confidence


def _weigh_words(first: Row, body: Sequence[Row]) -> tuple[int, float]:
    """Whether a row of words names the columns (1 or 0), and how plain that is.

    It does where a column holds the same few words, or words of one form, and the first is none of them: the share of
    cells that are alone of their kind is about the chance that the first row is one more row of data. It does not where
    it has a code or an address as those below. Else it is a guess.
    """
    chance, is_data = 1.0, False
    for c, cell in enumerate(first):
        below = [said for row in body if (said := _at_row(row, c))]
        for see in (str.lower, _see_form) if cell and below else ():
            kinds = Counter(map(see, below))
            if see(cell) not in kinds:
                alone = sum(1 for count in kinds.values() if count == 1)
                chance = min(chance, (alone + 1) / (len(below) + 1))
            elif see is _see_form and _CODE.search(cell):
                is_data |= len(below) > 1 and kinds[see(cell)] >= 0.6 * len(below)
    return (0, 0.6) if is_data and chance > 0.2 else (1, max(0.5, 1 - chance))


def _see_form(cell: str) -> tuple[object, ...]:
    """What words look like: how they begin, whether digits or signs of an address are in them, how long they are."""
    starts = [cell[0].isupper(), cell[0].islower(), cell[0].isdigit()]
    has = [any(map(str.isdigit, cell)), "@" in cell, "/" in cell]
    return (*starts, *has, cell.isupper(), len(cell.split()) > _MOST_WORDS)


def _names_too(rows: Sequence[Line], table: Sequence[Row], place: int) -> bool:
    """Whether the line at `place` names columns as the line above it does: under wider names, or with their units."""
    upper, line, body = rows[place - 1], table[place], table[place + 1 :]
    if not body:
        return False
    values = [c for c, kind in enumerate(_kinds(body)) if kind == "value"]
    labels = [line[c] for c in values if _at_row(line, c)]
    below = [_at_row(row, c) for row in body for c in values]
    dated = 2 * sum(1 for cell in below if _YEAR.match(cell)) >= len(below)  # years over years are no names
    if any(is_value(label) and (dated or not _YEAR.match(label)) for label in labels):
        return False
    left = _left(rows)
    gaps = [c for c in range(len(line)) if line[c] and (c + left in upper.copied or not _at_row(table[place - 1], c))]
    if gaps and (values or any(c + left in upper.copied for c in gaps)):
        return bool(labels) or not values
    if any(cell for c, cell in enumerate(line) if c not in values) and (len(values) < 2 or len(set(labels)) < 2):
        return False  # a row of data, of which a value is not known
    return bool(values) and len(labels) == len(values) and all(_at_row(table[place - 1], c) for c in values)


def _join_heads(names: Sequence[Line], left: int, columns: Sequence[int]) -> Row:
    """One name a column out of several lines; a name over several columns is given to each."""
    spread: list[list[str]] = []
    for place, line in enumerate(names):
        cells = [_at(line, left + c) for c in columns]
        below = [_at(names[place + 1], left + c) for c in columns] if place + 1 < len(names) else []
        for c in range(1, len(cells) if below else 0):
            if not cells[c] and below[c] and below[c - 1] and cells[c - 1]:
                cells[c] = cells[c - 1]
        spread.append(cells)
    return tuple(" ".join(dict.fromkeys(cell for cell in column if cell)) for column in zip(*spread, strict=True)) or (
        ("",) * len(columns)
    )


def _turned(rows: Sequence[Line], left: int) -> Found | None:
    """A table of two columns whose first is marked and names every row (an info box), turned on its side."""
    if len(rows) < 2 or any(line.heads != {left} or _extent(line) - left != 2 for line in rows):
        return None
    header, cells = (tuple(_at(line, left + c) for line in rows) for c in (0, 1))
    return Found(header, iter([cells]), left=left)


def _are_labels(first: Sequence[str], body: Sequence[Row], columns: Sequence[int], width: int) -> bool:
    """Whether numbers in the first row are names: years, dates, or 1, 2, 3 …, over columns of other numbers."""
    numbers = list(dict.fromkeys(first))
    if not numbers:
        return False
    below = [_at_row(row, c) for row in body for c in columns]
    if all(map(_DATE.match, numbers)) and len(columns) < width and len(numbers) == len(first) > 1:
        return not any(map(_DATE.match, below))
    if all(map(_YEAR.match, numbers)):
        steps = {int(b) - int(a) for a, b in pairwise(numbers)}
        plain = len(numbers) == 1 or len(steps) == 1 or min(steps) > 0 or max(steps) < 0
        return plain and sum(1 for cell in below if _YEAR.match(cell)) < len(below) / 2
    if len(columns) == width or len(numbers) < 3 or not all(n.isdecimal() and len(n) < 4 for n in numbers):
        return False
    return [int(n) for n in numbers] == list(range(int(numbers[0]), int(numbers[0]) + len(numbers)))


# ── lines and cells ────────────────────────────────────────────────────────────────────────────


def cut_row(line: Line, left: int, columns: Sequence[int] | None = None, width: int = 0) -> Row:
    """The cells of a line from `left` on, of these columns, and what is beyond the last; a full-width cell once."""
    cells = line.cells[left:]
    if len(cells) > 1 and len(line.copied) == sum(map(bool, cells)) - 1 > 0 and len(set(cells)) == 1:
        cells = (cells[0], *[""] * (len(cells) - 1))  # a cell merged over all columns is a line between groups
    if columns is None or (columns and len(columns) == len(cells) == columns[-1] + 1):
        return cells
    return tuple(cells[c] for c in columns if c < len(cells)) + cells[width:]


def _kinds(rows: Sequence[Row]) -> list[str]:
    """What most cells of each column are: "value", "text", or "" for a column without any."""
    width = _usual(map(len, rows)) if rows else 0
    return [_kind([_at_row(row, c) for row in rows]) for c in range(width)]


def _kind(cells: Sequence[str]) -> str:
    said = [cell for cell in cells if cell.lower() not in _NONE]
    return "" if not said else "value" if _share_of_values(said) >= 0.6 else "text"


def _share_of_values(cells: Sequence[str]) -> float:
    said = [cell for cell in cells if cell.lower() not in _NONE]
    return sum(map(is_value, said)) / len(said) if said else 0.0


def is_value(cell: str) -> bool:
    return bool(cell) and len(cell) < 60 and _VALUE.match(cell) is not None


def _is_marked(line: Line) -> bool:
    return bool(line.heads) and all(c in line.heads or not cell for c, cell in enumerate(line.cells))


def _names_rows(line: Line) -> bool:
    """Whether one cell reaches over all of a line: it says what the rows below it have in common."""
    filled = {c for c, cell in enumerate(line.cells) if cell}
    return len(filled) > 2 and len(filled - line.copied) == 1


def _is_rule(line: Line) -> bool:
    """Whether a line is only drawn, as some programs write it below the names of columns."""
    if not _RULE.match(line.cells[_margin(line)]):
        return False
    said = [cell for cell in line.cells if cell]
    return max(map(len, said)) > 2 and all(map(_RULE.match, said))


def _is_comment(line: Line) -> bool:
    return line.cells[_margin(line)].startswith(("# ", "## ", "//")) or (
        _filled(line) == 1 and line.cells[_margin(line)].startswith("#") and len(line.cells[_margin(line)]) > 2
    )


def _written(line: Line) -> str:
    """A line above or below a table as words: "Account: Main"."""
    cells = [cell for c, cell in enumerate(line.cells) if cell and c not in line.copied]
    if _is_comment(line):
        return ", ".join(cells).lstrip("#/ ")
    return f"{cells[0].rstrip(':')}: {cells[1]}" if len(cells) == 2 else " ".join(cells)


def _at(line: Line, column: int) -> str:
    return _at_row(line.cells, column)


def _at_row(row: Row, column: int) -> str:
    return row[column] if column < len(row) else ""


def _filled(line: Line) -> int:
    """Cells with words, a merged one once."""
    return sum(1 for c, cell in enumerate(line.cells) if cell and c not in line.copied)


def _extent(line: Line) -> int:
    """Cells up to the last one with words."""
    return next((c for c in range(len(line.cells), 0, -1) if line.cells[c - 1]), 0)


def _margin(line: Line) -> int:
    """Empty cells before the first one with words."""
    return next((c for c, cell in enumerate(line.cells) if cell), 0)


def _left(lines: Iterable[Line]) -> int:
    return min(map(_margin, lines), default=0)


def _usual(counts: Iterable[int]) -> int:
    """The most frequent of some counts, of several the larger."""
    found = Counter(counts)
    return max(found, key=lambda count: (found[count], count), default=0)


def _between(line: Line, start: int, end: int) -> Line:
    """The line with only the cells of these columns, where they are."""
    return replace(line, cells=(*[""] * start, *line.cells[start:end]))
