"""Groups entries by their vectors and finds the words that tell the groups apart, because three titles name no topics.

Groups are those of k-means over directions (Dhillon and Modha 2001), begun as k-means++ does, alike in every run. A
group's words are weighed as in class-based TF-IDF (Grootendorst 2022, arXiv 2203.05794), each counted once an entry.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from r1router.evidence.words import read_words, tell_language
from r1router.scripts import cut_terms

MOST = 8
"""Groups at most."""
LEAST = 8
"""Fewer entries are not grouped."""
WORDS = 4
"""Words that are shown of a group."""
IN_TITLE = 2
_ROUNDS = 15
_READ = 600
"""Characters of an entry whose words are counted."""
_TRIED = 40
"""Words of a group that are looked at closely, best first."""
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Topic:
    words: tuple[str, ...]
    """As most entries write them."""
    middle: int
    """Place of the entry that is nearest to the middle of the group."""
    share: float
    """Of all entries."""


def find_topics(texts: Sequence[str], titles: Sequence[str], vectors: NDArray[np.float32]) -> list[Topic]:
    """The topics of these entries, the largest first; [] where the entries are few. `vectors`: one row each.

    A word of an entry's title counts as `IN_TITLE` of its text.
    """
    if len(texts) < LEAST:
        return []
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    groups = _group(units, min(MOST, max(2, math.isqrt(len(texts) // 2))))
    words_of = [_fold_words(text, 1) + _fold_words(title, IN_TITLE) for text, title in zip(texts, titles, strict=True)]
    counted: list[Counter[str]] = [sum((words_of[place] for place in group), Counter()) for group in groups]
    spread = Counter(word for words in counted for word in words)
    everywhere: Counter[str] = sum(counted, Counter())
    topics = []
    for group, words in zip(groups, counted, strict=True):
        center = units[group].sum(axis=0)
        middle = int(group[np.argmax(units[group] @ center)])
        weights = {
            word: count / len(group) * math.log(1 + len(texts) / everywhere[word])
            for word, count in words.items()
            if 2 * spread[word] <= len(groups) + 1 and (count > IN_TITLE + 1 or len(group) < LEAST)
        }
        said = _choose_words(weights, [texts[place] for place in group])
        topics.append(Topic(said, middle, len(group) / len(texts)))
    return [topic for topic in sorted(topics, key=lambda topic: -topic.share) if topic.words]


def _group(units: NDArray[np.float32], count: int) -> list[NDArray[np.intp]]:
    """Places of the rows of each group; none is empty."""
    chance = np.random.default_rng(0)
    centers = units[[int(chance.integers(len(units)))]]
    while len(centers) < count:
        far = np.maximum(1 - (units @ centers.T).max(axis=1), 0).astype(float)
        if not far.sum():
            break
        centers = np.vstack([centers, units[chance.choice(len(units), p=far / far.sum())]])
    nearest = np.argmax(units @ centers.T, axis=1)
    for _ in range(_ROUNDS):
        for number in range(len(centers)):
            if (nearest == number).any():
                middle = units[nearest == number].sum(axis=0)
                centers[number] = middle / max(float(np.linalg.norm(middle)), 1e-9)
        before, nearest = nearest, np.argmax(units @ centers.T, axis=1)
        if (before == nearest).all():
            break
    return [np.flatnonzero(nearest == number) for number in range(len(centers)) if (nearest == number).any()]


def _fold_words(text: str, weight: int) -> Counter[str]:
    """Each of its words, once."""
    return Counter(dict.fromkeys(map(_fold, _find_words(text)), weight))


def _find_words(text: str) -> list[str]:
    """Its words as written; of letters without spaces between words, two at a time."""
    found: list[str] = []
    for written in _WORD.findall(text[:_READ]):
        terms = cut_terms(written)
        found += [written] if len(terms) == 1 else terms
    return [word for word in found if len(word) > 2 or not word.isascii()]


def _fold(written: str) -> str:
    return written.casefold()


def _choose_words(weights: dict[str, float], texts: Sequence[str]) -> tuple[str, ...]:
    """The words with the highest weights that are no common ones and no other forms of each other."""
    [(language, _), *others] = Counter(map(tell_language, texts)).most_common()
    forms: dict[str, Counter[str]] = {}
    for written in (written for text in texts for written in _find_words(text)):
        forms.setdefault(_fold(written), Counter())[written] += 1
    chosen: dict[tuple[str, ...], str] = {}
    for word in sorted(weights, key=lambda word: (-weights[word], word))[:_TRIED]:
        if (stems := tuple(read_words(word, language))) and all(read_words(word, other) for other, _ in others):
            chosen.setdefault(stems, forms[word].most_common(1)[0][0])
    return tuple(list(chosen.values())[:WORDS])
