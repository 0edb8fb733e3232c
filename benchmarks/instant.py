"""A policy that answers at once: one sub-question to the first knowledge base, then enough. For load and fuzz runs.

r1router serve --policy benchmarks.instant:Instant      (with the root of the repository on PYTHONPATH)
"""

from __future__ import annotations

from r1router.policies.scripted import Scripted
from r1router.types import Ask, Reply


def talk(ask: Ask) -> str:
    if ask.purpose != "plan":
        return "<think>the first piece says it</think>\n<answer>Oslo</answer>"
    if "nothing yet" not in ask.messages[-1].content or not ask.labels:
        return "<think>that is it</think>\n<sub-question>None</sub-question>\n<ret>None</ret>"
    return f"<think>look it up</think>\n<sub-question>capital of Norway</sub-question>\n<ret>{ask.labels[0]}</ret>"


class Instant(Scripted):
    def __init__(self) -> None:
        super().__init__(talk)

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        """As ever, but nothing is remembered, since a load run asks for hours."""
        reply = await super().reply(ask, temperature=temperature, seed=seed)
        self.asks.clear()
        return reply
