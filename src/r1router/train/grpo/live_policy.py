"""Asks a model that is being trained: all pending requests in one generation, replies with their token ids.

A reply carries the ids and log-probabilities that were really sampled, so that nothing is tokenised again for the
loss: text that is decoded and cut anew may come out as other tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from r1router.policies._chat import write_chat_json
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
    model: Any,
    tokenizer: Any,
    asks: Sequence[Ask],
    *,
    temperature: float = 0.0,
    max_tokens: int = 96,
    batch: int = 64,
) -> list[Sampled]:
    """One reply to each request, in order, at most `batch` in one forward pass. Greedy at temperature 0.

    Every reply may be `max_tokens` long, whatever its request says. Pictures are not shown.
    """
    replies: list[Sampled] = []
    for start in range(0, len(asks), batch):
        prompts = [encode(tokenizer, ask) for ask in asks[start : start + batch]]
        replies += _generate(model, tokenizer, prompts, temperature, max_tokens)
    return replies


def encode(tokenizer: Any, ask: Ask) -> list[int]:
    """The token ids of a request, by the model's chat template, up to where the reply begins."""
    messages = write_chat_json(ask.messages, pictures=False)
    ids: list[int] = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True
    )["input_ids"]
    return ids


def _generate(
    model: Any, tokenizer: Any, prompts: Sequence[list[int]], temperature: float, max_tokens: int
) -> list[Sampled]:
    import torch

    width = max(map(len, prompts))
    padded = [[tokenizer.pad_token_id] * (width - len(ids)) + ids for ids in prompts]
    mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
    ends = _ends(model, tokenizer)
    sampling = {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
    heard = _LogProbabilities(temperature or 1.0)
    with torch.no_grad():
        out = model.generate(
            input_ids=torch.tensor(padded, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=max_tokens,
            **sampling,
            top_k=0,
            top_p=1.0,
            repetition_penalty=1.0,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=ends,
            logits_processor=[heard],
        )
    logprobs = heard.finish(out)
    return [
        make_sampled(tokenizer, prompt, _whole(row, ends), logprob)
        for prompt, row, logprob in zip(prompts, out[:, width:].tolist(), logprobs, strict=True)
    ]


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


def _whole(ids: Sequence[int], ends: Sequence[int]) -> list[int]:
    """The ids up to the first end, that one included."""
    last = next((place for place, token in enumerate(ids) if token in ends), len(ids) - 1)
    return list(ids[: last + 1])


class _LogProbabilities:
    """A logits processor that changes nothing and notes the log-probability of each token once it is chosen.

    Only the last distribution is kept: those of a whole batch of replies would be gigabytes.
    """

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature
        self._last: Any = None
        self._noted: list[Any] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        self._note(input_ids)
        self._last = (scores.float() / self._temperature).log_softmax(-1)
        return scores

    def finish(self, ids: Any) -> list[list[float]]:
        """One row for each reply, one number for each generated token."""
        import torch

        self._note(ids)
        rows: list[list[float]] = torch.stack(self._noted, dim=1).tolist()
        return rows

    def _note(self, input_ids: Any) -> None:
        if self._last is not None:
            self._noted.append(self._last.gather(1, input_ids[:, -1:]).squeeze(1))
