"""Asks a policy for its replies to rendered steps, many in flight, which `train.judge.scores` then judges."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from r1router.drive.in_flight import map_in_flight
from r1router.drive.many import IN_FLIGHT
from r1router.errors import R1RouterError
from r1router.train.steps.render import RenderedStep
from r1router.types import Policy

log = logging.getLogger(__name__)


async def evaluate(
    rows: Sequence[RenderedStep],
    policy: Policy,
    *,
    concurrency: int = IN_FLIGHT,
    tell: Callable[[int, int], None] | None = None,
) -> list[str]:
    """The policy's greedy reply to each row, in their order; `tell` hears how many of how many are there.

    A row that the policy fails on (its prompt too long, say) has the reply "", which counts as malformed, and is
    logged. Raises what it failed with where it fails on all of them.
    """
    failures: list[R1RouterError] = []

    async def reply(row: RenderedStep) -> str:
        try:
            return (await policy.reply(row.ask)).text
        except R1RouterError as error:
            log.warning("no reply to the step %s: %s", row.step.id, error)
            failures.append(error)
            return ""

    replies = [""] * len(rows)
    async for place, text in map_in_flight(reply, rows, in_flight=concurrency, tell=tell):
        replies[place] = text
    if rows and len(failures) == len(rows):
        raise failures[-1]
    return replies
