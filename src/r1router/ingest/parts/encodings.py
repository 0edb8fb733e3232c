"""Finds the encoding that bytes are text in, by the languages that they could be, or by the label of a web page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

_LEAST = 0.0005
"""Confidence below which a guess is none."""
_CLEAR, _SURE = 3.0, 0.02
"""So many times better than the next guess, and at least so confident, the best is certain."""
_FEW = 3
"""So few letters make nothing certain."""
_COMMONEST, _AHEAD = "Windows-1252", 0.03
"""The encoding of most texts that are not UTF-8, and what it is ahead of others where its letters stand as in languages
of Western Europe, divided by how many they are: as much as a guess has that rests on so few."""
_RARE = r"[ðþýÐÞÝÈõŸ]|[ìòù]\p{L}|ñ\b|(?![œéëöüä]{2})[^\P{L}a-zA-Z]{2}"
"""Letters of the commonest encoding that are more often others of another, and two letters beside each other
that no language of Western Europe has so."""
_MOST_ODD = 0.25
"""Share of words that may look wrong in the right encoding: names, abbreviations, chemistry."""
_OFTEN = {
    **dict.fromkeys((f"Windows-125{n}" for n in range(8)), 1.0), "Windows-1252": 1.5, "cp1258": 0.3,
    **dict.fromkeys((f"ISO-8859-{n}" for n in (2, 6, 7, 8, 9, 13)), 1.0),
    "ISO-8859-5": 0.7, "KOI8-R": 0.7, "koi8-u": 0.7,
    **dict.fromkeys(("GB18030", "GB2312", "GBK", "Big5", "big5hkscs", "CP932", "SHIFT_JIS", "EUC-JP"), 1.0),
    **dict.fromkeys(("CP949", "EUC-KR", "CP874", "TIS-620"), 1.0), "IBM866": 0.3, "cp866": 0.3,
    "cp850": 0.25, "cp437": 0.2, "cp852": 0.2, "MacRoman": 0.25, "MacLatin2": 0.1, "MacCyrillic": 0.1,
}  # fmt: skip
"""How often an encoding is met, beside others; those that are not here are not met."""
_NOT_LATIN = r"\p{Cyrillic}\p{Greek}\p{Hebrew}\p{Arabic}\p{Thai}"
_ODD = (
    rf"\p{{Latin}}[{_NOT_LATIN}]|[{_NOT_LATIN}]\p{{Latin}}"  # letters of two alphabets in a word
    r"|\p{Ll}\p{Lu}"  # a capital behind a small letter
    r"|\p{Hangul}[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{Han}\p{Hiragana}\p{Katakana}]\p{Hangul}|\p{Ll}[\p{Han}\p{Hangul}]\p{Ll}"
    r"|\p{Latin}[\u3001-\u301f\uff01-\uff60]\p{Latin}"
    r"|\p{L}[¡-©«-±´¶-¹»-¿×÷˘-˝“”„‚‹›†‡‰…]+\p{L}|\p{L}[¢-©¬-±÷×‚„†‡‰]"  # a sign between or behind letters
    r"|[¦¨ª¬¯¸¹²³¼-¾÷×]\p{L}"
    r"|[\x80-\x9f\p{Co}\u2500-\u259f]|[\p{So}--[©®™°]]"
)


@dataclass(frozen=True, slots=True)
class Guess:
    name: str
    doubt: str


def guess(words: bytes) -> Iterator[Guess]:
    """Encodings of these words, the likeliest first. `words`: those with bytes above 127, blanks between."""
    scores = _score(words)
    ranked = sorted(scores, key=lambda name: -scores[name])
    for place, name in enumerate(ranked):
        others = [other for other in ranked[place + 1 :] if words.decode(other) != words.decode(name)]
        doubt = ""
        few = sum(byte > 127 for byte in words) < _FEW
        if few or scores[name] < _SURE or (others and scores[name] < _CLEAR * scores[others[0]]):
            like = f", but {others[0]} is possible" if others else ", which is not certain"
            doubt = f"read as {name}{like}; save it as UTF-8 if words look wrong"
        yield Guess(name, doubt)


def _score(words: bytes) -> dict[str, float]:
    """How likely each encoding is that gives words like those of a language."""
    import chardet

    scores: dict[str, float] = {}
    for found in chardet.detect_all(words, ignore_threshold=True, encoding_era=chardet.EncodingEra.ALL):
        name, confidence = str(found["encoding"] or ""), float(found["confidence"])
        try:
            text = words.decode(name) if name in _OFTEN else ""
        except (LookupError, UnicodeDecodeError):
            continue
        odd = _share_of_odd_words(text)
        score = confidence * (1 - odd) ** 4 * _OFTEN.get(name, 0.0)
        if odd <= _MOST_ODD and score >= _LEAST:
            scores[name] = max(scores.get(name, 0.0), score)
    if _looks_western(words):
        scores[_COMMONEST] = scores.get(_COMMONEST, 0.0) + _AHEAD / sum(byte > 127 for byte in words)
    return scores


def _looks_western(words: bytes) -> bool:
    """Whether the commonest encoding makes words of them such as Western Europe has."""
    try:
        text = words.decode(_COMMONEST)
    except UnicodeDecodeError:
        return False
    return not _share_of_odd_words(text) and not _find_rare().search(text)


def find_codec(label: str) -> str:
    """The codec that browsers use for the label of a web page (WHATWG): "windows-1252" for "iso-8859-1"; or ""."""
    import webencodings  # type: ignore[import-untyped]

    found = webencodings.lookup(label)
    return found.codec_info.name if found else ""


def _share_of_odd_words(text: str) -> float:
    """How many of the words no language would write so."""
    words = text.split()
    return sum(1 for word in words if _odd().search(word)) / max(1, len(words))


@cache
def _find_rare() -> Any:
    import regex

    return regex.compile(_RARE)


@cache
def _odd() -> Any:
    import regex

    return regex.compile(_ODD, regex.V1)
