"""Fills TRL's `rollout_func` with groups, from a pool of explored questions or for the prompts of the data.

Either way a prompt is read once for its group, by vLLM or by the model that is being trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from r1router.errors import R1RouterError
from r1router.train.grpo.live_policy import Sampled, encode, encode_chat, generate_groups, make_sampled
from r1router.train.grpo.rollout_pool import Pool
from r1router.types import Reply

T = TypeVar("T")


def make_rollout_function(pool: Pool) -> Callable[[Any, Any], dict[str, list[Any]]]:
    """Groups from live questions in place of completions of the data set's prompts.

    Each prompt's last message is the id of a task. They come repeated, a group of places at a time, and each such
    group is filled with the next decision of a question of the pool, which need not be the one named: what the
    policy saw goes back in `prompt_ids`, and what came of each reply as the column `outcome`.
    """

    def roll_out(prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
        ids = [prompt[-1]["content"] for prompt in prompts[:: trainer.num_generations]]
        groups = pool.next_groups(
            ids, lambda asks: _generate(trainer, [encode(_tokenizer(trainer), ask) for ask in asks])
        )
        replies = [_with_tokens(reply) for group in groups for reply in group.replies]
        return _columns(replies) | {"outcome": [outcome for group in groups for outcome in group.outcomes]}

    return roll_out


def sample_prompts(prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
    """A `rollout_func`: groups for the prompts of the data set, which come repeated, a group at a time."""
    encoded = [encode_chat(_tokenizer(trainer), prompt) for prompt in prompts[:: trainer.num_generations]]
    return _columns([reply for group in _generate(trainer, encoded) for reply in group])


def _columns(replies: Sequence[Sampled]) -> dict[str, list[Any]]:
    return {
        "prompt_ids": [list(reply.prompt_ids) for reply in replies],
        "completion_ids": [list(reply.ids) for reply in replies],
        "logprobs": [list(reply.logprobs) for reply in replies],
    }


def _tokenizer(trainer: Any) -> Any:
    return trainer.processing_class


def _with_tokens(reply: Reply) -> Sampled:
    """The reply itself: an optimizer step over all but some of the replies would train on other groups unnoticed."""
    if not isinstance(reply, Sampled):
        raise R1RouterError(
            f"a {type(reply).__name__} without token ids came back from the rollout pool, and none can be trained on; "
            "the method must pass on the replies that it was given"
        )
    return reply


def _generate(trainer: Any, prompts: Sequence[list[int]]) -> list[list[Sampled]]:
    """One group for each prompt: by vLLM where the trainer has it, else by the model that is being trained."""
    size, tokenizer = trainer.num_generations, _tokenizer(trainer)
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
