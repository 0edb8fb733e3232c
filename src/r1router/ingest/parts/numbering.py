"""Writes the items of lists with numbers as documents count (3, c, iv), because files keep only how to count."""

from __future__ import annotations

_ROMAN = {100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x", 9: "ix", 5: "v", 4: "iv", 1: "i"}


def write_number(number: int, kind: str) -> str:
    """`kind`: "a" or "i", in capitals too; digits for all others.

    >>> write_number(4, "i"), write_number(28, "A"), write_number(3, "1")
    ('iv', 'AB', '3')
    """
    match kind.lower():
        case "a":
            said = _write_letters(number)
        case "i":
            said = _write_roman(number)
        case _:
            return str(number)
    return said.upper() if kind.isupper() else said


def write_item(label: str, text: str) -> str:
    """A paragraph behind its number or mark; one without keeps the spaces that indent it: two or more, or a tab."""
    is_indented = not label and text.startswith(("  ", "\t"))
    return text.rstrip() if is_indented else f"{label} {text.strip()}".strip()


def _write_letters(number: int) -> str:
    said = ""
    while number > 0:
        number, letter = divmod(number - 1, 26)
        said = chr(97 + letter) + said
    return said


def _write_roman(number: int) -> str:
    said = ""
    for value, sign in _ROMAN.items():
        said, number = said + sign * (number // value), number % value
    return said
