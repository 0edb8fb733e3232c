"""Tells whether a prediction declines to answer: 1 where it is empty or says a form of "I don't know".

*dataset:* all. *metric:* abstention rate. *pattern:* a short list of refusals, at the start or as the whole answer.
"""

from __future__ import annotations

import re

from r1router.evals.answers import read_prediction
from r1router.evals.metrics import exact_match
from r1router.types import Example, Trajectory


def abstention(trajectory: Trajectory, example: Example) -> float:
    """0 or 1. An accepted answer is never an abstention, even where it reads "unknown"."""
    said = read_prediction(trajectory)
    if example.answers and exact_match.score(said, example.answers):
        return 0.0
    return float(abstains(said))


_WHOLE = re.compile(
    r"(?:the )?(?:answer (?:is|was|remains) )?"
    r"(?:unknown|unclear|unanswerable|undetermined|none|no answer|noanswer|n a|no idea|not (?:known|available|given|"
    r"provided|specified|stated|mentioned|found|sure)|nothing|null|idk)"
)
_OPENING = re.compile(
    r"(?:sorry )?(?:i |we )?(?:do not|don t|did not|cannot|can t|could not|couldn t|(?:am |was |were )?unable to)"
    r" (?:really )?(?:know|tell|say|determine|answer|find|identify|be (?:determined|answered|found|identified))\b"
    r"|(?:sorry )?(?:i am|i m) (?:not (?:sure|certain|able)|unable)\b"
    r"|(?:there (?:is|was|are) )?(?:not enough|insufficient|no (?:relevant |available |specific )?) ?"
    r"(?:information|evidence|data|context)\b"
    r"|(?:the |this |that )?(?:\w+ ){0,6}(?:cannot|can not|could not|can t) be "
    r"(?:determined|answered|found|identified)\b"
    r"|(?:the |this )?(?:provided |given |available |retrieved )?"
    r"(?:information|evidence|context|documents?|passages?|text|tables?)(?: provided| given| available)? "
    r"(?:does|do|did) not\b|(?:the |this )?(?:\w+ )?(?:context|evidence|text|passage) (?:doesn|didn) t\b"
)

_GUESS = re.compile(r"\b(?:maybe|perhaps|probably|possibly|likely|my (?:best )?guess)\b")


def abstains(text: str) -> bool:
    """Whether a text declines to answer."""
    said = " ".join(re.findall(r"\w+", text.lower()))
    declines = _WHOLE.fullmatch(said) or (_OPENING.match(said) and not _GUESS.search(said))
    return not said or bool(declines)
