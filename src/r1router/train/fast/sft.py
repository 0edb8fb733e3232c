"""Trains like TRL's SFT trainer with less work and the same numbers: rows of similar length share a pass.

An optimizer step has as many rows as it was asked for; they are sorted by length and cut into passes of at most
`tokens` tokens, padding included, which keeps padding small and memory bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from r1router.train.fast import attention, head, lora

TEXT = {"input_ids", "attention_mask", "labels"}
"""What a batch of rows without pictures holds."""


def make_trainer_class(*, tokens: int) -> Any:
    """TRL's `SFTTrainer`; `tokens` in a pass, 0 for all rows in one."""
    from trl.trainer.sft_trainer import SFTTrainer

    class FastSFTTrainer(SFTTrainer):  # type: ignore[misc]
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            speed_up(self.model)

        def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Any:
            whole = self.is_fsdp_enabled or self.is_deepspeed_enabled  # which gather weights in each pass, all together
            if whole or num_items_in_batch is None or not inputs.keys() <= TEXT:
                return super().training_step(model, inputs, num_items_in_batch)
            lengths = inputs["attention_mask"].sum(1).tolist()
            passes = cut(lengths, tokens)
            total = 0
            for number, rows in enumerate(passes, 1):
                part = {name: values[rows, : max(lengths[row] for row in rows)] for name, values in inputs.items()}
                with nullcontext() if number == len(passes) else self.accelerator.no_sync(model):
                    total += super().training_step(model, part, num_items_in_batch)
            return total

    return FastSFTTrainer


def speed_up(model: Any, *, temperature: float = 1.0) -> None:
    """Everything here that is for the model of a trainer. On a GPU there is nothing to gain, and it is left alone."""
    inside = model.get_base_model() if hasattr(model, "get_base_model") else model
    if head.score_labels_only(inside, temperature=temperature):
        lora.compute_in_one(model)
        attention.use_products(inside)


def cut(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Rows of these lengths, by their places, in passes of at most `tokens`, padded; a longer row has its own.

    The longest pass comes first, so that memory is got once.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    passes: list[list[int]] = []
    for row in order:
        if passes and (not tokens or lengths[passes[-1][0]] * (len(passes[-1]) + 1) <= tokens):
            passes[-1].append(row)
        else:
            passes.append([row])
    return passes
