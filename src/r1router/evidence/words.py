"""Reads the telling words of a text, because matches of articles and endings mean nothing.

Common words are left out and the others reduced to their stems (Snowball, Porter 2001), each language by its own rules.
Texts that are compared must be read in one language: tell it from the longer one, a question rather than a cell.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, Literal

from r1router.scripts import cut_terms

Language = Literal["english", "german", "french"]

_COMMON: dict[Language, str] = {
    "english": "a an the of in is are was were be been has have had do does did what which who whom whose how when "
    "where why many much to on for and or but by that this these those it its with from at as not no than then there "
    "their they he she his her him you your we our i my me so such into also can could will would should called",
    "german": "der die das den dem des ein eine einen einem einer eines und oder aber in im am an auf aus bei mit nach "
    "von vom zu zum zur für ist sind war waren wird werden wurde wurden hat haben hatte was welche welcher welches "
    "welchem welchen wer wen wem wie wann wo warum viele viel nicht kein keine als auch es er sie sich ihr sein "
    "heißt heißen",
    "french": "le la les l un une des du de d et ou mais en dans au aux à sur pour par avec est sont était étaient a "
    "ont avait que qui quoi quel quelle quels quelles comment quand où pourquoi combien ne pas plus ce cette ces il "
    "elle ils elles se sa son ses leur y qu n s c j appelle",
}
"""The stop list: the commonest words of each language, which make sentences and tell nothing of their subject."""
_WORD = re.compile(r"\w+")
_SHORT = 4_000
"""Characters of a text whose words are remembered."""
_PART = re.compile(r"[^\W_A-Z]+|[A-Z]+(?![^\W_A-Z\d])|[A-Z][^\W_A-Z]*")
"""A part of a name: between underscores, or from a capital letter on."""


def read_words(text: str, language: Language | None = None) -> list[str]:
    """The telling words of `text` as stems, in order; read in the language that the text seems to be in, unless given.

    >>> read_words("Which countries have boxes?"), read_words("country box")
    (['countri', 'box'], ['countri', 'box'])
    """
    language = language or tell_language(text)
    return list(_read_short(text, language) if len(text) <= _SHORT else _read(text, language))


def _read(text: str, language: Language) -> tuple[str, ...]:
    stem, common = _stemmer(language)
    found = map(str.casefold, _WORD.findall(text)) if text.isascii() else cut_terms(text)
    return tuple(stem(word) for word in found if word not in common)


@lru_cache(maxsize=2048)
def _read_short(text: str, language: Language) -> tuple[str, ...]:
    """Remembered: one question looks at a piece, reads it, judges by it and cites it."""
    return _read(text, language)


def measure_share(asked: frozenset[str], told: Iterable[str]) -> float:
    """The share of the words asked for that are told, 0 to 1; 0 where none is asked for."""
    return len(asked.intersection(told)) / len(asked) if asked else 0.0


def read_name(name: str, language: Language | None = None) -> frozenset[str]:
    """The telling words of the name of a column, which may be written as programs do.

    >>> sorted(read_name("sensor_417")), sorted(read_name("unitPrice"))
    (['417', 'sensor', 'sensor_417'], ['price', 'unit', 'unitpric'])
    """
    return frozenset((*read_words(name, language), *read_name_parts(name, language)))


def read_name_parts(name: str, language: Language | None = None) -> list[str]:
    """The telling words of the name of a column, taken apart where a program wrote it.

    >>> read_name_parts("unitPrice_EUR"), read_name_parts("Unit price")
    (['unit', 'price', 'eur'], ['unit', 'price'])
    """
    return read_words(" ".join(_PART.findall(name)), language)


def order_columns(asked: frozenset[str], language: Language, columns: Sequence[Sequence[str]]) -> list[int]:
    """Places of columns, each given as its name and some of its cells, in the order in which they tell most.

    A column tells the rare words that it shares with the words `asked`. Of equals the first comes first.
    """
    told = [
        asked & (read_name(name, language) | set(read_words(" ".join(cells), language))) for name, *cells in columns
    ]
    spread = Counter(word for words in told for word in words)
    scores = [math.fsum(math.log(1 + len(columns) / spread[word]) for word in words) for words in told]
    return sorted(range(len(columns)), key=lambda place: (-scores[place], place))


@lru_cache(maxsize=1024)
def tell_language(text: str) -> Language:
    """The language whose common words the text has most of; English where it has none.

    >>> tell_language("In welcher Stadt ist das höchste Gericht?")
    'german'
    """
    counts = {language: sum(word in common for word in cut_terms(text)) for language, common in _common().items()}
    return max(counts, key=lambda language: counts[language])  # of equals the first


def drop_common(terms: Sequence[str], text: str) -> list[str]:
    """The terms of `text` (`scripts.cut_terms`) without the common words of its language; all where no other is left.

    >>> drop_common(["welche", "durchwahl", "hat", "das", "umweltamt"], "Welche Durchwahl hat das Umweltamt?")
    ['durchwahl', 'umweltamt']
    """
    common = _common()[tell_language(text)]
    return [term for term in terms if term not in common] or [*terms]


@cache
def _common() -> dict[Language, frozenset[str]]:
    return {language: frozenset(cut_terms(listed)) for language, listed in _COMMON.items()}


@cache
def _stemmer(language: Language) -> tuple[Any, frozenset[str]]:
    import snowballstemmer  # type: ignore[import-untyped]

    stem = snowballstemmer.stemmer(language).stemWord
    return lru_cache(maxsize=1 << 16)(stem), _common()[language]
