"""Converts GGUF files of the Llama family to the names, row order and settings of transformers, and back.

llama.cpp keeps the rows of q and k in another order than transformers: within each head, the two halves that
rotate together are interleaved. `permute` and `unpermute` are that change and its inverse. Numpy only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from r1router.errors import InputError

Array = npt.NDArray[Any]


# ── names and order ────────────────────────────────────────────────────────────────────────────


def map_names(names: Iterable[str]) -> dict[str, str]:
    """Each of transformers' tensor names to its name in a GGUF file, by llama.cpp's own list.

    Raises `InputError` for a name that is none of the Llama family.
    """
    names = list(names)
    known = _names_known(names)
    found = {name: known.get_name(name, try_suffixes=(".weight", ".bias")) for name in names}
    if unknown := [name for name, there in found.items() if there is None]:
        raise InputError(
            f"the tensor {unknown[0]!r} is none of the Llama family, which alone is written as GGUF here; export "
            "'merged' and give it to llama.cpp's convert_hf_to_gguf.py"
        )
    return {name: there for name, there in found.items() if there is not None}


def is_constant(gguf_name: str) -> bool:
    """Whether the tensor holds constants of the architecture, such as the factors of a stretched context."""
    import gguf

    kind = _names_known([gguf_name]).get_type(gguf_name, try_suffixes=(".weight",))
    return kind in gguf.MODEL_TENSOR_SKIP[gguf.MODEL_ARCH.LLAMA]


def _names_known(names: Iterable[str]) -> Any:
    """llama.cpp's names, and everybody's for them, for a model with the layers that these names tell of."""
    import gguf

    layers = [int(number) for name in names for number in re.findall(r"\.(\d+)\.", name)]
    return gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, max(layers, default=-1) + 1)


def permute(rows: Array, heads: int) -> Array:
    """Rows of q or k as transformers has them, in llama.cpp's order. `heads` of this very matrix."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def unpermute(rows: Array, heads: int) -> Array:
    """The inverse of `permute`."""
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def count_heads(gguf_name: str, metadata: Mapping[str, Any]) -> int:
    """How many heads the rows of this tensor make; 0 for a tensor whose rows are in the same order in both."""
    if ".attn_q." in gguf_name:
        return int(metadata["llama.attention.head_count"])
    if ".attn_k." in gguf_name:
        return int(metadata.get("llama.attention.head_count_kv", metadata["llama.attention.head_count"]))
    return 0


def order_rows(gguf_name: str, rows: Array, metadata: Mapping[str, Any]) -> Array:
    """The rows of a tensor of transformers (or of the B half of its adapter) as the GGUF file has them."""
    heads = count_heads(gguf_name, metadata)
    return permute(rows, heads) if heads else rows


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


def read_metadata(reader: Any) -> dict[str, Any]:
    """Every setting of the file by its name. Raises `InputError` for a model that is not of the Llama family."""
    found = {name: field.contents() for name, field in reader.fields.items()}
    if (architecture := found.get("general.architecture")) != "llama":
        raise InputError(
            f"this GGUF file holds a model of the kind {architecture!r}; only the Llama family ('llama') is read "
            "from GGUF and written to it here. Take the Hugging Face folder of the model, and llama.cpp's own "
            "convert_hf_to_gguf.py or convert_lora_to_gguf.py for what was made from it"
        )
    return found


def read_weights(reader: Any, metadata: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, Array]]:
    """(transformers' name, float32 array in transformers' order) of each tensor, one at a time.

    `names` are those of `map_names`. Raises `InputError` for a tensor that is not among them.
    """
    import gguf

    back = {there: name for name, there in names.items()}
    for tensor in reader.tensors:
        if tensor.name not in back:
            raise InputError(
                f"the GGUF file has a tensor {tensor.name!r} that is not read here; take the Hugging Face folder "
                "of the model instead"
            )
        numbers = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        heads = count_heads(tensor.name, metadata)
        yield back[tensor.name], unpermute(numbers, heads) if heads else numbers


def read_settings(metadata: Mapping[str, Any], *, tied: bool) -> dict[str, Any]:
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
