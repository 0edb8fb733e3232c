"""Trains as TRL's GRPO does, with less work for the same loss: prompts once, replies that teach nothing left out.

    whole groups in a pass      TRL shuffles replies over passes; here those to one prompt are one row (`fast.groups`)
    no pass for advantage 0     such a reply has no gradient where there is no KL
    tied batches drawn anew     where all replies of every group earned the same, there is no gradient at all
    no second pass for weights  what the sampler and the trainer think of a token is compared in the pass of the loss

The loss is TRL's own, whatever its type; it is given the log-probabilities that it would have computed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from r1router.train.fast import labels
from r1router.train.fast.groups import Fork, Group, pack, unpack, unpack_options
from r1router.train.fast.sft import speed_up

CAP = 2.0
"""Of the weight that corrects a token's numbers by the sampler's (truncated importance sampling, arXiv 2510.18871)."""
REDRAWS = 2
"""How often a batch without any difference is drawn anew."""


def make_trainer_class(
    base: Any,
    *,
    redraws: int = REDRAWS,
    cap: float = CAP,
    rehearse: Callable[[int], dict[str, Any]] | None = None,
    weight: float = 0.0,
) -> Any:
    """A subclass of `base`, TRL's `GRPOTrainer` or one of it.

    `cap` bounds the weight of a token that the sampler thought less likely than the trainer does. Sampled numbers come
    from a `rollout_func`, in `logprobs`; tokens that it marks 0 in `env_mask`, such as those that a grammar forced,
    carry no gradient. `rehearse` gives the rows (`input_ids`, `attention_mask`, `labels`) that an optimizer step
    imitates as well; their mean loss a token is added with `weight`.
    """
    import torch

    class GroupTrainer(base):  # type: ignore[misc]
        _buffered_inputs: Any

        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            speed_up(self.model, temperature=self.temperature)
            self._scored: tuple[Any, Any, None] | None = None
            self._packs = can_pack(self.model.config)

        # ── what is trained on ─────────────────────────────────────────────────────────────────

        def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
            found: dict[str, Any] = super()._generate_and_score_completions(inputs)
            for number in range(redraws if self.model.training else 0):
                if self._anywhere(self._with_labels(found, inputs)["advantages"].any()):
                    break
                inputs = self._other_prompts(inputs, number)
                found = super()._generate_and_score_completions(inputs)
            found = self._with_labels(found, inputs)
            teaches = found["advantages"].view(-1, self.num_generations).ne(0).any(1) if self.model.training else None
            if teaches is not None:
                self._metrics["train"]["ties"].append(1.0 - teaches.float().mean().item())
            return found

        def _with_labels(self, found: dict[str, Any], inputs: list[dict[str, Any]]) -> dict[str, Any]:
            """The batch with what each label would earn, where the rollout says so. Advantages then take the labels'
            probabilities, which are known in the loss; until then they only say where there will be any."""
            if not inputs or "options" not in inputs[0] or not self.model.training:
                return found
            options, values = [row["options"] for row in inputs], [row["value"] for row in inputs]
            made = labels.make_tensors(options, values, self.num_generations)
            device = found["advantages"].device
            teaches = torch.tensor(labels.find_teaching(options, values, self.num_generations), device=device).float()
            return found | {name: value.to(device) for name, value in made.items()} | {"advantages": teaches}

        def _other_prompts(self, inputs: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
            """As many prompts drawn from the data, each for a whole group; the same ones in a run that is resumed."""
            place = f"{self.args.seed}/{self.state.global_step}/{number}/{self.accelerator.process_index}"
            drawn = random.Random(place).choices(range(len(self.train_dataset)), k=len(inputs) // self.num_generations)
            return [dict(self.train_dataset[row]) for row in drawn for _ in range(self.num_generations)]

        def _anywhere(self, found: Any) -> bool:
            return bool(self.accelerator.gather(found.to(self.accelerator.device).reshape(1)).any())

        def _prepare_inputs(self, generation_batch: Any) -> Any:
            every = self.args.steps_per_generation * self.num_iterations
            fresh = self.model.training and (self._step % every == 0 or self._buffered_inputs is None)
            inputs = super()._prepare_inputs(generation_batch)
            if not fresh or not self._packs or "pixel_values" in inputs:
                return inputs
            self._buffered_inputs = sort_by_prompt(self._buffered_inputs)
            return self._buffered_inputs[self._step % self.args.steps_per_generation]

        # ── the loss ───────────────────────────────────────────────────────────────────────────

        def training_step(self, model: Any, *args: Any, **more: Any) -> Any:
            loss = super().training_step(model, *args, **more)
            if rehearse is None or self._step % self.current_gradient_accumulation_steps:
                return loss
            rows = {name: rows.to(self.accelerator.device) for name, rows in rehearse(self.state.global_step).items()}
            with self.compute_loss_context_manager():
                outputs = model(**rows, use_cache=False, fused_lm_head=True)
                imitated = -outputs.log_probs.sum() / outputs.label_mask.sum()
            self.accelerator.backward(weight * imitated)
            self._metrics["train"]["rehearsal_loss"].append(imitated.item())
            return loss + weight * imitated.detach()

        def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
            if not self._packs or "pixel_values" in inputs or self.aux_loss_enabled:
                return super()._compute_loss(model, inputs)
            logps, entropies, of_labels = self._score(model, inputs)
            self._scored = (logps, entropies, None)
            advantages, expected = inputs["advantages"], None
            if of_labels is not None:
                advantages, expected = labels.weigh(inputs, of_labels, width=logps.shape[1])
                advantages = advantages * inputs["advantages"][:, None]
            sampled = inputs.get("sampling_per_token_logps")
            if sampled is not None and "importance_sampling_ratio" not in inputs:
                now = inputs.get("old_per_token_logps", logps).detach()
                weights = (now - sampled).exp().clamp(max=cap).nan_to_num(nan=1.0)
                mask = inputs["completion_mask"] * inputs.get("tool_mask", 1)
                advantages = advantages if advantages.dim() == 2 else advantages[:, None]
                self._log_weights(weights, mask * (advantages != 0))
                advantages = advantages * weights
            try:
                loss = super()._compute_loss(model, inputs | {"advantages": advantages})
            finally:
                self._scored = None
            return loss if expected is None else loss + self._label_loss(expected, inputs)

        def _label_loss(self, expected: Any, inputs: Mapping[str, Any]) -> Any:
            """The term of the labels, with the normaliser that `dr_grpo` has for a token."""
            if self.model.training:
                self._metrics["train"]["labels/expected_reward"].append(expected.detach().mean().item())
            known = expected * (inputs["label_at"] >= 0) * inputs["advantages"]
            steps = self.current_gradient_accumulation_steps if self.model.training else 1
            return -known.sum() / (len(known) * self.max_completion_length) / steps

        def _get_per_token_logps_and_entropies(self, *args: Any, **more: Any) -> Any:
            return super()._get_per_token_logps_and_entropies(*args, **more) if self._scored is None else self._scored

        def _score(self, model: Any, inputs: Mapping[str, Any]) -> tuple[Any, Any, Any]:
            """(log-probabilities, entropies, (replies, tokens), log-probabilities of labels, (replies, labels)).

            Of replies that teach nothing there are none; their entropy is taken from what the sampler thought of their
            tokens, where that is known. None for the labels where they are not judged.
            """
            advantages, mask = inputs["advantages"], inputs["completion_mask"]
            teaches = (advantages if advantages.dim() == 1 else advantages.abs().sum(1)) != 0
            if self.beta != 0.0 or self._entropy_bonus_enabled or not self.model.training:
                teaches = torch.ones_like(teaches)
            elif not teaches.any() and self.accelerator.num_processes > 1:
                teaches[0] = True  # other processes wait for this one's gradients
            shape, device = mask.shape, mask.device
            sampled = inputs.get("sampling_per_token_logps")
            entropies = torch.zeros(shape, device=device) if sampled is None else -sampled.nan_to_num(nan=0.0)
            judges = "label_at" in inputs
            of_labels = torch.zeros(inputs["label_values"].shape, device=device) if judges else None
            if not teaches.any():
                return torch.zeros(shape, device=device, requires_grad=True), entropies, of_labels
            rows = teaches.nonzero().squeeze(1).tolist()
            groups, order = group_replies(inputs, rows)
            made = pack(groups, pad=self._tokenizer.pad_token_id)
            with self.accelerator.autocast():
                outputs = model(**{name: value.to(device) for name, value in made.items()}, fused_lm_head=True)
            place = torch.tensor(order, device=device)
            found = unpack(outputs.log_probs, groups, width=shape[1])
            logps = torch.zeros(shape, dtype=found.dtype, device=device).index_copy(0, place, found)
            if outputs.entropy is not None:
                found = unpack(outputs.entropy.detach(), groups, width=shape[1])
                entropies = entropies.to(found.dtype).index_copy(0, place, found)
            if of_labels is not None:
                of_labels = self._fill_labels(of_labels, unpack_options(outputs.log_probs, groups), groups, order)
            return logps, entropies, of_labels

        def _fill_labels(self, empty: Any, found: Any, groups: Sequence[Group], order: Sequence[int]) -> Any:
            """The labels' log-probabilities in the rows of their replies, -inf where a reply has fewer."""
            rows, filled, start = [], [], 0
            for group, of_group in zip(groups, found, strict=True):
                for fork, logps in zip(group.forks, of_group, strict=True):
                    rows.append(order[start + fork.reply])
                    lacking = empty.shape[1] - len(logps)
                    filled.append(torch.nn.functional.pad(logps, (0, lacking), value=float("-inf")))
                start += len(group.replies)
            if not rows:
                return empty
            made = torch.stack(filled)
            return empty.to(made.dtype).index_copy(0, torch.tensor(rows, device=empty.device), made)

        def _log_weights(self, weights: Any, mask: Any) -> None:
            of = weights[mask.bool()]
            if of.numel():
                self._metrics["train"]["sampling/importance_weight"].append(of.mean().item())
                self._metrics["train"]["sampling/importance_weight_capped"].append((of >= cap).float().mean().item())

    return GroupTrainer


