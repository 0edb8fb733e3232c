"""The weights of `train_extractor.py` to the int8 ONNX file that ships as `src/r1router/assets/router/extractor.onnx`.

    pip install onnx==1.23.2
    python recipes/router/build_extractor.py WEIGHTS.safetensors … [--source FOLDER] [--to FILE.onnx]

The mean of the files is taken; a file that is named twice counts twice. With `--to FILE.safetensors` that is all. The
ONNX file is made as `recipes/assets/build_minilm.py` makes the embedder's, with questions beside documents of
`readings/` to see what the activations are like.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[1] / "assets"))
from build_minilm import (
    Array,
    Graph,
    Linear,
    Words,
    in_eight_bits,
    in_float,
    in_four_bits,
    in_int8,
    layers,
    observe,
    open_session,
)  # fmt: skip
from made_folders import FOLDERS, fill, read_folders
from onnx import TensorProto

from r1router.onnx_session import ASSETS
from r1router.policies._extractor import FIXED, MAX_TOKENS, TOKENIZER, open_tokenizer

INPUTS, OUTPUT = ("input_ids", "token_type_ids"), ("logits", "texts", "tokens", 2)
Network = Callable[[Mapping[str, Array], Linear], Graph]
Feed = dict[str, Array]
OBSERVED = 60
"""Questions beside a document that the scales come from."""


def network(weights: Mapping[str, Array], linear: Linear, look_up: Words = in_eight_bits) -> Graph:
    """Embedding, the layers, two numbers for each token."""
    g = Graph()
    attend_everywhere(g)
    x = layers(g, weights, linear, positions=MAX_TOKENS, two_texts=True, look_up=look_up)
    product = g.add("MatMul", [x, g.const("head.weight", weights["head.weight"].T)], "product")
    g.add("Add", [product, g.const("head.bias", weights["head.bias"])], "logits")
    return g


def attend_everywhere(g: Graph) -> None:
    """A mask of ones: a text is read alone, without padding."""
    g.add("Equal", ["input_ids", "input_ids"], "everywhere")
    g.add("Cast", ["everywhere"], "attention_mask", to=TensorProto.INT32)


def make_feeds(tokenizer: Tokenizer, count: int, rng: random.Random) -> Iterator[dict[str, Array]]:
    made = [fill(lines, rng) for lines in read_folders(FOLDERS.parent / "readings")]
    for _ in range(count):
        folder = rng.choice(made)
        encoding = tokenizer.encode(rng.choice(folder.asked).question, FIXED + rng.choice(list(folder.texts.values())))
        yield {
            "input_ids": np.array([encoding.ids], np.int32),
            "token_type_ids": np.array([encoding.type_ids], np.int32),
        }


def write_int8(
    network: Network,
    weights: Mapping[str, Array],
    feeds: Sequence[Feed],
    output: Sequence[object],
    to: Path,
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """The network in 8 bits, its scales from what these inputs bring about; says how far from float32 it is."""
    inputs: dict[str, str] = {}
    options = {"inputs": INPUTS, "output": output}
    watched = network(weights, in_float(weights, inputs)).model(list(inputs.values()), **options)
    model = network(weights, in_int8(weights, observe(watched, inputs, feeds))).model([], metadata=metadata, **options)
    name = str(output[0])
    floats, ints = open_session(watched), open_session(model)
    apart = [np.abs(floats.run([name], fed)[0] - ints.run([name], fed)[0]).mean() for fed in feeds[:50]]
    to.write_bytes(model)
    print(f"{name} are {np.mean(apart):.3f} from float32 on average")
    print(f"{to}: {len(model) / 1e6:.1f} MB, sha256 {hashlib.sha256(model).hexdigest()}")


def average_weights(files: Sequence[Path]) -> dict[str, Array]:
    """The mean of the weights in these files, one named twice counted twice."""
    read = [load_file(file) for file in files]
    return {name: np.mean([weights[name] for weights in read], axis=0, dtype=np.float32) for name in read[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--source", type=Path, help="what `unpack_e5.py` wrote; all-MiniLM-L6-v2 without it")
    parser.add_argument("--to", type=Path, default=ASSETS / "router" / "extractor.onnx")
    given = parser.parse_args()
    weights = average_weights(given.weights)
    if given.to.suffix == ".safetensors":
        save_file(weights, given.to)
        return
    told = (given.source / "tokenizer.json").read_text(encoding="utf-8") if given.source else None
    feeds = list(make_feeds(open_tokenizer(told), OBSERVED, random.Random(0)))
    if told is None:
        write_int8(network, weights, feeds, OUTPUT, given.to)
    else:
        write_int8(partial(network, look_up=in_four_bits), weights, feeds, OUTPUT, given.to, {TOKENIZER: told})


if __name__ == "__main__":
    main()
