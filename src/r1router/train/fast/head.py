"""Scores the vocabulary for the tokens that have a label only, because on a CPU TRL scores every token of a prompt too.

For a model of 135 M parameters the head is a fifth of all the work, and prompts are nine tenths of the tokens.
"""

from __future__ import annotations

import functools
import types
from typing import Any

_SCALES = (
    *("final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling"),
    "output_router_logits",
)
"""Settings of models whose scores are more than a product with the head; TRL's own function is left to those."""


def score_labels_only(model: Any, *, temperature: float = 1.0) -> bool:
    """Replaces what TRL's trainers put on `model` (`add_fused_lm_head`) by the same for labelled tokens alone.

    Call it on the causal model inside any PEFT wrapper, after the trainer is made. The numbers are the same: the
    log-probability of each label, the entropy, whether the label is the likeliest token. False where it is left as it
    is: on a GPU, where TRL does this itself, and for models whose scores are scaled or capped.
    """
    from trl.trainer.utils import FusedCausalLMOutput

    config = model.config.get_text_config()
    if next(model.parameters()).device.type != "cpu" or any(getattr(config, name, None) for name in _SCALES):
        return False
    whole = model.forward

    @functools.wraps(type(model).forward)  # `generate` checks its arguments against this signature
    def forward(
        self: Any,
        *args: Any,
        fused_lm_head: bool = False,
        labels: Any = None,
        shift_labels: Any = None,
        num_items_in_batch: Any = None,
        **more: Any,
    ) -> Any:
        if not fused_lm_head:
            given = {"labels": labels, "shift_labels": shift_labels, "num_items_in_batch": num_items_in_batch}
            return whole(*args, **{name: value for name, value in given.items() if value is not None}, **more)
        more |= {"use_cache": False, "attention_mask": drop_padding_mask(more.get("attention_mask"))}
        hidden = self.base_model(*args, **more).last_hidden_state
        if shift_labels is None:
            hidden, shift_labels = hidden[:, :-1], labels[:, 1:]
        known = shift_labels != -100
        said, entropy, mean, first = score_labels(
            hidden[known], shift_labels[known], self.get_output_embeddings(), temperature=temperature
        )

        def in_place(values: Any) -> Any:
            return values.new_zeros(known.shape).masked_scatter(known, values)

        count = known.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
        return FusedCausalLMOutput(
            loss=-said.sum() / count,
            log_probs=in_place(said),
            entropy=in_place(entropy),
            mean_logits=in_place(mean),
            is_top1=in_place(first),
            label_mask=known,
        )

    model.forward = types.MethodType(forward, model)
    return True


def drop_padding_mask(mask: Any) -> Any:
    """The mask of (rows, tokens); None where its rows are padded at their end only, where no earlier token looks."""
    at_end = mask is not None and mask.dim() == 2 and bool((mask[:, 1:] <= mask[:, :-1]).all())
    return None if at_end else mask


def score_labels(hidden: Any, labels: Any, head: Any, *, temperature: float = 1.0) -> tuple[Any, Any, Any, Any]:
    """(log-probability of each label, entropy, mean score, whether the label is the likeliest token), each (tokens,).

    `hidden` is (tokens, width), `labels` (tokens,). Only the log-probabilities carry a gradient. In float32 or better.
    """
    import torch

    scores = head(hidden)
    scores = scores if scores.dtype == torch.float64 else scores.float()
    scores = scores if temperature == 1.0 else scores / temperature
    logs = scores.log_softmax(-1)
    said = logs.gather(-1, labels[:, None]).squeeze(-1)
    with torch.no_grad():
        entropy = -(logs.exp() * logs).sum(-1)
        mean = scores.mean(-1)
        first = logs.argmax(-1) == labels
    return said, entropy, mean, first
