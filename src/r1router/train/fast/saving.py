"""Saves a checkpoint every few minutes, because an interruption should cost minutes, however long a step takes.

Each has its prompts beside it, so that one of a run that still goes on is exported, and asked, as it was trained.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any


def save_by_time(minutes: float, prompts: Path) -> Any:
    """A `TrainerCallback` that asks for a checkpoint when the last one is `minutes` old; for 0 it never does.

    Each checkpoint, whoever asked for it, gets a copy of the folder `prompts`.
    """
    from transformers import TrainerCallback

    class SaveByTime(TrainerCallback):  # type: ignore[misc]
        last = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
            if minutes and time.monotonic() - self.last >= 60 * minutes:
                control.should_save = True
            return control

        def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
            self.last = time.monotonic()
            if state.is_world_process_zero:
                checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                shutil.copytree(prompts, checkpoint / "prompts", dirs_exist_ok=True)
            return control

    return SaveByTime()
