"""A Llama small enough to train in a test, with the default model's tokenizer: two layers, random weights."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH, INNER, LAYERS, HEADS, KV_HEADS, HEAD = 64, 96, 2, 4, 2, 16


def write_small_llama(file: Path, *, like: Path, seed: int = 0) -> Path:
    """`like` is the GGUF file whose settings and tokenizer it gets. The numbers are in F32."""
    reader, random = gguf.GGUFReader(like), np.random.default_rng(seed)
    writer = gguf.GGUFWriter(file, "llama")
    sizes = {
        "llama.block_count": LAYERS,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KV_HEADS,
        "llama.rope.dimension_count": HEAD,
    }
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            array = field.types[0] == gguf.GGUFValueType.ARRAY
            value = sizes.get(name, field.contents())
            writer.add_key_value(name, value, field.types[0], sub_type=field.types[-1] if array else None)

    def matrix(name: str, outputs: int, inputs: int, scale: float) -> None:
        numbers = random.normal(scale=scale / np.sqrt(inputs), size=(outputs, inputs))
        writer.add_tensor(name, numbers.astype(np.float32))

    words = len(reader.fields["tokenizer.ggml.tokens"].data)
    matrix("token_embd.weight", words, WIDTH, 8.0)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for i in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{i}.{name}.weight", random.uniform(0.5, 1.5, WIDTH).astype(np.float32))
        matrix(f"blk.{i}.attn_q.weight", HEADS * HEAD, WIDTH, 1.5)
        matrix(f"blk.{i}.attn_k.weight", KV_HEADS * HEAD, WIDTH, 1.5)
        matrix(f"blk.{i}.attn_v.weight", KV_HEADS * HEAD, WIDTH, 1.5)
        matrix(f"blk.{i}.attn_output.weight", WIDTH, HEADS * HEAD, 1.5)
        matrix(f"blk.{i}.ffn_gate.weight", INNER, WIDTH, 1.5)
        matrix(f"blk.{i}.ffn_up.weight", INNER, WIDTH, 1.5)
        matrix(f"blk.{i}.ffn_down.weight", WIDTH, INNER, 1.5)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
