"""Reads numbers in texts and in cells of tables, in one place, because metrics and queries must agree on them."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

_UP_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
NUMBER_WORDS = {word: str(number) for number, word in enumerate(_UP_TO_TWENTY.split())}
"""English number words in small letters to digits."""


@dataclass(frozen=True, slots=True)
class Quantity:
    low: float
    high: float
    """Equal to `low` but for a range such as "5 to 10 km"."""
    unit: str = ""
    """The dimension, "length", "mass", "percent", "money $"…; "" for a bare number or a unit not known here."""
    factor: float = 1.0
    """To the dimension's base unit: 1000 for km."""
    plain: bool = True
    """Written as digits alone, without separator, decimals, magnitude or unit: a year or a count."""


_UNITS = {
    "length": {
        "mm millimetre millimeter": 0.001,
        "cm centimetre centimeter": 0.01,
        "m metre meter": 1.0,
        "km kilometre kilometer": 1000.0,
        "inch inches": 0.0254,
        "ft foot feet": 0.3048,
        "yd yard": 0.9144,
        "mi mile": 1609.344,
    },
    "mass": {
        "mg milligram": 1e-6,
        "g gram gramme": 0.001,
        "kg kilogram kilo": 1.0,
        "t tonne": 1000.0,
        "oz ounce": 0.028349523125,
        "lb lbs pound": 0.45359237,
    },
    "area": {
        "m2 m^2 sqm": 1.0,
        "ha hectare": 1e4,
        "km2 km^2": 1e6,
        "acre": 4046.8564224,
    },
    "time": {
        "s sec second": 1.0,
        "min minute": 60.0,
        "h hr hour": 3600.0,
        "day": 86400.0,
        "week": 604800.0,
    },
    "percent": {"% percent pct": 1.0},
}
_UNIT_WORDS = {
    alias: (dimension, factor)
    for dimension, units in _UNITS.items()
    for names, factor in units.items()
    for name in names.split()
    for alias in ((name, f"{name}s") if len(name) > 3 else (name,))
}
_SQUARE = {"square metre": 1.0, "square meter": 1.0, "square kilometre": 1e6, "square kilometer": 1e6, "sq km": 1e6}
_MAGNITUDES = {"hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9}
_MAGNITUDES["trillion"] = 1e12

_UNIT = "|".join(sorted(map(re.escape, _UNIT_WORDS), key=len, reverse=True))
_NUMBER = re.compile(
    rf"""(?<![\w.])(?P<money>(?:us)?[$€£¥]\ ?)?(?P<sign>(?<![\d)])[-−])?[$€£¥]?
        (?P<digits>\d{{1,3}}(?:[,\u00a0\u202f']\d{{3}})+(?!\d)(?:\.\d+)?
          |(?P<comma>\d{{1,3}}(?:\.\d{{3}})+,\d+|\d{{1,3}}(?:\.\d{{3}}){{2,}}(?![\d.])|(?<!\d,)\d+,\d{{1,2}}(?!\d|,\d))
          |\d+(?:\.\d+)?|\.\d+)(?P<exponent>e[-+]?\d+)?
        (?:[\ -]?(?P<magnitude>hundred|thousand|million|billion|trillion|bn|mn)\b|(?P<kilo>k\b))?
        (?:[\ -]?(?P<square>square\ kilomet(?:re|er)|square\ met(?:re|er)|sq\ km)s?\b
          |[\ -]?(?P<unit>per\ cent|{_UNIT})(?![\w^]))?""",
    re.VERBOSE,
)
_SEPARATORS = re.compile(r"(?<=\d)[,'\u00a0\u202f](?=\d{3}(?!\d))")
_BETWEEN = re.compile(r"\s*(?:-|–|—|to|and)\s*")
_WORD_NUMBER = re.compile(r"\b(" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True)) + r")\b")


def read_quantities(text: str) -> list[Quantity]:
    """Every number of a text, in order; "5-10 km" and "between 5 and 10 km" are one, a range.

    >>> read_quantities("1.2 million people on 300 km²")[1]
    Quantity(low=300.0, high=300.0, unit='area', factor=1000000.0, plain=False)
    """
    text = _WORD_NUMBER.sub(lambda m: NUMBER_WORDS[m.group()], unicodedata.normalize("NFKC", text).lower())
    found: list[tuple[Quantity, int, int]] = []
    for match in _NUMBER.finditer(text):
        here, start = _read(match), match.start()
        if found and (joined := _join(found[-1], here, text, start)):
            found[-1] = (joined, found[-1][1], match.end())
        else:
            found.append((here, start, match.end()))
    return [quantity for quantity, _, _ in found]


class Numeral(NamedTuple):
    """A number as it stands in a text, its unit left out."""

    written: str
    digits: str
    """Sign, digits and decimal point alone."""


def read_numerals(text: str) -> list[Numeral]:
    """Every number of a text, in order.

    >>> read_numerals("1.234,5 of −1,200 people")
    [Numeral(written='1.234,5', digits='1234.5'), Numeral(written='−1,200', digits='-1200')]
    """
    found = []
    for match in _NUMBER.finditer(text):
        sign = match["sign"] or ""
        found.append(Numeral(sign + match["digits"], ("-" if sign else "") + _plain_digits(match)))
    return found


