"""Scores dev steps while a model trains: greedy replies, as they are served, judged as `judge.scores` judges."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from r1router.train.grpo.live_policy import generate
from r1router.train.grpo.rollout_function import use_model
from r1router.train.judge.scores import StepScores, score_steps
from r1router.train.steps.rows import Row

SCORE = "eval_score"
"""The metric that checkpoints are chosen by."""
PARTS = ("route_macro", "answer/length_aware", "final/length_aware")
"""Whose mean it is, as far as there are such steps; a malformed plan counts as routed wrong."""


def score_checkpoint(found: StepScores) -> float:
    """One number for all, in [0, 1]."""
    parts = [found.means[name] for name in PARTS if name in found.means]
    return sum(parts) / len(parts) if parts else found.means.get("format_valid", 0.0)


def make_trainer_class(rows: Sequence[Row], *, max_tokens: int) -> Any:
    """TRL's trainer, evaluating with greedy replies to these rows; its own way samples, as in training."""
    from trl.trainer.grpo_trainer import GRPOTrainer

    class StepTrainer(GRPOTrainer):  # type: ignore[misc]
        control: Any

        def evaluate(
            self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
        ) -> dict[str, float]:
            self.model.eval()
            found = score_steps(rows, _replies(self, rows, max_tokens))
            metrics = {f"{metric_key_prefix}_{name}": mean for name, mean in found.means.items()}
            metrics[f"{metric_key_prefix}_score"] = score_checkpoint(found)
            self.log(metrics)
            self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            return metrics

    return StepTrainer


def _replies(trainer: Any, rows: Sequence[Row], max_tokens: int) -> list[str]:
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
