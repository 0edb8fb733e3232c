"""Reads a LoRA adapter from the GGUF file that is served, because training often goes on from what others published.

It is the inverse of what `export` writes in the form `lora`: the rows of B for q and k go back to transformers' order.
The numbers are those of the file, F16.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from r1router.errors import InputError
from r1router.train.weights import gguf_llama


def add_gguf_adapter(model: Any, file: Path) -> Any:
    """`model`, of the Llama family, as a PEFT model with the adapter of this file, to be trained on.

    Raises `InputError` where the file is no LoRA adapter, or one of another model.
    """
    import gguf
    import torch
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    reader = gguf_llama.read(file)
    if "adapter.lora.alpha" not in reader.fields:
        raise InputError(f"{file} is not a LoRA adapter")
    config = model.config
    heads = {
        "llama.attention.head_count": config.num_attention_heads,
        "llama.attention.head_count_kv": config.num_key_value_heads,
    }
    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    modules = {there: name.removesuffix(".weight") for name, there in _names(linear).items()}
    state: dict[str, Any] = {}
    rank = 0
    for tensor in reader.tensors:
        there, _, half = tensor.name.rpartition(".lora_")
        numbers = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if there not in modules or numbers.shape[half == "a"] != _size(model, modules[there], half):
            raise InputError(f"the adapter {file} belongs to another model: {tensor.name} has no place in this one")
        if half == "b" and (count := gguf_llama.count_heads(there, heads)):
            numbers = gguf_llama.unpermute(numbers, count)
        rank = numbers.shape[half == "b"]
        state[f"base_model.model.{modules[there]}.lora_{half.upper()}.weight"] = torch.from_numpy(numbers)
    alpha = float(reader.fields["adapter.lora.alpha"].contents())
    trained = sorted({name.removeprefix("base_model.model.").rpartition(".lora_")[0] for name in state})
    adapted = get_peft_model(model, LoraConfig(**_settings(trained, rank, alpha)))
    found = set_peft_model_state_dict(adapted, state)
    if found.unexpected_keys or len(state) != 2 * len(trained):
        raise InputError(f"the adapter {file} is not whole: it has {len(state)} halves for {len(trained)} layers")
    return adapted


def _names(linear: list[str]) -> dict[str, str]:
    return gguf_llama.map_names(f"{name}.weight" for name in linear if ".layers." in name)


def _size(model: Any, module: str, half: str) -> int:
    shape = model.get_submodule(module).weight.shape
    return int(shape[1] if half == "a" else shape[0])


def _settings(trained: list[str], rank: int, alpha: float) -> dict[str, Any]:
    """PEFT's options for these layers: by the ends of their names and their numbers where these say the same."""
    ends = sorted({name.rpartition(".")[2] for name in trained})
    layers = sorted({int(name.split(".layers.")[1].partition(".")[0]) for name in trained})
    every = len(ends) * len(layers) == len(trained)
    return {
        "r": rank,
        "lora_alpha": alpha,
        "task_type": "CAUSAL_LM",
        **({"target_modules": ends, "layers_to_transform": layers} if every else {"target_modules": trained}),
    }
