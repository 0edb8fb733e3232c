"""Prediction and accepted answers to a model's verdict on whether they say the same: LLM-as-judge, by any policy.

*dataset:* all, most use where answers are sentences. *metric:* accuracy by verdict. *pattern:* one request a row, at
temperature 0, whose reply is one word inside a tag.

It asks a model, so it is not a plain metric and takes part only when it is called. The verdict depends on the judge:
report which policy it was, and do not let a model judge itself.
"""

from __future__ import annotations

import re

from r1router.errors import ParseError
from r1router.evals.answers import prediction
from r1router.types import Ask, Example, Message, Policy, Reply, Shape, Tag, Trajectory

_SYSTEM = """You check answers. You are given a question, the answers that count as correct, and a candidate.
The candidate is correct if it clearly commits to what one of the correct answers says. Wording, length and units may
differ; extra true detail is fine. [a, b] accepts any number from a to b. It is incorrect if it names something else,
names several things of which only one is correct, only repeats the question, or declines to answer.
Reply with <verdict>correct</verdict> or <verdict>incorrect</verdict> and nothing else."""

_SHAPE = Shape(((Tag("verdict", choices=("correct", "incorrect")),),))


async def judge(trajectory: Trajectory, example: Example, policy: Policy, *, tries: int = 2) -> float | None:
    """1 or 0 by the policy's verdict; None where there is no accepted answer; an empty prediction is 0 unasked.

    Raises `PolicyError`, and `ParseError` where none of `tries` replies has a verdict.
    """
    said = prediction(trajectory).strip()
    if not example.answers:
        return None
    if not said:
        return 0.0
    request = ask_verdict(example, said)
    for attempt in range(tries):
        reply = await policy.reply(request, temperature=0.0 if attempt == 0 else 0.7, seed=attempt)
        try:
            return read_verdict(reply)
        except ParseError as error:
            last = error
    raise last


def ask_verdict(example: Example, said: str) -> Ask:
    """The request for one verdict."""
    accepted = "\n".join(f"- {answer}" for answer in example.answers)
    text = f"Question: {example.question.text}\nCorrect answers (any one):\n{accepted}\nCandidate: {said}"
    images = (example.question.image,) if example.question.image else ()
    return Ask((Message("system", _SYSTEM), Message("user", text, images)), "final", _SHAPE, max_tokens=32)


_VERDICT = re.compile(r"<\s*verdict\s*>\s*(in)?correct\b|^\W*(in)?correct\W*$", re.IGNORECASE)


def read_verdict(reply: Reply) -> float:
    """1 for correct, 0 for incorrect. Raises `ParseError` where the reply says neither."""
    found = _VERDICT.search(reply.text)
    if not found:
        raise ParseError("there is no <verdict>correct</verdict> or <verdict>incorrect</verdict>", reply.text)
    return 0.0 if found.group(1) or found.group(2) else 1.0
