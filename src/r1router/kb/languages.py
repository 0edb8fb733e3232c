"""Tells the languages of texts by a sample, because an embedder knows the meaning of words in its own only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

SAMPLE = 40
"""Texts that are looked at, spread over a knowledge base: some 10 ms."""
_LEAST = 60
"""Letters of a text that says anything about its language; a third of them beyond ASCII."""
_MOST_LOOKED_AT = 600
_SHARE = 0.6
"""Share of the texts that makes theirs the language of a knowledge base."""
_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian",
    "nb": "Norwegian", "nn": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip


def count_languages(texts: Iterable[str]) -> Counter[str]:
    """How many of the texts are in each language, by ISO 639-1 codes; short ones and mere numbers are not counted."""
    from py3langid import classify

    told = (text[:_MOST_LOOKED_AT] for text in texts if _count_letters(text) >= _LEAST)
    return Counter(code for code, _ in map(classify, told) if code in _NAMES)


def _count_letters(text: str) -> int:
    return sum(1 if letter.isascii() else 3 for letter in text[:_MOST_LOOKED_AT] if letter.isalpha())


def choose_language(counted: Counter[str]) -> str:
    """The code of the language that most of the texts are in; "" where there is none."""
    [(code, count)] = counted.most_common(1) or [("", 0)]
    return code if count >= max(1.0, _SHARE * counted.total()) else ""


def name_language(code: str) -> str:
    """
    >>> name_language("de")
    'German'
    """
    return _NAMES.get(code, code)
