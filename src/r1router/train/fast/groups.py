"""Packs the replies to one prompt into one row, because the prompt is most of the computation.

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
class Fork:
    """What a reply could have said from one of its tokens on."""

    reply: int
    """Its place in the group."""
    at: int
    """The reply's first token that is left out."""
    options: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A prompt and some of its replies, as token ids. Neither is empty."""

    prompt: tuple[int, ...]
    replies: tuple[tuple[int, ...], ...]
    forks: tuple[Fork, ...] = ()

    @property
    def length(self) -> int:
        """Tokens of the row."""
        options = sum(len(option) for fork in self.forks for option in fork.options)
        return len(self.prompt) - 1 + sum(map(len, self.replies)) + options


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
    owner = torch.full((len(groups), width), -1)  # 0 the prompt, 1 … the replies and their options, -1 padding
    parent = torch.full((len(groups), width), -2)  # the reply that an option forks off
    for row, group in enumerate(groups):
        shared = len(group.prompt) - 1
        ids[row, :shared], owner[row, :shared] = torch.tensor(group.prompt[:-1]), 0
        positions[row, :shared] = torch.arange(shared)
        start = shared
        for number, (said, last, place, of) in enumerate(_branches(group), 1):
            end = start + len(said)
            ids[row, start:end] = torch.tensor((last, *said[:-1]))
            labels[row, start:end] = torch.tensor(said)
            positions[row, start:end] = torch.arange(place, place + len(said))
            owner[row, start:end], parent[row, start:end] = number, of
            start = end
    before = torch.ones(width, width, dtype=torch.bool).tril()
    one, other = owner[:, :, None], owner[:, None, :]
    seen = before & ((other == 0) | (one == other))  # padding sees padding: no row of the mask is empty
    if any(group.forks for group in groups):  # an option begins with the token before it, which the reply has too
        begins = torch.stack([_begins(positions[row], owner[row]) for row in range(len(groups))])
        seen |= before & (parent[:, :, None] == other) & (positions[:, None, :] < begins[:, :, None])
    return {"input_ids": ids, "position_ids": positions, "attention_mask": seen[:, None], "shift_labels": labels}


def _branches(group: Group) -> list[tuple[tuple[int, ...], int, int, int]]:
    """Of each reply, then of each option: (tokens, the token before, that token's position, the parent's number)."""
    shared, last = len(group.prompt) - 1, group.prompt[-1]
    branches = [(reply, last, shared, -2) for reply in group.replies]
    for fork in group.forks:
        before = group.replies[fork.reply][fork.at - 1] if fork.at else last
        branches += [(option, before, shared + fork.at, fork.reply + 1) for option in fork.options]
    return branches


def _begins(positions: Any, owner: Any) -> Any:
    """Of each place of a row, the position at which its owner begins."""
    import torch

    _, place = owner.unique(return_inverse=True)
    first = torch.full((int(place.max()) + 1,), len(positions)).scatter_reduce(0, place, positions, "amin")
    return first[place]


def unpack_options(values: Any, groups: Sequence[Group]) -> list[list[Any]]:
    """The sum of the values of each option, (options,), of each fork of each group, from packed rows."""
    import torch

    found = []
    for row, group in enumerate(groups):
        start = len(group.prompt) - 1 + sum(map(len, group.replies))
        of_group = []
        for fork in group.forks:
            sums = []
            for option in fork.options:
                sums.append(values[row, start : start + len(option)].sum())
                start += len(option)
            of_group.append(torch.stack(sums))
        found.append(of_group)
    return found


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
