"""Reads the cells of a table as typed columns, because a query compares numbers and dates, not their spellings.

The text of every cell is kept beside its value. A column gets a type only where nearly all of its cells have it
(`SHARE`); any other column stays text. Columns are read in two passes, so that a table of any length needs little
memory: `ColumnReader.look` takes note of each cell, and then `ColumnReader.read` turns cells into values.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from r1router.evidence.numbers import Decimal, convert_unit, read_cell
from r1router.table import TableColumn, name_columns

ColumnKind = Literal["number", "date", "time", "text"]
Value = int | float | str | datetime.date | datetime.datetime | None
"""A number, a date (with a time of day), seconds, or text; None where a cell has no value of its column's kind."""

Order = Literal["iso", "dmy", "mdy"]
"""What comes first in a date such as 7/4/1999, the day or the month; "iso": it is not known, and they are no dates."""
_Form = Literal[".", ",", "iso", "dmy", "mdy", "time"]
_FORMS: tuple[_Form, ...] = (".", ",", "time", "dmy", "mdy", "iso")
"""How a cell may be written, the usual ones first: a number with either decimal mark, a date, a time."""

SHARE = 0.8
"""How much of the cells that are not empty must be of one kind. The others keep their text and have no value."""
LONGEST = 60
"""A cell of more characters is text."""
_MOST_UNITS = 8
"""So many different units are told apart; a cell with one more is text."""
_SURE = 1_000
"""After so many cells only those kinds are still looked for that more than one in five of them had."""
REMEMBERED = 1 << 14
_NOTHING = frozenset(
    ("", "-", "–", "—", "−", "?", "n/a", "n.a.", "na", "nan", "none", "null", "nil", "unknown", "tba", "tbd", "..", "…")
)


class ColumnReader:
    """One column while its table is read: `look` at all cells first, then `settle`, then `read` them."""

    def __init__(self, name: str, *, remembered: int = REMEMBERED) -> None:
        """`remembered`: different cells of which it is kept in memory how they read."""
        self._name, self._remembered = name, remembered
        self._cells = self._empty = self._years = 0
        self._tried: tuple[_Form, ...] = _FORMS
        self._counts = Counter[_Form]()
        self._units: dict[_Form, Counter[str]] = {".": Counter(), ",": Counter()}
        self._parts: set[_Form] = set()
        """Forms of which a cell had decimals, or a time of day."""
        self._bare = False
        """Whether a number stood in no brackets: where all do, these do not say that they are negative."""
        self._points: set[str] = set()
        """What points in numbers may be, and whether there are numbers of hundreds without."""
        self._seen: dict[str, tuple[tuple[_Form, str | None, bool], ...]] = {}
        """What the cells of one text can be read as; most columns repeat theirs."""
        self._known: dict[str, Value] = {}
        self._read: Callable[[str], Value] = str
        self.column = TableColumn(name, "text")
        self.stored: Literal["integer", "decimal", "date", "moment", "text"] = "text"
        """What all values of the settled column are: int, float, date, datetime or str."""

    def look(self, cell: str) -> None:
        """Takes note of what one more cell can be read as."""
        text = cell.strip()
        self._cells += 1
        if not self._tried:
            self._empty += text.casefold() in _NOTHING
            return
        if (forms := self._seen.get(text)) is None:
            forms = self._forms(text)
            if len(self._seen) < self._remembered:
                self._seen[text] = forms
        for form, unit, parts in forms:
            if unit is not None:
                units = self._units[form]
                if unit not in units and len(units) >= _MOST_UNITS:
                    continue
                units[unit] += 1
            self._counts[form] += 1
            if parts:
                self._parts.add(form)
        if not forms:
            self._empty += text.casefold() in _NOTHING
        elif forms[-1][0] == "iso" and len(text) == 4:
            self._years += 1
        if self._cells - self._empty == _SURE and len(self._tried) == len(_FORMS):
            self._tried = tuple(form for form in self._tried if self._counts[form] > (1 - SHARE) * _SURE)
            self._seen.clear()

    def settle(self) -> TableColumn:
        """Decides, after the last cell, what the column is."""
        filled = self._cells - self._empty
        if self._points == {"thousands", "ending in 0", "none"}:
            self._counts["."] = 0
        best = max(_FORMS, key=lambda form: self._counts[form])  # of equals the first
        if self._counts["dmy"] == self._counts["mdy"] and best in ("dmy", "mdy"):
            best = "iso"  # which comes first, the day or the month, cannot be told
        count = self._counts[best]
        self.column = TableColumn(self._name, "text", empty=self._empty)
        if not filled or count < SHARE * filled or (best in (".", ",") and not self._bare):
            return self.column
        if best == "." or best == ",":
            self._settle_number(best, filled)
        elif best == "time":
            self._read, self.stored = read_seconds, "decimal"
            self.column = TableColumn(self._name, "time", "s", filled - count, self._empty)
        elif 2 * self._years <= count:
            moment = best in self._parts

            def read(cell: str) -> Value:
                date = read_date(cell, order=best)
                if moment and date is not None and not isinstance(date, datetime.datetime):
                    return datetime.datetime(date.year, date.month, date.day)
                return date

            self._read, self.stored = read, "moment" if moment else "date"
            self.column = TableColumn(self._name, "date", "", filled - count, self._empty)
        return self.column

    def read(self, cell: str) -> Value:
        """The value of a cell of a settled column."""
        if self.column.kind == "text":
            return cell
        text = cell.strip()
        if text not in self._known:
            if len(self._known) >= self._remembered:
                self._known.clear()
            readable = len(text) <= LONGEST and text.casefold() not in _NOTHING
            self._known[text] = self._read(text) if readable else None
        return self._known[text]

    def _forms(self, text: str) -> tuple[tuple[_Form, str | None, bool], ...]:
        """(form, unit of a number, has decimals or a time of day) for each form that a cell can be read in."""
        if len(text) > LONGEST or not _DIGIT.search(text) or text.casefold() in _NOTHING:
            return ()
        found: list[tuple[_Form, str | None, bool]] = []
        for form in self._tried:
            if form == "." or form == ",":
                if (number := read_cell(text, decimal=form)) is not None:
                    found.append((form, number.unit, not number.whole or abs(number.value) >= _LARGE))
                    self._bare = self._bare or not text.endswith(")") or not _OPEN.match(text)
                    self._points |= _tell_points(text) if form == "." else set()
            elif form == "time":
                if read_seconds(text) is not None:
                    found.append((form, None, False))
            elif (date := read_date(text, order=form)) is not None:
                found.append((form, None, isinstance(date, datetime.datetime)))
        return tuple(found)

    def _settle_number(self, mark: Decimal, filled: int) -> None:
        units = self._units[mark]
        main = max((unit for unit in units if unit), key=lambda unit: units[unit], default="")
        factors = {unit: factor for unit in units if (factor := convert_unit(unit, main)) is not None}
        counted = sum(units[unit] for unit in factors)
        if counted < SHARE * filled:
            return
        whole = mark not in self._parts and all(factor == 1.0 for factor in factors.values())

        def read(cell: str) -> Value:
            number = read_cell(cell, decimal=mark)
            if number is None or number.unit not in factors:
                return None
            value = number.value * factors[number.unit]
            return int(value) if whole else value

        self._read, self.stored = read, "integer" if whole else "decimal"
        self.column = TableColumn(self._name, "number", main, filled - counted, self._empty)


