"""A GGUF file of the Llama family to the names, row order and settings of transformers, and back.

llama.cpp keeps the rows of q and k in another order than transformers: within each head, the two halves that
rotate together are interleaved. `permuted` and `unpermuted` are that change and its inverse. Numpy only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from r1router.errors import InputError

Array = npt.NDArray[Any]

_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_LAYER_BACK = {theirs: ours for ours, theirs in _LAYER.items()}
_OUTSIDE_BACK = {theirs: ours for ours, theirs in _OUTSIDE.items()}


# ── names and order ────────────────────────────────────────────────────────────────────────────


def to_transformers(name: str) -> str | None:
    """`blk.3.attn_q.weight` to `model.layers.3.self_attn.q_proj.weight`; None for a tensor that has no counterpart."""
    stem, _, suffix = name.rpartition(".")
    if stem in _OUTSIDE:
        return f"{_OUTSIDE[stem]}.{suffix}"
    parts = stem.split(".", 2)
    if len(parts) == 3 and parts[0] == "blk" and parts[2] in _LAYER:
        return f"model.layers.{parts[1]}.{_LAYER[parts[2]]}.{suffix}"
    return None


def to_gguf(name: str) -> str | None:
    """The inverse of `to_transformers`."""
    stem, _, suffix = name.rpartition(".")
    if stem in _OUTSIDE_BACK:
        return f"{_OUTSIDE_BACK[stem]}.{suffix}"
    parts = stem.split(".", 3)
    if len(parts) == 4 and parts[:2] == ["model", "layers"] and parts[3] in _LAYER_BACK:
        return f"blk.{parts[2]}.{_LAYER_BACK[parts[3]]}.{suffix}"
    return None


def permuted(rows: Array, heads: int) -> Array:
    """Rows of q or k as transformers has them, in llama.cpp's order. `heads` of this very matrix."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def unpermuted(rows: Array, heads: int) -> Array:
    """The inverse of `permuted`."""
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def heads_of(gguf_name: str, metadata: Mapping[str, Any]) -> int:
    """How many heads the rows of this tensor make; 0 for a tensor whose rows are in the same order in both."""
    if ".attn_q." in gguf_name:
        return int(metadata["llama.attention.head_count"])
    if ".attn_k." in gguf_name:
        return int(metadata.get("llama.attention.head_count_kv", metadata["llama.attention.head_count"]))
    return 0


def in_order(gguf_name: str, rows: Array, metadata: Mapping[str, Any]) -> Array:
    """The rows of a tensor of transformers (or of the B half of its adapter) as the GGUF file has them."""
    heads = heads_of(gguf_name, metadata)
    return permuted(rows, heads) if heads else rows


# ── reading ────────────────────────────────────────────────────────────────────────────────────


def read(file: Path) -> Any:
    """A `gguf.GGUFReader`. Raises `InputError` where the file is missing, damaged or no GGUF file."""
    import gguf

    if not file.is_file():
        raise InputError(f"there is no model at {file}")
    try:
        return gguf.GGUFReader(file)
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"{file} is not a GGUF file that can be read: {error}") from error


def metadata_of(reader: Any) -> dict[str, Any]:
    """Every setting of the file by its name. Raises `InputError` for a model that is not of the Llama family."""
    found = {name: field.contents() for name, field in reader.fields.items()}
    if (architecture := found.get("general.architecture")) != "llama":
        raise InputError(
            f"this GGUF file holds a model of the kind {architecture!r}; only the Llama family ('llama') is read "
            "from GGUF and written to it here. Take the Hugging Face folder of the model, and llama.cpp's own "
            "convert_hf_to_gguf.py or convert_lora_to_gguf.py for what was made from it"
        )
    return found


def weights(reader: Any, metadata: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
    """(transformers' name, float32 array in transformers' order) of each tensor, one at a time."""
    import gguf

    for tensor in reader.tensors:
        name = to_transformers(tensor.name)
        if name is None:
            raise InputError(
                f"the GGUF file has a tensor {tensor.name!r} that is not read here; take the Hugging Face folder "
                "of the model instead"
            )
        numbers = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        heads = heads_of(tensor.name, metadata)
        yield name, unpermuted(numbers, heads) if heads else numbers


def settings(metadata: Mapping[str, Any], *, tied: bool) -> dict[str, Any]:
    """What transformers' `LlamaConfig` is made from. Raises `InputError` for a stretched context."""
    scaling = metadata.get("llama.rope.scaling.type", "none")
    if scaling != "none":
        raise InputError(f"the GGUF file stretches its context ({scaling}); take the Hugging Face folder of the model")
    heads = metadata["llama.attention.head_count"]
    return {
        "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
        "hidden_size": metadata["llama.embedding_length"],
        "intermediate_size": metadata["llama.feed_forward_length"],
        "num_hidden_layers": metadata["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": metadata.get("llama.attention.head_count_kv", heads),
        "head_dim": metadata.get("llama.rope.dimension_count", metadata["llama.embedding_length"] // heads),
        "max_position_embeddings": metadata["llama.context_length"],
        "rms_norm_eps": round(metadata["llama.attention.layer_norm_rms_epsilon"], 12),
        "rope_parameters": {"rope_type": "default", "rope_theta": metadata.get("llama.rope.freq_base", 10000.0)},
        "tie_word_embeddings": tied,
        "bos_token_id": metadata.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": metadata.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": metadata.get("tokenizer.ggml.padding_token_id", metadata.get("tokenizer.ggml.eos_token_id")),
    }
