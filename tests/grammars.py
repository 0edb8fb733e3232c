"""Draws texts from a grammar in GBNF as this package writes it: literals, names, groups, alternatives, repetitions."""

from __future__ import annotations

import random
import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\w-]+|\{\d+,\d+\}|[()|?]')


def draw(grammar: str, chance: random.Random, rule: str = "") -> str:
    """A text of the rule, the first one where none is named."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines() if line)
    return _Drawing({name: _TOKEN.findall(body) for name, body in rules.items()}, chance).rule(
        rule or next(iter(rules))
    )


class _Drawing:
    def __init__(self, rules: dict[str, list[str]], chance: random.Random) -> None:
        self._rules, self._chance = rules, chance

    def rule(self, name: str) -> str:
        text, rest = self._choice(self._rules[name])
        assert not rest, f"{name} does not end: {rest}"
        return text

    def _choice(self, tokens: list[str]) -> tuple[str, list[str]]:
        """One of the alternatives up to a closing bracket or the end, and what follows."""
        texts = []
        while True:
            text, tokens = self._sequence(tokens)
            texts.append(text)
            if not tokens or tokens[0] == ")":
                return self._chance.choice(texts), tokens
            tokens = tokens[1:]

    def _sequence(self, tokens: list[str]) -> tuple[str, list[str]]:
        made = ""
        while tokens and tokens[0] not in "|)":
            before = tokens
            text, tokens = self._item(before)
            low, high = 1, 1
            if tokens and tokens[0] == "?":
                low, tokens = 0, tokens[1:]
            elif tokens and tokens[0][0] == "{":
                low, high = map(int, tokens[0][1:-1].split(","))
                tokens = tokens[1:]
            times = self._chance.randint(low, high)
            made += "".join([text, *(self._item(before)[0] for _ in range(times - 1))]) if times else ""
        return made, tokens

    def _item(self, tokens: list[str]) -> tuple[str, list[str]]:
        first, rest = tokens[0], tokens[1:]
        if first == "(":
            text, rest = self._choice(rest)
            assert rest[0] == ")"
            return text, rest[1:]
        if first[0] == '"':
            return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), first[1:-1]), rest
        return self.rule(first), rest
