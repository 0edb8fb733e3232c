"""Judges by any policy whether a prediction says what an accepted answer says, because sentences differ in their words.

*dataset:* all, most use where answers are sentences. *metric:* accuracy by verdict. *pattern:* one request a row, at
temperature 0, whose reply is one word inside a tag.

It asks a model, so it is not a plain metric and takes part only when it is called. The verdict depends on the judge:
report which policy it was, and do not let a model judge itself.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable

from r1router.drive.flow import Served, measure_time
from r1router.drive.in_flight import map_in_flight
from r1router.drive.record import Recording
from r1router.errors import ParseError
from r1router.evals.answers import read_prediction
from r1router.evals.metrics import Metric
from r1router.evals.run import RunLine
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
    said = read_prediction(trajectory).strip()
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


async def judge_rows(
    rows: Iterable[RunLine],
    *,
    policy: Policy,
    record: Recording,
    in_flight: int = 16,
    tell: Callable[[int, int], None] | None = None,
) -> Metric:
    """The metric that says the policy's verdict on each of these rows. Raises what `judge` raises.

    Each different answer is judged once, and its verdict is kept in `record`.
    """
    todo = {_key(row.trajectory, row.example): row for row in rows}
    judging = _Recorded(policy, record)

    def work(row: RunLine) -> Awaitable[float | None]:
        return judge(row.trajectory, row.example, judging)

    judged = map_in_flight(work, list(todo.values()), in_flight=in_flight, tell=tell)
    keys = list(todo)
    verdicts = {keys[place]: verdict async for place, verdict in judged}
    return lambda trajectory, example: verdicts[_key(trajectory, example)]


def _key(trajectory: Trajectory, example: Example) -> tuple[str, str]:
    return example.id, read_prediction(trajectory)


class _Recorded:
    """A policy whose replies at temperature 0 are kept; a record is for those."""

    def __init__(self, policy: Policy, record: Recording) -> None:
        self.spec, self.prompts, self._policy = policy.spec, None, policy  # a judge has prompts of its own

        def reply(ask: Ask) -> Awaitable[Served[Reply]]:
            return measure_time(policy.reply(ask))

        self._answer = record.keep(Ask, reply)

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        if temperature:
            return await self._policy.reply(ask, temperature=temperature, seed=seed)
        reply: Reply = (await self._answer(ask)).result
        return reply

    async def close(self) -> None:
        await self._policy.close()
