"""Reads the codes that things are named by, such as "M4", because what is true of the M2 is not of the M4."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from r1router.types import Evidence

_CODE = re.compile(r"(?<![A-Za-z0-9])([A-Z]{1,4})[-./]?(\d{1,5}[A-Z]?)(?![A-Za-z0-9])")
"""Capitals followed by digits, and perhaps by one more capital; by themselves, or before a hyphen: "M4-Schrauben"."""
_PERIODS = frozenset(("FY", "H", "Q", "T", "S", "KW", "CW", "WEEK", "YEAR"))
"""What stands before the number of a year or of a part of it."""
_YEAR = re.compile(r"(?:19|20)\d\d")


def read_codes(text: str) -> tuple[tuple[str, str], ...]:
    """The letters and the digits of each code, once; years, and parts of one, are none.

    >>> read_codes("Does the M4 of HF-2291 fit in Q1 2025, FY2024, with 3 mm or 3MM?")
    (('M', '4'), ('HF', '2291'))
    """
    found = dict.fromkeys(_CODE.findall(unicodedata.normalize("NFKC", text)))
    return tuple(
        (letters, digits) for letters, digits in found if letters not in _PERIODS and not _YEAR.fullmatch(digits)
    )


def has_codes(pieces: Iterable[Evidence], codes: Iterable[tuple[str, str]]) -> bool:
    """Whether the pieces, their titles or places say all these codes, however they are spaced and written."""
    told = unicodedata.normalize("NFKC", "\n".join(map(_write_all, pieces)))
    return all(
        re.search(rf"(?<![A-Za-z0-9]){letters}[\W_]{{0,2}}{digits}(?!\d)", told, re.IGNORECASE)
        for letters, digits in codes
    )


def _write_all(piece: Evidence) -> str:
    place = piece.location
    return "\n".join((piece.title, piece.text, place.source if place else "", place.section if place else ""))
