"""Cuts texts of every script into terms and sentences, because only some scripts separate words by spaces.

A term is what two texts are compared by: small letters without accents, one spelling for each way to write a letter or
a digit. Where words are not spaced (Chinese, Japanese, Thai, Khmer …) and in Korean, whose words carry their particles,
a term is a pair of neighbouring letters: no dictionary is needed, and a name that is in none is found too. A word of
Arabic, Hebrew or Persian is found by a second term, too: without what these languages write together with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

LONGEST = 40
"""Letters of a term; a longer run is several."""

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Word_Break=Katakana}\p{Line_Break=SA}々〆〇"
"""Letters of scripts without spaces between words, as the inside of a character class of the package `regex`."""

_ASCII_TERM = re.compile(rf"[a-z0-9]{{1,{LONGEST}}}")
_ASCII_WORD = re.compile(r"\S{1,64}")
_ASCII_PIECE = re.compile(r"\w{1,16}|[^\w\s]")
_UNSEEN = re.compile("[\x00\u00ad\u200b\u2060\ufeff]")
"""NUL, soft hyphens and blanks without width: they stand inside words and nobody sees or types them."""
_JOINT = "\u200c"
"""What Persian writes between the parts of a word, without width; people type a blank or nothing in its place."""
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f]")
_TERMINAL = re.compile(
    "\x1b\\[[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\\][^\x07\x1b]{0,400}(?:\x07|\x1b\\\\)|\x1b[@-_]|[^\n]\x08|"
    + _CONTROLS.pattern
)
"""Codes that tell a terminal to change colour, a letter that is printed over, and other signs without a shape."""
_ONE_SPELLING = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n"}
    | {"ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه", "ـ": ""}
)

_PREFIXES = re.compile("(?:(?:ال|ن?مي|[وفبكل])+|[והבכלמש]+)(?=.{3})")
"""Articles, conjunctions and prepositions of Arabic and Hebrew, beginnings of verbs in Persian. All are taken off that
leave three letters: so a word loses the same with one more of them in front."""
_ENDINGS = re.compile("(?<=[\u0600-\u06ff]{3})(?:ها(?:يي|ي(?:م|ت|ش|مان|تان|شان)?)?|تر(?:ين)?|اي[مد]?|ام|اند)$")
"""Of Persian, which are written together, with a joint or a blank; the first ones are a plural."""


def normalise(text: str) -> str:
    """The text with every letter composed (Unicode NFC) and without what nobody sees in it."""
    if _CONTROLS.search(text):
        text = _TERMINAL.sub("", text)
    return text if text.isascii() else unicodedata.normalize("NFC", _UNSEEN.sub("", text))


def cut_terms(text: str) -> list[str]:
    """What a text is compared by, in order."""
    if text.isascii():
        return _ASCII_TERM.findall(text.lower())
    patterns = _patterns()
    text = patterns.accents.sub("", unicodedata.normalize("NFKD", _UNSEEN.sub("", text)))
    text = unicodedata.normalize("NFC", text).casefold().translate(_ONE_SPELLING)
    text = patterns.digit.sub(_write_digit, text)
    found: list[str] = []
    for match in patterns.run.finditer(text):
        letters = match.captures("letter")
        if len(letters) < 2:
            found.append(match[0])
        else:
            found.extend(a + b for a, b in pairwise(letters))
    return found


def cut_terms_to_store(text: str) -> str:
    """The terms with a blank between, and behind them the single letters of pairs, for a query of one letter, and
    the other forms of words."""
    if text.isascii():
        return " ".join(cut_terms(text))
    found = cut_terms(text)
    unspaced = _patterns().unspaced
    alone = dict.fromkeys(letter for term in found if len(term) > 1 for letter in unspaced.findall(term))
    return " ".join([*found, *alone, *cut_other_forms(text)])


def cut_other_forms(text: str) -> list[str]:
    """What else Arabic, Hebrew and Persian words are found by: without what is written together with them, in parts.

    >>> cut_other_forms("والكتاب"), cut_other_forms("ספר בבית"), cut_other_forms("The book")
    (['تاب'], ['בית'], [])
    """
    if text.isascii() or not _patterns().affixed.search(text):
        return []
    parts = cut_terms(" ".join(word for word in text.split() if _JOINT in word).replace(_JOINT, " "))
    terms = [*cut_terms(text), *parts]
    return parts + [form for term in terms if (form := _cut_affixes(term)) != term]


def is_arabic(term: str) -> bool:
    """Whether a term is written in Arabic letters, as in Persian and Urdu, too."""
    return "\u0600" <= term[0] <= "\u06ff"


def is_respelled(text: str) -> bool:
    """Whether its terms are others than before there were other forms of words and one spelling of digits."""
    return not text.isascii() and bool(_patterns().digit.search(text) or _patterns().affixed.search(text))


def find_word_spans(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the stretches without white space, cut at 64 characters; of unspaced letters, two at a time."""
    pattern = _ASCII_WORD if text.isascii() else _patterns().word
    return (match.span() for match in pattern.finditer(text))


