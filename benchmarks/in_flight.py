"""Many questions in flight against one at a time: the same questions, policy and knowledge bases, in the same run.

    python benchmarks/in_flight.py QUESTIONS --kbs DIR [--policy llamacpp:] [--limit 16] [--in-flight 4]

Prints seconds for both and their ratio, the two taken in turn so that a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import time

import r1router as rr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--kbs", default="kbs")
    parser.add_argument("--policy", default="llamacpp:")
    parser.add_argument("--method", default="vanilla_rag")
    parser.add_argument("--limit", type=int, default=16)
    parser.add_argument("--in-flight", type=int, default=4)
    given = parser.parse_args()
    questions = [example.question for example in rr.load_examples(given.dataset, limit=given.limit, seed=0)]
    kbs, policy = rr.open_kbs(given.kbs), rr.open_policy(given.policy)
    spent = {1: 0.0, given.in_flight: 0.0}
    half = len(questions) // 2
    for turn, part in enumerate((questions[:half], questions[half:])):
        for in_flight in sorted(spent, reverse=bool(turn)):
            began = time.perf_counter()
            for _ in rr.ask_many(part, kbs=kbs, policy=policy, method=given.method, in_flight=in_flight):
                pass
            spent[in_flight] += time.perf_counter() - began
    for in_flight, seconds in spent.items():
        print(f"{in_flight:>3} in flight: {seconds:7.1f} s, {len(questions) / seconds:.2f} questions/s")
    print(f"ratio: {spent[1] / spent[given.in_flight]:.2f}")


if __name__ == "__main__":
    main()
