"""Tells which side a prediction takes, yes or no, and scores it on yes/no questions.

*dataset:* TabFact, WebQA, 2WikiMultiHopQA, any row whose accepted answers say yes or no. *metric:* accuracy.
*pattern:* one side or none; a prediction that says both takes none, so "yes no" is always wrong. German, French and
Spanish are read too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from r1router.evals.answers import judge_answer
from r1router.types import Example, Trajectory


def yes_no(trajectory: Trajectory, example: Example) -> float | None:
    return judge_answer(score, trajectory, example)


def score(prediction: str, answers: Sequence[str], *, question: str = "") -> float | None:
    """0 or 1; None where no accepted answer is a yes or a no."""
    sides = {side for answer in answers if (side := read_asked_side(answer)) is not None}
    return float(read_stance(prediction, question) in sides) if sides else None


_SAID = {"yes": True, "ja": True, "oui": True, "sí": True, "si": True, "no": False, "nein": False, "non": False}
SIDES = {**_SAID, "true": True, "false": False}
"""Words that take a side where they are the whole answer, in English, German, French and Spanish."""
_SIDE = re.compile(rf"[\W_]*(?:({'|'.join(SIDES)})[\W_]*\Z|({'|'.join(_SAID)})\s*,)", re.IGNORECASE)


def read_asked_side(answer: str) -> bool | None:
    """True for an accepted answer that is a yes or begins "Yes, …", False for a no, None for every other."""
    found = _SIDE.match(answer)
    return SIDES[(found.group(1) or found.group(2)).lower()] if found else None


_WORD = re.compile(r"[\w']+|[.,;:!?/()\n-]")
_YES = frozenset(("yes", "yeah", "yep", "ja", "oui", "sí"))
_NO = frozenset(("no", "nope", "nein", "non"))
_VERDICTS = {word: True for word in ("true", "correct", "right", "accurate", "entailed", "supported")} | {
    word: False for word in ("false", "incorrect", "wrong", "untrue", "inaccurate", "refuted", "unsupported")
}
_NEGATIONS = frozenset(("not", "isn't", "wasn't", "aren't", "never", "cannot", "can't"))
_LINKS = frozenset(("and", "or", "but", "either", "maybe", "perhaps"))


def read_stance(text: str, question: str = "") -> bool | None:
    """True where a text says yes, False where it says no, None where it says neither, or both.

    "No" counts where it stands for itself (first of all, alone in its clause, or next to a yes), not before a noun:
    "Yes, there is no doubt" says yes. Without a yes or a no, a verdict does: "the claim is not true"; not one that the
    question holds in the same phrase, so that repeating "is it true that …" takes no side.
    """
    found = _words(text)
    asked = f" {' '.join(_words(question))} "
    said = {True for word in found if word in _YES}
    said |= {False for at, word in enumerate(found) if word in _NO and _stands_alone(found, at)}
    if not said:
        said = {
            _VERDICTS[word] != any(before in _NEGATIONS for before in found[max(0, at - 3) : at])
            for at, word in enumerate(found)
            if word in _VERDICTS and (at < 2 or f" {' '.join(found[at - 2 : at + 1])} " not in asked)
        }
    return said.pop() if len(said) == 1 else None


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", text).lower().replace("’", "'"))


def _stands_alone(found: list[str], at: int) -> bool:
    before = found[at - 1] if at else ""
    after = found[at + 1] if at + 1 < len(found) else ""
    opens = not before or not before[0].isalnum() or before in _LINKS or before in _YES
    closes = not after or not after[0].isalnum() or after in _LINKS or after in _YES
    return at == 0 or before in _YES or after in _YES or (opens and closes)
