"""Describes what each knowledge base would bring for a question, because a look is cheap and a wrong route is not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from r1router.evidence.words import measure_share, read_words, tell_language
from r1router.types import Evidence, Sight, Step

LOOK = 3
"""Entries of each knowledge base that a look sees."""
LESS = 0.2
"""So much less similar is what a sub-question would bring that has lost what was asked. Of 160 first sub-questions that
were written for questions of several hops, none is so far from its question's entries; 12 are by half of it."""
Read = Callable[[str], list[str]]
"""The telling words of a text, in the language of the question."""
LINE = 90
"""Characters of a line that is shown."""


def describe_sights(
    question: str, found: Mapping[str, Sequence[Evidence]], known: Collection[tuple[str, str]] = ()
) -> tuple[Sight, ...]:
    """One sight for each knowledge base, in their order. `found`: its best entries for the question, by its name;
    `known`: what earlier steps have found, as `name_records` tells it."""
    language = tell_language(question)
    read = partial(read_words, language=language)
    asked = frozenset(read(question))
    return tuple(_see_one(name, asked, read, ranking, known) for name, ranking in found.items())


def bring_less(sights: Iterable[Sight], than: Iterable[Sight]) -> bool:
    """Whether the nearest entry of all is much further away (`LESS`) for one look than for another."""
    near, nearer = (max((sight.similarity for sight in seen), default=0.0) for seen in (sights, than))
    return near < nearer - LESS


def name_records(steps: Iterable[Step]) -> frozenset[tuple[str, str]]:
    """The records that these steps have found, each by its knowledge base and its id."""
    return frozenset((item.kb, item.record or item.id) for step in steps for item in step.evidence)


def _see_one(
    name: str, asked: frozenset[str], read: Read, ranking: Sequence[Evidence], known: Collection[tuple[str, str]]
) -> Sight:
    if not ranking:
        return Sight(name)
    similarity = max(item.similarity or 0.0 for item in ranking)
    held = {word for item in ranking for word in read(f"{item.title}\n{item.text}")}
    matched = measure_share(asked, held)
    best = max(ranking, key=lambda item: item.similarity or 0.0)
    again = (name, best.record or best.id) in known
    return Sight(name, _telling_line(best, asked, read), round(similarity, 3), round(matched, 2), again)


def _telling_line(item: Evidence, asked: frozenset[str], read: Read) -> str:
    """The title, and the line with most of the words asked for, cut around the first of them."""
    title = item.title.strip()
    lines = [line for line in item.text.splitlines() if line.strip() and line.strip() != title]
    best = max(lines, key=lambda line: len(asked & set(read(line))), default="")
    if not title or not best:
        return _cut(best or title, asked, read, LINE)
    shown = title[: LINE // 2]
    return f"{shown}: {_cut(best, asked, read, LINE - len(shown) - 2)}"


def _cut(line: str, asked: frozenset[str], read: Read, chars: int) -> str:
    """At most so many characters of the line, words whole, the first word asked for among them."""
    line = " ".join(line.split())
    if len(line) <= chars:
        return line
    said = line.split(" ")
    place = next((n for n, word in enumerate(said) if asked & set(read(word))), 0)
    begin = max(0, place - 4)
    kept = " ".join(said[begin:])[: chars - 1]
    return ("…" if begin else "") + (kept.rsplit(" ", 1)[0] if " " in kept else kept)
