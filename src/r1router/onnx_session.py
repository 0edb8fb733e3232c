"""Opens an ONNX model as a session of one thread, because whole batches side by side use the cores best."""

from __future__ import annotations

from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]

ASSETS = Path(__file__).resolve().parent / "assets"
"""The models that come inside this package."""


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """The model of this file, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