def _tell_points(text: str) -> set[str]:
    """What the points in a number may be. Decimals are padded with zeros or not, in a whole column; where a number of
    three digits has none and another ends in one, points part thousands.

    >>> [sorted(_tell_points(text)) for text in ("1.200", "900", "0.125", "2")]
    [['ending in 0', 'thousands'], ['none'], ['decimals'], []]
    """
    if "." not in text:
        return {"none"} if _HUNDREDS.search(text) else set()
    if not _GROUPED.fullmatch(text):
        return {"decimals"}
    return {"thousands", "ending in 0"} if _ENDING_IN_ZERO.search(text) else {"thousands"}


def read_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[tuple[ColumnReader, ...], list[list[Value]]]:
    """The settled columns of a table in memory, and the values of each; a row that is too short has none there."""
    readers = tuple(ColumnReader(name) for name in name_columns(header))
    columns = [[row[place] if place < len(row) else "" for row in rows] for place in range(len(readers))]
    for reader, cells in zip(readers, columns, strict=True):
        for cell in cells:
            reader.look(cell)
        reader.settle()
    return readers, [[reader.read(cell) for cell in cells] for reader, cells in zip(readers, columns, strict=True)]


# ── dates and times ────────────────────────────────────────────────────────────────────────────

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier jänner enero gennaio janeiro",
            "february feb februar février febrero febbraio fevereiro févr",
            "march mar märz mars marzo março mär",
            "april apr avril abril aprile avr",
            "may mai mayo maggio maio",
            "june jun juni juin junio giugno junho",
            "july jul juli juillet julio luglio julho juil",
            "august aug août agosto",
            "september sep sept septembre septiembre settembre setembro",
            "october oct oktober okt octobre octubre ottobre outubro",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre diciembre dicembre dezembro déc",
        ),
        1,
    )
    for name in names.split()
}
_DIGIT = re.compile(r"\d")
_OPEN = re.compile(r"[^\w(]{0,3}\(")
_GROUPED = re.compile(r"[^\d.]*[1-9]\d{0,2}(?:\.\d{3})+(?!\d)[^\d.]*")
_HUNDREDS = re.compile(r"\d{3}")
_ENDING_IN_ZERO = re.compile(r"0(?!.*\d)")
_CLOCK = r"(?:[T ,]+(?P<h>[01]?\d|2[0-3]):(?P<min>[0-5]\d)(?::(?P<s>[0-5]\d)(?:\.\d+)?)?(?:Z| ?UTC)?)?"
_MONTH = r"(?P<month>[^\W\d_]{3,10})\.?"
_WEEKDAY = r"(?:[^\W\d_]{3,10},?\ )?"
_IN_DIGITS = tuple(
    re.compile(form + _CLOCK, re.ASCII)
    for form in (
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
        r"(?P<d>\d{1,2})\.\ ?(?P<m>\d{1,2})\.\ ?(?P<y>\d{4})",
        r"(?P<a>\d{1,2})[-/](?P<b>\d{1,2})[-/](?P<y>\d{4})",
        r"(?P<d>\d\d)\.(?P<m>\d\d)\.(?P<y>\d\d)",
        r"(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d\d)",
        r"(?P<y>[12]\d{3})",
    )
)
_IN_WORDS = tuple(
    re.compile(form + _CLOCK)
    for form in (
        r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})",  # with the T or Z of a clock
        rf"{_WEEKDAY}(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|\.)?[- ](?:de |of )?{_MONTH},?(?: de)?[- ](?P<y>\d{{4}})",
        rf"{_WEEKDAY}{_MONTH} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})",
        rf"{_MONTH},?[- ](?P<y>\d{{4}})",
        r"(?P<y>\d{4})[年년] ?(?P<m>\d{1,2})[月월](?: ?(?P<d>\d{1,2})[日일])?",
    )
)
_WITH_YEAR = re.compile(r"\d{4}|\d[./]\d\d?[./]\d\d(?!\d)", re.ASCII)
_PIVOT = 70
"""Of years with two digits, those from here on are of the last century."""
_LETTERS = re.compile(r"[^\W\d_]")
_REMARK = re.compile(r"(?<!\s)\s*+(?:\([^()]*\)|\[[^\[\]]*\]|(?<![*†‡])[*†‡]++)$")
_SECONDS = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):([0-5]\d(?:[.,]\d{1,3})?)", re.ASCII)
_SPOKEN = re.compile(
    r"(?=\d)(?:(?P<d>\d+) ?d(?:ays?)? ?)?(?:(?P<h>\d+) ?h(?:(?:ou)?rs?)? ?)?"
    r"(?:(?P<min>\d+) ?(?:min(?:ute)?s?|m|′|') ?)?(?:(?P<s>\d+(?:\.\d+)?) ?(?:s(?:ec(?:ond)?s?)?|″|\"))?",
    re.ASCII,
)
_TWELVE_HOURS = re.compile(r"(1[0-2]|0?[1-9])(?::([0-5]\d))?(?::([0-5]\d))? ?([ap])\.?m\.?", re.ASCII | re.IGNORECASE)
_LARGE = 1 << 53


