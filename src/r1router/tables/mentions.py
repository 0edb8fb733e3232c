"""Finds what a question mentions of a table, because a query is likely that says all of it and nothing else."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from r1router.evidence.words import read_name_parts, read_words, tell_language
from r1router.tables.view import TableView, ViewedColumn, find_near, read_numbers

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NOWHERE = 10**6
_DENYING = """
not never without except excluding ignoring leaving apart outside no non nicht nie kein keine keinen keiner ohne außer
pas hors jamais sans sauf aucun aucune sin nunca excepto ningún ninguna
"""
_DENIES = frozenset(_DENYING.split())
"""Words that deny what follows, in English, German, French and Spanish."""
_REACH = 3
"""Tokens after such a word that it denies."""


class Mentions:
    """A question's words, and which of them the names, cells and numbers of a view say."""

    def __init__(self, view: TableView) -> None:
        question = view.question
        self._language = tell_language(question)
        self.tokens = [token.casefold() for token in _TOKEN.findall(question)]
        read = [frozenset((*self.read(token), *read_numbers(token))) for token in self.tokens]
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, words in enumerate(read):
            for word in words:
                self._places[word].append(place)
        self._denied = {
            place + step
            for place, token in enumerate(self.tokens)
            if token in _DENIES or token.endswith(("n't", "n’t"))
            if token != "no" or not self.token(place + 1)[:1].isdigit()
            for step in range(1, _REACH + 1)
        }
        self.asked = frozenset([*self.read(question), *read_numbers(question)])
        # What the table is about is what its rows are: "how many orders" asks for no column, though one is so called.
        # A word that the question has once more than the heading is asked about all the same.
        heading = f"{view.title} {view.section} {view.caption}"
        counts = Counter(
            word for token in _TOKEN.findall(heading) for word in {*self.read(token), *read_numbers(token)}
        )
        self.about = frozenset(word for word, count in counts.items() if len(self._places.get(word, ())) <= count)
        self.names = [frozenset(read_name_parts(column.name, self._language)) for column in view.columns]
        self.named = [(name & self.asked) - self.about for name in self.names]
        """Of each column, the words of its name that the question has."""
        self.heading = [name & self.asked & self.about for name in self.names]
        """… and those that only say what the table is about: "Which order" of a table of orders."""
        self._near = [{**dict(column.near), **self._near_months(column)} for column in view.columns]
        in_names = frozenset().union(*self.names)
        in_cells = frozenset(
            word
            for column in view.columns
            for text in (*(cell.literal for cell in column.cells if cell.named), *column.patterns, *column.months)
            for word in self.read(text)
        )
        self.linked = self.asked & (((in_names | set(view.numbers)) - self.about) | in_cells)
        """Words of the question that a query could say."""
        self.in_names = in_names
        self.words = self._other_words(read, in_cells)
        """The question's other tokens, and pairs of neighbours: what asks, rather than what is asked about."""

    def _other_words(self, read: list[frozenset[str]], in_cells: frozenset[str]) -> tuple[str, ...]:
        about = [bool(words) and words <= self.about for words in read]
        found = {
            token: None
            for token, words, is_about in zip(self.tokens, read, about, strict=True)
            if not is_about and not (words and words <= in_cells) and not token.isdigit()
        }
        for place in range(1, len(self.tokens)):
            if not about[place - 1] and not about[place]:
                found[f"{self.tokens[place - 1]} {self.tokens[place]}"] = None
        return tuple(found)

    def _near_months(self, column: ViewedColumn) -> dict[str, str]:
        months = [word for month in column.months for word in self.read(month)]
        return find_near(self.asked - frozenset(months), months)

    def find_near(self, place: int, words: frozenset[str]) -> frozenset[str]:
        """The question's words that are nearly one of these words of a cell in the column at this place."""
        near = self._near[place] if place < len(self._near) else {}
        return frozenset(near[word] for word in words if word in near)

    def read(self, text: str) -> list[str]:
        """The telling words of a text, in the question's language."""
        return read_words(text, self._language)

    def first(self, words: frozenset[str]) -> int | None:
        """The first token that says one of these words, each by its last mention; None where none does."""
        return min((self._places[word][-1] for word in words if word in self._places), default=None)

    def last(self, words: frozenset[str]) -> int | None:
        return max((self._places[word][-1] for word in words if word in self._places), default=None)

    def is_after(self, words: frozenset[str], others: frozenset[str]) -> bool:
        """Whether one of these words stands right after one of the others."""
        after = {place + 1 for word in others for place in self._places.get(word, ())}
        return any(place in after for word in words - others for place in self._places.get(word, ()))

    def is_denied(self, words: frozenset[str]) -> bool:
        """Whether the question denies one of these words: "not from south", "isn't paid"; not "room no 12"."""
        return any(place in self._denied for word in words for place in self._places.get(word, ()))

    def token(self, place: int) -> str:
        """The token at this place; "" beyond both ends."""
        return self.tokens[place] if 0 <= place < len(self.tokens) else ""

    def is_ordinal(self, words: frozenset[str]) -> bool:
        """Whether they are a number that the question writes as a word, "second", and nowhere in digits."""
        return bool(words) and all(word.isdigit() and word not in self.tokens for word in words)

    def repeats(self, text: str) -> bool:
        """Whether the question itself holds every word of a text."""
        words = [token.casefold() for token in _TOKEN.findall(text)]
        return bool(words) and all(word in self.tokens for word in words)

    def comes_first(self, one: frozenset[str], other: frozenset[str]) -> bool:
        """Whether the question says what is only in one of two sets of words before what is only in the other."""
        places = [self.first(a - b) for a, b in ((one, other), (other, one))]
        first, second = (_NOWHERE if place is None else place for place in places)
        return first <= second
