"""Names the model behind a policy and says what it is good for, so that people know what they may ask."""

from __future__ import annotations

import re
from typing import NamedTuple

from r1router.registry import split_options

BUILT_IN = "SmolLM2-135M with our router"
SMALL = (
    "A small model: it finds the right place, copies short facts, and looks up, counts and sorts in tables. "
    "Comparisons, sums and long answers need a larger one."
)


class Model(NamedTuple):
    name: str
    good_for: str
    """In a sentence or two; "" where nothing is known of it."""


def describe_model(spec: str) -> Model:
    """The model that a policy's spec opens, without the address or the folder that it is at.

    >>> describe_model("openai:qwen3:4b-instruct@http://10.0.0.7:11434/v1").name
    'qwen3:4b-instruct'
    >>> describe_model("llamacpp:/models/Qwen3-4B-Q4_K_M.gguf?ctx=16384").name
    'Qwen3-4B-Q4_K_M'
    """
    head, options = split_options(spec)
    backend, _, target = head.partition(":")
    if backend == "llamacpp" and not target:
        return Model(BUILT_IN if "lora" not in options else "SmolLM2-135M with a router of its own", SMALL)
    if backend == "openai":
        return Model(target.partition("@")[0], "")
    return Model(re.split(r"[\\/]", target)[-1].removesuffix(".gguf") or backend, "")
