"""A Llama small enough for a test, as a GGUF file: two layers of random weights, and SmolLM's way to cut text."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from tokenizers import pre_tokenizers

WIDTH, INNER, LAYERS, HEADS, KV_HEADS, HEAD = 64, 96, 2, 4, 2, 16
MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["t h", "th e", "Ġ the", "1 9", "9 8", "i n", "o r"]
"""Those of digits never apply: every digit is a word."""
TOKENS = [*MARKS, *sorted(pre_tokenizers.ByteLevel.alphabet()), *(m.replace(" ", "") for m in MERGES)]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def write_small_llama(file: Path, *, seed: int = 0) -> Path:
    """The numbers are in F32."""
    file.parent.mkdir(exist_ok=True)
    writer, random = gguf.GGUFWriter(file, "llama"), np.random.default_rng(seed)
    writer.add_type("model")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_block_count(LAYERS)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3] * len(MARKS) + [1] * (len(TOKENS) - len(MARKS)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)

    def matrix(name: str, outputs: int, inputs: int, scale: float = 1.5) -> None:
        numbers = random.normal(scale=scale / np.sqrt(inputs), size=(outputs, inputs))
        writer.add_tensor(f"{name}.weight", numbers.astype(np.float32))

    # Some words are likelier than others, and none is sure to be said again: greedy replies are varied and decided.
    words = random.normal(size=(len(TOKENS), WIDTH)) * random.lognormal(sigma=0.5, size=(len(TOKENS), 1))
    writer.add_tensor("token_embd.weight", words.astype(np.float32))
    writer.add_tensor("output_norm.weight", np.full(WIDTH, 0.2, np.float32))
    for i in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{i}.{name}.weight", random.uniform(0.5, 1.5, WIDTH).astype(np.float32))
        matrix(f"blk.{i}.attn_q", HEADS * HEAD, WIDTH)
        matrix(f"blk.{i}.attn_k", KV_HEADS * HEAD, WIDTH)
        matrix(f"blk.{i}.attn_v", KV_HEADS * HEAD, WIDTH)
        matrix(f"blk.{i}.attn_output", WIDTH, HEADS * HEAD, 5.0)
        matrix(f"blk.{i}.ffn_gate", INNER, WIDTH)
        matrix(f"blk.{i}.ffn_up", INNER, WIDTH)
        matrix(f"blk.{i}.ffn_down", WIDTH, INNER, 5.0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
