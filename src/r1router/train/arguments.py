"""Makes the arguments that TRL's trainers of rows share, because imitating and preferring are run alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from r1router.train.settings import DpoSettings, SftSettings


def make_arguments(out: Path, settings: SftSettings | DpoSettings, *, processes: int, on_gpu: bool) -> dict[str, Any]:
    """What `SFTConfig` and `DPOConfig` both take. `processes`: how many train together."""
    return {
        "output_dir": str(out),
        "num_train_epochs": settings.epochs,
        "max_steps": settings.optimizer_steps,
        "per_device_train_batch_size": settings.batch // settings.accumulate // processes,
        "gradient_accumulation_steps": settings.accumulate,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.03,
        "max_length": None,
        "save_steps": settings.save_every,
        "save_total_limit": 2,
        "report_to": settings.report_to,
        "seed": settings.seed,
        "use_cpu": not on_gpu,
        "bf16": on_gpu,
        "activation_checkpointing": on_gpu,
        "dataloader_pin_memory": on_gpu,
    }
