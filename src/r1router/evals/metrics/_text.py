"""Cuts texts into comparable words, by the two normalisations that the metrics share.

`cut_squad_words` is the one of SQuAD's evaluation (Rajpurkar et al. 2016, arXiv 1606.05250), also used by HotpotQA,
2WikiMultiHopQA and MuSiQue. `cut_words` is our own, kinder to numbers: "1,200" and "1200" are one word, "2.5" stays
whole, and Chinese and Japanese characters are words of their own.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import lru_cache

from r1router.evidence.numbers import NUMBER_WORDS, drop_separators

_DELETE_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SQUAD_ARTICLES = frozenset(("a", "an", "the"))


def cut_squad_words(text: str) -> list[str]:
    """Lower case, ASCII punctuation deleted (not replaced), articles dropped, split at white space."""
    return [w for w in text.lower().translate(_DELETE_PUNCTUATION).split() if w not in _SQUAD_ARTICLES]


_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\d+(?:\.\d+)?|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+")
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])(\d+),(\d{1,2})(?![\d,]|\.\d)")
_TRAILING_ZEROS = re.compile(r"\.0+$|(\.\d*?[1-9])0+$")


@lru_cache(maxsize=65536)
def cut_words(text: str) -> tuple[str, ...]:
    """Case-folded words without punctuation and articles; numbers in one spelling: "five", "5", "5,0" are one.

    >>> cut_words("The 1,200-metre hill’s Five peaks")
    ('1200', 'metre', 'hill', 's', '5', 'peaks')
    """
    plain = _DECIMAL_COMMA.sub(r"\1.\2", drop_separators(unicodedata.normalize("NFKC", text).casefold()))
    return tuple(
        _number(w) if w[0].isdigit() else NUMBER_WORDS.get(w, w)
        for w in _WORD.findall(plain)
        if w not in _SQUAD_ARTICLES
    )


def _number(word: str) -> str:
    return _TRAILING_ZEROS.sub(r"\1", word) if "." in word else word
