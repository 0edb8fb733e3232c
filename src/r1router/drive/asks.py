"""Asks a policy for many replies, each to an ask of its own, because training judges single decisions and no walks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from r1router.drive.in_flight import Tell, map_in_flight
from r1router.drive.many import IN_FLIGHT
from r1router.errors import R1RouterError
from r1router.types import Ask, Policy, Reply

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One reply that is wanted."""

    ask: Ask
    name: str = ""
    """What the log calls it."""
    temperature: float = 0.0
    seed: int | None = None


async def ask_all(
    policy: Policy, wanted: Sequence[Wanted], *, in_flight: int = IN_FLIGHT, tell: Tell | None = None
) -> list[Reply]:
    """The replies in their order; `tell` hears how many of how many are there.

    A reply that the policy fails to give (its prompt too long, say) is "", which is malformed, and is logged. Raises
    what it failed with where it fails on all of them.
    """
    failures: list[R1RouterError] = []

    async def reply(one: Wanted) -> Reply:
        try:
            return await policy.reply(one.ask, temperature=one.temperature, seed=one.seed)
        except R1RouterError as error:
            log.warning("no reply to %s: %s", one.name or "an ask", error)
            failures.append(error)
            return Reply("")

    replies = [Reply("")] * len(wanted)
    async for place, said in map_in_flight(reply, wanted, in_flight=in_flight, tell=tell):
        replies[place] = said
    if wanted and len(failures) == len(wanted):
        raise failures[-1]
    return replies
