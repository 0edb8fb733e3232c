"""A text to the words in it that tell something: no articles, no question words, no endings of nouns and verbs."""

from __future__ import annotations

import re

from r1router.scripts import terms

_WORD = re.compile(r"\w+")
_ENDINGS = ("ing", "ies", "es", "ed", "s")
_COMMON = frozenset(
    _WORD.findall(
        "the a an of in is are was were what which who how many much does do did to on for and by that this it its "
        "with from at as or be has have had"
    )
)


def words(text: str) -> list[str]:
    """The telling words of `text`, in order, in small letters, their endings taken off."""
    if text.isascii():
        return [_stem(word) for word in map(str.casefold, _WORD.findall(text)) if word not in _COMMON]
    return [_stem(term) for term in terms(text) if term not in _COMMON]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word[: -len(ending)]
    return word
