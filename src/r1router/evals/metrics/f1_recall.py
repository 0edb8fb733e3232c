"""Scores F1-Recall, the paper's metric, exactly as published.

*dataset:* all six of the paper. *metric:* recall of the accepted answer that has the best token F1.
*pattern:* VQA normalisation, treebank word tokens, multiset overlap.

Source: R1-Router (arXiv 2505.22095, section 4), whose released evaluation this follows step by step, quirks
included; its normalisation is that of VQA (Antol et al. 2015, arXiv 1505.00468). Known quirks, kept:

- **it can be gamed**: length costs nothing, so "yes no" is right about every yes/no question, and a page that
  contains the answer scores 1; report `length_aware` beside it;
- a punctuation mark is deleted everywhere in a text when it touches a space anywhere in it, else replaced by a
  space, so "A-B" and "A - B" differ; all marks are deleted from a text that has digit-comma-digit;
- only the first 32 full stops are removed (a flag given in the place of a count);
- "none" and "zero" are the same; the article `a` stays, `an` and `the` go;
- an accepted range is the list of its multiples of a step, rounded to three digits, plus its integers: a number
  between two of them is wrong.

Tokens come from NLTK's word tokenizer without splitting sentences first. That differs from the release only for
texts with more than 32 full stops. Where both ranges and words are accepted, any may match (the release reads
the first accepted answer only; no published row has both).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from r1router.evals.answers import Range, judge_answer, read_range
from r1router.evals.metrics._contractions import CONTRACTIONS
from r1router.evidence.numbers import NUMBER_WORDS
from r1router.types import Example, Trajectory


def f1_recall(trajectory: Trajectory, example: Example) -> float | None:
    return judge_answer(score, trajectory, example)


def score(prediction: str, answers: Sequence[str], *, question: str = "") -> float:
    """In [0, 1]; `question` is not looked at."""
    said = cut_tokens(prediction)
    if not said:
        return 0.0
    counts = Counter(said)
    best_f1 = recall = 0.0
    for answer in answers:
        span = read_range(answer)
        # A range stands for one-word answers, all with the same F1 and with recall 1.
        wanted = cut_tokens(answer) if span is None else next(((w,) for w in counts if _in_list(w, span)), ())
        shared = _overlap(counts, wanted)
        if shared:
            f1 = 2 * shared / (len(said) + len(wanted))
            if f1 > best_f1:
                best_f1, recall = f1, shared / len(wanted)
    return recall


def _overlap(counts: Counter[str], wanted: Sequence[str]) -> int:
    if len(wanted) == 1:
        return 1 if wanted[0] in counts else 0
    return sum(min(n, counts[word]) for word, n in Counter(wanted).items() if word in counts)


# ── normalisation ──────────────────────────────────────────────────────────────────────────────

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_ANY_MARK = re.compile("[" + re.escape(_MARKS) + "]")
_MARK_AT_SPACE = re.compile(rf"(?<= )[{re.escape(_MARKS)}]|[{re.escape(_MARKS)}](?= )")
_DIGIT_COMMA_DIGIT = re.compile(r"\d,\d")
_STOP = re.compile(r"\.(?!\d)")
_MAX_STOPS = 32
_DIGITS = {word: digits for word, digits in NUMBER_WORDS.items() if int(digits) <= 10}
_REWRITE = CONTRACTIONS | _DIGITS | {"none": "0"}
_ARTICLES = frozenset(("an", "the"))
_DELETE_ALL: dict[int, str | None] = {ord(mark): None for mark in _MARKS}
_SPACE_ALL: dict[int, str | None] = {ord(mark): " " for mark in _MARKS}


def normalise(text: str) -> str:
    """The published normal form, before it is cut into tokens."""
    text = text.replace("\n", " ").replace("\t", " ").strip()
    if _ANY_MARK.search(text):
        if _DIGIT_COMMA_DIGIT.search(text):
            table = _DELETE_ALL
        else:
            table = _SPACE_ALL | {ord(mark): None for mark in _MARK_AT_SPACE.findall(text)}
        text = text.translate(table)
    if "." in text:
        text = _STOP.sub("", text, count=_MAX_STOPS)
    return " ".join([_REWRITE.get(word, word) for word in text.lower().split() if word not in _ARTICLES])


_DROPPED = ",.?!:;'\""
# What the treebank rules would touch in a normal form; without it, they only split at white space.
_NEEDS_RULES = re.compile(r"[^\w\s.]|\.(?!\d)|\.\.|cannot|gimme|gonna|gotta|lemme|wanna")


@lru_cache(maxsize=65536)
def cut_tokens(text: str) -> tuple[str, ...]:
    """The published tokens of a text."""
    normal = normalise(text)
    if not _NEEDS_RULES.search(normal):
        return tuple(normal.split())
    pieces = [_pieces(word) for word in normal.split()]
    found = _treebank().tokenize(normal) if None in pieces else [p for word in pieces for p in word or ()]
    return tuple(piece for piece in found if piece not in _DROPPED)


_NUMERAL_OR_WORD = r"(?:[^\W_]|\.(?=\d))+"
_SHORTCUTS = [
    re.compile(rf"({_NUMERAL_OR_WORD})"),
    re.compile(r"([^\W_]+)('(?:s|m|d|ll|re|ve))"),
    re.compile(r"([^\W_]+)(n't)"),
    re.compile(r"([^\W_]+)(’)([^\W_]+)"),
    re.compile(r"([^\W_]+)(:)([^\W\d_][^\W_]*)?"),
    re.compile(r"([0-9]+:[0-9]+)"),
    re.compile(rf"([$#])?({_NUMERAL_OR_WORD})([%])?"),
]
_HAVE_OWN_RULE = re.compile(r"cannot|gimme|gonna|gotta|lemme|wanna|\.\.")


@lru_cache(maxsize=65536)
def _pieces(word: str) -> tuple[str, ...] | None:
    """What the treebank rules make of one word, for the frequent and plain ones; None where they must be asked.

    The rules run on whole texts and are slow; for these words they give the same whatever stands beside them.
    """
    if not _HAVE_OWN_RULE.search(word):
        for shortcut in _SHORTCUTS:
            if found := shortcut.fullmatch(word):
                return tuple(filter(None, found.groups()))
    return None


@cache
def _treebank() -> Any:
    from nltk.tokenize.destructive import NLTKWordTokenizer  # type: ignore[import-untyped]  # slow to import

    return NLTKWordTokenizer()


# ── ranges ─────────────────────────────────────────────────────────────────────────────────────


def _in_list(word: str, span: Range) -> bool:
    """Whether `word` is the token of a number in the published list for a range, without writing the list out."""
    if not word[0].isdigit():
        return False
    try:
        magnitude = float(word)
    except ValueError:
        return False
    return any(_listed(word, number, span) for number in (magnitude, -magnitude))  # the minus sign is normalised away


def _listed(word: str, number: float, span: Range) -> bool:
    low, high = span.low, span.high
    if number.is_integer() and int(low) <= number < int(high + 1) and word == str(abs(int(number))):
        return True
    width = high - low
    step = 1 if width >= 50 else 0.1 if width >= 5 else 0.01 if width >= 1 else 0.001
    integers = isinstance(low, int) and isinstance(high, int) and step == 1
    # numpy's arange(low, high + step, step): count by ceiling, then low + i * (difference of the first two).
    count = math.ceil((high + step - low) / step)
    difference = (low + step) - low
    near = round((number - low) / difference)
    for i in range(max(0, near - 1), min(count, near + 2)):
        value = low + i * difference
        listed = str(abs(int(value))) if integers else str(abs(round(value * 1000) / 1000))
        if listed == word:
            return True
    return False
