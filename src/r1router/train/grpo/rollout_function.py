"""Makes what TRL's trainer takes for a generation, its `rollout_func`, of a pool of explored questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from r1router.errors import R1RouterError
from r1router.train.grpo.live_policy import Sampled, encode, generate, make_sampled
from r1router.train.grpo.rollout_pool import Pool
from r1router.types import Ask, Reply


def make_rollout_function(pool: Pool) -> Callable[[Any, Any], dict[str, list[Any]]]:
    """Groups from live questions in place of completions of the data set's prompts.

    Each prompt's last message is the id of a task. They come repeated, a group of places at a time, and each such
    group is filled with the next decision of a question of the pool, which need not be the one named: what the
    policy saw goes back in `prompt_ids`, and what came of each reply as the column `outcome`.
    """

    def roll_out(prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
        ids = [prompt[-1]["content"] for prompt in prompts[:: trainer.num_generations]]
        groups = pool.next_groups(ids, partial(_generate, trainer))
        replies = [_with_tokens(reply) for group in groups for reply in group.replies]
        return {
            "prompt_ids": [list(reply.prompt_ids) for reply in replies],
            "completion_ids": [list(reply.ids) for reply in replies],
            "logprobs": [list(reply.logprobs) for reply in replies],
            "outcome": [outcome for group in groups for outcome in group.outcomes],
        }

    return roll_out


def _with_tokens(reply: Reply) -> Sampled:
    """The reply itself: an optimizer step over all but some of the replies would train on other groups unnoticed."""
    if not isinstance(reply, Sampled):
        raise R1RouterError(
            f"a {type(reply).__name__} without token ids came back from the rollout pool, and none can be trained on; "
            "the method must pass on the replies that it was given"
        )
    return reply


def _generate(trainer: Any, asks: Sequence[Ask]) -> list[list[Sampled]]:
    """One group for each request: by vLLM where the trainer has it, else by the model that is being trained."""
    size, tokenizer = trainer.num_generations, trainer.processing_class
    repeated = [ask for ask in asks for _ in range(size)]
    if trainer.use_vllm:
        prompts = [encode(tokenizer, ask) for ask in repeated]
        _, ids, logprobs, _ = trainer.vllm_generation.generate(prompts=prompts, images=None, num_generations=size)
        replies = [
            make_sampled(tokenizer, prompt, reply, [of_token[0] for of_token in said])
            for prompt, reply, said in zip(prompts, ids, logprobs, strict=True)
        ]
    else:
        replies = use_model(
            trainer,
            partial(
                generate,
                tokenizer=tokenizer,
                asks=repeated,
                temperature=trainer.temperature,
                max_tokens=trainer.max_completion_length,
            ),
        )
    return [replies[start : start + size] for start in range(0, len(replies), size)]


def use_model(trainer: Any, use: Callable[[Any], list[Sampled]]) -> list[Sampled]:
    """`use` of the trainer's model as one that can generate, whatever it is wrapped and sharded in."""
    from trl.distributed import DistributedBackend
    from trl.models import unwrap_model_for_generation

    spread = DistributedBackend(trainer.accelerator)
    with (
        unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator) as model,
        spread.summon_full_params(trainer.model_wrapped, recurse=False),
    ):
        return use(model)
