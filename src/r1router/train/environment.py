"""Serves our loop as an environment, because other trainers of many turns should be able to train on it.

    episode = Episode(tasks, {"": kbs}, prompts=prompts, rewards=load_rewards({"evidence_rank": 1.0}))
    messages = episode.reset("q1")
    while messages:
        turn = episode.step(reply_to(messages))
        messages = turn.messages

Each turn is a prompt of its own, as it is served: history stands in it, and earlier messages do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1router.kb.collections import Collections
from r1router.methods import load_method
from r1router.policies._chat import write_chat_json
from r1router.prompts import Prompts
from r1router.train.grpo.rollout_pool import Pool
from r1router.train.rewards import Weighted
from r1router.train.steps.tasks import Task
from r1router.types import Ask, Reply

Messages = list[dict[str, Any]]
"""As chat templates and OpenAI's protocol have them."""


@dataclass(frozen=True, slots=True)
class Turn:
    messages: Messages
    """What is asked next; empty at the end of the question."""
    reward: float
    """Of the reply before, by the rewards that apply to it; 0 where none does."""


class Episode:
    """One question at a time; `reset` begins the next one."""

    def __init__(
        self,
        tasks: Mapping[str, Task],
        collections: Collections,
        *,
        prompts: Prompts,
        rewards: Sequence[Weighted],
        method: str = "r1_router",
        max_steps: int = 3,
        k: int = 5,
    ) -> None:
        """`tasks` are those of `steps.question_tasks.read_tasks`, which searches in `collections`: those of
        `kb.collections.open_collections`, or knowledge bases as the one named "". Raises as `load_method`."""
        self._tasks, self._collections = tasks, collections
        self._prompts, self._rewards, self._k = prompts, rewards, k
        self._method = load_method(method, max_steps=max_steps, k=k)
        self._pool: Pool | None = None
        self._asking: Any = []

    def reset(self, id: str) -> Messages:
        """The first request of this task. An unfinished question is given up. Raises `KeyError` for an unknown id."""
        self.close()
        task = self._tasks[id]
        self._pool = Pool(
            {id: task},
            self._collections,
            method=self._method,
            prompts=self._prompts,
            rewards=self._rewards,
            k=self._k,
        )
        self._asking = self._pool.bring_to_decisions([id], _refuse)
        return self._messages()

    def step(self, reply: str) -> Turn:
        """What comes after this reply: searches are made, tables are asked, until the policy is asked again."""
        if self._pool is None:
            raise RuntimeError("this episode has ended, or was not begun; call reset first")
        (walk, _), finished = self._asking[0], self._pool.finished
        (judged,) = self._pool.take_replies(self._asking, [[Reply(reply)]])
        self._asking = self._pool.bring_to_decisions([walk.task.id], _refuse)
        reward = judged.values[0] or 0.0
        if self._pool.finished > finished:  # the pool has begun the next question
            self.close()
            return Turn([], reward)
        return Turn(self._messages(), reward)

    def close(self) -> None:
        """Gives up the question that is under way."""
        if self._pool:
            self._pool.close()
        self._pool = None

    def _messages(self) -> Messages:
        (_, ask) = self._asking[0]
        return write_chat_json(ask.messages, pictures=False)


def _refuse(asks: Sequence[Ask], count: int) -> Sequence[Sequence[Reply]]:
    raise AssertionError("every decision is the policy's")
