"""Cuts what is too long for one entry into pieces that end at a blank, so that no word is cut where it need not be."""

from __future__ import annotations

from collections.abc import Iterator


def cut_at_blanks(text: str, longest: int, *, blanks: str = " ") -> Iterator[tuple[str, str]]:
    """(what to add to an id, piece), at least one; a piece without any of `blanks` in its second half is cut there."""
    start, number = 0, 1
    while len(text) - start > longest:
        end = max(text.rfind(blank, start + longest // 2, start + longest) for blank in blanks) + 1 or start + longest
        yield _name(number), text[start:end]
        start, number = end, number + 1
    yield _name(number), text[start:]


def _name(number: int) -> str:
    return "" if number == 1 else f":part {number}"
