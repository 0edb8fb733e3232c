"""Keeps the version in force before older ones, or in their place, because a small policy believes whatever it reads.

Two pieces are of versions of one document where the names of their files, or their titles, say the same but for what
tells of time: a date, "v2", or words such as "old", "archive" and "superseded", which may also be names of folders. Of
pieces that are told apart by dates alone, as minutes of meetings are, those with mostly the same words are versions.
What is called out of date comes last, and of two dates the later first; of a passage that stands in both with other
values, only the newer one is left. Where the question asks for the past, or names the year of an older one, all stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import PurePosixPath
from typing import NamedTuple

from r1router.scripts import cut_terms
from r1router.types import Evidence

ALIKE = 0.5
"""The share of the shorter piece's words that two dated pieces have in common which are versions of one document."""
SERIES = 0.8
"""The same where both name a day, as the pieces of a series do: minutes, letters."""
REVISED = 0.75
"""The share of all words of two pieces that both have, from which on the newer one is the older one revised."""

_PAST_WORDS = """
old older obsolete outdated superseded archive archived archives former formerly previous previously deprecated
withdrawn expired retired backup alt alte alter altes veraltet archiv abgelaufen ehemalig fruher fruhere ancien ancienne
anciens anciennes archivee perime perimee remplace antiguo antigua obsoleto anterior archivo
"""
_OTHER_WORDS = """
draft entwurf brouillon borrador new neu neue neuer nouveau nouvelle nuevo nueva current aktuell actuel actual final
version ver rev stand copy kopie copie part
"""
_PAST, _OTHER = frozenset(_PAST_WORDS.split()), frozenset(_OTHER_WORDS.split())
"""Words of names that say that a thing is out of date, and those that tell two versions apart without that."""
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-_.]?(0[1-9]|1[0-2])(?:[-_.]?([0-2]\d|3[01]))?)?(?!\d)")
_NUMBER = re.compile(r"(?<![^\W_])(?:v|ver|version|rev)[-_. ]?(\d+)(?![^\W_])", re.IGNORECASE)


class _Piece(NamedTuple):
    item: Evidence
    source: str
    past: bool
    date: tuple[int, int, int]
    """Year, month, day; zeros for what is not said."""
    number: int


def keep_newer(question: str, evidence: Sequence[Evidence]) -> tuple[tuple[Evidence, ...], str]:
    """The evidence with older versions behind newer ones, and which those are, in words; "" where there are none.

    Versions change places among themselves; all else stays where it is. A piece that a newer version has revised is
    left out. Only the document of the best piece is named: the question is not about what was found beside it.
    """
    pieces = [_read_piece(item) for item in evidence]
    if len({piece.source for piece in pieces}) < 2 or len({_rank(piece) for piece in pieces}) < 2:
        return tuple(evidence), ""  # one document, or nothing that tells of time: the usual case
    if _PAST & set(cut_terms(question)):
        return tuple(evidence), ""
    named = {int(found[0]) for found in _DATE.findall(question)}
    order, notes, revised = list(range(len(evidence))), list[str](), set[int]()
    for group in _group_versions(pieces):
        newest_first = sorted(group, key=lambda place: _rank(pieces[place]))
        new, old = pieces[newest_first[0]], pieces[newest_first[-1]]
        if any(pieces[place].date[0] in named for place in newest_first if pieces[place].source != new.source):
            continue
        slots = sorted(order.index(place) for place in group)
        moved = [order[slot] for slot in slots] != newest_first
        for slot, place in zip(slots, newest_first, strict=True):
            order[slot] = place
        revised |= {a for b, a in combinations(newest_first, 2) if _has_revised(pieces[b], pieces[a])}
        if min(slots) > 0:
            continue
        what = "is out of date" if old.past and not new.past else "is older"
        notes.append(f"{old.source} {what}; {new.source} {'was put first' if moved else 'comes first'}")
    return tuple(evidence[place] for place in order if place not in revised), "; ".join(notes)


def _has_revised(new: _Piece, old: _Piece) -> bool:
    """Whether `new` is the passage `old` in a newer version, with nearly the same words.

    Two that name a month, or a day, may be of a series that goes on, in which April stays what it was.
    """
    if _rank(new) >= _rank(old) or (new.date[1] and old.date[1] and new.past == old.past):
        return False
    x, y = (frozenset(cut_terms(piece.item.text)) for piece in (new, old))
    return len(x & y) >= REVISED * len(x | y)


def _group_versions(pieces: Sequence[_Piece]) -> Iterable[list[int]]:
    """Places of the pieces of each document that there are several versions of."""
    group = list(range(len(pieces)))
    for a, b in combinations(range(len(pieces)), 2):
        if _are_versions(pieces[a], pieces[b]):
            group = [group[a] if of == group[b] else of for of in group]
    places = [[place for place, of in enumerate(group) if of == first] for first in sorted(set(group))]
    return (some for some in places if len({_rank(pieces[place]) for place in some}) > 1)


def _are_versions(a: _Piece, b: _Piece) -> bool:
    if a.source == b.source or _rank(a) == _rank(b):
        return False
    names = list(zip(_read_names(a), _read_names(b), strict=True))
    same = any(x == y for x, y in names if x)
    within = any(len(x & y) > 1 and (x <= y or y <= x) for x, y in names)
    if a.past != b.past and (same or within):
        return True
    x, y = (frozenset(cut_terms(piece.item.text)) for piece in (a, b))
    shared = len(x & y) / max(1, min(len(x), len(y)))
    return same and shared >= (SERIES if a.date[2] and b.date[2] else ALIKE)


def _rank(piece: _Piece) -> tuple[bool, tuple[int, ...], int]:
    """Lower is newer; among names of which one says no date, that one is taken for today's."""
    return piece.past, tuple(-part for part in piece.date) if piece.date[0] else (-9999,), -piece.number


def _read_piece(item: Evidence) -> _Piece:
    source = (item.location.source if item.location else item.id).replace("\\", "/")
    path = PurePosixPath(source)
    named = f"{path.stem} {item.title}"
    dates = _DATE.findall(named) or _DATE.findall(str(path.parent))
    year, month, day = max(((int(y), int(m or 0), int(d or 0)) for y, m, d in dates), default=(0, 0, 0))
    return _Piece(
        item,
        source,
        bool(_PAST & set(cut_terms(f"{source} {item.title}"))),
        (year, month, day),
        max(map(int, _NUMBER.findall(named)), default=0),
    )


def _read_names(piece: _Piece) -> tuple[frozenset[str], ...]:
    """Words of the file's name and of the title without those that tell of time."""
    return _drop_time(PurePosixPath(piece.source).stem), _drop_time(piece.item.title)


def _drop_time(name: str) -> frozenset[str]:
    terms = cut_terms(_NUMBER.sub(" ", _DATE.sub(" ", name)))
    return frozenset(term for term in terms if term not in _PAST | _OTHER and not term.isdigit())
