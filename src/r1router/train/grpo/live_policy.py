"""Asks a model that is being trained: all pending requests in one generation, replies with their token ids.

A reply carries the ids and log-probabilities that were really sampled, so that nothing is tokenised again for the
loss: text that is decoded and cut anew may come out as other tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from r1router.policies._chat import write_chat_json
from r1router.train.fast.sampling import sample_groups, score_ends
from r1router.train.grpo.rollout_pool import Reading
from r1router.types import Ask, Reply


@dataclass(frozen=True, slots=True)
class Sampled(Reply):
    """A reply as the trainer needs it."""

    prompt_ids: tuple[int, ...] = ()
    ids: tuple[int, ...] = ()
    """Generated, the end of the turn included where it was reached."""
    logprobs: tuple[float, ...] = ()
    """Of each of `ids`, at the temperature that it was sampled with."""


def generate(
    model: Any, tokenizer: Any, asks: Sequence[Ask], *, temperature: float = 0.0, max_tokens: int = 96, batch: int = 64
) -> list[Sampled]:
    """One reply to each request, in order, about `batch` at a time. Greedy at temperature 0.

    Every reply may be `max_tokens` long, whatever its request says. Pictures are not shown.
    """
    prompts = [encode(tokenizer, ask) for ask in asks]
    groups = generate_groups(
        model, tokenizer, prompts, count=1, temperature=temperature, max_tokens=max_tokens, batch=batch
    )
    return [reply for group in groups for reply in group]


def generate_groups(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    *,
    count: int,
    temperature: float,
    max_tokens: int,
    batch: int = 64,
) -> list[list[Sampled]]:
    """`count` replies to each prompt of token ids, each prompt read once."""
    drawn = sample_groups(
        model,
        prompts,
        count=count,
        temperature=temperature,
        max_tokens=max_tokens,
        ends=_ends(model, tokenizer),
        pad=tokenizer.pad_token_id,
        batch=batch,
    )
    return [
        [make_sampled(tokenizer, prompt, reply.ids, reply.logprobs) for reply in group]
        for prompt, group in zip(prompts, drawn, strict=True)
    ]


def read(model: Any, tokenizer: Any, wanted: Sequence[Reading], *, batch: int = 8) -> list[float]:
    """Of each reading the geometric mean of the probabilities of what is said last, in (0, 1]; `batch` at a time."""
    rows = []
    for one in wanted:
        before, said = (tokenizer.encode(text, add_special_tokens=False) for text in (one.before, one.said))
        rows.append(([*encode(tokenizer, one.ask), *before], said))
    order = sorted(range(len(rows)), key=lambda place: len(rows[place][0]))
    found = [0.0] * len(rows)
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        scored = score_ends(model, [rows[place] for place in places], pad=tokenizer.pad_token_id)
        for place, logprobs in zip(places, scored, strict=True):
            found[place] = math.exp(sum(logprobs) / len(logprobs))
    return found


def encode(tokenizer: Any, ask: Ask) -> list[int]:
    """The token ids of a request, by the model's chat template, up to where the reply begins."""
    return encode_chat(tokenizer, write_chat_json(ask.messages, pictures=False))


def encode_chat(tokenizer: Any, messages: Sequence[Any]) -> list[int]:
    """The same of messages as TRL has them."""
    ids: list[int] = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True
    )["input_ids"]
    return ids


def make_sampled(tokenizer: Any, prompt: Sequence[int], ids: Sequence[int], logprobs: Sequence[float]) -> Sampled:
    """The reply that these token ids are; `logprobs` may go on after them."""
    text = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return Sampled(
        text,
        prompt_tokens=len(prompt),
        completion_tokens=len(ids),
        truncated=ids[-1] not in (tokenizer.eos_token_id, tokenizer.pad_token_id),
        prompt_ids=tuple(prompt),
        ids=tuple(ids),
        logprobs=tuple(logprobs[: len(ids)]),
    )


def _ends(model: Any, tokenizer: Any) -> list[int]:
    declared = model.generation_config.eos_token_id
    declared = declared if isinstance(declared, list) else [declared]
    return [token for token in dict.fromkeys([tokenizer.eos_token_id, *declared]) if token is not None]
