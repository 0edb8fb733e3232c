"""Packs the replies to one prompt into one row, because the prompt is the most of what is computed for each.

    prompt without its last token | last token, reply 1 | last token, reply 2 | …

Every reply sees the prompt and itself, and its positions go on from the prompt's, so that each token's probability and
gradient are those of a row of its own. The prompt's last token stands before every reply, since it is what the first
token of each is predicted from. (Shared prompts in training: arXiv 2506.05433.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

UNLABELLED = -100


@dataclass(frozen=True, slots=True)
class Group:
    """A prompt and some of its replies, as token ids. Neither is empty."""

    prompt: tuple[int, ...]
    replies: tuple[tuple[int, ...], ...]

    @property
    def length(self) -> int:
        """Tokens of the row."""
        return len(self.prompt) - 1 + sum(map(len, self.replies))


def pack(groups: Sequence[Group], *, pad: int) -> dict[str, Any]:
    """A row for each group, as the model takes them, padded at their end with `pad`.

    `input_ids`, `position_ids` and `shift_labels` (the token that each place predicts, `UNLABELLED` for none) are
    (groups, tokens); `attention_mask` is boolean, (groups, 1, tokens, tokens): whether a place sees another.
    """
    import torch

    width = max(group.length for group in groups)
    ids = torch.full((len(groups), width), pad)
    labels = torch.full((len(groups), width), UNLABELLED)
    positions = torch.zeros((len(groups), width), dtype=torch.long)
    owner = torch.full((len(groups), width), -1)  # 0 the prompt, 1 … the replies, -1 padding
    for row, group in enumerate(groups):
        shared = len(group.prompt) - 1
        ids[row, :shared], owner[row, :shared] = torch.tensor(group.prompt[:-1]), 0
        positions[row, :shared] = torch.arange(shared)
        start = shared
        for number, reply in enumerate(group.replies, 1):
            end = start + len(reply)
            ids[row, start:end] = torch.tensor((group.prompt[-1], *reply[:-1]))
            labels[row, start:end] = torch.tensor(reply)
            positions[row, start:end] = torch.arange(shared, shared + len(reply))
            owner[row, start:end] = number
            start = end
    before = torch.ones(width, width, dtype=torch.bool).tril()
    one, other = owner[:, :, None], owner[:, None, :]
    seen = before & ((other == 0) | (one == other))  # padding sees padding: no row of the mask is empty
    return {"input_ids": ids, "position_ids": positions, "attention_mask": seen[:, None], "shift_labels": labels}


def unpack(values: Any, groups: Sequence[Group], *, width: int) -> Any:
    """Values of packed rows, (groups, tokens), as one row for each reply, (replies, width), 0 after its end."""
    import torch

    found = []
    for row, group in enumerate(groups):
        start = len(group.prompt) - 1
        for reply in group.replies:
            of_reply = values[row, start : start + len(reply)]
            found.append(torch.nn.functional.pad(of_reply, (0, width - len(reply))))
            start += len(reply)
    return torch.stack(found)
