"""The engine's own cost: an instant policy and a knowledge base in memory, so that all the time is ours.

    python benchmarks/overhead.py

Prints, for 1, 16 and 64 questions in flight, milliseconds of CPU and of wall time a step. A step is a plan, a search
and a reading of the evidence: two rendered prompts, two parsed replies, five pieces of evidence. The default method
also looks before it plans, which is a second search; the paper's does not. On a busy machine only CPU time tells.
"""

from __future__ import annotations

import statistics
import time

import r1router as rr
from r1router.types import Ask, Reply

METHODS = {
    "as in the paper": "r1_router?look=false&min_confidence=0&search_all_below=0&verify=false&tables=read",
    "default": "r1_router",
}
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
    print(f"medians of {REPEATS} runs of {QUESTIONS} questions of {STEPS} steps, milliseconds a step")
    print(f"{'method':<16}  {'in flight':>9}  {'CPU':>6}  {'wall':>6}")
    for name, method in METHODS.items():
        for in_flight in (1, 16, 64):
            cpu, wall = [], []
            for _ in range(REPEATS):
                began, worked = time.perf_counter(), time.process_time()
                for _, path in rr.ask_many(
                    [f"Question {n}?" for n in range(QUESTIONS)],
                    kbs=kbs,
                    policy=policy,
                    method=method,
                    max_steps=STEPS,
                    in_flight=in_flight,
                ):
                    assert len(path.steps) == STEPS, path
                wall.append(time.perf_counter() - began)
                cpu.append(time.process_time() - worked)
            each = [1000 * statistics.median(seconds) / (QUESTIONS * STEPS) for seconds in (cpu, wall)]
            print(f"{name:<16}  {in_flight:>9}  {each[0]:>6.3f}  {each[1]:>6.3f}")


if __name__ == "__main__":
    main()
