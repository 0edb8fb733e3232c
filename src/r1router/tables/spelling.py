"""Spells a question as its table does, because people mistype names and shorten long words.

A word of the question that the table does not have is replaced by the word of the table that it is nearly, or that it
begins: "rabbies" is "Rabies" there, "physio" is "Physiotherapy". German writes "second highest" as one word, which is
taken apart. Everything that looks into the table reads that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher

from r1router.evidence.words import read_words, tell_language

NEAR = 0.86
"""How alike two words are at least (`difflib`): of six letters, one may be too many."""
LETTERS, BEGINNING = 6, 5
"""Letters that a mistyped word and a shortened one have at least."""
_WORD = re.compile(r"[^\W\d_]{5,}")
_PLACED = re.compile(r"\b(zweit|dritt|viert|fünft)(?=[^\W\d_]{2,}[sß]te[rnms]?\b)", re.IGNORECASE)
"""What stands before a German superlative: "zweitdickste"."""


def spell_as_table(question: str, texts: Iterable[str]) -> str:
    """The question with each unknown word as the table writes it. `texts`: names of its columns, and its cells.

    >>> spell_as_table("Die zweitdickste Eiche", ["Baum", "Umfang"])
    'Die zweite dickste Eiche'
    >>> spell_as_table("price of one rabbies jab", ["Vaccine", "Price", "Rabies", "Measles"])
    'price of one Rabies jab'
    """
    language = tell_language(question)
    question = _PLACED.sub(r"\1e ", question)
    unknown = [word for word in dict.fromkeys(_WORD.findall(question)) if read_words(word, language)]
    if not unknown:
        return question
    first = {word[0].casefold() for word in unknown}
    known: dict[str, dict[str, str]] = defaultdict(dict)
    stems: set[str] = set()
    for text in dict.fromkeys(texts):
        for word in _WORD.findall(text):
            plain = word.casefold()
            if plain[0] in first and plain not in known[plain[0]]:
                known[plain[0]][plain] = word
                stems.update(read_words(word, language))
    for word in unknown:
        plain = word.casefold()
        if plain not in known[plain[0]] and not stems & {*read_words(word, language)}:
            meant = _find_near(plain, known[plain[0]])
            if meant:
                question = re.sub(rf"\b{re.escape(word)}\b", known[plain[0]][meant], question)
    return question


def _find_near(word: str, known: Iterable[str]) -> str:
    """The known word that is most like it, or the only one that begins with it; "" where there is none."""
    begun = [other for other in known if len(word) >= BEGINNING and other.startswith(word)]
    if len(begun) == 1:
        return begun[0]
    if len(word) < LETTERS:
        return ""
    alike = [(SequenceMatcher(None, word, other).ratio(), other) for other in known if abs(len(word) - len(other)) <= 2]
    likeness, meant = max(alike, default=(0.0, ""))
    return meant if likeness >= NEAR else ""