def count_pieces(text: str) -> int:
    """Words, numbers, marks and unspaced letters: close to what an embedder counts. A long word is several."""
    pattern = _ASCII_PIECE if text.isascii() else _patterns().piece
    return sum(1 for _ in pattern.finditer(text))


@cache
def find_sentence_end() -> Any:
    """A pattern for what parts two sentences, in any script: blanks after a mark, or nothing after a full-width one.

    A title such as "Dr." ends none, and neither does a colon: what stands after it belongs to what stands before.
    """
    import regex

    titles = "".join(
        rf"(?<!\b{title}\.)" for title in ("Dr", "Mr", "Ms", "Mrs", "St", "Nr", "No", "Prof", "Hr", "Fr", "Str")
    )
    after_a_blank = rf"(?<=[\p{{Sentence_Terminal}};؛][\p{{Pf}}\p{{Pe}}\"']?){titles}\s+"
    after_a_wide_mark = r"(?<=[。！？｡][」』”’）]?)(?![」』”’）])"
    return regex.compile(f"{after_a_blank}|{after_a_wide_mark}")


def _cut_affixes(term: str) -> str:
    term = _ENDINGS.sub("", term)
    return term[match.end() :] if (match := _PREFIXES.match(term)) else term


def _write_digit(match: Any) -> str:
    return str(unicodedata.decimal(match[0]))


class _Patterns(NamedTuple):
    run: Any
    """Letters together, with each letter of a run without spaces as "letter"."""
    accents: Any
    digit: Any
    """A decimal digit that is none of ASCII's."""
    affixed: Any
    """A letter of a script whose words have other forms (`cut_other_forms`)."""
    unspaced: Any
    word: Any
    piece: Any


@cache
def _patterns() -> _Patterns:
    import regex

    unspaced = rf"{UNSPACED}\p{{Hangul}}"
    spaced = rf"[\p{{L}}\p{{N}}\p{{M}}]--[{unspaced}]"
    return _Patterns(
        run=regex.compile(rf"(?P<letter>[{unspaced}]\p{{M}}*)+|[{spaced}]{{1,{LONGEST}}}", regex.V1),
        accents=regex.compile(r"(?<=[\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}])\p{Mn}+|\p{Cf}", regex.V1),
        digit=regex.compile(r"[\p{Nd}--0-9]", regex.V1),
        affixed=regex.compile(r"[\p{Arabic}\p{Hebrew}]"),
        unspaced=regex.compile(rf"[{unspaced}]\p{{M}}*", regex.V1),
        word=regex.compile(rf"(?:[{UNSPACED}]\p{{M}}*){{1,2}}|[^\s{UNSPACED}]{{1,64}}", regex.V1),
        piece=regex.compile(rf"[{UNSPACED}]|[[\w\p{{M}}]--[{UNSPACED}]]{{1,16}}|[^\w\s\p{{M}}]", regex.V1),
    )
