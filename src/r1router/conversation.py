"""Puts earlier turns in front of a question, because a follow-up such as "and its capital?" means nothing alone."""

from __future__ import annotations

from collections.abc import Sequence

TURNS = 6
"""Earlier messages that are kept."""
TURN_CHARS = 500
"""Of each."""


def write_follow_up(turns: Sequence[tuple[str, str]], question: str) -> str:
    """The question with the last (role, words) of the conversation as a short transcript before it."""
    told = [(role, words) for role, words in turns if words.strip()][-TURNS:]
    if not told or not question.strip():
        return question
    lines = "\n".join(f"{role}: {_shorten(words)}" for role, words in told)
    return f"Earlier in this conversation:\n{lines}\n\nThe question: {question}"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TURN_CHARS else line[: TURN_CHARS - 1] + "…"