@lru_cache(maxsize=4096)
def read_in_all_ways(written: str) -> frozenset[str]:
    """All that digits may mean, by where people put points and commas, without needless zeros.

    >>> sorted(read_in_all_ways("1.200")), sorted(read_in_all_ways("1,20")), sorted(read_in_all_ways("2024-03-12"))
    (['1.2', '1200'], ['1.2'], ['2024-03-12'])
    """
    plain = re.sub(r"['’\u00a0\u202f]", "", written)
    readings = {written}
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?", plain):
        readings.add(_shorten(plain.replace(",", "")))
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d+", plain):
        readings.add(_shorten(plain.replace(".", "").replace(",", ".")))
    return frozenset(readings - {written} or readings)


def _shorten(number: str) -> str:
    whole, _, part = number.partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{part}" if part else "")


def drop_separators(text: str) -> str:
    """The text with nothing between the thousands of its numbers."""
    return _SEPARATORS.sub("", text)


def _read(match: re.Match[str]) -> Quantity:
    digits = match["digits"]
    value = float(_plain_digits(match) + (match["exponent"] or ""))
    value *= _MAGNITUDES[match["magnitude"]] if match["magnitude"] else 1e3 if match["kilo"] else 1.0
    value = -value if match["sign"] else value
    unit, factor = "", 1.0
    if match["square"]:
        unit, factor = "area", _SQUARE[match["square"]]
    elif match["unit"]:
        unit, factor = _UNIT_WORDS.get("percent" if match["unit"] == "per cent" else match["unit"], ("", 1.0))
    if match["money"]:
        unit, factor = f"money {match['money'].strip()[-1]}", 1.0
    plain = digits.isdigit() and not (unit or match["magnitude"] or match["kilo"] or match["exponent"])
    return Quantity(value, value, unit, factor, plain)


def _plain_digits(match: re.Match[str]) -> str:
    """The digits with a point before the decimals and nothing between thousands."""
    digits = match["digits"].replace(".", "").replace(",", ".") if match["comma"] else match["digits"]
    return re.sub(r"[^\d.]", "", digits)


def _join(before: tuple[Quantity, int, int], here: Quantity, text: str, start: int) -> Quantity | None:
    """A range of the two numbers where only a dash, "to" or "between … and" stands between them."""
    first, begin, end = before
    link = _BETWEEN.fullmatch(text, end, start)
    if not link or first.low != first.high or (first.unit and here.unit and first.unit != here.unit):
        return None
    if link.group().strip() == "and" and not text[:begin].rstrip().endswith("between"):
        return None
    unit, factor = (here.unit, here.factor) if here.unit else (first.unit, first.factor)
    low = first.low * first.factor / factor if first.unit else first.low
    return Quantity(low, here.high, unit, factor, first.plain and here.plain) if low <= here.high else None


_PARTS_OF_QUANTITIES = {*_UNIT_WORDS, *_MAGNITUDES, "to", "square", "per", "cent", "us"}
_AROUND = re.compile(r"\b(?:about|around|approximately|approx|circa|ca|nearly|almost|over|roughly)\b|[~≈]")


def read_stated_quantity(answer: str) -> Quantity | None:
    """The number that an accepted answer is, with at most one word after it: "12,467", "5 goals"; else None."""
    found = read_quantities(answer)
    if len(found) != 1:
        return None
    bare = _WORD_NUMBER.sub(lambda m: NUMBER_WORDS[m.group()], _AROUND.sub(" ", answer.lower())).strip()
    if not re.match(r"(?:us)?[-−+$€£¥(\s]*[.]?\d", bare):
        return None
    rest = re.findall(r"[^\W\d_]+", bare)
    others = [word for word in rest if word not in _PARTS_OF_QUANTITIES]
    return found[0] if len(others) <= 1 else None


# ── one number in a cell of a table ────────────────────────────────────────────────────────────

Decimal = Literal[".", ","]
"""The mark before the decimals; the other one may group thousands."""


class CellNumber(NamedTuple):
    """The number that a cell is."""

    value: float
    unit: str
    """As written, without magnitude: "km", "%", "€", "goals"; empty for a bare number."""
    whole: bool
    """Written without decimals, so that it can be kept as an integer."""


