"""Items per second of the answer metrics on one core, on made-up questions of realistic shape.

    python benchmarks/metrics_speed.py [items]

Every item has its own question, prediction and accepted answers, so that caches help only as they do in a run.
The last two lines repeat F1-Recall on items that need the treebank rules for frequent words (apostrophes, colons),
which have a shortcut, and for rare ones, which go through NLTK.
"""

import random
import sys
import time

from r1router.evals.metrics import load_score

PLACES = ["Oslo", "Bergen", "Tromsø", "Lillehammer", "Stavanger", "Trondheim", "Drammen", "Bodø", "Molde", "Hamar"]
WORDS = ["the", "river", "of", "a", "town", "built", "by", "old", "king", "and", "its", "large", "northern", "harbour"]


def item(rng: random.Random, *, owner: str = "") -> tuple[str, list[str], str]:
    answer = rng.choice(
        [rng.choice(PLACES), f"{rng.randint(1, 99)},{rng.randint(100, 999)}", f"12 May {rng.randint(1800, 2020)}"]
    )
    sentence = " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, 24)))
    prediction = rng.choice(
        [answer, f"It is {answer}.", f"{sentence} {answer}, {rng.choice(PLACES)} {rng.random():.3f}"]
    )
    question = f"What is {rng.choice(PLACES)} {rng.random():.4f} known for?"
    answers = [owner + answer, f"{rng.choice(PLACES)} {rng.randint(1, 10**6)}"]
    if rng.random() < 0.1:
        answers = [f"[{(low := rng.uniform(1, 2000)):.1f}, {low * 1.2:.1f}]"]
    return owner + prediction, answers, question


def rate(name: str, items: list[tuple[str, list[str], str]]) -> float:
    score = load_score(name)
    assert score is not None
    start = time.process_time()
    for prediction, answers, question in items:
        score(prediction, answers, question=question)
    return len(items) / (time.process_time() - start)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rng = random.Random(0)
    items = [item(rng) for _ in range(count)]
    for name in ("f1_recall", "length_aware", "exact_match", "token_f1", "contains", "numeric", "yes_no"):
        print(f"{name:14} {rate(name, items):10,.0f} items per CPU-second")
    load_score("f1_recall")("'tis it", ["it"])  # importing the tokenizer is not part of the rate
    for kind, owner in (("frequent", "Anna’s and Bodø's harbour: "), ("rare", "rock’n’roll –")):
        harder = [item(rng, owner=owner) for _ in range(count // 4)]
        print(f"{'f1_recall':14} {rate('f1_recall', harder):10,.0f} items per CPU-second, {kind} treebank rules")


if __name__ == "__main__":
    main()
