"""Watches the logs of a run and tells when it has collapsed: moving averages against bounds.

Reinforcement learning on a small model ends, when it goes wrong, in replies without form, far from where it began
(KL) or all alike (entropy near 0, or, as noise, far above). Going on after that only costs time.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1router.errors import R1RouterError
from r1router.train import run_folder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of the mean over the last `window` logs. What is not logged is not judged (KL is not, where beta is 0)."""

    format_valid: float = 0.5
    """Lowest share of replies that can be read."""
    kl: float = 1.0
    """Highest KL to the weights at the start, nats per token."""
    entropy: tuple[float, float] = (0.005, 4.0)
    """Nats per token, lowest and highest."""
    window: int = 10


class Watch:
    """What a run has logged, and whether that is still sound."""

    def __init__(self, bounds: Bounds = Bounds()) -> None:
        self.window = bounds.window
        low, high = bounds.entropy
        self._bounds = {
            "format_valid": (bounds.format_valid, float("inf")),
            "kl": (float("-inf"), bounds.kl),
            "entropy": (low, high),
        }
        self._seen: dict[str, deque[float]] = {name: deque(maxlen=bounds.window) for name in self._bounds}
        self._steps: deque[int] = deque(maxlen=bounds.window)
        self.reason = ""
        """Why it has collapsed; empty while it has not."""
        self.sound = 0
        """The last optimizer step before the window in which it left its bounds."""

    def see(self, step: int, logs: Mapping[str, Any]) -> str:
        """The reason, once it has collapsed, after the logs of one more step."""
        self._steps.append(step)
        for name, seen in self._seen.items():
            value = logs.get(name)
            if value is None:
                continue
            seen.append(float(value))
            low, high = self._bounds[name]
            mean = sum(seen) / len(seen)
            # A NaN is within no bounds.
            if not self.reason and len(seen) == seen.maxlen and not low <= mean <= high:
                bound = f"below {low}" if mean < low else f"above {high}" if mean > high else "no number"
                self.reason = f"the mean {name} of the last {len(seen)} logs is {mean:.3g}, {bound}"
                self.sound = self._steps[0] - 1
        return self.reason

    def recall(self, history: Iterable[Mapping[str, Any]]) -> None:
        """Takes up a run again, by what its trainer had logged."""
        for logs in history:
            if _of_training(logs) and not self.reason:
                self.see(logs["step"], logs)

    def last_sound(self, out: Path) -> Path | None:
        """The last checkpoint, of those from before a collapse where there was one."""
        if not self.reason:
            return run_folder.find_last_checkpoint(out)
        found = run_folder.find_checkpoints(out)
        step = max((step for step in found if step <= self.sound), default=None)
        if step is None:
            raise R1RouterError(
                f"training collapsed and no checkpoint is from before that: {self.reason}; lower the learning rate, "
                "save more often, or start from an adapter that knows the form"
            )
        log.warning("the weights of step %d are kept, the last before the collapse", step)
        return found[step]


def make_callback(watch: Watch) -> Any:
    """A `TrainerCallback` that ends the training when the watch says so."""
    from transformers import TrainerCallback

    class StopOnCollapse(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> Any:
            if logs and _of_training(logs) and not watch.reason and watch.see(state.global_step, logs):
                log.warning("training is stopped at step %d: %s", state.global_step, watch.reason)
                control.should_training_stop = True
            return control

    return StopOnCollapse()


def _of_training(logs: Mapping[str, Any]) -> bool:
    """Not of an evaluation, nor the summary at the end."""
    return "reward" in logs
