"""Makes a question of a conversation stand alone, because "and its capital?" means nothing by itself.

A policy rewrites it, where its prompt set says so. Else the question before is put in front of one that needs it, since
that names what the conversation is about: one that begins with "and", points back ("when was it built?") or is no
whole question ("Bergen?"). Another one is left as it is, since behind the question before a small model answers that
one again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from r1router.evidence.words import read_words
from r1router.types import Question, Turn

TURNS = 6
"""Earlier messages that are kept."""
TURN_CHARS = 500
"""Of each."""
FEW = 2
"""So many telling words may need the question before; of a question that begins with "and" twice as many."""
_AND = (
    *("and", "also", "or", "what about", "how about", "same for"),
    *("und", "oder", "auch", "was ist mit", "wie ist es mit"),
    *("et", "ou", "qu en est il"),
    *("y", "e", "o", "qué hay de", "qué pasa con"),
)
"""How a question goes on that leaves out what it shares with the one before."""
_POINTING = (
    "it its he him his she her hers they them their theirs that this these those one ones there same "
    "er ihn ihm sein seine seiner seinem seinen sie ihr ihre ihrer ihrem ihren es dieser diese dieses diesem diesen "
    "jener jene dort da davon dafür darin dazu damit daran dabei deren dessen "
    "il elle ils elles lui leur leurs son sa ses celui celle ceux celles cela ça là ci "
    "él ella ellos ellas su sus este esta ese esa eso esos esas aquel allí"
)
_ASKING = (
    "what who whom whose which when where why how "
    "was wer wen wem wessen welche welcher welches welchen welchem wann wo wohin woher warum weshalb wieso wie wieviel "
    "que qui quoi quel quelle quels quelles quand où pourquoi comment combien "
    "qué quién quiénes cuál cuáles cuándo dónde cómo cuánto cuánta cuántos cuántas"
)
"""With one of these and words that tell, a question is whole."""
_POINTING_WORDS, _ASKING_WORDS = frozenset(_POINTING.split()), frozenset(_ASKING.split())


def keep_last(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The last messages of a conversation that say something, each on one line and not too long."""
    told = [turn for turn in turns if turn.text.strip()]
    return tuple(replace(turn, text=_shorten(turn.text)) for turn in told[-TURNS:])


def put_in_full(question: Question, text: str) -> Question:
    """The question in these words, with the typed ones kept beside them."""
    return replace(question, text=text, typed=question.text)


def join_last_question(question: Question) -> str:
    """The question, with the user's message before it in front where it needs that."""
    before = next((turn.text for turn in reversed(question.turns) if turn.role == "user"), "")
    return f"{before} {question.text}" if before and _needs_more(question.text) else question.text


def _needs_more(text: str) -> bool:
    """Whether a question seems to say nothing without the one before; in English, German, French and Spanish.

    Right for 94 and 96 of 100 conversations made by `write_conversations.py`, the second of folders kept apart; by the
    number of telling words alone, for 81 and 83.

    >>> [_needs_more(text) for text in ("and its mayor?", "Since when?", "What is the fee for students?")]
    [True, True, False]
    """
    words = re.findall(r"[\w-]+", text.casefold())
    telling = len(set(read_words(text)))
    if len(words) <= 2:
        return True
    if telling <= 2 * FEW and " ".join(words).startswith(tuple(f"{lead} " for lead in _AND)):
        return True
    return telling <= FEW and (not _POINTING_WORDS.isdisjoint(words) or _ASKING_WORDS.isdisjoint(words))


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TURN_CHARS else line[: TURN_CHARS - 1] + "…"
