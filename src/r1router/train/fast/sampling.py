"""Samples a group of replies with the model that is trained, reading each prompt once and not once a reply.

The prompts go through the model together, the replies share their keys and values (`shared_prompts`) or, where the
model's attention does not allow it, get copies. A reply that has ended leaves the batch, so that no token is computed
for it any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from r1router.train.fast import attention
from r1router.train.fast.grpo import can_pack
from r1router.train.fast.shared_prompts import SharedPrompts


@dataclass(frozen=True, slots=True)
class Tokens:
    """A reply as token ids."""

    ids: tuple[int, ...]
    """The end of the turn included, where it was reached."""
    logprobs: tuple[float, ...]
    """Of each of `ids`, at the temperature that it was sampled with."""


@torch.no_grad()  # type: ignore[untyped-decorator]
def sample_groups(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    count: int,
    temperature: float,
    max_tokens: int,
    ends: Collection[int],
    pad: int,
    batch: int = 64,
) -> list[list[Tokens]]:
    """`count` replies to each prompt, in order, of at most `max_tokens`; greedy at temperature 0.

    About `batch` replies are under way at a time, whole groups of them. `ends` are the tokens that end a reply. What is
    drawn depends on torch's generator.
    """
    together = max(1, batch // count)
    found: list[list[Tokens]] = []
    for start in range(0, len(prompts), together):
        found += _sample(model, prompts[start : start + together], count, temperature, max_tokens, ends, pad)
    return found


def _sample(
    model: Any,
    prompts: Sequence[Sequence[int]],
    count: int,
    temperature: float,
    max_tokens: int,
    ends: Collection[int],
    pad: int,
) -> list[list[Tokens]]:
    device = model.device
    ids, mask, positions = _pad(prompts, pad, device)
    out = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
    cache = out.past_key_values
    shared = count > 1 and can_share(model.config)
    if shared:
        cache = SharedPrompts(cache, mask, count=count, most=max_tokens)
    elif count > 1:
        cache.batch_repeat_interleave(count)
    scores = out.logits[:, -1].repeat_interleave(count, 0)
    mask = mask.repeat_interleave(count, 0)
    place = positions[:, -1:].repeat_interleave(count, 0)
    alive = torch.arange(len(prompts) * count, device=device)
    said: list[list[int]] = [[] for _ in alive]
    logs: list[list[float]] = [[] for _ in alive]
    stops = torch.tensor(sorted(ends), device=device)
    for number in range(max_tokens):
        tokens, logprobs = draw(scores, temperature)
        for row, token, logprob in zip(alive.tolist(), tokens.tolist(), logprobs.tolist(), strict=True):
            said[row].append(token)
            logs[row].append(logprob)
        going = (~torch.isin(tokens, stops)).nonzero().squeeze(1)
        if not len(going) or number + 1 == max_tokens:
            break
        if len(going) < len(alive):
            alive, tokens, mask, place = alive[going], tokens[going], mask[going], place[going]
            (cache.keep if shared else cache.batch_select_indices)(going)
        place = place + 1
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        seen = mask[:1, None, None] if shared else mask  # four dimensions: none is to be made of it
        out = model(
            input_ids=tokens[:, None], attention_mask=seen, position_ids=place, past_key_values=cache, use_cache=True
        )
        scores = out.logits[:, -1]
    replies = [Tokens(tuple(ids), tuple(of)) for ids, of in zip(said, logs, strict=True)]
    return [replies[start : start + count] for start in range(0, len(replies), count)]


def can_share(config: Any) -> bool:
    """Whether the attention of such a model, as it is now, can look at a prompt that its replies share."""
    return config.get_text_config()._attn_implementation == attention.NAME and can_pack(config)


@torch.no_grad()  # type: ignore[untyped-decorator]
def score_ends(model: Any, rows: Sequence[tuple[Sequence[int], Sequence[int]]], *, pad: int) -> list[list[float]]:
    """The log-probabilities of the last tokens of each row, which is (tokens before, last tokens); none is empty."""
    kept = max(len(last) for _, last in rows)
    ids, mask, positions = _pad([[*before, *last] for before, last in rows], pad, model.device)
    out = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=kept + 1)
    logs = out.logits[:, -kept - 1 : -1].float().log_softmax(-1)
    said = logs.gather(-1, ids[:, -kept:, None]).squeeze(-1).tolist()
    return [of[kept - len(last) :] for of, (_, last) in zip(said, rows, strict=True)]


def _pad(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Any, Any, Any]:
    """(token ids, which of them count, the place of each), all rows as long as the longest by padding on the left."""
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + list(row) for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask, (mask.cumsum(1) - 1).clamp(min=0)


def draw(scores: Any, temperature: float) -> tuple[Any, Any]:
    """(a token of each row of scores, its log-probability); the likeliest one at temperature 0."""
    logs = (scores.float() / (temperature or 1.0)).log_softmax(-1)
    if temperature > 0:
        # Where a number drawn from 0 to the sum falls; one number a row costs less than one for each token.
        ends = logs.exp().cumsum(-1)
        drawn = torch.rand(len(ends), 1, device=ends.device, dtype=ends.dtype) * ends[:, -1:]
        tokens = torch.searchsorted(ends, drawn, right=True).squeeze(-1).clamp(max=ends.shape[1] - 1)
    else:
        tokens = logs.argmax(-1)
    return tokens, logs.gather(-1, tokens[:, None]).squeeze(-1)