def read_date(text: str, *, order: Order = "iso") -> datetime.date | datetime.datetime | None:
    """The date, with a time of day where there is one, that a whole cell is; a month or a year is its first day.

    >>> read_date("4 July 1999"), read_date("4. Juli 1999"), read_date("7/4/1999", order="mdy")
    (datetime.date(1999, 7, 4), datetime.date(1999, 7, 4), datetime.date(1999, 7, 4))
    """
    plain = _REMARK.sub("", text)
    if not _WITH_YEAR.search(plain):
        return None
    for form in _IN_WORDS if _LETTERS.search(plain) else _IN_DIGITS:
        if (found := form.fullmatch(plain)) is not None:
            return _date(found.groupdict(), order)
    return None


def _date(parts: dict[str, str | None], order: Order) -> datetime.date | datetime.datetime | None:
    month, day = parts.get("m") or "1", parts.get("d") or "1"
    if name := parts.get("month"):
        month = str(_MONTHS.get(name.casefold(), ""))
    if (first := parts.get("a")) and (second := parts["b"]):
        if order == "iso" and first != second:
            return None
        day, month = (second, first) if order == "mdy" else (first, second)
    try:
        year = int(parts["y"] or "")
        if len(parts["y"] or "") == 2:
            year += 1900 if year >= _PIVOT else 2000
        date = datetime.date(year, int(month), int(day))
    except ValueError:  # no such day, no such month
        return None
    if parts["h"] is None:
        return date
    clock = datetime.time(int(parts["h"]), int(parts["min"] or 0), int(parts["s"] or 0))
    return datetime.datetime.combine(date, clock)


def read_seconds(text: str) -> float | None:
    """The seconds of a whole cell that is a time: "3:45.2" or "1:02:03", or with units, "1 h 20 min".

    Two numbers are read as minutes and seconds. A time of day ("14:30") keeps its order so, and differences their form;
    one such as "2:30 PM" is the seconds since midnight.
    """
    plain = _REMARK.sub("", text)
    if found := _TWELVE_HOURS.fullmatch(plain):
        hour, minute, second = int(found[1]) % 12, int(found[2] or 0), int(found[3] or 0)
        return (hour + 12 * (found[4] in "pP")) * 3600.0 + minute * 60 + second
    if found := _SECONDS.fullmatch(plain):
        hours, minutes, seconds = found.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    if found := _SPOKEN.fullmatch(plain):
        days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + seconds
    return None
