"""Writes a number of a sheet as its format shows it: 0.125 as "12.5%", 1067 as "01067", 1.5 days as "36:00"."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache
from typing import NamedTuple

from r1router.ingest.parts.cells import write_cell

HIDES = ";;;"
"""Formats for numbers and text that show nothing."""
_SECTION = re.compile(r'((?:"[^"]*"|\\.|[^;"\\])*)(?:;|$)')
_PART = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\[\]-]*+)[^\[\]]*+\]|\[[^\[\]]*+\]|([#0?.,]+)|(.)')


class _Format(NamedTuple):
    before: str
    digits: str
    """Placeholders: "#,##0.00"."""
    after: str
    mask: str = ""
    """Places with signs between them, each a digit: "(000) 000-0000"."""


def show(value: object, code: str) -> str:
    """The cell's text; a plain one for text, dates (ISO 8601) and formats that say nothing of a single number."""
    if code == HIDES:
        return ""
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
    if shown.mask:
        return _fill_mask(shown.mask, value)
    if not shown.digits:
        return f"{shown.before}{shown.after}".strip() or ("" if len(sections) > 1 else write_cell(value))
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


def _fill_mask(mask: str, value: float) -> str:
    """The digits of a whole number in the places of a mask, from the right; what is over stands in the first place."""
    digits = list(str(round(abs(value))))
    shown = ""
    for place in range(len(mask) - 1, -1, -1):
        sign = mask[place]
        if sign not in "0#":
            shown = sign + shown
        elif digits or sign == "0":
            is_first = not re.search(r"[0#]", mask[:place])
            here = "".join(digits) if is_first else digits.pop() if digits else ""
            shown = (here or "0") + shown
    return ("-" if value < 0 else "") + shown.strip()


@lru_cache(maxsize=256)
def _sections(code: str) -> tuple[_Format, ...]:
    """For positive numbers, negative ones and zero; empty for what is not plain digits (fractions, dates)."""
    sections = []
    for section in _SECTION.findall(f"{code}")[: min(3, code.count(";") + 1)]:
        before = digits = after = mask = ""
        for quoted, escaped, currency, run, other in _PART.findall(section):
            if other and other.lower() in "eymdhsg/@":
                return ()
            mask += run or quoted or escaped or currency or other
            if run and digits:
                after += run
            elif run:
                digits = run
            elif digits:
                after += quoted or escaped or currency or other
            else:
                before += quoted or escaped or currency or other
        several = re.search(r"[#0?]", after) is not None
        if several and re.search(r"[.,?%]", digits + after):
            return ()
        sections.append(_Format(before, digits, after, mask if several else ""))
    return tuple(sections)
