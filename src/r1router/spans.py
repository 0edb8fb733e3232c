"""Writes a grammar whose texts are spans of the evidence, because a small model that may only copy garbles no name.

For each word of the evidence there is one rule: this word, or this word and the rule of the next. So the grammar is
linear in the evidence, and an answer may begin at any word and end after any. Words of scripts without spaces are
their characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from r1router.parse import UNKNOWN, write_gbnf_literal

WORDS = 600
"""So many words of the shown evidence may an answer begin at; with more, llama.cpp's grammar gets slow."""
ALONE = ("yes", "no", UNKNOWN)
"""Answers that stand in no evidence."""

_LETTERS = r"[^\W\u3040-\u30ff\u3400-\u9fff]+"  # no characters of scripts without spaces
_PIECE = re.compile(rf"{_LETTERS}(?:[-.,:'’/@&+°%]{_LETTERS})*%?|\S")
_LINE_END = re.compile(r"[\n\r<]")  # what could open a tag ends a span too
_OPENS = frozenset("([{«„“‚‘\"'€$£#+-−")


def find_words(text: str) -> list[re.Match[str]]:
    """Where an answer may begin and end: each word with what belongs to it, each letter of an unspaced script."""
    return list(_PIECE.finditer(text))


def drop_unknown(grammar: str) -> str:
    """A span grammar without "unknown" among its answers."""
    return grammar.replace(f" | {write_gbnf_literal(UNKNOWN)}", "", 1)


def write_span_grammar(name: str, texts: Sequence[str], *, alone: Sequence[str] = ALONE) -> str:
    """GBNF rules for spans of one line of `texts`, or one of `alone`, or several spans with ", " between them.

    The first rule is called `name`; the others begin with it. Empty where there is nothing to copy and nothing alone.
    """
    rules: list[str] = []
    starts: list[str] = []
    left = WORDS
    for line in (line for text in texts for line in _LINE_END.split(text)):
        pieces = list(_PIECE.finditer(line))[:left]
        left -= len(pieces)
        for place, found in enumerate(pieces):
            rule, word = f"{name}-{len(rules)}", found[0]
            body = write_gbnf_literal(word)
            if place + 1 < len(pieces):
                between = line[found.end() : pieces[place + 1].start()]
                body += f" ({write_gbnf_literal(between)} {name}-{len(rules) + 1})?"
            rules.append(f"{rule} ::= {body}")
            if word[0].isalnum() or word[0] in _OPENS:
                starts.append(rule)
    options = [*map(write_gbnf_literal, alone)] + ([f"{name}-spans"] if starts else [])
    if not options:
        return ""
    head = [f"{name} ::= {' | '.join(options)}"]
    if starts:
        head.append(f'{name}-spans ::= {name}-span (", " {name}-span){{0,5}}')
        head.append(f"{name}-span ::= {' | '.join(starts)}")
    return "\n".join(head + rules) + "\n"
