"""Scores dev steps while a model trains: greedy replies, as they are served, judged as `judge.scores` judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from r1router.train.grpo.live_policy import generate
from r1router.train.grpo.rollout_function import use_model
from r1router.train.judge.scores import StepScores, score_steps
from r1router.train.steps.render import RenderedStep

SCORE = "eval_score"
"""The metric that checkpoints are chosen by."""
PARTS = ("route_macro", "answer/length_aware", "final/length_aware")
"""Whose mean it is, as far as there are such steps; a malformed plan counts as routed wrong."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Rows that a policy is scored on while it trains."""

    name: str
    """Stands in the logs; empty for those of the task itself."""
    rows: Sequence[RenderedStep]
    weight: float = 1.0
    """In the mean that the best checkpoint is chosen by."""


def score_checkpoint(found: StepScores) -> float:
    """One number for all, in [0, 1]."""
    parts = [found.means[name] for name in PARTS if name in found.means]
    return sum(parts) / len(parts) if parts else found.means.get("format_valid", 0.0)


def average_scores(scores: Sequence[tuple[float, float]]) -> float:
    """The mean of (score, weight)."""
    return sum(score * weight for score, weight in scores) / sum(weight for _, weight in scores)


def make_trainer_class(sets: Sequence[Watched], *, max_tokens: int) -> Any:
    """TRL's trainer, evaluating with greedy replies to these sets; its own way samples, as in training.

    A checkpoint's score is the mean of the sets' scores by their weights, so that what is forgotten elsewhere counts.
    """
    from trl.trainer.grpo_trainer import GRPOTrainer

    class StepTrainer(GRPOTrainer):  # type: ignore[misc]
        control: Any

        def evaluate(
            self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
        ) -> dict[str, float]:
            self.model.eval()
            metrics: dict[str, float] = {}
            scores: list[tuple[float, float]] = []
            for one in sets:
                found = score_steps(one.rows, _replies(self, one.rows, max_tokens))
                prefix = f"{metric_key_prefix}_{one.name}/" if one.name else f"{metric_key_prefix}_"
                metrics |= {f"{prefix}{name}": mean for name, mean in found.means.items()}
                scores.append((score_checkpoint(found), one.weight))
                if one.name:
                    metrics[f"{prefix}score"] = scores[-1][0]
            metrics[f"{metric_key_prefix}_score"] = average_scores(scores)
            self.log(metrics)
            self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            return metrics

    return StepTrainer


def _replies(trainer: Any, rows: Sequence[RenderedStep], max_tokens: int) -> list[str]:
    """Each process answers its share, all of the same size, since sharded weights are gathered by all at once."""
    from accelerate.utils import gather_object

    processes, rank = trainer.accelerator.num_processes, trainer.accelerator.process_index
    size = -(-len(rows) // processes)
    mine = [(rank * size + place) % len(rows) for place in range(size)]
    replies = use_model(
        trainer,
        partial(
            generate,
            tokenizer=trainer.processing_class,
            asks=[rows[place].ask for place in mine],
            max_tokens=max_tokens,
        ),
    )
    texts = dict(gather_object([(place, reply.text) for place, reply in zip(mine, replies, strict=True)]))
    return [texts[place] for place in range(len(rows))]
