"""Prepares the weights to train: an adapter from before, a new LoRA, or all weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from r1router.errors import InputError
from r1router.huggingface import add_adapter
from r1router.train.weights.gguf_adapter import add_gguf_adapter


def prepare(model: Any, adapter: str, *, rank: int, layers: int) -> tuple[Any, Any]:
    """(the model, the `LoraConfig` of a new LoRA or None), as TRL's trainers take them.

    With an `adapter`, a folder of PEFT's or a GGUF file, that one is trained on. Else a new LoRA of this `rank` is put
    on every linear layer, of the `layers` upper ones where not 0; rank 0 trains all weights. Raises `InputError` where
    the adapter does not fit or there are not so many layers.
    """
    if adapter.endswith(".gguf"):
        return add_gguf_adapter(model, Path(adapter).expanduser()), None
    if adapter:
        return add_adapter(model, adapter, trainable=True), None
    if not rank and getattr(model, "is_loaded_in_4bit", False):
        raise InputError("weights of 4 bits are not trained themselves; give --lora a rank, such as 16")
    return model, make_lora(model, rank=rank, layers=layers) if rank else None


def make_lora(model: Any, *, rank: int, layers: int) -> Any:
    """PEFT's settings of a new LoRA on this model; see `prepare`."""
    from peft import LoraConfig

    total = int(getattr(model.config, "text_config", model.config).num_hidden_layers)
    if layers > total:
        raise InputError(f"the model has {total} layers; {layers} of them cannot be trained")
    options: dict[str, Any] = {"r": rank, "lora_alpha": 2 * rank, "task_type": "CAUSAL_LM"}
    if not layers:
        return LoraConfig(**options, target_modules="all-linear")
    from torch.nn import Linear

    inside = {
        name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, Linear) and ".layers." in name
    }
    upper = list(range(total - layers, total))
    return LoraConfig(**options, target_modules=sorted(inside), layers_to_transform=upper)
