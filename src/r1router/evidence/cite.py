"""Finds the evidence that a final answer rests on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from r1router.types import Evidence, Step

_MARK = re.compile(r"\[(\d{1,2})\]")


def cite(steps: Sequence[Step], answer: str) -> tuple[Evidence, ...]:
    """The sources of an answer, last step first, since the last step usually holds the answer itself.

    Of every step: the pieces that its answer (or the final one) cites as [1], [2], …; else the first piece that
    contains the step's answer or the final answer, as words; else its best-ranked piece.
    """
    cited: dict[tuple[str, str], Evidence] = {}
    for step in reversed(steps):
        for evidence in _of_step(step, answer):
            cited.setdefault((evidence.kb, evidence.id), evidence)
    return tuple(cited.values())


def _of_step(step: Step, answer: str) -> list[Evidence]:
    numbers = [int(n) for n in _MARK.findall(f"{step.answer_thought} {step.answer}")]
    marked = [step.evidence[n - 1] for n in numbers if 1 <= n <= len(step.evidence)]
    if marked:
        return marked
    for words in (step.answer, answer):
        for evidence in step.evidence:
            if _contains(evidence.text, words):
                return [evidence]
    return list(step.evidence[:1])


def _contains(text: str, words: str) -> bool:
    said = words.strip(" .").casefold()
    return bool(said) and re.search(rf"(?<!\w){re.escape(said)}(?!\w)", text.casefold()) is not None
