"""The weights of `train_query_reranker.py` to the int8 file that ships in `src/r1router/assets/query_reranker`.

    pip install onnx==1.23.2
    python recipes/router/build_query_reranker.py WEIGHTS.safetensors … [--to FILE.onnx]      of several the mean

Made as `build_extractor.py` makes the extractor's file, with questions beside queries of tables in `asked/` to see what
the activations are like.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from build_extractor import OBSERVED, attend_everywhere, average_weights, write_int8
from build_minilm import Array, Graph, Linear, layers
from fit_likely import mark, read_asked

from r1router.onnx_session import ASSETS
from r1router.pair_tokenizer import open_pair_tokenizer
from r1router.tables.query_marks import read_mark_weights
from r1router.tables.rerank import TOKENS, write_out

OUTPUT = ("scores", "texts", 1)


def network(weights: Mapping[str, Array], linear: Linear) -> Graph:
    """Embedding, six layers, mean over the tokens, one number."""
    g = Graph()
    attend_everywhere(g)
    x = layers(g, weights, linear, positions=TOKENS, two_texts=True)
    g.add("ReduceMean", [x, g.const("second", np.array([1]))], "mean", keepdims=0)
    product = g.add("MatMul", ["mean", g.const("head.weight", weights["head.weight"].T)], "product")
    g.add("Add", [product, g.const("head.bias", weights["head.bias"])], "scores")
    return g


def make_feeds(most: int, rng: random.Random) -> Iterator[dict[str, Array]]:
    tokenizer, weights = open_pair_tokenizer(TOKENS), read_mark_weights()
    cases = list(read_asked(1, rng, 0.1))
    for case in rng.sample(cases, min(most, len(cases))):
        for query, _ in mark(case, weights)[:1]:
            encoding = tokenizer.encode(case.question, write_out(query.sql, query.answer, case.block.title))
            yield {
                "input_ids": np.array([encoding.ids], np.int32),
                "token_type_ids": np.array([encoding.type_ids], np.int32),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--to", type=Path, default=ASSETS / "query_reranker" / "model.onnx")
    given = parser.parse_args()
    given.to.parent.mkdir(parents=True, exist_ok=True)
    feeds = list(make_feeds(3 * OBSERVED, random.Random(0)))
    write_int8(network, average_weights(given.weights), feeds, OUTPUT, given.to)


if __name__ == "__main__":
    main()
