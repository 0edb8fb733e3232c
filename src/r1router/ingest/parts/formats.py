"""Writes a number of a sheet as its format shows it: 0.125 as "12.5%", 1067 as "01067", 1.5 days as "36:00"."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache
from typing import NamedTuple

from r1router.ingest.parts.cells import write_cell

_SECTION = re.compile(r'(?:"[^"]*"|\\.|[^;"\\])+')
_PART = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\[\]-]*+)[^\[\]]*+\]|\[[^\[\]]*+\]|([#0?.,]+)|(.)')


class _Format(NamedTuple):
    before: str
    digits: str
    """Placeholders: "#,##0.00"."""
    after: str


def show(value: object, code: str) -> str:
    """The cell's text; a plain one for text, dates (ISO 8601) and formats that say nothing of a single number."""
    match value:
        case datetime.timedelta():
            return _duration(value, code)
        case bool() | None | str():
            return write_cell(value)
        case int() | float() if code not in ("General", "@", ""):
            return _number(value, code)
        case _:
            return write_cell(value)


def _duration(value: datetime.timedelta, code: str) -> str:
    seconds = round(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{sign}{hours}:{minutes:02}" + (f":{seconds % 60:02}" if "s" in code.lower() else "")


def _number(value: float, code: str) -> str:
    sections = _sections(code)
    if not sections:
        return write_cell(value)
    place = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
    shown = sections[place]
    if not shown.digits:
        return f"{shown.before}{shown.after}".strip() or write_cell(value)
    bare = shown.digits.rstrip(",")
    whole, _, fraction = bare.partition(".")
    percents = (shown.before + shown.after).count("%")
    number = abs(value) * 100**percents / 1000 ** (len(shown.digits) - len(bare))
    text = f"{number:{',' if ',' in whole else ''}.{len(fraction)}f}"
    head, _, tail = text.partition(".")
    optional = len(fraction) - fraction.count("0")
    tail = tail[: len(tail) - optional] + tail[len(tail) - optional :].rstrip("0")
    sign = "-" if value < 0 and place == 0 and text.strip("0.,") else ""
    return f"{sign}{shown.before}{head.zfill(whole.count('0'))}{'.' if tail else ''}{tail}{shown.after}".strip()


@lru_cache(maxsize=256)
def _sections(code: str) -> tuple[_Format, ...]:
    """For positive numbers, negative ones and zero; empty for what is not plain digits (fractions, dates)."""
    sections = []
    for section in _SECTION.findall(code)[:3]:
        before = digits = after = ""
        for quoted, escaped, currency, run, other in _PART.findall(section):
            if (run and digits) or (other and other.lower() in "eymdhsg/@"):
                return ()
            if run:
                digits = run
            elif digits:
                after += quoted or escaped or currency or other
            else:
                before += quoted or escaped or currency or other
        sections.append(_Format(before, digits, after))
    return tuple(sections)