_PLAIN = re.compile(r"[-−]?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?", re.ASCII)
_REMARKS = re.compile(r"(?<!\s)\s*+(?:\([^()]*\)|\[[^\[\]]*\]|[*†‡]+)")
_LEADING_ZERO = re.compile(r"0\d+")
_CURRENCY = r"(?:(?:US|A|C|NZ|HK|S|R)?\$|[€£¥₹₽₩₺]|EUR|USD|GBP|CHF|Rs\.?)"
_CELL = {
    mark: re.compile(
        rf"""(?P<about>[~≈]|c(?:irc)?a\.?\ )?\ ?(?P<sign>[-−–+±])?(?P<money>{_CURRENCY}\ ?)?(?P<sign2>[-−])?
        (?P<whole>\d{{1,3}}(?:[{group}'’\u00a0\u202f\ ]\d{{3}})+(?!\d)
          |\d{{1,2}}(?:{group}\d\d)+{group}\d{{3}}(?!\d)|\d+)
        (?P<part>{re.escape(mark)}\d+)?(?P<exponent>e[-+]\d{{1,3}})?(?P<letter>(?-i:[kKMB])(?!\w))?
        (?:\ ?(?P<magnitude>hundred|thousand|million|billion|trillion|bn|mn|mio\.?|mrd\.?)(?!\w)|(?P<han>[千万萬亿億]))?
        \ ?(?P<unit>{_CURRENCY}|[%‰°′″"]\ ?[CF]?|[^\W\d_][^\d,;:|]{{0,19}}[²³]?|m²|m³)?""",
        re.VERBOSE | re.IGNORECASE,
    )
    for mark, group in ((".", ","), (",", r"\."))
}
_BRACKETS = re.compile(rf"(?P<money>{_CURRENCY}\ ?)?\(\ ?(?P<number>[^()]*\d[^()]*?)\ ?\)(?P<unit>\ ?%)?")
"""How accounts write what is less than nothing."""
_MARKED = {**_MAGNITUDES, "mio": 1e6, "mrd": 1e9, "m": 1e6, "b": 1e9, "t": 1e12}
_MARKED |= {"千": 1e3, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8}
_LETTERS = frozenset("kmbt")
"""Behind an amount of money, "$1.2M", a magnitude and no unit."""
_ORDINALS = frozenset(("st", "nd", "rd", "th"))


def read_cell(text: str, *, decimal: Decimal = ".") -> CellNumber | None:
    """The number that a whole cell is, with its unit; remarks in brackets left out. None for anything else.

    A code such as "007" is no number, nor is a cell with two of them ("3–0", "1990–1994", "3/4"). `decimal` says how
    the column writes decimals: "1.234" is one and a bit with ".", a thousand and more with ",".

    >>> read_cell("1,267,000 km² [1]")
    CellNumber(value=1267000.0, unit='km²', whole=True)
    >>> read_cell("1.234,5", decimal=",")
    CellNumber(value=1234.5, unit='', whole=False)
    >>> read_cell("$1.2M").value, read_cell("(1,900)").value
    (1200000.0, -1900.0)
    """
    if (decimal == "." or "." not in text) and _PLAIN.fullmatch(text):
        return CellNumber(float(text.replace("−", "-")), "", "." not in text)
    if bracketed := _BRACKETS.fullmatch(text.strip()):
        inner = "".join(bracketed[part] or "" for part in ("money", "number", "unit"))
        owed = read_cell(inner, decimal=decimal)
        return owed and owed._replace(value=-owed.value)
    plain = _REMARKS.sub("", text).strip()
    found = _CELL[decimal].fullmatch(plain)
    if found is None or _LEADING_ZERO.fullmatch(found["whole"]):
        return None
    value = float(
        re.sub(r"\D", "", found["whole"]) + (found["part"] or "").replace(",", ".") + (found["exponent"] or "")
    )
    unit = (found["unit"] or "").strip()
    money = (found["money"] or "").strip()
    magnitudes = [found["letter"], found["magnitude"], found["han"]]
    if money and unit.lower() in _LETTERS:
        magnitudes.append(unit)
    for magnitude in filter(None, magnitudes):
        value *= _MARKED[magnitude.lower().rstrip(".")]
    if math.isinf(value):
        return None
    if (found["sign"] or found["sign2"]) in ("-", "−", "–"):
        value = -value
    unit = money or unit
    if unit.lower() in _ORDINALS:
        unit = ""
    return CellNumber(value, unit, not (found["part"] or found["exponent"]))


def tell_decimal(text: str) -> Decimal | None:
    """The decimal mark that a cell's digits leave no doubt about; None where both, or neither, are possible.

    >>> [tell_decimal(text) for text in ("12,5", "1.234.567", "1,234.5", "1.234", "12")]
    [',', ',', '.', None, None]
    """
    point, comma = (read_cell(text, decimal=mark) is not None for mark in (".", ","))
    return None if point == comma else "." if point else ","


def convert_unit(unit: str, to: str) -> float | None:
    """What a number in `unit` is multiplied with to be in `to`; None for units that do not convert.

    >>> convert_unit("km", "m")
    1000.0
    """
    if unit == to or not unit:
        return 1.0
    known = [_known_unit(name) for name in (unit, to)]
    if known[0] is None or known[1] is None or known[0][0] != known[1][0]:
        return None
    return known[0][1] / known[1][1]


def _known_unit(name: str) -> tuple[str, float] | None:
    name = unicodedata.normalize("NFKC", name).lower().replace("²", "2")
    return ("area", _SQUARE[name]) if name in _SQUARE else _UNIT_WORDS.get(name)
