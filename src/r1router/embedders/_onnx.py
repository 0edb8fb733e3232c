"""Opens an ONNX model as a session of one thread, because work is spread over cores batch by batch."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """One thread inside: whole batches side by side use the cores better than the parts of one batch."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def start_workers() -> ThreadPoolExecutor:
    """A thread for every core that this process may use; threads start when there is work."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(cores, thread_name_prefix="embed")
