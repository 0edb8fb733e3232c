"""Rows and a judging policy to a metric `judge`: each different answer judged once, its verdict kept in a record."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from r1router.drive.flow import Served, timed
from r1router.drive.in_flight import map_in_flight
from r1router.drive.record import Record
from r1router.evals.answers import prediction
from r1router.evals.judge import judge
from r1router.evals.metrics import Metric
from r1router.evals.run import Row
from r1router.types import Ask, Example, Policy, Reply, Trajectory


def record_path(run: str | Path, what: str, policy: str) -> Path:
    """Where beside a run's files the replies of a policy to questions about the run are kept, by its spec."""
    return Path(run) / f"{what}-{hashlib.sha256(policy.encode()).hexdigest()[:8]}.record.jsonl"


async def judge_rows(
    rows: Iterable[Row],
    *,
    policy: Policy,
    record: Record,
    in_flight: int = 16,
    tell: Callable[[int, int], None] | None = None,
) -> Metric:
    """The metric that says the policy's verdict on each of these rows. Raises what `judge` raises."""
    todo = {_key(row.trajectory, row.example): row for row in rows}
    judging = _Recorded(policy, record)

    def work(row: Row) -> Awaitable[float | None]:
        return judge(row.trajectory, row.example, judging)

    judged = map_in_flight(work, list(todo.values()), in_flight=in_flight, tell=tell)
    keys = list(todo)
    verdicts = {keys[place]: verdict async for place, verdict in judged}
    return lambda trajectory, example: verdicts[_key(trajectory, example)]


def _key(trajectory: Trajectory, example: Example) -> tuple[str, str]:
    return example.id, prediction(trajectory)


class _Recorded:
    """A policy whose replies at temperature 0 are kept; a record is for those."""

    def __init__(self, policy: Policy, record: Record) -> None:
        self.spec, self.prompts, self._policy = policy.spec, None, policy  # a judge has prompts of its own

        def reply(ask: Ask) -> Awaitable[Served[Reply]]:
            return timed(policy.reply(ask))

        self._answer = record.keep(Ask, reply)

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        if temperature:
            return await self._policy.reply(ask, temperature=temperature, seed=seed)
        reply: Reply = (await self._answer(ask)).result
        return reply

    async def close(self) -> None:
        await self._policy.close()
