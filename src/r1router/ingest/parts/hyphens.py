"""Joins words that the end of a line cuts in two, because a search for the word finds neither half.

A hyphen at a line's end may be one of the word's own. So two halves are joined where the whole word stands elsewhere in
the text, or among the words of the English embedder that comes along.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from functools import cache
from importlib.resources import files

_CUT = re.compile(r"(?<![\w-])([^\W\d_]{2,})[-\u2010][ \t]*\r?\n[ \t]*([^\W\d_]{2,})(?![\w-])")
_SET = re.compile(r"(?<![^\W\d_])([^\W\d_]+)(?:[-\u00ad\u2010\ufffe\x02][ \t]*\r?\n[ \t]*|[\ufffe\x02])([^\W\d_]+)")
"""A word that is cut in a PDF; PDFium has signs of its own for a hyphen and the end of its line."""
_SOFT = re.compile(r"\u00ad[ \t]*\r?\n[ \t]*")
"""A hyphen that is only there because of a line's end."""
_WORD = re.compile(r"(?<![\w-])[^\W\d_]+(?:-[^\W\d_]+)*(?![\w-])")


def join_cut_words(text: str) -> str:
    """
    >>> join_cut_words("The main-\\ntenance of long-\\nterm plans")
    'The maintenance of long-\\nterm plans'
    """
    text = _SOFT.sub("", text)
    if not _CUT.search(text):
        return text
    own = find_words(text)
    return _CUT.sub(lambda cut: _choose_form(cut[1], cut[2], own) or cut[0], text)


def join_set_words(text: str, own: Callable[[], Collection[str]]) -> str:
    """The same for text that was set, which cuts words at most lines' ends: a hyphen stays only where the word is seen
    with it, or is none without it and both halves are words.

    `own`: gives the words of the whole document, as `find_words` does; asked only where there is a cut word.

    >>> join_set_words("A well-\\nknown reser-\\nvoir", set)
    'A well-known reservoir'
    """

    def join(cut: re.Match[str]) -> str:
        first, last = cut.groups()
        if not (first[-1].islower() and last[0].islower()):
            return f"{first}-\n{last}"
        form = _choose_form(first, last, own())
        return form or f"{first}{'-' if _are_words(first, last, own()) else ''}{last}"

    return _SET.sub(join, text)


def find_words(text: str) -> set[str]:
    """Its words as they stand, and in small letters; those with a hyphen as one, halves of cut ones left out."""
    found = set(_WORD.findall(_SET.sub(" ", text)))
    return found | {word.lower() for word in found}


def _choose_form(first: str, last: str, own: Collection[str]) -> str:
    """Both halves in one word or with a hyphen; empty where nobody knows."""
    whole, parted = (f"{first}{sign}{last}" for sign in ("", "-"))
    is_hyphened = parted.lower() in own
    is_word = whole.lower() in own or (not is_hyphened and last.islower() and whole.lower() in _english())
    return "" if is_word == is_hyphened else whole if is_word else parted


def _are_words(first: str, last: str, own: Collection[str]) -> bool:
    """Whether each half is a word by itself: of the document, or a longer one of English."""
    return all(half in own or (len(half) > 3 and half.lower() in _english()) for half in (first, last))


@cache
def _english() -> frozenset[str]:
    """Whole words that the default embedder knows."""
    tokenizer = json.loads(files("r1router").joinpath("assets/minilm/tokenizer.json").read_text("utf-8"))
    return frozenset(piece for piece in tokenizer["model"]["vocab"] if piece.isalpha())
