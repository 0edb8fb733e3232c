"""Takes the exact gradient over the labels of a plan, because they are few and a search costs milliseconds.

A plan ends in its label: think s, ask s, name label l. With p(l | s) over the labels and r(s, l) what each would earn,

    J = E_s [ V(s) ],   V(s) = Σ_l p(l | s) r(s, l)
    ∇J = E_s [ V(s) ∇ log π(s)  +  Σ_l r(s, l) ∇ p(l | s) ]

so everything before the label is reinforced by the expected reward, less the mean of the group, and the label by the
exact second term: no draw, no tie, no noise. (Expectations over actions instead of samples: arXiv 1706.05374,
1709.00503.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TIE = 1e-6
"""Rewards that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class LabelChoices:
    """The labels that a reply could have had."""

    at: int
    """The token of the reply at which its label begins."""
    ids: tuple[tuple[int, ...], ...]
    """Of each label the tokens, its closing tag included."""
    values: tuple[float, ...]
    """What the reply earns with each."""
    said: int
    """The place of the reply's own label."""


def expect(logps: Any, values: Any) -> Any:
    """V, (plans,): the expected reward of each plan. `logps` and `values` are (plans, labels), padded with -inf and 0.

    Probabilities are those of the labels alone, as a decoder under a grammar has them.
    """
    return (logps.softmax(-1) * values).sum(-1)


def center(values: Any, groups: Any) -> Any:
    """Values less the mean of their group, (replies,); `groups` numbers the group of each."""
    import torch

    _, place = groups.unique(return_inverse=True)
    sums = torch.zeros(int(place.max()) + 1, dtype=values.dtype, device=values.device)
    counts = torch.zeros_like(sums).index_add(0, place, torch.ones_like(values))
    return values - (sums.index_add(0, place, values) / counts)[place]


def find_teaching(options: Sequence[LabelChoices | None], values: Sequence[float], size: int) -> list[bool]:
    """Of each reply, whether anything in its group of `size` earns more than something else."""
    found: list[bool] = []
    for start in range(0, len(values), size):
        earned = [
            value
            for of, own in zip(options[start : start + size], values[start : start + size], strict=True)
            for value in (of.values if of else (own,))
        ]
        found += [max(earned) - min(earned) > TIE] * len(values[start : start + size])
    return found


def make_tensors(options: Sequence[LabelChoices | None], values: Sequence[float], size: int) -> dict[str, Any]:
    """The same as tensors that go along with TRL's batch, a row for each reply, `size` replies to a group.

    `label_at` (rows,), -1 where there are no options; `label_said` (rows,); `label_ids` (rows, labels, tokens), padded
    with -1; `label_values` (rows, labels), padded with 0; `label_value` (rows,), what the reply itself earned;
    `label_group` (rows,).
    """
    import torch

    known = [of for of in options if of]
    labels = max([len(of.ids) for of in known], default=1)
    width = max([len(ids) for of in known for ids in of.ids], default=1)
    ids = torch.full((len(options), labels, width), -1)
    earned = torch.zeros(len(options), labels)
    for row, of in enumerate(options):
        for place, (label, value) in enumerate(zip(of.ids, of.values, strict=True)) if of else ():
            ids[row, place, : len(label)] = torch.tensor(label)
            earned[row, place] = value
    return {
        "label_at": torch.tensor([of.at if of else -1 for of in options]),
        "label_said": torch.tensor([of.said if of else 0 for of in options]),
        "label_ids": ids,
        "label_values": earned,
        "label_value": torch.tensor([float(value) for value in values]),
        "label_group": torch.arange(len(options)) // size,
    }


def read_options(inputs: Mapping[str, Any], row: int) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """(where the label of this row begins, the tokens of each label); (-1, ()) where there are no options."""
    at = int(inputs["label_at"][row])
    if at < 0:
        return -1, ()
    ids = [tuple(token for token in label if token >= 0) for label in inputs["label_ids"][row].tolist()]
    return at, tuple(label for label in ids if label)


def weigh(inputs: Mapping[str, Any], logps: Any, *, width: int) -> tuple[Any, Any]:
    """(advantages of tokens, (replies, `width`); V, (replies,), with its gradient over the labels).

    `logps` is (replies, labels), -inf where there is none. A reply's own label has advantage 0: V stands for it. Where
    a reply has no options, V is what it earned, without a gradient.
    """
    import torch

    at, values = inputs["label_at"], inputs["label_values"].to(logps.dtype)
    chosen = at >= 0
    safe = torch.where(chosen[:, None], logps, torch.zeros_like(logps))
    expected = torch.where(chosen, expect(safe, values), inputs["label_value"].to(logps.dtype))
    advantages = center(expected.detach(), inputs["label_group"])
    own = inputs["label_ids"][torch.arange(len(at)), inputs["label_said"]]
    ends = at + (own >= 0).sum(-1)
    place = torch.arange(width, device=at.device)
    is_label = chosen[:, None] & (place >= at[:, None]) & (place < ends[:, None])
    return advantages[:, None] * ~is_label, expected
