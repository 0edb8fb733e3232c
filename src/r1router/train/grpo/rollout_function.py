"""Fills TRL's `rollout_func` with groups, from a pool of explored questions or for the prompts of the data.

Either way a prompt is read once for its group, by vLLM or by the model that is being trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from r1router.errors import R1RouterError
from r1router.train.fast.labels import LabelChoices
from r1router.train.grpo.live_policy import Sampled, encode, encode_chat, generate_groups, make_sampled, read
from r1router.train.grpo.rollout_pool import LabelValues, Pool
from r1router.types import Reply

T = TypeVar("T")


def make_rollout_function(pool: Pool) -> Callable[[Any, Any], dict[str, list[Any]]]:
    """Groups from live questions in place of completions of the data set's prompts.

    Each prompt's last message is the id of a task. They come repeated, a group of places at a time, and each such
    group is filled with the next decision of a question of the pool, which need not be the one named: what the
    policy saw goes back in `prompt_ids`, and what came of each reply as the column `outcome`. Where the pool judges
    all labels, what each would have earned goes along as `options` (see `train.fast.labels`).
    """

    def roll_out(prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
        ids = [prompt[-1]["content"] for prompt in prompts[:: trainer.num_generations]]
        groups = pool.next_groups(
            ids,
            lambda asks, count: _generate(trainer, [encode(trainer.processing_class, ask) for ask in asks], count),
            lambda wanted: use_model(trainer, partial(read, tokenizer=trainer.processing_class, wanted=wanted)),
        )
        replies = [_with_tokens(reply) for group in groups for reply in group.replies]
        made = _columns(replies) | {"outcome": [outcome for group in groups for outcome in group.outcomes]}
        if not pool.judges_all_labels:
            return made
        by_label = [labels for group in groups for labels in group.by_label]
        return made | {
            "options": [
                find_options(trainer.processing_class, reply, of) for reply, of in zip(replies, by_label, strict=True)
            ],
            "value": [value or 0.0 for group in groups for value in group.values],
        }

    return roll_out


def sample_prompts(prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
    """A `rollout_func`: groups for the prompts of the data set, which come repeated, a group at a time."""
    encoded = [encode_chat(trainer.processing_class, prompt) for prompt in prompts[:: trainer.num_generations]]
    return _columns([reply for group in _generate(trainer, encoded) for reply in group])


def _columns(replies: Sequence[Sampled]) -> dict[str, list[Any]]:
    return {
        "prompt_ids": [list(reply.prompt_ids) for reply in replies],
        "completion_ids": [list(reply.ids) for reply in replies],
        "logprobs": [list(reply.logprobs) for reply in replies],
    }


def find_options(tokenizer: Any, reply: Sampled, of: LabelValues | None) -> LabelChoices | None:
    """The labels that a reply could have had, as tokens; None where its own is cut into other tokens than alone."""
    if of is None:
        return None
    ids = [tuple(tokenizer.encode(f"{label}</ret>", add_special_tokens=False)) for label in of.labels]
    own = ids[of.said]
    for at in range(len(reply.ids) - len(own), -1, -1):
        if reply.ids[at : at + len(own)] == own and _decode(tokenizer, reply.ids[:at]) == of.before:
            return LabelChoices(at, tuple(ids), of.values, of.said)
    return None


def _decode(tokenizer: Any, ids: Sequence[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


def _with_tokens(reply: Reply) -> Sampled:
    """The reply itself: an optimizer step over all but some of the replies would train on other groups unnoticed."""
    if not isinstance(reply, Sampled):
        raise R1RouterError(
            f"a {type(reply).__name__} without token ids came back from the rollout pool, and none can be trained on; "
            "the method must pass on the replies that it was given"
        )
    return reply


def _generate(trainer: Any, prompts: Sequence[list[int]], count: int = 0) -> list[list[Sampled]]:
    """`count` replies to each prompt, by itself a group: by vLLM where the trainer has it, else by its own model."""
    size, tokenizer = count or trainer.num_generations, trainer.processing_class
    if not trainer.use_vllm:
        return use_model(
            trainer,
            partial(
                generate_groups,
                tokenizer=tokenizer,
                prompts=prompts,
                count=size,
                temperature=trainer.temperature,
                max_tokens=trainer.max_completion_length,
            ),
        )
    repeated = [prompt for prompt in prompts for _ in range(size)]
    _, ids, logprobs, _ = trainer.vllm_generation.generate(prompts=repeated, images=None, num_generations=size)
    replies = [
        make_sampled(tokenizer, prompt, reply, [of_token[0] for of_token in said])
        for prompt, reply, said in zip(repeated, ids, logprobs, strict=True)
    ]
    return [replies[start : start + size] for start in range(0, len(replies), size)]


def use_model(trainer: Any, use: Callable[[Any], T]) -> T:
    """`use` of the trainer's model as one that can generate, whatever it is wrapped and sharded in."""
    from trl.distributed import DistributedBackend
    from trl.models import unwrap_model_for_generation

    spread = DistributedBackend(trainer.accelerator)
    with (
        unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator) as model,
        spread.summon_full_params(trainer.model_wrapped, recurse=False),
    ):
        return use(model)
