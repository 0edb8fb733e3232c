"""What it costs to look into knowledge bases before a plan, beside the search that follows.

    python benchmarks/looks.py KBS QUESTIONS.jsonl [--questions 200]

KBS is a place for knowledge bases, QUESTIONS are JSON lines with a `question`. The policy plans and answers at once,
so that a step is its look, its search and our own work. One question at a time. Prints medians and the 95th
percentile in milliseconds, by the clock and of CPU.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

import r1router as rr
from r1router.types import Ask, Reply


class Instant:
    """Plans the question itself for the first knowledge base, answers it, and stops."""

    spec = "instant:"

    async def reply(self, ask: Ask, *, temperature: float = 0.0, seed: int | None = None) -> Reply:
        if ask.purpose != "plan":
            return Reply("<think>said</think>\n<answer>Oslo</answer>", (), 500, 20)
        asked = f"<sub-question>{ask.labels[0]} and what belongs to it</sub-question>\n<ret>{ask.labels[0]}</ret>"
        return Reply(f"<think>open</think>\n{asked}", (), 200, 30)

    async def close(self) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kbs")
    parser.add_argument("questions", type=Path)
    parser.add_argument("--questions", dest="count", type=int, default=200)
    given = parser.parse_args()
    kbs = rr.open_kbs(given.kbs)
    with given.questions.open(encoding="utf-8") as lines:
        questions = [json.loads(line)["question"] for line, _ in zip(lines, range(given.count + 10), strict=False)]
    print(f"{', '.join(f'{name} {len(kb):,}' for name, kb in kbs.items())}; {len(questions) - 10} questions")
    print(f"{'milliseconds':<12}{'p50':>8}{'p95':>8}")
    for name, method in (("with looks", "r1_router"), ("without", "r1_router?look=false")):
        told: dict[str, list[float]] = {"look": [], "search": [], "step": []}
        cpu = 0.0
        for number, question in enumerate(questions):
            began, worked = time.perf_counter(), time.process_time()
            path = rr.ask(question, kbs=kbs, policy=Instant(), method=method, max_steps=1)
            if number < 10:  # opens files, fills caches
                continue
            cpu += time.process_time() - worked
            told["step"].append(time.perf_counter() - began)
            for part in ("look", "search"):
                told[part].append(path.usage.seconds.get(part, 0.0))
        print(f"{name}, {1000 * cpu / len(told['step']):.1f} ms of CPU a question")
        for part, seconds in told.items():
            print(f"  {part:<10}{1000 * np.median(seconds):>8.1f}{1000 * np.quantile(seconds, 0.95):>8.1f}")


if __name__ == "__main__":
    main()
