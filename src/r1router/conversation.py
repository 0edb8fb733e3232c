"""Makes a question of a conversation stand alone, because "and its capital?" means nothing by itself.

A policy rewrites it, where its prompt set says so. Else a question of few telling words gets those of the question
before in front: they name what the conversation is about. One of more words is left as it is, since in front of a
question about something new the words before would find what is asked no longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from r1router.evidence.words import read_words
from r1router.types import Question, Turn

TURNS = 6
"""Earlier messages that are kept."""
TURN_CHARS = 500
"""Of each."""
FEW = 2
"""So many telling words make no question. Chosen on made conversations of 12 kinds of folders
(`write_conversations.py`) by how often the best hit is that of the question in full."""


def keep_last(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The last messages of a conversation that say something, each on one line and not too long."""
    told = [turn for turn in turns if turn.text.strip()]
    return tuple(replace(turn, text=_shorten(turn.text)) for turn in told[-TURNS:])


def put_in_full(question: Question, text: str) -> Question:
    """The question in these words, with the typed ones kept beside them."""
    return replace(question, text=text, typed=question.text)


def join_last_question(question: Question) -> str:
    """The question, where it has few telling words with the user's message before it in front."""
    before = next((turn.text for turn in reversed(question.turns) if turn.role == "user"), "")
    if not before or len(set(read_words(question.text))) > FEW:
        return question.text
    return f"{before} {question.text}"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TURN_CHARS else line[: TURN_CHARS - 1] + "…"
