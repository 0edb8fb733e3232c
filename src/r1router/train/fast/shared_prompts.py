"""Keeps the keys and values of a prompt once for all replies to it, because copies of them are most of what is moved.

A step of generation multiplies the queries of all replies of a group by their prompt's keys in one product, and each
reply's by its own few keys, and takes one softmax over both (shared prefixes: arXiv 2402.05099).
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin


class SharedPrompts(Cache):  # type: ignore[misc]
    """A cache of transformers' for replies that go on from prompts: `model(..., past_key_values=this)`.

    `read` is the cache of the prompts, (prompts, heads, tokens, width) a layer; `mask` tells which of their tokens
    count, (prompts, tokens). There are `count` replies of at most `most` tokens to each prompt, in order.
    """

    def __init__(self, read: Any, mask: Any, *, count: int, most: int) -> None:
        prompts = len(mask)
        self.rows = torch.arange(prompts * count, device=mask.device)
        self.prompt_of = self.rows // count
        self.place = self.rows % count
        super().__init__(layers=[Layer(layer.keys, layer.values, self, most) for layer in read.layers])
        self.hidden = torch.zeros(mask.shape, dtype=read.layers[0].keys.dtype, device=mask.device)
        self.hidden = self.hidden.masked_fill(mask == 0, torch.finfo(self.hidden.dtype).min)[:, None, None]
        self.widest = count

    def keep(self, rows: Any) -> None:
        """Goes on with these replies alone, by their places among those that are left."""
        self.prompt_of = self.prompt_of[rows]
        counts = torch.bincount(self.prompt_of)
        before = counts.cumsum(0) - counts
        self.place = torch.arange(len(rows), device=rows.device) - before[self.prompt_of]
        self.widest = int(counts.max())
        for layer in self.layers:
            layer.keep(rows)

    def gather(self, rows: Any) -> Any:
        """(replies, heads, n, width) → (prompts, heads, replies · n, width), 0 where a prompt has fewer replies."""
        heads, n, width = rows.shape[1:]
        found = rows.new_zeros(len(self.hidden), self.widest, heads, n, width)
        found[self.prompt_of, self.place] = rows
        return found.transpose(1, 2).reshape(len(found), heads, self.widest * n, width)

    def split(self, rows: Any, n: int) -> Any:
        """Back from `gather`."""
        prompts, heads, _, width = rows.shape
        return rows.view(prompts, heads, self.widest, n, width).transpose(1, 2)[self.prompt_of, self.place]


class Layer(CacheLayerMixin):  # type: ignore[misc]
    """What one layer of the model has of prompts and replies; stands in for the keys where attention is computed."""

    def __init__(self, keys: Any, values: Any, shared: SharedPrompts, most: int) -> None:
        super().__init__()
        self.prompt_keys, self.prompt_values, self.shared = keys.transpose(2, 3), values, shared
        _, heads, _, width = keys.shape
        self.keys = keys.new_empty(len(shared.rows), heads, most, width)
        self.values = values.new_empty(len(shared.rows), heads, most, values.shape[-1])
        self.is_initialized, self.length = True, 0

    def update(self, key_states: Any, value_states: Any, *args: Any, **more: Any) -> tuple[Any, Any]:
        """Takes a token of each reply; (this, the values of that token)."""
        self.keys[:, :, self.length] = key_states[:, :, 0]
        self.values[:, :, self.length] = value_states[:, :, 0]
        self.length += 1
        return self, value_states

    def keep(self, rows: Any) -> None:
        self.keys, self.values = self.keys[rows], self.values[rows]

    def attend(self, query: Any, *, scaling: float) -> Any:
        """softmax(q kᵀ · scaling) v of one token a reply: (replies, heads, 1, width) → (replies, 1, heads, width)."""
        replies, heads, _, width = query.shape
        shared, before = self.keys.shape[1], self.prompt_keys.shape[-1]
        rows = (query * scaling).view(replies, shared, heads // shared, width)
        of_prompt = self.shared.gather(rows) @ self.prompt_keys + self.shared.hidden
        own = rows @ self.keys[:, :, : self.length].transpose(2, 3)
        weights = torch.cat([self.shared.split(of_prompt, rows.shape[2]), own], -1).softmax(-1)
        found = self.shared.gather(weights[..., :before]) @ self.prompt_values
        found = self.shared.split(found, rows.shape[2]) + weights[..., before:] @ self.values[:, :, : self.length]
        return found.reshape(replies, 1, heads, -1)

    def lazy_initialization(self, key_states: Any, value_states: Any) -> None:
        """Nothing is missing."""

    def get_seq_length(self) -> int:
        return int(self.prompt_keys.shape[-1] + self.length)

    def get_max_length(self) -> int:
        return -1

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0
