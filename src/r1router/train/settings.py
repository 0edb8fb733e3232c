"""Declares the settings of the training commands once: the command line makes its options from these fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHORT = Path(__file__).parents[1] / "prompt_sets" / "short"
"""The prompt set made for trained weights."""


def setting(default: Any, help: str, *, min: float | None = None, max: float | None = None) -> Any:
    """A field with what the command line says of it, and the bounds that it checks."""
    return field(default=default, metadata={"help": help, "min": min, "max": max})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """What every training run can be told; a stage adds its own."""

    base: str = setting(
        "", "The model to train: Hugging Face id or folder (with ?bits=4 in 4 bits), or GGUF file. [the default model]"
    )
    adapter: str = setting(
        "", "The adapter to start from: a folder of an earlier training, or a GGUF file. [a new LoRA]"
    )
    prompts: str = setting(str(SHORT), "Folder of prompt templates.")
    lora: int = setting(32, "Rank of a new LoRA; 0 trains all weights. An --adapter keeps its own.", min=0)
    layers: int = setting(0, "Put a new LoRA on the N upper layers only; 0 for all. An --adapter keeps its own.", min=0)
    vary_cards: bool = setting(
        True,
        "Rename, redescribe and shuffle the knowledge bases, so that their cards get read; sometimes cut evidence "
        "shorter than the prompt set does.",
    )
    save_every: int = setting(50, "Optimizer steps between checkpoints.", min=1)
    save_minutes: float = setting(5.0, "Most minutes between checkpoints; 0 leaves it to --save-every.", min=0.0)
    seed: int = setting(0, "Seed of everything that is drawn at random.")
    report_to: str = setting("none", "Where to send the logs: tensorboard, wandb, trackio or none.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SftSettings(TrainSettings):
    """What a run of supervised fine-tuning is told."""

    epochs: float = setting(1.0, "How often each step is seen.", min=0.0)
    optimizer_steps: int = setting(-1, "Updates of the weights; -1 for as many as the epochs take.")
    batch: int = setting(16, "Rows of an optimizer step, over all processes.", min=1)
    accumulate: int = setting(
        1, "Split each optimizer step into so many batches, for GPUs that cannot hold it whole.", min=1
    )
    tokens: int = setting(
        2048, "Tokens of one pass on a CPU, with padding. It bounds the memory, not the result; 0 for all rows.", min=0
    )
    learning_rate: float = setting(
        5e-4, "Its highest value, reached soon after the start; then it falls to 0 along a cosine.", min=0.0
    )
    max_tokens: int = setting(1024, "Leave out longer rows, and count them. Pictures do not count.", min=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoSettings(TrainSettings):
    """What a run of preference training is told. Its pairs show the knowledge bases as they were when sampled."""

    vary_cards: bool = setting(False, "Not for pairs: sampling has varied the knowledge bases.")
    beta: float = setting(0.1, "How strongly to stay close to the weights at the start.", min=0.0)
    epochs: float = setting(1.0, "How often each pair is seen.", min=0.0)
    optimizer_steps: int = setting(-1, "Updates of the weights; -1 for as many as the epochs take.")
    batch: int = setting(16, "Pairs of an optimizer step, over all processes.", min=1)
    accumulate: int = setting(4, "Split each optimizer step into so many batches.", min=1)
    learning_rate: float = setting(5e-5, "Its highest value, soon after the start; then a cosine to 0.", min=0.0)
    max_tokens: int = setting(1024, "Leave out longer pairs, and count them.", min=1)
