"""Saves a checkpoint every few minutes, because an interruption should cost minutes, however long a step takes."""

from __future__ import annotations

import time
from typing import Any


def save_by_time(minutes: float) -> Any:
    """A `TrainerCallback` that asks for a checkpoint when the last one is `minutes` old; for 0 it never does."""
    from transformers import TrainerCallback

    class SaveByTime(TrainerCallback):  # type: ignore[misc]
        last = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
            if minutes and time.monotonic() - self.last >= 60 * minutes:
                control.should_save = True
            return control

        def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
            self.last = time.monotonic()
            return control

    return SaveByTime()
