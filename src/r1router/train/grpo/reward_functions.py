"""Makes the functions that TRL calls: one for each reward, all of them over the same outcomes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from r1router.prompts import Prompts
from r1router.train.rewards import Values, Weighted
from r1router.train.rewards._outcomes import Outcome, read_outcome
from r1router.train.steps.render import RenderedStep

OutcomesOf = Callable[[Sequence[str], Sequence[Sequence[int]], Mapping[str, Any]], list[Outcome]]
"""(replies, their token ids, the columns of their rows) to what came of them."""


def look_up_outcomes(rows: Sequence[RenderedStep], prompts: Prompts) -> OutcomesOf:
    """Replies to rows of a data set that names them by their step's id in the column `step`."""
    table = {row.step.id: row for row in rows}
    labels = {row.step.id: prompts.labels({card.name: card for card in row.step.kbs}) for row in rows}

    def outcomes(replies: Sequence[str], ids: Sequence[Sequence[int]], columns: Mapping[str, Any]) -> list[Outcome]:
        return [
            read_outcome(table[name].step, reply, routes=labels[name], shape=table[name].ask.shape, tokens=len(tokens))
            for name, reply, tokens in zip(columns["step"], replies, ids, strict=True)
        ]

    return outcomes


def take_outcomes(replies: Sequence[str], ids: Sequence[Sequence[int]], columns: Mapping[str, Any]) -> list[Outcome]:
    """Replies that the rollout has looked at already."""
    return list(columns["outcome"])


def make_reward_functions(rewards: Sequence[Weighted], outcomes_of: OutcomesOf) -> list[Callable[..., Values]]:
    """What TRL takes as `reward_funcs`, in the order of the rewards. The first logs the share of readable replies."""
    last: tuple[object, list[Outcome]] = (None, [])

    def outcomes(completions: Any, ids: Any, columns: Mapping[str, Any]) -> tuple[list[Outcome], bool]:
        """Read once for all rewards of a batch; and whether this is the first to ask."""
        nonlocal last
        first = last[0] is not completions
        if first:
            replies = [messages[0]["content"] for messages in completions]
            last = (completions, outcomes_of(replies, ids, columns))
        return last[1], first

    def function(one: Weighted) -> Callable[..., Values]:
        def reward(*, completions: Any, completion_ids: Any, log_metric: Any, **columns: Any) -> Values:
            judged, first = outcomes(completions, completion_ids, columns)
            if first:
                log_metric("format_valid", sum(outcome.said is not None for outcome in judged) / len(judged))
            values = one.reward(judged)
            for kind, mean in average_by_kind(judged, values).items():
                log_metric(f"rewards/{one.name}/{kind}", mean)
            return values

        reward.__name__ = one.name
        return reward

    return [function(one) for one in rewards]


def average_by_kind(outcomes: Sequence[Outcome], values: Values) -> dict[str, float]:
    """The mean of what was judged of each kind of step that is there: plan, stop (a plan that is to stop), answer, …"""
    judged: dict[str, list[float]] = {}
    for outcome, value in zip(outcomes, values, strict=True):
        if value is not None:
            judged.setdefault("stop" if outcome.step.stops else outcome.step.kind, []).append(value)
    return {kind: sum(of) / len(of) for kind, of in judged.items()}


def silence_unjudged() -> None:
    """Lets TRL say nothing of replies to which no reward applies: online there are such decisions, and their
    advantage is 0; it would print each of them whole."""
    logging.getLogger("trl.trainer.grpo_trainer").addFilter(
        lambda record: not record.getMessage().startswith("All reward functions returned None")
    )
