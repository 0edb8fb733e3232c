"""The engine's own cost: an instant policy and a knowledge base in memory, so that all the time is ours.

    python benchmarks/overhead.py

Prints, for 1, 16 and 64 questions in flight, milliseconds a step and steps a second. A step is a plan, a
search and a reading of the evidence: two rendered prompts, two parsed replies, five pieces of evidence.
"""

from __future__ import annotations

import statistics
import time

import r1router as rr
from r1router.types import Ask, Reply

STEPS = 3
QUESTIONS = 300
REPEATS = 3


class Instant:
    """Plans a new sub-question each time and answers it, at once."""

    spec = "instant:"

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        if ask.purpose != "plan":
            return Reply("<think>the first piece says it</think>\n<answer>Oslo</answer>", (), 500, 20)
        step = ask.messages[-1].content.count(" -> ") + 1
        asked = f"<sub-question>What about part {step}?</sub-question>\n<ret>text</ret>"
        return Reply(f"<think>still open</think>\n{asked}", (), 200, 30)

    async def close(self) -> None:
        pass


def main() -> None:
    passage = "Oslo is the capital of Norway and lies at the end of a long fjord. " * 7
    entries = [rr.Evidence("text", str(n), f"{n} {passage}") for n in range(20)]
    kbs = {"text": rr.MemoryKnowledgeBase(rr.Card("text", "text", "Passages"), entries)}
    policy = Instant()
    print(f"median of {REPEATS} runs of {QUESTIONS} questions of {STEPS} steps")
    print(f"{'in flight':>9}  {'ms a step':>9}  {'steps/s':>8}")
    for in_flight in (1, 16, 64):
        seconds = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            for _, path in rr.ask_many(
                [f"Question {n}?" for n in range(QUESTIONS)],
                kbs=kbs,
                policy=policy,
                max_steps=STEPS,
                in_flight=in_flight,
            ):
                assert len(path.steps) == STEPS, path
            seconds.append(time.perf_counter() - began)
        took, steps = statistics.median(seconds), QUESTIONS * STEPS
        print(f"{in_flight:>9}  {1000 * took / steps:>9.3f}  {steps / took:>8.0f}")


if __name__ == "__main__":
    main()
