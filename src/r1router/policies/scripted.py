"""Gives replies that were written down beforehand, for tests, examples and documentation; no model is run.

A file has one JSON value a line: the reply itself, or an object

    {"reply": "<answer>Paris</answer>"}                    the next reply, used once, in the order of the file
    {"when": "capital of France", "reply": "…"}            whenever the last message holds these words
    {"reply": "ab", "tokens": [{"text": "a", "logprob": -0.1, "top": [["a", -0.1], ["x", -2.4]]}, …]}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from r1router.errors import InputError, PolicyError
from r1router.types import Ask, Policy, Reply, Token

Row = str | Reply | Mapping[str, Any]
_WORD = re.compile(r"(?:(?<=\S)|\A)\s*+\S++")


def open_(target: str) -> Policy:
    """`scripted:FILE`. Raises `InputError` where the file is missing or a line is not as described above."""
    file = Path(target).expanduser()
    if not target or not file.is_file():
        raise InputError(f"scripted: takes a file of replies, one JSON value a line; there is none at {target!r}")
    rows: list[Row] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
                _row(rows[-1])
            except (ValueError, InputError) as error:
                raise InputError(f"{file}, line {number}: {error}") from error
    return Scripted(rows)


class Scripted:
    """Says what it was given: a list of rows as in a file (texts, dicts, `Reply`s), or a function of the `Ask`.

    >>> import asyncio
    >>> from r1router.types import Message
    >>> policy = Scripted(["<answer>Paris</answer>"])
    >>> asyncio.run(policy.reply(Ask((Message("user", "Capital of France?"),), "final"))).text
    '<answer>Paris</answer>'
    """

    def __init__(self, replies: Iterable[Row] | Callable[[Ask], str | Reply], *, prompts: Path | None = None) -> None:
        self.spec = "scripted:"
        self.prompts = prompts
        self.asks: list[Ask] = []
        """Every request so far, in order: what a model would have seen."""
        self._function = replies if callable(replies) else None
        rows = [] if callable(replies) else [_row(row) for row in replies]
        self._keyed = [(when, reply) for when, reply in rows if when]
        self._in_order = [reply for when, reply in rows if not when]
        self._given = 0

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        """The first row whose `when` is in the last message, else the next one in order; words count as tokens."""
        self.asks.append(ask)
        said = self._function(ask) if self._function else self._next(ask)
        reply = said if isinstance(said, Reply) else Reply(said)
        return _counted(reply, ask)

    def _next(self, ask: Ask) -> Reply:
        last = ask.messages[-1].content if ask.messages else ""
        for when, reply in self._keyed:
            if when in last:
                return reply
        if self._given == len(self._in_order):
            raise PolicyError(
                f"{self.spec} has no reply left: {len(self._in_order)} in order, all given, and {len(self._keyed)} "
                f"for certain words, of which none is in the last message, which ends: …{last[-200:]!r}"
            )
        self._given += 1
        return self._in_order[self._given - 1]

    async def close(self) -> None:
        """Nothing to free."""


def _row(row: Row) -> tuple[str, Reply]:
    """(words that it waits for or "", reply). Raises `InputError`."""
    if isinstance(row, Reply):
        return "", row
    if isinstance(row, str):
        return "", Reply(row)
    if not isinstance(row, Mapping) or not isinstance(row.get("reply"), str):
        raise InputError(f'a row is a text or an object with a "reply", not {row!r}')
    if unknown := row.keys() - {"reply", "when", "tokens"}:
        raise InputError(f"a row has reply, when and tokens, not {', '.join(sorted(unknown))}")
    try:
        tokens = tuple(
            Token(t["text"], t["logprob"], tuple((text, logprob) for text, logprob in t.get("top", ())))
            for t in row.get("tokens", ())
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError('each of "tokens" is {"text": …, "logprob": …, "top": [[text, logprob], …]}') from error
    if tokens and "".join(t.text for t in tokens) != row["reply"]:
        raise InputError(f"the tokens' texts do not add up to the reply {row['reply']!r}")
    return row.get("when", ""), Reply(row["reply"], tokens)


def _counted(reply: Reply, ask: Ask) -> Reply:
    """The reply with its size, cut at `max_tokens` words as a model's is cut at tokens."""
    words = [m.end() for m in _WORD.finditer(reply.text)]
    truncated = len(words) > ask.max_tokens
    return Reply(
        text=reply.text[: words[ask.max_tokens - 1]] if truncated else reply.text,
        tokens=() if truncated else reply.tokens,
        prompt_tokens=reply.prompt_tokens or sum(len(m.content.split()) for m in ask.messages),
        completion_tokens=min(reply.completion_tokens or len(words), ask.max_tokens),
        truncated=truncated or reply.truncated,
    )
