"""Checks that the launcher and the requested sharding agree, because both fall back to one process silently."""

from __future__ import annotations

import os
from typing import Any

from r1router.errors import InputError

SHARDINGS = ("none", "ddp", "fsdp", "deepspeed")


def check_processes(*, processes: int = 0, sharding: str = "") -> int:
    """How many processes train together. Raises `InputError` where these are not the ones asked for.

    `processes` 0 and `sharding` "" ask for nothing in particular.
    """
    if sharding and sharding not in SHARDINGS:
        raise InputError(f"sharding is one of {', '.join(SHARDINGS)}, not {sharding!r}")
    found = int(find_state().num_processes)
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    if launched != found:
        raise InputError(f"{launched} processes were launched and train as {found}; check the launcher's options")
    if processes and processes != found:
        raise InputError(
            f"{processes} processes were asked for and there {'is' if found == 1 else 'are'} {found}; launch with: "
            f"torchrun --nproc_per_node {processes} --no-python r1router train … (on CPUs: ACCELERATE_USE_CPU=true)"
        )
    return found


def check_batch(batch: int, what: str, *, accumulate: int, processes: int) -> None:
    """Raises `InputError` where so many rows, or pairs, cannot be shared equally."""
    if batch % (accumulate * processes):
        shares = f"{accumulate} batches of {processes} processes"
        raise InputError(f"a batch of {batch} {what} cannot be shared by {shares}")


def find_state() -> Any:
    """Accelerate's state of this process; it has to be told that there is no GPU before it looks for others."""
    import torch
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available())


def check_sharding(accelerator: Any, sharding: str) -> None:
    """Raises `InputError` where the weights are not spread as asked for; `accelerator` is the trainer's."""
    kind = str(accelerator.distributed_type.value).lower()
    found = "none" if kind == "no" else "ddp" if kind.startswith("multi_") else kind
    if sharding and found != sharding:
        raise InputError(
            f"the sharding {sharding} was asked for and it is {found} ({kind}); launch with `accelerate launch "
            f"--config_file FILE` (recipes/accelerate), on GPUs: on CPUs there is ddp alone"
        )
