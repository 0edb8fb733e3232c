"""Asks a policy for its replies to rendered steps, many in flight, which `train.judge.scores` then judges."""

from __future__ import annotations

from collections.abc import Sequence

from r1router.drive.asks import Wanted, ask_all
from r1router.drive.in_flight import Tell
from r1router.drive.many import IN_FLIGHT
from r1router.train.steps.render import RenderedStep
from r1router.types import Policy


async def evaluate(
    rows: Sequence[RenderedStep], policy: Policy, *, concurrency: int = IN_FLIGHT, tell: Tell | None = None
) -> list[str]:
    """The policy's greedy reply to each row, in their order; otherwise as `drive.asks.ask_all`."""
    wanted = [Wanted(row.ask, f"the step {row.step.id}") for row in rows]
    return [reply.text for reply in await ask_all(policy, wanted, in_flight=concurrency, tell=tell)]
