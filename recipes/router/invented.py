"""Names that nobody bears, for training data: what is read, asked for and passed on must be copied, not remembered."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

STARTS = [*"bdfghjklmnprstvz", "br", "ch", "dr", "gl", "kr", "pl", "sh", "st", "th", "tr", "qu", "sk", ""]
MIDDLES = [*"aeiou", "aa", "ai", "au", "ei", "ie", "oo", "ou", "á", "é", "ö", "ü"]
ENDS = [*"lmnrst", "", "", "", "", "nd", "rk", "ss", "th", "x", "ng"]


def word(rng: random.Random, syllables: int = 0) -> str:
    """A word such as "Kroumelan"; of two or three syllables where their number is not given."""
    made = ""
    for _ in range(syllables or rng.choice((2, 2, 3))):
        made += rng.choice(STARTS) + rng.choices(MIDDLES, [5] * 5 + [1] * (len(MIDDLES) - 5))[0]
    return (made + rng.choice(ENDS)).capitalize()


def name(kind: str, rng: random.Random) -> str:
    """A name of a `person`, `film`, `band` or another kind of thing; of an unknown kind one word."""
    match kind:
        case "person":
            return f"{word(rng, 2)} {word(rng)}"
        case "film" | "album":
            form = rng.choice(("The {} of {}", "{} {}", "{}", "A {} for {}", "{} and {} (film)"))
            return form.format(word(rng), word(rng))
        case "band" | "company" | "club":
            form = {"band": "The {}s", "company": "{} Works", "club": "FC {}"}[kind]
            return rng.choice((form, "{}", "{} " + word(rng, 2))).format(word(rng))
        case "building":
            return rng.choice(("{} Castle", "the {} Tower", "{} Bridge", "St. {}'s Church")).format(word(rng))
        case "statue":
            return rng.choice(("the {} Fisherman", "the Little {}", "the {} Lion", "the Old {}")).format(word(rng))
        case "thing":
            return rng.choice(("{} lamp", "{} clock", "folding {}", "{}")).format(word(rng).lower())
        case "games":
            return rng.choice(("{} Games of {}", "{} Games {}")).format(word(rng), rng.randrange(1880, 2024))
        case _:
            return word(rng)


def filled(text: str, words: dict[str, str], draw: Callable[[str], str]) -> str:
    """The text with `{film}` and `{film2}` drawn once each, from the same list; `words` keeps what they stand for."""

    def word(match: re.Match[str]) -> str:
        name = match[1]
        if name not in words:
            words[name] = draw(name.rstrip("0123456789"))
        return words[name]

    return re.sub(r"{(\w+)}", word, text)
