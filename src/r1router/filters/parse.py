"""Parses the text of a filter into a tree, by hand, so that errors name the place and what to write.

    test     FIELD (= != < <= > >=) VALUE    FIELD [not] in (VALUE, …)    FIELD [not] like "a%"   path [not] under "a/b"
    value    "text"  'text'  12.5  2025-03-31  2025-03  true  false  none
    filter   tests joined by and, or, not, in parentheses; `and` binds closer than `or`

A quote inside quotes is doubled. A date is the whole time that it names: `modified <= 2025-03` takes in the 31st.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, NoReturn

from r1router.errors import InputError
from r1router.filters.fields import clean_name
from r1router.filters.tree import And, Compare, Filter, Like, Not, Or, Scalar

LONGEST = 4_000
"""Characters of a filter."""
DEEPEST = 32
"""Parentheses and nots inside each other."""
DATES = ("created", "modified")
"""Fields that are compared with dates only, in quotes or not."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*')
    |(?P<date>\d{4}-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d)?Z?)?)?(?![\w.:-]))
    |(?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    |(?P<name>[^\W\d]\w*)
    |(?P<sign>!=|<=|>=|[=<>(),]))""",
    re.VERBOSE,
)
_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?)?)?")
_WORDS = {"true": True, "false": False, "none": None}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Date(NamedTuple):
    """The first moment of a stretch of time, and the first one after it."""

    first: str
    after: str


_Read = Scalar | _Date | None


@lru_cache(maxsize=256)
def parse(text: str) -> Filter:
    """The tree of a filter. Raises `InputError`, which names the place, for what is none."""
    if len(text) > LONGEST:
        raise InputError(f"a filter has at most {LONGEST:,} characters, not {len(text):,}")
    parser = _Parser(text)
    tree = parser.read_any(0)
    if parser.next.kind != "end":
        parser.fail("'and', 'or' or the end")
    return tree


def join(*texts: str) -> str:
    """The filter that all of these together are; empty ones let everything through."""
    given = [text for text in texts if text.strip()]
    return given[0] if len(given) == 1 else " and ".join(f"({text})" for text in given)


class _Parser:
    """Reads a text from left to right; `next` is the token that is looked at."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self.next = self._scan()

    def fail(self, wanted: str) -> NoReturn:
        at, shown = self.next.at, self._text
        there = f"not {self.next.text!r}" if self.next.kind != "end" else "and it ends there"
        start = max(0, at - 40)
        pointed = f"{'…' if start else ''}{shown[start:at]}▸{shown[at : at + 40]}{'…' if len(shown) > at + 40 else ''}"
        raise InputError(f"the filter cannot be read at character {at + 1}: {pointed}: wanted {wanted}, {there}")

    def _scan(self) -> _Token:
        rest = self._text[self._at :]
        if not rest.strip():
            return _Token("end", "", len(self._text))
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            at = self._at + len(rest) - len(rest.lstrip())
            self.next = _Token("unknown", self._text[at : at + 12], at)
            self.fail("a field, a value in quotes, a number or a date")
        self._at = found.end()
        return _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))

    def _take(self) -> _Token:
        taken, self.next = self.next, self._scan()
        return taken

    def _is(self, *words: str) -> bool:
        return self.next.kind in ("name", "sign") and self.next.text.lower() in words

    def _expect(self, word: str) -> None:
        if not self._is(word):
            self.fail(repr(word))
        self._take()

    # ── and, or, not ───────────────────────────────────────────────────────────────────────────

    def read_any(self, depth: int) -> Filter:
        parts = [self._read_all(depth)]
        while self._is("or"):
            self._take()
            parts.append(self._read_all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _read_all(self, depth: int) -> Filter:
        parts = [self._read_one(depth)]
        while self._is("and"):
            self._take()
            parts.append(self._read_one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _read_one(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise InputError(f"a filter has at most {DEEPEST} parentheses and nots inside each other")
        if self._is("not"):
            self._take()
            return Not(self._read_one(depth + 1))
        if self._is("("):
            self._take()
            inside = self.read_any(depth + 1)
            self._expect(")")
            return inside
        return self._read_test()

    # ── one test ───────────────────────────────────────────────────────────────────────────────

    def _read_test(self) -> Filter:
        if self.next.kind != "name" or self._is("and", "or", "in", "like", "under", *_WORDS):
            self.fail("the name of a field, 'not' or '('")
        field = clean_name(self._take().text)
        if self._is("=", "!=", "<", "<=", ">", ">="):
            sign = self._take().text
            value = self._read_value(field, order=sign not in ("=", "!="))
            return Not(_equal(field, value)) if sign == "!=" else _compare(field, sign, value)
        denied = self._is("not")
        if denied:
            self._take()
        test = self._read_word_test(field)
        return Not(test) if denied else test

    def _read_word_test(self, field: str) -> Filter:
        if self._is("in"):
            self._take()
            self._expect("(")
            values = [self._read_value(field)]
            while self._is(","):
                self._take()
                values.append(self._read_value(field))
            self._expect(")")
            equal = tuple(_equal(field, value) for value in values)
            return equal[0] if len(equal) == 1 else Or(equal)
        if self._is("like") and field != "folder":
            self._take()
            return Like(field, self._read_text())
        if self._is("under") and field in ("path", "folder"):
            self._take()
            return _under(self._read_text(for_path=True))
        order = "'=', '!=', '<', '<=', '>', '>=', 'in' or 'like'"
        if self._is("under"):
            order += "; 'under' is for path and folder"
        return self.fail("'=', '!=', 'in' or 'under'" if field == "folder" else order)

    def _read_text(self, *, for_path: bool = False) -> str:
        if self.next.kind != "text":
            self.fail("text in quotes")
        text = _unquote(self.next.text)
        if for_path and ("%" in text or not text.strip("/")):
            self.fail("a folder without '%'")
        self._take()
        return text

    def _read_value(self, field: str, *, order: bool = False) -> _Read:
        token, read = self.next, self._read_literal()
        if field == "folder" and (order or not isinstance(read, str) or "%" in read or not read.strip("/")):
            self._back(token, "a folder in quotes, without '%', after '=', '!=' or 'in'")
        if field in DATES and read is not None:
            written = str(read) if isinstance(read, str | int) else ""
            if not isinstance(read, _Date) and not _DATE.fullmatch(written):
                self._back(token, "a date such as 2025-03-31")
            read = read if isinstance(read, _Date) else self._read_date(token, written)
        if order and (read is None or isinstance(read, bool)):
            self._back(token, "text, a number or a date: what has an order")
        return read

    def _read_literal(self) -> _Read:
        token = self.next
        match token.kind:
            case "text":
                read: _Read = _unquote(token.text)
            case "date":
                read = self._read_date(token, token.text)
            case "number":
                read = float(token.text) if "." in token.text else int(token.text)
            case "name" if token.text.lower() in _WORDS:
                read = _WORDS[token.text.lower()]
            case "name":
                self.fail("a value: text in quotes, a number, a date, true, false or none")
            case _:
                self.fail("a value")
        self._take()
        return read

    def _read_date(self, token: _Token, written: str) -> _Date:
        try:
            return _span(written.replace(" ", "T").removesuffix("Z"))
        except (ValueError, OverflowError):
            self._back(token, "a day that there is")

    def _back(self, token: _Token, wanted: str) -> NoReturn:
        self.next = token
        self.fail(wanted)


def _unquote(text: str) -> str:
    return unicodedata.normalize("NFC", text[1:-1].replace(text[0] * 2, text[0]))


def _equal(field: str, value: _Read) -> Filter:
    return _compare(field, "=", value)


def _compare(field: str, sign: str, value: _Read) -> Filter:
    if field == "folder":
        return Like(field, f"%/{str(value).strip('/')}/%")
    if not isinstance(value, _Date):
        return Compare(field, sign, value)  # type: ignore[arg-type]  # one of the signs
    first, after = Compare(field, ">=", value.first), Compare(field, "<", value.after)
    of: dict[str, Callable[[], Filter]] = {
        "=": lambda: And((first, after)),
        "<": lambda: Compare(field, "<", value.first),
        "<=": lambda: after,
        ">": lambda: Compare(field, ">=", value.after),
        ">=": lambda: first,
    }
    return of[sign]()


def _under(folder: str) -> Filter:
    return Like("folder", f"/{folder.strip('/')}/%")


def _span(written: str) -> _Date:
    """What a date stands for: "2025-03" for all of March."""
    match len(written):
        case 4:
            first = date(int(written), 1, 1)
            return _Date(written, str(first.year + 1).zfill(4))
        case 7:
            first = date.fromisoformat(f"{written}-01")
            return _Date(written, (first + timedelta(days=31)).isoformat()[:7])
        case 10:
            return _Date(written, (date.fromisoformat(written) + timedelta(days=1)).isoformat())
        case 16:
            return _Date(written, (datetime.fromisoformat(written) + timedelta(minutes=1)).isoformat()[:16])
        case _:
            return _Date(written, (datetime.fromisoformat(written) + timedelta(seconds=1)).isoformat())