def can_pack(config: Any) -> bool:
    """Whether attention of such a model obeys a mask of our own: not where it looks back only so far, or by kernels."""
    text = config.get_text_config()
    window = getattr(text, "sliding_window", None) if getattr(text, "use_sliding_window", True) else None
    return window is None and "flash" not in str(config._attn_implementation)


def sort_by_prompt(batches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same rows in as many batches of the same size, those of one prompt together."""
    import torch

    whole = {name: torch.cat([batch[name] for batch in batches]) for name in _rowwise(batches[0])}
    order: dict[tuple[int, ...], list[int]] = {}
    for row, ids in enumerate(whole["prompt_ids"].tolist()):
        order.setdefault(tuple(ids), []).append(row)
    places = torch.tensor([row for rows in order.values() for row in rows], device=whole["prompt_ids"].device)
    parts = places.chunk(len(batches))
    return [
        dict(batch) | {name: values[part] for name, values in whole.items()}
        for batch, part in zip(batches, parts, strict=True)
    ]


def _rowwise(batch: Mapping[str, Any]) -> list[str]:
    rows = len(batch["prompt_ids"])
    return [name for name, value in batch.items() if getattr(value, "ndim", 0) and len(value) == rows]


def group_replies(inputs: Mapping[str, Any], rows: Sequence[int]) -> tuple[list[Group], list[int]]:
    """(the groups of these rows of a batch of TRL's, the rows in the order in which the groups have their replies)."""
    found: dict[tuple[int, ...], list[tuple[int, tuple[int, ...]]]] = {}
    for row in rows:
        prompt = tuple(inputs["prompt_ids"][row][inputs["prompt_mask"][row].bool()].tolist())
        reply = tuple(inputs["completion_ids"][row][inputs["completion_mask"][row].bool()].tolist())
        if reply:
            found.setdefault(prompt, []).append((row, reply))
    groups = [
        Group(prompt, tuple(reply for _, reply in replies), _forks(inputs, [row for row, _ in replies]))
        for prompt, replies in found.items()
    ]
    return groups, [row for replies in found.values() for row, _ in replies]


def _forks(inputs: Mapping[str, Any], rows: Sequence[int]) -> tuple[Fork, ...]:
    """The labels that each of these replies could have had, where they are judged."""
    if "label_at" not in inputs:
        return ()
    options = (labels.read_options(inputs, row) for row in rows)
    return tuple(Fork(place, at, ids) for place, (at, ids) in enumerate(options) if ids)
