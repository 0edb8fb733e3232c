"""Joins rows of earlier training to every optimizer step, because a policy forgets what is no longer asked of it.

Each step gets a few rows of each file, drawn anew; their loss is SFT's. What is drawn depends on the seed and the step
alone, so that a run that is taken up again rehearses the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1router.errors import InputError
from r1router.policies._chat import write_chat_json
from r1router.train.fast.groups import UNLABELLED
from r1router.train.grpo.live_policy import encode_chat
from r1router.train.steps.render import RenderedStep


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """A row as token ids."""

    ids: tuple[int, ...]
    replied: int
    """Where the reply begins in them."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    files: tuple[tuple[Sequence[EncodedRow], int], ...]
    """The rows of each file, and how many of them a step takes."""
    weight: float
    """Of their mean loss a token, beside the loss of the replies."""
    seed: int = 0

    def draw(self, step: int) -> list[EncodedRow]:
        """The rows of this optimizer step."""
        chance = random.Random(f"{self.seed}/{step}")
        return [row for rows, count in self.files for row in chance.sample(rows, min(count, len(rows)))]


def make_rehearsal(
    files: Mapping[str, Sequence[RenderedStep]],
    shares: Mapping[str, float],
    tokenizer: Any,
    *,
    replies: int,
    longest: int,
    seed: int,
) -> Rehearsal:
    """What is rehearsed beside `replies` replies a step: a share of as many rows of each file, at least one.

    Rows longer than `longest` tokens, and those without a gold reply, are left out. Raises `InputError` where none are
    left, or for a share that is not above 0.
    """
    drawn = []
    for name, share in shares.items():
        if not 0 < share <= 1:
            raise InputError(f"a share of rehearsal is above 0 and at most 1, not {share}")
        rows = [encode_row(row, tokenizer) for row in files[name] if row.reply]
        rows = [row for row in rows if len(row.ids) <= longest]
        if not rows:
            raise InputError(f"{name} has no row to rehearse: none with a gold reply within {longest} tokens")
        drawn.append((rows, max(1, round(share * replies))))
    return Rehearsal(tuple(drawn), sum(shares.values()), seed)


def encode_row(row: RenderedStep, tokenizer: Any) -> EncodedRow:
    """The row as SFT trains on it: the chat up to the reply, and the reply with the end of its turn."""
    prompt = write_chat_json(row.ask.messages, pictures=False)
    before = encode_chat(tokenizer, prompt)
    whole = tokenizer.apply_chat_template(
        [*prompt, {"role": "assistant", "content": row.reply}], tokenize=True, return_dict=True
    )["input_ids"]
    same = next((at for at, (a, b) in enumerate(zip(before, whole, strict=False)) if a != b), len(before))
    return EncodedRow(tuple(whole), same)


def pack_rows(rows: Sequence[EncodedRow], *, pad: int) -> dict[str, Any]:
    """`input_ids`, `attention_mask` and `labels`, (rows, tokens), padded at their end."""
    import torch

    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), pad)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, UNLABELLED)
    for at, row in enumerate(rows):
        known = torch.tensor(row.ids)
        ids[at, : len(known)], mask[at, : len(known)] = known, 1
        labels[at, row.replied : len(known)] = known[row.replied :]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
