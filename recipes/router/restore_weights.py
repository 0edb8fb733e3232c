"""The int8 ONNX file of an encoder to the weights it was built from, because training goes on from what ships.

    python recipes/router/restore_weights.py FILE.onnx WEIGHTS.safetensors [--source FOLDER]

FILE.onnx is what `build_extractor.py` or `build_query_reranker.py` wrote; for an extractor FOLDER is what
`recipes/assets/unpack_e5.py` wrote. The weights are those of the file, so each is a rounding step from the trained one.
Positions that the file leaves out are the published ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from encoders import find_source
from onnx import numpy_helper
from safetensors.numpy import load_file, save_file

sys.path.insert(0, str(Path(__file__).parents[1] / "assets"))
from build_minilm import Array, count_layers

PARTS = ("query", "key", "value")
EMBEDDED = "embeddings."
NORMS = ("LayerNorm.weight", "LayerNorm.bias")


def restore(file: Path, published: dict[str, Array]) -> dict[str, Array]:
    """The weights by their names in training; those of `published` where the file has none."""
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(file).graph.initializer}
    places = published[f"{EMBEDDED}position_embeddings.weight"].copy()
    places[: len(held["positions"])] = held["positions"]
    restored = {
        f"{EMBEDDED}word_embeddings.weight": _restore_words(held["words"], held["words.scale"]),
        f"{EMBEDDED}position_embeddings.weight": places,
        f"{EMBEDDED}token_type_embeddings.weight": held["types"],
        **{f"{EMBEDDED}{norm}": held[f"norm.{norm.split('.')[1]}"] for norm in NORMS},
        **{name: held[name].T if name == "head.weight" else held[name] for name in ("head.weight", "head.bias")},
    }
    for number in range(count_layers(published)):
        restored.update(_restore_layer(held, number))
    return {name: np.ascontiguousarray(weight, np.float32) for name, weight in restored.items()}


def _restore_words(words: Array, scale: Array) -> Array:
    if words.dtype == np.uint8:  # two numbers of 4 bits in each
        words = np.concatenate([words & 15, words >> 4], axis=-1).astype(np.float32) - 8
    return (words * scale.astype(np.float32)).reshape(len(words), -1)


def _restore_layer(held: dict[str, Array], number: int) -> Iterator[tuple[str, Array]]:
    layer = f"encoder.layer.{number}."
    halves = np.split(_in_float(held, f"{number}.qkv"), 3, axis=1), np.split(held[f"{number}.qkv.bias"], 3)
    for part, weight, bias in zip(PARTS, *halves, strict=True):
        yield f"{layer}attention.self.{part}.weight", weight.T
        yield f"{layer}attention.self.{part}.bias", bias
    yield f"{layer}intermediate.dense.weight", _in_float(held, f"{number}.up").T
    yield f"{layer}intermediate.dense.bias", held[f"{number}.up.bias"]
    for there, here, added in (("attention.output", "out", "attended"), ("output", "down", "hidden")):
        yield f"{layer}{there}.dense.weight", _in_float(held, f"{number}.{here}").T
        yield f"{layer}{there}.dense.bias", held[f"{number}.{added}.dense.bias"]
        for norm in NORMS:
            yield f"{layer}{there}.{norm}", held[f"{number}.{added}.{norm}"]


def _in_float(held: dict[str, Array], name: str) -> Array:
    """The matrix (inputs, outputs) of a linear layer, before its channels were made alike."""
    weight = held[f"{name}.weight"] * held[f"{name}.scale"]
    smooth = held.get(f"{name}.smooth")
    return weight if smooth is None else weight * smooth[:, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("to", type=Path)
    parser.add_argument("--source", type=Path, help="folder of the published weights; all-MiniLM-L6-v2 without it")
    given = parser.parse_args()
    save_file(restore(given.file, load_file((given.source or find_source()) / "model.safetensors")), given.to)


if __name__ == "__main__":
    main()
