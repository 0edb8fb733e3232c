"""Joins words that the end of a line cuts in two, because a search for the word finds neither half.

A hyphen at a line's end may be one of the word's own. So two halves are joined only where the whole word stands
elsewhere in the text, or among the words of the English embedder that comes along; else they stay as they are.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

_CUT = re.compile(r"(?<![\w-])([^\W\d_]{2,})[-\u2010][ \t]*\r?\n[ \t]*([^\W\d_]{2,})(?![\w-])")
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
    own = {word.lower() for word in _WORD.findall(text)}

    def join(cut: re.Match[str]) -> str:
        whole, parted = (sign.join(cut.groups()) for sign in ("", "-"))
        is_hyphened = parted.lower() in own
        is_word = whole.lower() in own or (not is_hyphened and cut[2].islower() and whole.lower() in _english())
        if is_word == is_hyphened:
            return cut[0]
        return whole if is_word else parted

    return _CUT.sub(join, text)


@cache
def _english() -> frozenset[str]:
    """Whole words that the default embedder knows."""
    tokenizer = json.loads(files("r1router").joinpath("assets/minilm/tokenizer.json").read_text("utf-8"))
    return frozenset(piece for piece in tokenizer["model"]["vocab"] if piece.isalpha())
