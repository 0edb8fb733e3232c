"""Computes attention of training in bfloat16 by two products, because torch's fused one is half as fast on a CPU.

For rows of some hundred tokens the matrix of scores is small, and the fused function converts to float32 inside. In
float32 and in generation torch's own is used.
"""

from __future__ import annotations

from typing import Any

import torch

from r1router.train.fast.shared_prompts import Layer

NAME = "r1router_products"


def use_products(model: Any) -> None:
    """Makes `model` compute its attention so, in training in bfloat16."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)


def _attention(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, *, scaling: float, **more: Any
) -> Any:
    """As transformers calls it: (batch, heads, tokens, width), heads of `query` in groups that share one of `key`.

    (what was found, None for the weights).
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if isinstance(key, Layer):
        return key.attend(query, scaling=scaling), None
    if not torch.is_grad_enabled() or query.dtype != torch.bfloat16:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **more)
    return multiply(query, key, value, attention_mask, scaling=scaling), None


def multiply(query: Any, key: Any, value: Any, mask: Any = None, *, scaling: float) -> Any:
    """softmax(q kᵀ · scaling + mask) v, (batch, tokens, heads, width). Causal without a mask.

    `mask` is (batch or 1, 1, tokens, tokens), boolean (True is seen) or to be added.
    """
    batch, heads, tokens, width = query.shape
    shared, length = key.shape[1], key.shape[2]
    group = heads // shared
    if mask is None:
        seen = torch.ones(tokens, length, dtype=torch.bool).tril(length - tokens)[None, None]
    else:
        seen = mask[..., :length]
    if seen.dtype == torch.bool:
        seen = torch.zeros(seen.shape, dtype=query.dtype).masked_fill_(~seen, torch.finfo(query.dtype).min)
    rows = (query * scaling).reshape(batch * shared, group * tokens, width)
    scores = torch.bmm(rows, key.reshape(batch * shared, length, width).transpose(1, 2))
    weights = (scores.view(batch, heads, tokens, length) + seen).softmax(-1)
    found = torch.bmm(
        weights.view(batch * shared, group * tokens, length), value.reshape(batch * shared, length, width)
    )
    return found.view(batch, heads, tokens, width).transpose(1, 2)
